//! Looking through a tree by handles, through no link, within bounds.

use std::collections::VecDeque;
use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::metadata::{Identity, LastLink, Resolution, names_in, pin};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Relative to where the search began.
    pub path: PathBuf,
    /// The object itself; of a link, the link.
    pub identity: Identity,
}

/// More names than this are not looked at: a session must start in bounded time.
pub const MOST_NAMES: usize = 200_000;

/// Everything below a directory that is wanted, the uppermost ones only. Directories that can
/// hold none of it are not looked into.
///
/// # Errors
/// When a directory on the way cannot be read, or holds too much (`E2BIG`).
pub fn search(
    root: BorrowedFd<'_>,
    is_wanted: impl Fn(&Path) -> bool,
    can_hold: impl Fn(&Path) -> bool,
) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut seen = 0;
    let mut levels = VecDeque::from([(PathBuf::new(), root.try_clone_to_owned()?)]);
    while let Some((relative, directory)) = levels.pop_front() {
        for name in names_in(directory.as_fd())? {
            seen += 1;
            if seen > MOST_NAMES {
                return Err(nix::errno::Errno::E2BIG.into());
            }
            let path = relative.join(OsStr::from_bytes(name.as_bytes()));
            let is_wanted = is_wanted(&path);
            if !is_wanted && !can_hold(&path) {
                continue;
            }
            // What is gone again was not there.
            let Ok(handle) = pin_child(directory.as_fd(), &name) else {
                continue;
            };
            let identity = Identity::of(handle.as_fd())?;
            if is_wanted {
                found.push(Found { path, identity });
            } else if identity.is_directory() {
                levels.push_back((path, handle));
            }
        }
    }
    Ok(found)
}

/// The name itself, even where it is a link: `O_PATH | O_NOFOLLOW` pins the link.
fn pin_child(directory: BorrowedFd<'_>, name: &CString) -> io::Result<std::os::fd::OwnedFd> {
    pin(directory, name, Resolution::Ordinary, LastLink::Keep)
}
