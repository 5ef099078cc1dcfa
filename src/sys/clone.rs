//! clone3(2), which alone starts a process in another control group, and which libc does not wrap.
//!
//! Writing a number to `cgroup.procs` would do the same, and now and then wait for
//! milliseconds. Between clone and exec a child that shares memory must never allocate, lock,
//! or return.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

use super::process::Fork;

/// What a child that shares memory runs. It must not return.
pub(super) type Main = extern "C" fn(*mut libc::c_void) -> libc::c_int;

/// `CLONE_INTO_CGROUP` (Linux 5.7).
const INTO_CGROUP: u64 = 0x2_0000_0000;

/// `struct clone_args` of linux/sched.h, up to its third version.
#[derive(Debug, Default)]
#[repr(C)]
struct Arguments {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

impl Arguments {
    fn into(group: BorrowedFd<'_>, flags: libc::c_int, pidfd: &mut libc::c_int) -> Self {
        Self {
            flags: INTO_CGROUP | u64::from((flags | libc::CLONE_PIDFD).cast_unsigned()),
            pidfd: address_of(pidfd),
            exit_signal: u64::from(libc::SIGCHLD.cast_unsigned()),
            cgroup: u64::from(group.as_raw_fd().cast_unsigned()),
            ..Self::default()
        }
    }
}

fn address_of<T>(place: &mut T) -> u64 {
    std::ptr::from_mut(place).expose_provenance() as u64
}

/// Whether this process may use clone3(2) at all: outer filters answer that there is no such call.
pub fn is_available() -> bool {
    let none = std::ptr::null::<Arguments>();
    // SAFETY: no arguments can be this short, so none are read.
    let result = unsafe { libc::syscall(libc::SYS_clone3, none, 0) };
    result == -1 && nix::errno::Errno::last() == nix::errno::Errno::EINVAL
}

/// Forks a process that has a single thread; the child begins in a control group.
///
/// # Errors
/// As clone3(2), where the group is gone or may not be written.
pub(super) fn fork_into(group: BorrowedFd<'_>) -> io::Result<Fork> {
    let mut pidfd = -1;
    let arguments = Arguments::into(group, 0, &mut pidfd);
    // SAFETY: the arguments live through the call, and ask for a copy of this process. It has
    // one thread, so no lock is held by another, and libc has nothing to mend in the copy.
    let pid = super::checked(unsafe {
        let arguments = &raw const arguments;
        libc::syscall(libc::SYS_clone3, arguments, size_of::<Arguments>())
    })?;
    let Ok(pid @ 1..) = i32::try_from(pid) else {
        return Ok(Fork::Child);
    };
    Ok(Fork::Parent {
        pid,
        pidfd: own(pidfd),
    })
}

/// Starts a child in a control group that shares this process's memory, on a stack of its own,
/// and waits until it has executed or ended. Gives its pid and its pidfd.
///
/// # Safety
/// The stack is the child's alone and large enough, and `main` treats `argument` as what it is,
/// makes nothing but raw system calls, and does not return. All signals are blocked.
///
/// # Errors
/// As clone3(2); then nothing has run.
pub(super) unsafe fn start_into(
    group: BorrowedFd<'_>,
    flags: libc::c_int,
    stack: &mut [u8],
    (main, argument): (Main, *mut libc::c_void),
) -> io::Result<(i32, OwnedFd)> {
    // As every function expects its stack to be.
    const ALIGNMENT: usize = 16;
    let flags = flags | libc::CLONE_VM | libc::CLONE_VFORK;
    let bottom = stack.as_mut_ptr().expose_provenance();
    let size = stack.len() - (bottom + stack.len()) % ALIGNMENT;
    let mut pidfd = -1;
    let arguments = Arguments {
        stack: bottom as u64,
        stack_size: size as u64,
        ..Arguments::into(group, flags, &mut pidfd)
    };
    // SAFETY: as the caller promises.
    let result = unsafe { clone3(&arguments, main, argument) };
    match i32::try_from(result) {
        Ok(pid @ 1..) => Ok((pid, own(pidfd))),
        Ok(errno) => Err(io::Error::from_raw_os_error(-errno)),
        Err(_) => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn own(raw: libc::c_int) -> OwnedFd {
    // SAFETY: the kernel just installed it; nobody else owns it.
    unsafe { OwnedFd::from_raw_fd(raw) }
}

/// The system call itself. The child finds an empty stack, so it cannot return into its
/// caller's frame: it goes on in `main`.
#[cfg(target_arch = "x86_64")]
unsafe fn clone3(arguments: &Arguments, main: Main, argument: *mut libc::c_void) -> libc::c_long {
    let result: libc::c_long;
    // SAFETY: the parent keeps every register but those that are named; the child does not
    // leave this block.
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "mov rdi, {argument}",
            "call {main}",
            "ud2",
            "2:",
            main = in(reg) main,
            argument = in(reg) argument,
            inlateout("rax") libc::SYS_clone3 => result,
            in("rdi") arguments,
            in("rsi") size_of::<Arguments>(),
            out("rcx") _,
            out("r11") _,
        );
    }
    result
}

/// As on the other architecture.
#[cfg(target_arch = "aarch64")]
unsafe fn clone3(arguments: &Arguments, main: Main, argument: *mut libc::c_void) -> libc::c_long {
    let result: libc::c_long;
    // SAFETY: as on the other architecture.
    unsafe {
        std::arch::asm!(
            "svc #0",
            "cbnz x0, 2f",
            "mov x0, {argument}",
            "blr {main}",
            "brk #1",
            "2:",
            main = in(reg) main,
            argument = in(reg) argument,
            in("x8") libc::SYS_clone3,
            inlateout("x0") arguments => result,
            in("x1") size_of::<Arguments>(),
        );
    }
    result
}

/// Nowhere else can commands be contained.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
unsafe fn clone3(_: &Arguments, _: Main, _: *mut libc::c_void) -> libc::c_long {
    -libc::c_long::from(libc::ENOSYS)
}
