//! Puts an answer into a file: for its owner alone, whole or not at all.
//!
//! It takes no other file's place unless it was told to, and follows no link in the last name.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use super::AuditCommandError;
use crate::sys::names::{Existing, add_name, cannot_promise, new_file, rename};

/// Writes a file under another name, and gives it its own when all of it is there.
pub(super) fn save(path: &Path, existing: Existing, bytes: &[u8]) -> Result<(), AuditCommandError> {
    let failed = |source: io::Error| AuditCommandError::Save {
        path: path.to_owned(),
        source,
    };
    let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    };
    let directory = open_directory(above).map_err(failed)?;
    let part = Part::new(&directory, above, name).map_err(failed)?;
    let filled = part.fill(bytes);
    let named = filled.and_then(|()| part.become_whole(name, existing));
    named.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => AuditCommandError::Exists {
            path: path.to_owned(),
        },
        _ => failed(error),
    })
}

#[allow(
    clippy::disallowed_methods,
    reason = "the operator names the file on the command line, for this one answer"
)]
fn open_directory(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// A file that is being written; gone again unless it became whole.
struct Part<'a> {
    directory: &'a File,
    name: OsString,
    path: PathBuf,
    file: File,
}

impl<'a> Part<'a> {
    fn new(directory: &'a File, above: &Path, name: &std::ffi::OsStr) -> io::Result<Self> {
        let mut part = name.to_owned();
        part.push(format!(".{}.part", std::process::id()));
        Ok(Self {
            file: new_file(directory.as_fd(), &part, 0o600)?,
            path: above.join(&part),
            name: part,
            directory,
        })
    }

    fn fill(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.file).write_all(bytes)?;
        self.file.sync_all()
    }

    fn become_whole(&self, name: &std::ffi::OsStr, existing: Existing) -> io::Result<()> {
        let at = self.directory.as_fd();
        match rename((at, &self.name), (at, name), existing) {
            // The second name fails where the first would have to be kept, too.
            Err(error) if cannot_promise(&error) => add_name(at, &self.name, name),
            result => result,
        }
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        #[allow(
            clippy::disallowed_methods,
            reason = "the name is our own; once the file is whole, it is no more"
        )]
        let _ = std::fs::remove_file(&self.path);
    }
}
