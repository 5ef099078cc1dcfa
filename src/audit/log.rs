//! Appending: one record, one `write`, under a lock that all processes share.
//!
//! The lock is `flock` on the log file itself. Whoever holds it knows where the log stands:
//! from memory when nobody else appended meanwhile, or else from the last record. A record
//! that could not be written whole is cut off again before the lock is given back.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::chain::seal;
use super::files::{LOG, LONGEST_RECORD, Position, begun, position, read_error, sealed_name};
use super::head::{self, HEAD};
use super::keeping::Keeping;
use super::lock::{Lock, Purpose};
use super::notary::{Notary, Seems};
use super::own::{Own, write_own};
use super::record::{Stamp, write_entry};
use super::repair::{self, Witnesses};
use super::{AuditError, Entry, Event, RecordId};
use crate::sys::machine::Machine;
use crate::sys::private::{
    Access, FileState, PrivateDirectory, PrivateError, file_size_limit, state_of_open,
};

/// The audit log of one state directory. Threads may share it; other processes may append too.
#[derive(Debug)]
pub struct AuditLog {
    pub(super) directory: PrivateDirectory,
    machine: Machine,
    pub(super) keeping: Keeping,
    writer: Mutex<Writer>,
}

#[derive(Debug)]
pub(super) struct Writer {
    file: Arc<File>,
    identity: FileState,
    head: File,
    pub(super) notary: Notary,
    /// Where the log stood after our last append; none where it must be read again.
    known: Option<Position>,
    /// The last record that a checkpoint vouches for, as far as we know.
    pub(super) attested: u64,
    /// When the first record of the file was written, once that was asked.
    begun: Option<u64>,
    /// Whether we have just begun a new file.
    has_rotated: bool,
    line: Vec<u8>,
}

impl Writer {
    fn open(directory: &PrivateDirectory) -> Result<Self, AuditError> {
        let (file, identity) = open_log(directory)?;
        Ok(Self {
            file,
            identity,
            head: directory.open_file(HEAD, Access::Update)?,
            notary: Notary::open(directory)?,
            known: None,
            attested: 0,
            begun: None,
            has_rotated: false,
            line: Vec::with_capacity(4096),
        })
    }
}

impl AuditLog {
    /// Opens the log in the directory, and makes both where they are missing.
    ///
    /// A torn record that a crash left behind is repaired here.
    ///
    /// # Errors
    /// When the directory or the log is not private to this user, or cannot be written.
    pub fn open(directory: &Path) -> Result<Self, AuditError> {
        Self::open_kept(directory, Keeping::default())
    }

    /// Opens the log, which is kept by these rules from now on.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_kept(directory: &Path, keeping: Keeping) -> Result<Self, AuditError> {
        let directory = PrivateDirectory::open_or_create(directory)?;
        let writer = Writer::open(&directory)?;
        let log = Self {
            directory,
            machine: Machine::current(),
            keeping,
            writer: Mutex::new(writer),
        };
        log.locked(|writer, position| log.remove_old(writer, position))?;
        Ok(log)
    }

    /// The same log, which begins a new file when the old one has reached this many bytes.
    #[must_use]
    pub fn with_files_of(mut self, bytes: u64) -> Self {
        self.keeping.file_size = bytes.max(1);
        self
    }

    /// Appends one record and gives its id. When it returns, the record is in the log:
    /// it survives the end of this process, but not a loss of power.
    ///
    /// # Errors
    /// When the record could not be written whole; nothing of it is then in the log, and
    /// the effect that it announces must not happen.
    pub fn append(&self, entry: &Entry<'_>) -> Result<RecordId, AuditError> {
        self.locked(|writer, position| {
            self.attest_when_due(writer, position)?;
            let id = self.write(writer, position, |stamp, line| {
                write_entry(entry, stamp, &self.machine, line)
            })?;
            if matches!(entry.event, Event::SessionClosed(_)) {
                self.attest(writer, position)?;
            }
            Ok(id)
        })
    }

    /// Does something with the log locked and whole.
    fn locked<T>(
        &self,
        work: impl FnOnce(&mut Writer, &mut Position) -> Result<T, AuditError>,
    ) -> Result<T, AuditError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let (lock, length) = self.lock_current(&mut writer)?;
        // Taken, so that nothing is believed after a failure, or a panic of another thread.
        let mut position = match writer.known.take() {
            Some(known) if known.end == length => known,
            _ => self.settle(&mut writer, length)?,
        };
        let mut result = Ok(());
        if writer.has_rotated {
            writer.has_rotated = false;
            result = self.remove_old(&mut writer, &mut position);
        }
        let result = result.and_then(|()| work(&mut writer, &mut position));
        drop(lock);
        if result.is_ok() {
            writer.known = Some(position);
        }
        result
    }

    /// Locks the file that now has the log's name, and says how long it is.
    fn lock_current(&self, writer: &mut Writer) -> Result<(Lock, u64), AuditError> {
        loop {
            let path = self.directory.path_of(LOG);
            let lock = Lock::take(&writer.file, Purpose::Append, &path)?;
            match self.directory.state_of(LOG)? {
                Some(state) if state.is_same_file(&writer.identity) => {
                    if !self.is_full(writer, state.length)? {
                        return Ok((lock, state.length));
                    }
                    self.put_full_file_away(writer, state.length)?;
                    drop(lock);
                    *writer = Writer::open(&self.directory)?;
                    writer.has_rotated = true;
                }
                // Another process began a new file, or someone moved the log away.
                _ => {
                    drop(lock);
                    *writer = Writer::open(&self.directory)?;
                }
            }
        }
    }

    /// Whether a new file is to be begun.
    fn is_full(&self, writer: &mut Writer, length: u64) -> Result<bool, AuditError> {
        let Keeping {
            file_size,
            file_age,
            ..
        } = self.keeping;
        if length >= file_size || length == 0 {
            return Ok(length > 0);
        }
        let Some(most) = file_age else {
            return Ok(false);
        };
        if writer.begun.is_none() {
            let path = self.directory.path_of(LOG);
            writer.begun = begun(&writer.file).map_err(|source| read_error(&path, source))?;
        }
        let age = writer.begun.map(|begun| now().saturating_sub(begun));
        Ok(age.is_some_and(|age| Duration::from_millis(age) > most))
    }

    /// Gives a full file, which is made whole first, the name under which it is kept.
    fn put_full_file_away(&self, writer: &mut Writer, length: u64) -> Result<(), AuditError> {
        let position = self.settle(writer, length)?;
        Ok(self
            .directory
            .rename(LOG, &sealed_name(position.sequence))?)
    }

    /// Reads where the log stands, and repairs its end where it is not whole.
    fn settle(&self, writer: &mut Writer, length: u64) -> Result<Position, AuditError> {
        let mut position = position(&self.directory, &writer.file, length)?;
        let (checkpoint, seems) = writer.notary.glance()?;
        let attested = checkpoint.as_ref().map(|checkpoint| checkpoint.sequence);
        let head = head::read(&writer.head).map_err(|source| AuditError::Read {
            path: self.directory.path_of(HEAD),
            source,
        })?;
        let (found, witnesses) = ((position, length), Witnesses { head, checkpoint });
        let repair = repair::make_whole(&self.directory, &writer.file, found, &witnesses)?;
        if let Some(repair) = &repair {
            self.tell(writer, &mut position, Own::Repaired(repair))?;
        }
        // What is gone is told once: from then on a checkpoint vouches for what is there.
        let has_lost = repair.is_some_and(|repair| repair.lost_something());
        match attested {
            Some(attested) if seems == Seems::Right && !has_lost => writer.attested = attested,
            _ => self.attest(writer, &mut position)?,
        }
        Ok(position)
    }

    /// Puts on record what happened to the log itself.
    pub(super) fn tell(
        &self,
        writer: &mut Writer,
        position: &mut Position,
        own: Own<'_>,
    ) -> Result<(), AuditError> {
        self.write(writer, position, |stamp, line| {
            write_own(own, stamp, &self.machine, line)
        })
        .map(drop)
    }

    /// Writes one record behind `position`, which is moved to its end.
    fn write(
        &self,
        writer: &mut Writer,
        position: &mut Position,
        fill: impl FnOnce(Stamp, &mut Vec<u8>) -> Result<(), AuditError>,
    ) -> Result<RecordId, AuditError> {
        let stamp = Stamp {
            id: RecordId::now(),
            time: now(),
            sequence: position.sequence + 1,
        };
        let line = &mut writer.line;
        line.clear();
        fill(stamp, line)?;
        let hash = seal(line, position.hash);
        let next = Position {
            end: position.end + line.len() as u64,
            sequence: stamp.sequence,
            hash,
        };
        let written = write_line(&writer.file, line, position.end)
            .and_then(|()| head::write(&writer.head, next));
        if let Err(source) = written {
            // Whatever part of it arrived; should even this fail, the next append repairs it.
            let _ = writer.file.set_len(position.end);
            let path = self.directory.path_of(LOG);
            return Err(AuditError::Write { path, source });
        }
        *position = next;
        Ok(stamp.id)
    }
}

fn open_log(directory: &PrivateDirectory) -> Result<(Arc<File>, FileState), AuditError> {
    let file = directory.open_file(LOG, Access::Append)?;
    let identity = state_of_open(&file).map_err(|source| {
        let path = directory.path_of(LOG);
        PrivateError::Failed {
            action: "look at",
            path,
            source,
        }
    })?;
    Ok((Arc::new(file), identity))
}

/// Writes a line with one system call, or fails.
fn write_line(mut file: &File, line: &[u8], end: u64) -> io::Result<()> {
    let too_large = file_size_limit().is_some_and(|limit| end + line.len() as u64 > limit);
    if too_large || line.len() > LONGEST_RECORD {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    match file.write(line)? {
        count if count == line.len() => Ok(()),
        // The disk is full: the rest would not fit either.
        _ => Err(io::ErrorKind::StorageFull.into()),
    }
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
