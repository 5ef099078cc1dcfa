//! The lock that all processes share: `flock` on the log file itself, with patience.
//!
//! A process that hangs while it holds the lock must not make every other one hang too.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::AuditError;

/// How long another process may keep the log locked.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the lock is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To append: nobody else may hold it.
    Append,
    /// To look at lengths: other readers may hold it too.
    Look,
}

/// The lock, which ends with this value.
#[derive(Debug)]
pub(super) struct Lock(Arc<File>);

impl Lock {
    /// Takes the lock on an open file; `path` is for the message.
    pub(super) fn take(
        file: &Arc<File>,
        purpose: Purpose,
        path: &Path,
    ) -> Result<Self, AuditError> {
        let began = Instant::now();
        let mut pause = Duration::from_micros(20);
        loop {
            let result = match purpose {
                Purpose::Append => file.try_lock(),
                Purpose::Look => file.try_lock_shared(),
            };
            match result {
                Ok(()) => return Ok(Self(Arc::clone(file))),
                Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => {
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(2));
                }
                Err(TryLockError::WouldBlock) => {
                    let (path, waited) = (path.to_owned(), PATIENCE);
                    return Err(AuditError::Locked { path, waited });
                }
                Err(TryLockError::Error(source)) => {
                    let path = path.to_owned();
                    return Err(AuditError::Write { path, source });
                }
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // It cannot fail on an open file, and closing the last descriptor unlocks too.
        let _ = self.0.unlock();
    }
}
