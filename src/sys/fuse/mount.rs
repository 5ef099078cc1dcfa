//! Mounting a file system whose server holds an open `/dev/fuse` (Linux 5.2).
//!
//! By the kernel alone: no helper program, no path. The mount is attached nowhere yet.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

use crate::sys::checked;

/// Whom the file system belongs to, as the user namespace that mounts it numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

// From linux/mount.h.
const FSOPEN_CLOEXEC: libc::c_uint = 1;
const FSCONFIG_SET_FLAG: libc::c_uint = 0;
const FSCONFIG_SET_STRING: libc::c_uint = 1;
const FSCONFIG_CMD_CREATE: libc::c_uint = 6;
const FSMOUNT_CLOEXEC: libc::c_uint = 1;
const NOSUID_NODEV_NOEXEC_NOATIME: libc::c_uint = 0x2 | 0x4 | 0x8 | 0x10;

/// Makes the mount, for `move_mount(2)`.
///
/// The device must have been opened in the user namespace that the caller is in, and the
/// caller must have `CAP_SYS_ADMIN` there. The pids in its requests are those of the pid
/// namespace that the caller is in. Whoever uses the mount before its server serves, waits.
///
/// # Errors
/// The kernel's refusal.
pub fn mount(device: BorrowedFd<'_>, owner: Owner) -> io::Result<OwnedFd> {
    // SAFETY: the name is NUL-terminated.
    let raw =
        checked(unsafe { libc::syscall(libc::SYS_fsopen, c"fuse".as_ptr(), FSOPEN_CLOEXEC) })?;
    let context = owned(raw);
    // As text, which every version of the kernel takes; only newer ones take a descriptor.
    let number = device.as_raw_fd().to_string();
    set(&context, c"source", Some("lobsterpot"))?;
    set(&context, c"subtype", Some("lobsterpot"))?;
    set(&context, c"fd", Some(&number))?;
    // A directory, 0555, in octal.
    set(&context, c"rootmode", Some("40555"))?;
    set(&context, c"user_id", Some(&owner.uid.to_string()))?;
    set(&context, c"group_id", Some(&owner.gid.to_string()))?;
    // The kernel checks modes itself, which costs no request.
    set(&context, c"default_permissions", None)?;
    // For every user in the namespace, should the command have more than one.
    set(&context, c"allow_other", None)?;
    configure(&context, FSCONFIG_CMD_CREATE, None, None)?;
    // SAFETY: plain numbers.
    let raw = checked(unsafe {
        libc::syscall(
            libc::SYS_fsmount,
            context.as_raw_fd(),
            FSMOUNT_CLOEXEC,
            NOSUID_NODEV_NOEXEC_NOATIME,
        )
    })?;
    Ok(owned(raw))
}

fn set(context: &OwnedFd, key: &CStr, value: Option<&str>) -> io::Result<()> {
    let command = match value {
        Some(_) => FSCONFIG_SET_STRING,
        None => FSCONFIG_SET_FLAG,
    };
    let value = value.map(std::ffi::CString::new).transpose()?;
    configure(context, command, Some(key), value.as_deref())
}

fn configure(
    context: &OwnedFd,
    command: libc::c_uint,
    key: Option<&CStr>,
    value: Option<&CStr>,
) -> io::Result<()> {
    let pointer = |text: Option<&CStr>| text.map_or(std::ptr::null(), CStr::as_ptr);
    // SAFETY: key and value are NUL-terminated or null, as the command demands, and live
    // through the call.
    checked(unsafe {
        libc::syscall(
            libc::SYS_fsconfig,
            context.as_raw_fd(),
            command,
            pointer(key),
            pointer(value),
            0,
        )
    })?;
    Ok(())
}

fn owned(raw: libc::c_long) -> OwnedFd {
    // SAFETY: the kernel just installed it; nobody else owns it.
    unsafe { OwnedFd::from_raw_fd(i32::try_from(raw).unwrap_or(-1)) }
}
