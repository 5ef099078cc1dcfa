//! Looking through a tree by handles, through no link, within bounds.

use std::collections::VecDeque;
use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::metadata::{Identity, LastLink, Resolution, names_in, pin};

/// What is done with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// It is what is looked for; nothing below it is looked at.
    Found,
    /// Something below it could be.
    Below,
    /// Something below it could be, if it is a directory; anything else is what is looked for.
    Through,
    /// Neither.
    Past,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Relative to where the search began.
    pub path: PathBuf,
    /// The object itself; of a link, the link.
    pub identity: Identity,
    /// Where a link leads, by its letters.
    pub target: Option<OsString>,
}

/// More names than this are not looked at: a session must start in bounded time.
pub const MOST_NAMES: usize = 200_000;

/// Everything below a directory that the judge calls found, the uppermost ones only.
///
/// # Errors
/// When a directory on the way cannot be read, or holds too much (`E2BIG`).
pub fn search(root: BorrowedFd<'_>, judge: &dyn Fn(&Path) -> Look) -> io::Result<Vec<Found>> {
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
            let look = judge(&path);
            if look == Look::Past {
                continue;
            }
            // What is gone again was not there.
            let Ok(handle) = pin_child(directory.as_fd(), &name) else {
                continue;
            };
            let identity = Identity::of(handle.as_fd())?;
            let is_found = look == Look::Found || look == Look::Through && !identity.is_directory();
            if is_found {
                let target = target_of(handle.as_fd(), &identity)?;
                found.push(Found {
                    path,
                    identity,
                    target,
                });
            } else if identity.is_directory() {
                levels.push_back((path, handle));
            }
        }
    }
    Ok(found)
}

fn target_of(handle: BorrowedFd<'_>, identity: &Identity) -> io::Result<Option<OsString>> {
    if !identity.is_link() {
        return Ok(None);
    }
    // An empty path names the link that the handle itself stands for.
    Ok(Some(nix::fcntl::readlinkat(handle, "")?))
}

/// The name itself, even where it is a link: `O_PATH | O_NOFOLLOW` pins the link.
fn pin_child(directory: BorrowedFd<'_>, name: &CString) -> io::Result<std::os::fd::OwnedFd> {
    pin(directory, name, Resolution::Ordinary, LastLink::Keep)
}
