//! Opening a path beneath a directory handle, without following any symbolic link.
//!
//! There is one primitive, [`pin`]. It must never follow a link, never leave the
//! directory, never open what it finds (a pinned FIFO does not block, a pinned
//! device does nothing), and never look at the letters `..`.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Component, Path};

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat, openat2};
use nix::sys::stat::Mode;

use super::inode::{Kind, inspect};

/// Who walks from the directory to the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walker {
    /// The kernel, in one call that knows where it must not go.
    Openat2,
    /// This process, one name at a time, where the kernel lacks the call or a
    /// filter around this process refuses it. A directory that someone moves out
    /// of the tree during the walk is not noticed.
    Manual,
}

/// Finds out who can walk here.
///
/// A filter may answer `EPERM` for a call that it does not know, so that any
/// failure on a directory that is open already means: not the kernel.
pub fn probe(directory: BorrowedFd<'_>) -> Walker {
    match by_kernel(directory, Path::new(".")) {
        Ok(_) => Walker::Openat2,
        Err(_) => Walker::Manual,
    }
}

/// Opens what stands at the path as a bare reference (`O_PATH`), a link as itself.
///
/// The empty path is the directory.
///
/// # Errors
/// `ELOOP` where a link stands on the way, `EXDEV` where the path would leave the directory
/// or something on it was moved out of it meanwhile ([`was_disturbed`] tells both), and
/// whatever else the lookup gives.
pub fn pin(walker: Walker, directory: BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    match walker {
        Walker::Openat2 => by_kernel(directory, path),
        Walker::Manual => by_hand(directory, path),
    }
}

/// Opens what stands under one name of a directory as a bare reference.
///
/// # Errors
/// `EINVAL` for what is not a single name, and whatever the lookup gives.
pub fn pin_name(directory: BorrowedFd<'_>, name: &std::ffi::OsStr) -> io::Result<OwnedFd> {
    if !is_one_name(Path::new(name)) {
        return Err(Errno::EINVAL.into());
    }
    one_name(directory, Path::new(name))
}

/// Whether [`pin`] failed because a link stands on the way, or something was moved out of the tree.
pub fn was_disturbed(error: &io::Error) -> bool {
    [Errno::ELOOP, Errno::EXDEV]
        .into_iter()
        .any(|errno| error.raw_os_error() == Some(errno as i32))
}

/// Whether a lookup failed because a link stands on the way.
pub fn met_a_link(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::ELOOP as i32)
}

fn by_kernel(directory: BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC)
        .resolve(
            ResolveFlag::RESOLVE_BENEATH
                | ResolveFlag::RESOLVE_NO_SYMLINKS
                | ResolveFlag::RESOLVE_NO_MAGICLINKS,
        );
    Ok(openat2(directory, path, how)?)
}

fn by_hand(directory: BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
    let mut reached: Option<OwnedFd> = None;
    for component in path.components() {
        if !matches!(component, Component::Normal(_) | Component::CurDir) {
            return Err(Errno::EXDEV.into());
        }
        if let Some(above) = &reached {
            match inspect(above.as_fd())?.kind {
                Kind::Directory => {}
                Kind::Link => return Err(Errno::ELOOP.into()),
                _ => return Err(Errno::ENOTDIR.into()),
            }
        }
        let above = reached.as_ref().map_or(directory, |fd| fd.as_fd());
        reached = Some(one_name(above, component.as_ref())?);
    }
    reached.ok_or_else(|| Errno::ENOENT.into())
}

fn one_name(directory: BorrowedFd<'_>, name: &Path) -> io::Result<OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    Ok(openat(directory, name, flags, Mode::empty())?)
}

fn is_one_name(path: &Path) -> bool {
    let mut components = path.components();
    matches!(components.next(), Some(Component::Normal(name)) if name == path.as_os_str())
        && components.next().is_none()
}
