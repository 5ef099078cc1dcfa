//! Configuration files by name, read only where nobody else can have written them.
//!
//! A file that is there and cannot be read or trusted is an error, never a reason to look
//! further.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::Operator;
use crate::model::shown_path;

/// The largest configuration file that is read, in bytes.
const LARGEST: u64 = 256 << 10;

/// Why a configuration file is not read.
#[derive(Debug)]
pub(super) enum Distrust {
    /// It cannot be read.
    Unreadable(io::Error),
    /// It could have been written by somebody else, or is no file at all.
    Untrusted(&'static str),
}

/// A file with a secret cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the secret in {}: {why}", shown_path(.path))]
pub struct SecretError {
    path: PathBuf,
    why: String,
}

impl Operator {
    /// Where files of a kind are looked for by name, the operator's own before the administrator's.
    pub(super) fn directories_of(&self, kind: &'static str) -> impl Iterator<Item = PathBuf> {
        [self.config.as_path(), &self.system]
            .map(|directory| directory.join(kind))
            .into_iter()
    }

    /// The text of a file with a secret, which only the operator can read.
    ///
    /// # Errors
    /// When it cannot be read, or others could have read or written it.
    pub fn read_secret(&self, path: &Path) -> Result<String, SecretError> {
        let unusable = |why| SecretError {
            path: path.to_owned(),
            why,
        };
        let text = match self.read_trusted(path) {
            Ok(text) => text,
            Err(Distrust::Unreadable(error)) => return Err(unusable(error.to_string())),
            Err(Distrust::Untrusted(why)) => return Err(unusable(why.to_owned())),
        };
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.mode() & 0o077 != 0 => {
                Err(unusable("others can read it (chmod go=)".into()))
            }
            Ok(_) => Ok(text),
            Err(error) => Err(unusable(error.to_string())),
        }
    }

    /// The text of a file that only the operator or the administrator can have written.
    pub(super) fn read_trusted(&self, path: &Path) -> Result<String, Distrust> {
        // Opening a FIFO must not wait for a writer.
        let flags = nix::fcntl::OFlag::O_NONBLOCK.bits();
        let file: File = OpenOptions::new()
            .read(true)
            .custom_flags(flags)
            .open(path)
            .map_err(Distrust::Unreadable)?;
        let metadata = file.metadata().map_err(Distrust::Unreadable)?;
        if !metadata.is_file() {
            return Err(Distrust::Untrusted("it is not a regular file"));
        }
        if metadata.uid() != 0 && metadata.uid() != self.uid {
            return Err(Distrust::Untrusted("it belongs to another user"));
        }
        if metadata.mode() & 0o002 != 0 {
            return Err(Distrust::Untrusted("every user can change it (chmod o-w)"));
        }
        let mut text = String::new();
        let read = file.take(LARGEST + 1).read_to_string(&mut text);
        read.map_err(Distrust::Unreadable)?;
        if text.len() as u64 > LARGEST {
            return Err(Distrust::Untrusted("it is larger than 256 KiB"));
        }
        Ok(text)
    }
}

/// What messages call a file: its path, links resolved, so that a grant that holds it is noticed.
pub(super) fn name_of(path: &Path) -> String {
    shown_path(&std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()))
}

/// Whether nothing is there, not even a link that leads to nothing, at any place of the path.
pub(super) fn is_absent(path: &Path) -> bool {
    for existing in path.ancestors() {
        match std::fs::symlink_metadata(existing) {
            Ok(_) if existing == path => return false,
            Ok(found) => return !found.is_symlink() || std::fs::metadata(existing).is_ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => return false,
        }
    }
    false
}
