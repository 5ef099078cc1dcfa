//! Mounts by descriptor: the system calls of Linux 5.2 and 5.12 (`open_tree`, `move_mount`,
//! `fsopen`, `mount_setattr`), under safe names.
//!
//! A mount is made detached, gets its attributes while nobody can reach it, and is attached
//! last, to a place that is an open descriptor. No path of the host is resolved twice.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};

use super::{checked, installed};

// From linux/mount.h and linux/fcntl.h; the numbers are the same on every architecture.
const OPEN_TREE_CLONE: libc::c_uint = 1;
const OPEN_TREE_CLOEXEC: libc::c_uint = 0o2_000_000;
const AT_RECURSIVE: libc::c_uint = 0x8000;
const AT_EMPTY_PATH: libc::c_uint = 0x1000;
const MOVE_MOUNT_F_EMPTY_PATH: libc::c_uint = 0x04;
const MOVE_MOUNT_T_EMPTY_PATH: libc::c_uint = 0x40;
const FSOPEN_CLOEXEC: libc::c_uint = 1;
const FSMOUNT_CLOEXEC: libc::c_uint = 1;
const FSCONFIG_SET_FLAG: libc::c_uint = 0;
const FSCONFIG_SET_STRING: libc::c_uint = 1;
const FSCONFIG_CMD_CREATE: libc::c_uint = 6;
const MS_PRIVATE: u64 = 1 << 18;

/// What a mount does not let through. The kernel checks it for every use of the mount, on
/// top of everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes(u64);

impl Attributes {
    /// Setuid programs run as anybody else's do. Every mount of ours has it.
    pub const NOSUID: Self = Self(0x02);
    /// Nothing changes through it (`EROFS`).
    pub const READ_ONLY: Self = Self(0x01);
    /// Device nodes cannot be opened.
    pub const NODEV: Self = Self(0x04);
    /// Nothing is executed from it, nor mapped to be.
    pub const NOEXEC: Self = Self(0x08);

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of the other are among these.
    pub const fn include(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Clones what a descriptor leads to, with every mount below it, as a detached tree.
///
/// # Errors
/// `EINVAL` when the descriptor was opened in another mount namespace; `EPERM` without the
/// right to mount in this one.
pub fn clone_tree(of: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH;
    // SAFETY: the path is a NUL-terminated constant; the rest are plain numbers.
    installed(unsafe { libc::syscall(libc::SYS_open_tree, of.as_raw_fd(), c"".as_ptr(), flags) })
}

/// As `struct mount_attr` of linux/mount.h.
#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// Sets attributes on a tree and everything mounted in it, and cuts it off from what the
/// host mounts later.
///
/// # Errors
/// `EBUSY` when something is open for writing through it.
pub fn restrict_tree(tree: BorrowedFd<'_>, attributes: Attributes) -> io::Result<()> {
    set_attributes(tree, attributes, AT_EMPTY_PATH | AT_RECURSIVE)
}

/// The same for one mount alone.
///
/// # Errors
/// As [`restrict_tree`].
pub fn restrict(mount: BorrowedFd<'_>, attributes: Attributes) -> io::Result<()> {
    set_attributes(mount, attributes, AT_EMPTY_PATH)
}

fn set_attributes(
    mount: BorrowedFd<'_>,
    attributes: Attributes,
    flags: libc::c_uint,
) -> io::Result<()> {
    let wanted = MountAttributes {
        set: attributes.0,
        clear: 0,
        propagation: MS_PRIVATE,
        user_namespace: 0,
    };
    // SAFETY: the path is a NUL-terminated constant, and `wanted` lives through the call,
    // which is told its size.
    checked(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const wanted,
            size_of::<MountAttributes>(),
        )
    })?;
    Ok(())
}

/// Attaches a detached mount over what a descriptor leads to.
///
/// # Errors
/// `ENOTDIR` or `EISDIR` where one is a directory and the other is not.
pub fn attach(mount: BorrowedFd<'_>, over: BorrowedFd<'_>) -> io::Result<()> {
    let flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
    // SAFETY: both paths are NUL-terminated constants; the rest are plain numbers.
    checked(unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            mount.as_raw_fd(),
            c"".as_ptr(),
            over.as_raw_fd(),
            c"".as_ptr(),
            flags,
        )
    })?;
    Ok(())
}

/// Makes a new file system of its own kind (`tmpfs`, `proc`, `devpts`), detached.
///
/// An option without a value is a flag.
///
/// # Errors
/// When the kernel has no such file system, or this user namespace may not mount it.
pub fn new_filesystem(
    kind: &CStr,
    options: &[(&CStr, Option<&CStr>)],
    attributes: Attributes,
) -> io::Result<OwnedFd> {
    // SAFETY: a NUL-terminated string and a plain number.
    let context =
        installed(unsafe { libc::syscall(libc::SYS_fsopen, kind.as_ptr(), FSOPEN_CLOEXEC) })?;
    for (key, value) in options {
        let command = match value {
            Some(_) => FSCONFIG_SET_STRING,
            None => FSCONFIG_SET_FLAG,
        };
        configure(&context, command, Some(key), *value)?;
    }
    configure(&context, FSCONFIG_CMD_CREATE, None, None)?;
    // SAFETY: plain numbers.
    installed(unsafe {
        libc::syscall(
            libc::SYS_fsmount,
            context.as_raw_fd(),
            FSMOUNT_CLOEXEC,
            attributes.0,
        )
    })
}

fn configure(
    context: &OwnedFd,
    command: libc::c_uint,
    key: Option<&CStr>,
    value: Option<&CStr>,
) -> io::Result<()> {
    let pointer = |text: Option<&CStr>| text.map_or(std::ptr::null(), CStr::as_ptr);
    // SAFETY: both texts are NUL-terminated or null, as the command wants them.
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

/// Makes what a descriptor leads to the root of this mount namespace, for every process in
/// it, and lets go of the old root with everything mounted there.
///
/// The new root must be attached over the old one, so that no place for the old is needed:
/// `pivot_root(".", ".")` stacks the old root on the new, where it is taken away.
///
/// # Errors
/// `EINVAL` where the old root cannot be replaced, as in an initial ramdisk.
pub fn replace_root(new_root: BorrowedFd<'_>) -> io::Result<()> {
    nix::unistd::fchdir(new_root)?;
    let here = c".".as_ptr();
    // SAFETY: both are the same NUL-terminated constant.
    checked(unsafe { libc::syscall(libc::SYS_pivot_root, here, here) })?;
    nix::mount::umount2(".", nix::mount::MntFlags::MNT_DETACH)?;
    nix::unistd::chdir("/")?;
    Ok(())
}
