//! Witnessing what would change content or names under a read-only plan.
//!
//! Mounts and Landlock refuse these calls in any case. Here it is only told who tried what:
//! what would reach the host is refused at once, and what seems to lie in the private
//! directory is left to the kernel, which looks for itself. Nothing is allowed here.

use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use syscalls::Sysno;

use super::call::Target;
use super::place::Pinned;
use crate::sys::memory;
use crate::sys::metadata::{AT_FDCWD, LastLink};
use crate::sys::notification::Notification;

/// A call that would change something, and the names that it would change.
#[derive(Debug)]
pub(super) struct Write {
    pub name: &'static str,
    pub objects: Vec<Object>,
}

/// A name that a call would make, remove, or open for writing.
#[derive(Debug)]
pub(super) struct Object {
    directory: i32,
    path: CString,
    /// Whether the call follows a link of this name.
    last: LastLink,
}

const LONGEST_PATH: usize = 4096;

/// Where a call has its names: the arguments that hold a directory, if it has one, and a path.
type Place = (Option<usize>, usize);

/// The calls, and where their names are.
const CALLS: [(&str, &[Place], LastLink); 18] = [
    ("open", &[(None, 0)], LastLink::Follow),
    ("openat", &[(Some(0), 1)], LastLink::Follow),
    ("creat", &[(None, 0)], LastLink::Follow),
    ("truncate", &[(None, 0)], LastLink::Follow),
    ("mkdir", &[(None, 0)], LastLink::Keep),
    ("mkdirat", &[(Some(0), 1)], LastLink::Keep),
    ("mknod", &[(None, 0)], LastLink::Keep),
    ("mknodat", &[(Some(0), 1)], LastLink::Keep),
    ("rmdir", &[(None, 0)], LastLink::Keep),
    ("unlink", &[(None, 0)], LastLink::Keep),
    ("unlinkat", &[(Some(0), 1)], LastLink::Keep),
    ("rename", &[(None, 0), (None, 1)], LastLink::Keep),
    ("renameat", &[(Some(0), 1), (Some(2), 3)], LastLink::Keep),
    ("renameat2", &[(Some(0), 1), (Some(2), 3)], LastLink::Keep),
    ("link", &[(None, 1)], LastLink::Keep),
    ("linkat", &[(Some(2), 3)], LastLink::Keep),
    ("symlink", &[(None, 1)], LastLink::Keep),
    ("symlinkat", &[(Some(1), 2)], LastLink::Keep),
];

impl Write {
    /// Reads the call; none where it is another.
    ///
    /// # Errors
    /// `EFAULT` and the like where its memory cannot be read.
    pub(super) fn read(notification: &Notification) -> io::Result<Option<Self>> {
        let number = usize::try_from(notification.number).unwrap_or(usize::MAX);
        let call = Sysno::new(number).map_or("", |call| call.name());
        let Some((name, places, last)) = CALLS.iter().find(|(name, ..)| *name == call) else {
            return Ok(None);
        };
        let objects = places
            .iter()
            .map(|(directory, path)| {
                let directory = directory.map_or(AT_FDCWD, |index| int(notification, index));
                let address = notification.arguments[*path];
                let path = memory::read_string(notification.pid, address, LONGEST_PATH)?;
                Ok(Object {
                    directory,
                    path,
                    last: *last,
                })
            })
            .collect::<io::Result<_>>()?;
        Ok(Some(Self { name, objects }))
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "the kernel takes a descriptor from the lower half"
)]
fn int(notification: &Notification, index: usize) -> i32 {
    (notification.arguments[index] as u32).cast_signed()
}

impl Object {
    /// What the call would open or, where nothing has the name, the directory that it would
    /// change.
    ///
    /// # Errors
    /// Where there is not even such a directory: then the kernel has nothing to change.
    pub(super) fn pin(&self, pid: i32) -> io::Result<Pinned> {
        let existing = self.target(&self.path);
        match Pinned::by(pid, &existing) {
            // The directory decides about a name, whatever has the name.
            Ok(pinned) if self.last == LastLink::Follow => Ok(pinned),
            _ => Pinned::by(pid, &self.target(&parent(&self.path))),
        }
    }

    pub(super) fn path(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    fn target(&self, path: &CStr) -> Target {
        Target::Path {
            directory: self.directory,
            path: path.to_owned(),
            last: LastLink::Follow,
        }
    }
}

/// The directory part of a path as the kernel would walk it.
fn parent(path: &CStr) -> CString {
    let path = Path::new(OsStr::from_bytes(path.to_bytes()));
    let above = path.parent().unwrap_or(path).as_os_str().as_bytes();
    let above = if above.is_empty() { b"." } else { above };
    // A part of a string without a NUL byte has none.
    CString::new(above).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::parent;

    #[test]
    fn the_directory_of_a_name() {
        for (path, directory) in [
            (c"file", c"."),
            (c"a/b", c"a"),
            (c"/a", c"/"),
            (c"/", c"/"),
            (c"a/b/", c"a"),
            (c"../x", c".."),
        ] {
            assert_eq!(parent(path).as_c_str(), directory, "{path:?}");
        }
    }
}
