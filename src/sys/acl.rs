//! The access control list of a file, which the permission bits alone do not tell.
//!
//! A file that takes another's place must have the other's list, not the one that its
//! directory gives to new files, or people gain access by a rewrite.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

use nix::errno::Errno;

use super::checked;

const NAME: &CStr = c"system.posix_acl_access";

/// Gives a file the same list as a pinned one: also none.
///
/// # Errors
/// When the list cannot be read or set for another reason than that there is none.
pub fn copy(pinned: BorrowedFd<'_>, to: &File) -> io::Result<()> {
    let list = read(pinned)?;
    let result = if list.is_empty() {
        // SAFETY: the name is NUL-terminated; the descriptor is open.
        unsafe { libc::fremovexattr(to.as_raw_fd(), NAME.as_ptr()) }
    } else {
        // SAFETY: the name is NUL-terminated, the value is as long as it says; the descriptor is open.
        unsafe {
            libc::fsetxattr(
                to.as_raw_fd(),
                NAME.as_ptr(),
                list.as_ptr().cast(),
                list.len(),
                0,
            )
        }
    };
    match checked(result.into()) {
        Err(error) if is_none(&error) && list.is_empty() => Ok(()),
        result => result.map(drop),
    }
}

/// The list as the kernel writes it; empty where there is none.
fn read(pinned: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    // A bare reference has no attributes of its own; through this path the inode answers.
    let path = format!("/proc/self/fd/{}\0", pinned.as_raw_fd());
    let mut list = vec![0_u8; 4096];
    // SAFETY: path and name are NUL-terminated, the buffer is as long as it says.
    let length = unsafe {
        libc::getxattr(
            path.as_ptr().cast(),
            NAME.as_ptr(),
            list.as_mut_ptr().cast(),
            list.len(),
        )
    };
    match usize::try_from(length) {
        Ok(length) => {
            list.truncate(length);
            Ok(list)
        }
        Err(_) => match io::Error::last_os_error() {
            error if is_none(&error) => Ok(Vec::new()),
            error => Err(error),
        },
    }
}

fn is_none(error: &io::Error) -> bool {
    [Errno::ENODATA, Errno::EOPNOTSUPP]
        .into_iter()
        .any(|errno| error.raw_os_error() == Some(errno as i32))
}
