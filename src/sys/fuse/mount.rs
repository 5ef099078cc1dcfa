//! Mounting a file system whose server holds an open `/dev/fuse`.
//!
//! By the kernel alone: no helper program, no path. The mount is attached nowhere yet.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};

use crate::sys::mount::{Attributes, new_filesystem};

/// Whom the file system belongs to, as the user namespace that mounts it numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// Makes the mount.
///
/// The device must have been opened in the user namespace that the caller is in, and the
/// caller must have `CAP_SYS_ADMIN` there. The pids in its requests are those of the pid
/// namespace that the caller is in. Whoever uses the mount before its server serves, waits.
///
/// # Errors
/// The kernel's refusal.
pub fn mount(device: BorrowedFd<'_>, owner: Owner) -> io::Result<OwnedFd> {
    // As text, which every version of the kernel takes; only newer ones take a descriptor.
    let number = CString::new(device.as_raw_fd().to_string())?;
    let user = CString::new(owner.uid.to_string())?;
    let group = CString::new(owner.gid.to_string())?;
    let options = [
        (c"source", Some(c"lobsterpot")),
        (c"fd", Some(number.as_c_str())),
        // A directory, 0111, in octal.
        (c"rootmode", Some(c"40111")),
        (c"user_id", Some(user.as_c_str())),
        (c"group_id", Some(group.as_c_str())),
        // The kernel checks modes itself, which costs no request.
        (c"default_permissions", None),
        // For every user in the namespace, should the command have more than one.
        (c"allow_other", None),
    ];
    let closed = Attributes::NOSUID
        .and(Attributes::NODEV)
        .and(Attributes::NOEXEC);
    new_filesystem(c"fuse", &options, closed)
}
