//! A roll of processes: a file on which each of them holds a lock as long as it lives.
//!
//! The kernel tells who holds a lock, and takes it away when the process ends, however it ends.
//! So whoever is found on the roll is there, and no number written down can have become another
//! process meanwhile. Locks of fcntl(2) belong to a process and not to its forks: launchers are
//! not on the roll, and the lock is gone when any descriptor of the file is closed, which is why
//! each process has one only.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use nix::fcntl::{FcntlArg, fcntl};

use super::process::pidfd_of;

/// The rolls that this process is on, and how often.
static ENROLLED: Mutex<Option<HashMap<PathBuf, (File, usize)>>> = Mutex::new(None);

/// A place on a roll, given up when it is dropped.
#[derive(Debug)]
pub struct Enrolled(PathBuf);

impl Enrolled {
    /// Enters this process on a roll, whose file `open` opens where it is not open yet.
    ///
    /// # Errors
    /// When the file cannot be opened, or its file system has no locks.
    pub fn on<E: From<io::Error>>(
        path: &Path,
        open: impl FnOnce() -> Result<File, E>,
    ) -> Result<Self, E> {
        let mut rolls = ENROLLED.lock().unwrap_or_else(PoisonError::into_inner);
        let rolls = rolls.get_or_insert_default();
        if let Some((_, count)) = rolls.get_mut(path) {
            *count += 1;
            return Ok(Self(path.to_owned()));
        }
        let file = open()?;
        let own = libc::off_t::from(std::process::id().cast_signed());
        // Shared, as in another pid namespace someone can have the same number.
        let lock = lock(libc::F_RDLCK, own, 1);
        fcntl(&file, FcntlArg::F_SETLK(&lock)).map_err(io::Error::from)?;
        rolls.insert(path.to_owned(), (file, 1));
        Ok(Self(path.to_owned()))
    }
}

impl Drop for Enrolled {
    fn drop(&mut self) {
        let mut rolls = ENROLLED.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(rolls) = rolls.as_mut() else {
            return;
        };
        if let Some((_, count)) = rolls.get_mut(&self.0) {
            *count -= 1;
            if *count == 0 {
                rolls.remove(&self.0);
            }
        }
    }
}

/// A place on a roll, which is held by somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(libc::off_t);

/// Somebody on a roll.
#[derive(Debug)]
pub struct Holder {
    /// Its process id.
    pub pid: i32,
    /// The process itself; none where this one cannot see it, as from a pid namespace.
    pub process: Option<OwnedFd>,
}

/// The places that are held at this moment; to be asked by a process that is not on the roll.
///
/// The kernel gives any lock in a range, not the first. So what lies before it and what lies
/// after it is asked for again.
///
/// # Errors
/// When the kernel cannot tell.
pub fn places(file: &File) -> io::Result<Vec<Place>> {
    let mut found = Vec::new();
    let mut ranges = vec![(0, TO_THE_END)];
    while let Some((from, to)) = ranges.pop() {
        let length = if to == TO_THE_END { 0 } else { to - from };
        let Some(held) = held_from(file, from, length)? else {
            continue;
        };
        // Ours are one byte long; of another, what lies in the range counts.
        let start = held.l_start.clamp(from, to);
        let end = match held.l_len {
            0 => to,
            length => held.l_start.saturating_add(length).clamp(start, to),
        };
        found.push(Place(start));
        ranges.extend(
            [(from, start), (end, to)]
                .into_iter()
                .filter(|(from, to)| from < to),
        );
    }
    found.sort_unstable();
    Ok(found)
}

const TO_THE_END: libc::off_t = libc::off_t::MAX;

impl Place {
    /// Who holds the place; none where nobody does any more. There can be several, one after
    /// the other: in another pid namespace someone can have the same number.
    ///
    /// # Errors
    /// When the kernel cannot tell.
    pub fn holder(self, file: &File) -> io::Result<Option<Holder>> {
        loop {
            let Some(held) = held_from(file, self.0, 1)? else {
                return Ok(None);
            };
            let pid = held.l_pid;
            let process = pidfd_of(pid).ok();
            // The number was the holder's both before and after it was opened, and a process
            // that has ended holds nothing: it was the holder's all the while.
            if held_from(file, self.0, 1)?.is_some_and(|again| again.l_pid == pid) {
                return Ok(Some(Holder { pid, process }));
            }
        }
    }
}

impl Holder {
    /// Kills the process.
    ///
    /// # Errors
    /// When it is someone else's, or cannot be seen.
    pub fn kill(&self) -> io::Result<()> {
        let process = self.process.as_ref();
        let process = process.ok_or_else(|| io::Error::from_raw_os_error(libc::ESRCH))?;
        super::process::kill_by(process.as_fd())
    }
}

/// A lock in so many bytes; in all to the end where the number is 0.
fn held_from(file: &File, from: i64, length: i64) -> io::Result<Option<libc::flock>> {
    let mut found = lock(libc::F_WRLCK, from, length);
    fcntl(file, FcntlArg::F_GETLK(&mut found))?;
    let is_held = i32::from(found.l_type) != libc::F_UNLCK;
    Ok(is_held.then_some(found))
}

fn lock(kind: libc::c_int, start: libc::off_t, length: libc::off_t) -> libc::flock {
    libc::flock {
        l_type: libc::c_short::try_from(kind).unwrap_or_default(),
        l_whence: libc::c_short::try_from(libc::SEEK_SET).unwrap_or_default(),
        l_start: start,
        l_len: length,
        l_pid: 0,
    }
}
