//! Why the log cannot be written or read. Every one of these means `audit-unavailable`
//! for a request; the text is for the operator, never for the principal.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::sys::private::PrivateError;

/// Why the audit log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The directory or a file of the log is not what it must be.
    #[error("cannot use the audit log")]
    Unusable(#[from] PrivateError),
    /// A record could not be written; nothing of it is left in the log.
    #[error("cannot append to {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A part of the log could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another process kept the log locked.
    #[error("{} has been locked by another process for {} s", path.display(), waited.as_secs())]
    Locked {
        /// The file.
        path: PathBuf,
        /// How long this one waited.
        waited: Duration,
    },
    /// The last part of the log holds no whole record, and is too long for a torn one.
    #[error("{} holds no whole record in its last {searched} bytes", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How far back it was searched.
        searched: u64,
    },
    /// A part of the work ended in the midst of it.
    #[error("cannot check the signatures: the work on them ended in the midst")]
    Interrupted,
    /// The record could not be put into words.
    #[error("cannot write the record as JSON")]
    Encode(#[source] serde_json::Error),
}

impl AuditError {
    /// What the operator can do about it, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unusable(PrivateError::Failed { path, source, .. })
            | Self::Write { path, source } => io_hint(path, source),
            Self::Unusable(error) => error.hint(),
            Self::Locked { path, .. } => {
                Some(format!("see who holds it: fuser {}", path.display()))
            }
            Self::Damaged { path, .. } => Some(format!(
                "look at it with `lobsterpot audit verify`, then move {} away to begin a new log",
                path.display()
            )),
            Self::Read { .. } | Self::Interrupted | Self::Encode(_) => None,
        }
    }
}

fn io_hint(path: &Path, error: &io::Error) -> Option<String> {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some(format!("free space on the disk that holds {path}"))
        }
        io::ErrorKind::ReadOnlyFilesystem => Some(format!(
            "make the disk that holds {path} writable, or choose another state directory \
             with XDG_STATE_HOME"
        )),
        io::ErrorKind::FileTooLarge => Some("raise the limit on file sizes (ulimit -f)".into()),
        _ => None,
    }
}
