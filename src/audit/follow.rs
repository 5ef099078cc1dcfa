//! Following a log as it grows, across the files that it begins and the repairs it needs.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::AuditError;
use super::files::{LOG, sealed};
use super::read::{LogFile, LogReader, Visit, existing, open_current, state_of};
use crate::sys::private::{Access, PrivateDirectory};

/// A place in a log, from which on new records are seen.
#[derive(Debug)]
pub struct Follower {
    directory: PathBuf,
    current: Option<LogFile>,
    /// How many bytes of the current file were seen.
    seen: u64,
}

impl Follower {
    /// Follows the log in the directory from where the reader's view of it ended.
    pub fn after(directory: &Path, reader: &LogReader) -> Self {
        let current = reader.newest().cloned();
        Self {
            directory: directory.to_owned(),
            seen: current.as_ref().map_or(0, |file| file.state.length),
            current,
        }
    }

    /// Visits the whole lines that were appended since the last call.
    ///
    /// # Errors
    /// When the log is not private to this user or cannot be read, or as `visit` does.
    pub fn poll(&mut self, visit: &mut Visit<'_>) -> Result<ControlFlow<()>, AuditError> {
        loop {
            if self.drain(visit)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            let Some(directory) = existing(PrivateDirectory::open(&self.directory))? else {
                return Ok(ControlFlow::Continue(()));
            };
            let now = directory.state_of(LOG)?;
            let known = self.current.as_ref().map(|file| file.state);
            match (now, known) {
                (Some(now), Some(known)) if now.is_same_file(&known) => {
                    return Ok(ControlFlow::Continue(()));
                }
                (None, _) => return Ok(ControlFlow::Continue(())),
                (Some(_), _) => {}
            }
            // A new file was begun. The old one is full, and was drained above; but what was
            // appended to it between the two looks is only seen when it is drained again.
            if self.drain(visit)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            let Some(next) = self.next_file(&directory)? else {
                return Ok(ControlFlow::Continue(()));
            };
            self.current = Some(next);
            self.seen = 0;
        }
    }

    /// The file that comes after the one that is followed; the newest where that was removed.
    /// More than one may have been begun, and filled, since the last look.
    fn next_file(&self, directory: &PrivateDirectory) -> Result<Option<LogFile>, AuditError> {
        // Before the names are read: what becomes full meanwhile is among them, or is this one.
        let newest = open_current(directory)?;
        let mut names = sealed(directory)?.into_iter();
        if let Some(current) = &self.current {
            for name in names.by_ref() {
                let state = directory.state_of(&name)?;
                if state.is_some_and(|state| state.is_same_file(&current.state)) {
                    break;
                }
            }
        }
        for name in names {
            if let Some(file) = existing(directory.open_file(&name, Access::Read))? {
                return Ok(Some(LogFile::new(directory.path_of(&name), file)?));
            }
        }
        Ok(newest)
    }

    fn drain(&mut self, visit: &mut Visit<'_>) -> Result<ControlFlow<()>, AuditError> {
        let Some(file) = &mut self.current else {
            return Ok(ControlFlow::Continue(()));
        };
        file.state = state_of(&file.path, &file.file)?;
        if file.state.length < self.seen {
            self.seen = file.state.length; // a torn end was cut off
        }
        let mut seen = self.seen;
        let mut flow = ControlFlow::Continue(());
        // Whether the visit ended early is in `flow`; an unfinished line does not count.
        let _ = file.forward(self.seen, &mut |line| {
            if !line.ended {
                return Ok(ControlFlow::Break(())); // not yet whole; it is looked at again
            }
            seen = line.offset + line.bytes.len() as u64 + 1;
            flow = visit(line)?;
            Ok(flow)
        })?;
        self.seen = seen;
        Ok(flow)
    }
}
