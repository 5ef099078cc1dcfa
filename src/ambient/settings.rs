//! Files of other programs that the operator has us change: read whole, replaced whole.
//!
//! A file that changed in between, or that is none, is left alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;

use super::Operator;
use crate::model::shown_path;

/// Why a file cannot be read or replaced.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system says so.
    #[error("cannot {what} {}", shown_path(.path))]
    Failed {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is a link, a directory or the like; or larger than settings are.
    #[error("cannot use {}: it is no ordinary file of settings", shown_path(.0))]
    NoFile(PathBuf),
    /// Somebody else changed it meanwhile.
    #[error("cannot replace {}: it has changed meanwhile", shown_path(.0))]
    Changed(PathBuf),
}

/// Larger than any settings.
const LARGEST: u64 = 16 << 20;

impl Operator {
    /// The text of a file; none where it does not exist.
    ///
    /// # Errors
    /// When it is no ordinary file, or no text.
    pub fn file(&self, path: &Path) -> Result<Option<String>, FileError> {
        let failed = |source| FileError::Failed {
            what: "read",
            path: path.to_owned(),
            source,
        };
        let no_link = OpenOptions::new()
            .read(true)
            .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits())
            .open(path);
        let file = match no_link {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.raw_os_error() == Some(Errno::ELOOP as i32) => {
                return Err(FileError::NoFile(path.to_owned()));
            }
            file => file.map_err(failed)?,
        };
        let found = file.metadata().map_err(failed)?;
        if !found.is_file() || found.len() > LARGEST {
            return Err(FileError::NoFile(path.to_owned()));
        }
        let mut text = String::new();
        file.take(LARGEST)
            .read_to_string(&mut text)
            .map_err(failed)?;
        Ok(Some(text))
    }

    /// Puts another text in the place of a file, at once; removes it where there is none.
    ///
    /// # Errors
    /// When it no longer holds what it held, or the system does not let it be replaced.
    pub fn replace_file(
        &self,
        path: &Path,
        before: Option<&str>,
        after: Option<&str>,
    ) -> Result<(), FileError> {
        let failed = |source| FileError::Failed {
            what: "write",
            path: path.to_owned(),
            source,
        };
        let unchanged = || {
            if self.file(path)?.as_deref() == before {
                Ok(())
            } else {
                Err(FileError::Changed(path.to_owned()))
            }
        };
        let Some(after) = after else {
            unchanged()?;
            return fs::remove_file(path).map_err(failed);
        };
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(FileError::NoFile(path.to_owned()));
        };
        fs::create_dir_all(directory).map_err(failed)?;
        let mut beside = std::ffi::OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}", std::process::id()));
        let beside = directory.join(beside);
        let replaced = written(&beside, path, after)
            .map_err(failed)
            .and_then(|()| unchanged())
            .and_then(|()| fs::rename(&beside, path).map_err(failed));
        if replaced.is_err() {
            // It may not have been made at all.
            let _ = fs::remove_file(&beside);
        }
        replaced
    }
}

/// A new file with the text, and with the mode of the one whose place it will take.
fn written(beside: &Path, path: &Path, text: &str) -> io::Result<()> {
    let mut file: File = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(beside)?;
    if let Ok(found) = fs::metadata(path) {
        file.set_permissions(found.permissions())?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
