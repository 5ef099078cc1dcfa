//! How the path of a refused call is told: where its letters lead, what the caller wrote, and
//! where the kernel found it.
//!
//! For the record alone. Nothing is decided by it: letters say nothing of links.

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::call::Target;
use super::place::{descriptor_in, descriptor_path, start_of};
use crate::model::HostPath;

/// The path of a refused call.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// The whole path, by its letters.
    pub path: Option<String>,
    /// As the caller wrote it, where that is another.
    pub written: Option<String>,
    /// Where the kernel found it, where that is another.
    pub looked_up: Option<String>,
}

impl Shown {
    /// The path that a call names, and where it was found, if it was.
    pub(super) fn of(pid: i32, target: &Target, found: Option<&Path>) -> Self {
        let found = found.map(|path| path.to_string_lossy().into_owned());
        let (directory, written) = match target {
            Target::Descriptor(number) => {
                return Self {
                    path: found.or_else(|| Some(text(&descriptor_path(pid, *number)?))),
                    ..Self::default()
                };
            }
            Target::Path {
                directory, path, ..
            }
            | Target::Confined {
                directory, path, ..
            } => (*directory, path),
        };
        let as_written = written.to_string_lossy().into_owned();
        let path = match whole(pid, directory, written) {
            Some(path) => text(path.as_path()),
            None => as_written.clone(),
        };
        Self {
            written: (as_written != path).then_some(as_written),
            looked_up: found.filter(|found| *found != path),
            path: Some(path),
        }
    }
}

/// Where a path leads by its letters, whether or not anything is there; none where it begins at
/// a descriptor that is not open.
pub(super) fn whole(pid: i32, directory: i32, path: &CStr) -> Option<HostPath> {
    let whole: PathBuf = if let Some(number) = descriptor_in(path, pid) {
        descriptor_path(pid, number)?
    } else {
        let path = Path::new(OsStr::from_bytes(path.to_bytes()));
        if path.is_absolute() {
            path.to_owned()
        } else {
            start_of(pid, directory)?.join(path)
        }
    };
    HostPath::absolute(whole).ok()
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
