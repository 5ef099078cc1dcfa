//! One attack in a process of its own, so that one that is ended harms no other.
//!
//! The child tells what came of it, and then holds still: what it has and what it is can be
//! looked at from outside until it is ended.

use std::ffi::CStr;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;

use nix::errno::Errno;

use super::call::call;
use super::{Attack, Outcome, Prey};

/// How long an attack may take, in seconds.
const LONGEST: u32 = 10;

/// What an attack came to.
#[derive(Debug)]
pub(crate) enum Told {
    /// It told so itself.
    Outcome(Outcome),
    /// It told nothing, because this signal ended it.
    Ended(i32),
}

/// An attack that has been made, and is held.
#[derive(Debug)]
pub(crate) struct Held {
    pid: i32,
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = super::super::process::signal(self.pid, libc::SIGKILL);
        super::super::process::reap(self.pid);
    }
}

/// Makes an attack in a child of this process, which has one thread.
///
/// # Errors
/// When there can be no child.
pub(crate) fn attack(attack: Attack, prey: &Prey) -> io::Result<(Held, Told)> {
    let (from_child, to_parent) = super::super::stdio::pipe()?;
    let pid = super::running::fork()?;
    if pid == 0 {
        drop(from_child);
        settle(&prey.mark);
        tell(to_parent, attack(prey));
        hold();
    }
    drop(to_parent);
    let held = Held {
        pid: i32::try_from(pid).unwrap_or(0),
    };
    let told = match hear(from_child) {
        Some(outcome) => Told::Outcome(outcome),
        None => Told::Ended(how_it_ended(held.pid)),
    };
    Ok((held, told))
}

/// Gives the process its name, an end to its time, and the usual answer to signals.
fn settle(mark: &CStr) {
    let _ = call!(libc::SYS_prctl, libc::PR_SET_NAME, mark, 0, 0, 0);
    nix::unistd::alarm::set(LONGEST);
}

fn tell(to: OwnedFd, outcome: Outcome) {
    let (errno, loot) = match outcome {
        Ok(loot) => (0, loot),
        Err(errno) => (errno as i32, Vec::new()),
    };
    let mut bytes = errno.to_ne_bytes().to_vec();
    bytes.extend((loot.len() as u64).to_ne_bytes());
    bytes.extend(loot);
    // Whoever does not hear it takes the attack for one that was ended.
    let _ = std::fs::File::from(to).write_all(&bytes);
}

fn hear(from: OwnedFd) -> Option<Outcome> {
    let mut from = std::fs::File::from(from);
    let (mut errno, mut length) = ([0; 4], [0; 8]);
    from.read_exact(&mut errno).ok()?;
    from.read_exact(&mut length).ok()?;
    let mut loot = vec![0; usize::try_from(u64::from_ne_bytes(length)).ok()?];
    // Not to the end: what an attack left behind may hold the pipe open.
    from.read_exact(&mut loot).ok()?;
    Some(match i32::from_ne_bytes(errno) {
        0 => Ok(loot),
        errno => Err(Errno::from_raw(errno)),
    })
}

/// The signal that ended a child, which is left to be reaped.
fn how_it_ended(pid: i32) -> i32 {
    use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    match waitid(Id::Pid(nix::unistd::Pid::from_raw(pid)), flags) {
        Ok(WaitStatus::Signaled(_, signal, _)) => signal as i32,
        _ => 0,
    }
}

/// Holds still until ended.
pub(super) fn hold() -> ! {
    loop {
        nix::unistd::pause();
    }
}
