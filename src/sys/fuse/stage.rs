//! A user and a mount namespace in a child process, for tests of a real mount.

#![allow(
    clippy::disallowed_methods,
    reason = "what a child needs to enter its namespaces"
)]

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{ForkResult, Gid, Pid, Uid};

use crate::sys::process::end_now;

const NONE: Option<&str> = None;

/// A child that is ended and reaped when it is dropped.
#[derive(Debug)]
pub(crate) struct Child(pub(crate) Pid);

/// Forks a process that runs `life` and ends.
///
/// # Errors
/// When there can be no more processes.
pub(crate) fn fork(life: impl FnOnce() -> io::Result<()>) -> io::Result<Child> {
    // SAFETY: the C library keeps its allocator usable in the child of a process with
    // threads, and the child uses no lock of this program's.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(Child(child)),
        ForkResult::Child => end_now(match life() {
            Ok(()) => 0,
            Err(error) => error.raw_os_error().unwrap_or(255),
        }),
    }
}

impl Child {
    /// Ends it.
    pub(crate) fn kill(&self) {
        let _ = kill(self.0, Signal::SIGKILL);
    }

    /// Its exit code, or the signal that ended it as a negative number.
    pub(crate) fn wait(self) -> i32 {
        use nix::sys::wait::{WaitStatus, waitpid};
        let status = waitpid(self.0, None);
        std::mem::forget(self);
        match status {
            Ok(WaitStatus::Exited(_, code)) => code,
            Ok(WaitStatus::Signaled(_, signal, _)) => -(signal as i32),
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
        let _ = nix::sys::wait::waitpid(self.0, None);
    }
}

/// Becomes another user for good, who may be looked at as any process of that user.
///
/// # Errors
/// Where that is not allowed.
pub(crate) fn become_user(number: u32) -> io::Result<()> {
    nix::unistd::setgroups(&[])?;
    let (user, group) = (Uid::from_raw(number), Gid::from_raw(number));
    nix::unistd::setresgid(group, group, group)?;
    nix::unistd::setresuid(user, user, user)?;
    nix::sys::prctl::set_dumpable(true)?;
    Ok(())
}

/// Enters a user and a mount namespace of its own, with the numbers that it had.
///
/// # Errors
/// Where the host does not allow that.
pub(crate) fn enter() -> io::Result<()> {
    let (user, group) = (nix::unistd::geteuid(), nix::unistd::getegid());
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)?;
    for (file, text) in [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("{user} {user} 1")),
        ("gid_map", format!("{group} {group} 1")),
    ] {
        std::fs::write(format!("/proc/self/{file}"), text)?;
    }
    let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(NONE, "/", NONE, flags, NONE)?;
    Ok(())
}

/// Attaches a mount to a directory.
///
/// # Errors
/// The kernel's refusal.
pub(crate) fn attach(tree: &OwnedFd, directory: &Path) -> io::Result<()> {
    const EMPTY_PATH: libc::c_uint = 4;
    let path = CString::new(directory.as_os_str().as_encoded_bytes())?;
    // SAFETY: both texts are NUL-terminated and live through the call.
    super::checked(unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_FDCWD,
            path.as_ptr(),
            EMPTY_PATH,
        )
    })?;
    Ok(())
}

/// Binds a directory or file of the host over a place in the new root.
///
/// # Errors
/// The kernel's refusal.
pub(crate) fn bind(from: &Path, root: &Path) -> io::Result<()> {
    let place = root.join(from.strip_prefix("/").unwrap_or(from));
    let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(Some(from), &place, NONE, flags, NONE)?;
    Ok(())
}

/// Takes a directory for its root and gives up the old one.
///
/// # Errors
/// The kernel's refusal.
pub(crate) fn pivot(root: &Path) -> io::Result<()> {
    nix::unistd::chdir(root)?;
    nix::unistd::pivot_root(".", ".")?;
    nix::mount::umount2(".", nix::mount::MntFlags::MNT_DETACH)?;
    nix::unistd::chdir("/")?;
    Ok(())
}

/// `getxattr(2)` and `setxattr(2)`, for which nobody else has a safe name.
///
/// # Errors
/// The kernel's refusal.
pub(crate) fn attribute(path: &Path, name: &str, value: Option<&[u8]>) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_encoded_bytes())?;
    let name = CString::new(name)?;
    let (path, name) = (path.as_ptr(), name.as_ptr());
    let result = match value {
        // SAFETY: a size of 0 means that nothing is written; the texts are NUL-terminated.
        None => unsafe { libc::getxattr(path, name, std::ptr::null_mut(), 0) },
        Some(value) => {
            let (bytes, length) = (value.as_ptr().cast(), value.len());
            // SAFETY: the kernel reads `length` bytes; the texts are NUL-terminated.
            let result = unsafe { libc::setxattr(path, name, bytes, length, 0) };
            result.try_into().unwrap_or(-1)
        }
    };
    super::checked(result.try_into().unwrap_or(-1)).map(drop)
}
