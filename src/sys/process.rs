//! Processes: forking a launcher, giving up privileges, reaping.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;

use super::checked;

/// Which side of a fork the caller is on.
#[derive(Debug)]
pub enum Fork {
    /// The new process.
    Child,
    /// The old one, with the new one's pid and pidfd.
    Parent {
        /// The child's pid; it is not reaped, so the number cannot be reused.
        pid: i32,
        /// Readable once the child ended.
        pidfd: OwnedFd,
    },
}

/// Lets the kernel kill this process when the thread that started it has ended, however it ends.
///
/// # Errors
/// When the process of this id is not, or no longer, the parent.
pub fn end_with_parent(parent: i32) -> io::Result<()> {
    // SAFETY: takes no pointers.
    checked(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) }.into())?;
    // From here on its end is noticed; it could have come before.
    if nix::unistd::getppid().as_raw() == parent {
        Ok(())
    } else {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// Forks a process that has a single thread.
///
/// # Errors
/// `EDEADLK` when there is more than one thread: another could hold a lock of the
/// allocator, which the child would wait for forever.
pub fn fork_single_threaded() -> io::Result<Fork> {
    if threads()? != 1 {
        return Err(io::Error::from_raw_os_error(libc::EDEADLK));
    }
    // SAFETY: the process has one thread, so no lock is held by another.
    match unsafe { nix::unistd::fork() }? {
        nix::unistd::ForkResult::Child => Ok(Fork::Child),
        nix::unistd::ForkResult::Parent { child } => Ok(Fork::Parent {
            pid: child.as_raw(),
            pidfd: pidfd_of(child.as_raw())?,
        }),
    }
}

/// Forks a process that has a single thread; the child begins in a control group.
///
/// # Errors
/// As [`fork_single_threaded`], and where the group is gone or may not be written.
pub fn fork_single_threaded_into(group: BorrowedFd<'_>) -> io::Result<Fork> {
    if threads()? != 1 {
        return Err(io::Error::from_raw_os_error(libc::EDEADLK));
    }
    super::clone::fork_into(group)
}

fn threads() -> io::Result<usize> {
    use io::ErrorKind::{NotFound, PermissionDenied};
    #[allow(
        clippy::disallowed_methods,
        reason = "the process's own task list in proc"
    )]
    let tasks = fs::read_dir("/proc/self/task");
    match tasks {
        Ok(entries) => Ok(entries.count()),
        // Without proc, or inside another sandbox, nobody can be asked; the command line starts
        // no thread before this.
        Err(error) if matches!(error.kind(), NotFound | PermissionDenied) => Ok(1),
        Err(error) => Err(error),
    }
}

/// Opens a pidfd of a process that the caller knows to be unreaped.
///
/// # Errors
/// When there is no such process.
pub fn pidfd_of(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: plain numbers.
    super::installed(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })
}

/// Ends the calling process at once, running no destructors or handlers: those belong to
/// the process it was forked from.
pub fn end_now(code: i32) -> ! {
    // SAFETY: _exit does not return and touches no memory.
    unsafe { libc::_exit(code) }
}

/// Makes orphans below this process its children (`PR_SET_CHILD_SUBREAPER`).
///
/// # Errors
/// Never on a kernel that has Landlock.
pub fn adopt_orphans() -> io::Result<()> {
    // SAFETY: plain numbers.
    checked(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }.into())?;
    Ok(())
}

/// Gives up every capability for good, in all five sets, and the special treatment of
/// uid 0 on exec, so that nothing that this process starts can have one again.
///
/// # Errors
/// When the kernel refuses to lower a set, which it never should.
pub fn drop_capabilities() -> io::Result<()> {
    // Linux 4.3, ambient first: it is bounded by what comes after.
    // SAFETY: plain numbers.
    unsafe {
        libc::prctl(
            libc::PR_CAP_AMBIENT,
            libc::PR_CAP_AMBIENT_CLEAR_ALL,
            0,
            0,
            0,
        )
    };
    for capability in 0..64 {
        // SAFETY: plain numbers. Without CAP_SETPCAP the bounding set stays, and means
        // nothing: no_new_privs and the empty sets below keep any from being gained.
        unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
    }
    // SAFETY: plain numbers; needs CAP_SETPCAP, without which uid 0 is not special anyway.
    unsafe { libc::prctl(libc::PR_SET_SECUREBITS, NOROOT_AND_LOCKED, 0, 0, 0) };
    let header = CapabilityHeader {
        version: 0x2008_0522,
        pid: 0,
    };
    let none = [CapabilityData::default(); 2];
    // SAFETY: both live through the call; version 3 takes two data elements.
    checked(unsafe { libc::syscall(libc::SYS_capset, &raw const header, none.as_ptr()) })?;
    Ok(())
}

/// `SECBIT_NOROOT`, `SECBIT_NO_SETUID_FIXUP`, `SECBIT_NO_CAP_AMBIENT_RAISE`, each with its lock.
const NOROOT_AND_LOCKED: libc::c_ulong = 0b1100_1111;

#[repr(C)]
struct CapabilityHeader {
    version: u32,
    pid: i32,
}

#[derive(Clone, Copy, Default)]
#[repr(C)]
struct CapabilityData {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Closes every descriptor from `first` on, except `kept` (`close_range(2)`, Linux 5.9).
///
/// # Errors
/// When the kernel does not know the call.
pub fn close_all_but(first: u32, kept: &mut [i32]) -> io::Result<()> {
    kept.sort_unstable();
    let mut from = first;
    for descriptor in kept.iter().filter_map(|fd| u32::try_from(*fd).ok()) {
        if descriptor < from {
            continue;
        }
        if descriptor > from {
            close_range(from, descriptor - 1)?;
        }
        from = descriptor + 1;
    }
    close_range(from, u32::MAX)
}

fn close_range(from: u32, to: u32) -> io::Result<()> {
    // SAFETY: the caller owns what it keeps; whoever owned the others is a copy of the
    // parent's memory that never runs in this process.
    checked(unsafe { libc::syscall(libc::SYS_close_range, from, to, 0) })?;
    Ok(())
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It exited with this code.
    Exited(i32),
    /// This signal ended it.
    Signalled(i32),
}

/// Reaps any child that ended; `None` while none has.
///
/// # Errors
/// `ECHILD` when there is no child.
pub fn reap_any() -> Result<Option<(i32, Ended)>, Errno> {
    reap_now(-1)
}

/// Whether a child has ended and is not reaped yet.
pub fn has_ended(child: i32) -> bool {
    peek(libc::P_PID, child.cast_unsigned()) == Some(child)
}

/// A child that has ended and is not reaped yet, if there is one.
pub fn next_ended() -> Option<i32> {
    peek(libc::P_ALL, 0)
}

fn peek(kind: libc::idtype_t, which: libc::id_t) -> Option<i32> {
    // SAFETY: all zero is a valid `siginfo_t`; the kernel leaves it so where nobody has ended.
    let mut seen: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: the kernel writes one `siginfo_t`, which lives through the call.
    checked(unsafe { libc::waitid(kind, which, &raw mut seen, flags) }.into()).ok()?;
    // SAFETY: a number, whatever the kernel filled in.
    let pid = unsafe { seen.si_pid() };
    (pid != 0).then_some(pid)
}

/// The processor time that the kernel charges a process with, by which it judges `RLIMIT_CPU`:
/// that of all its threads, but of no child. Known until the process is reaped.
pub fn processor_time(pid: i32) -> Option<Duration> {
    // From linux/posix-timers_types.h: the clock of a whole process that counts what its timers
    // and limits do (`CPUCLOCK_PROF`).
    let clock = !pid << 3;
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the kernel writes one `timespec`, which lives through the call.
    checked(unsafe { libc::clock_gettime(clock, &raw mut time) }.into()).ok()?;
    let (seconds, nanoseconds) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Some(Duration::new(seconds.ok()?, nanoseconds.ok()?))
}

/// Reaps one child if it has ended.
///
/// # Errors
/// `ECHILD` when it is no child.
pub fn reap_child(pid: i32) -> Result<Option<Ended>, Errno> {
    Ok(reap_now(pid)?.map(|(_, ended)| ended))
}

fn reap_now(which: i32) -> Result<Option<(i32, Ended)>, Errno> {
    loop {
        let mut status = 0;
        // SAFETY: the kernel writes one `int`, which lives through the call. nix's waitpid
        // would lose a child that a real-time signal ended.
        let pid = unsafe { libc::waitpid(which, &raw mut status, libc::WNOHANG) };
        match pid {
            -1 if Errno::last() == Errno::EINTR => {}
            -1 => return Err(Errno::last()),
            0 => return Ok(None),
            _ if libc::WIFSIGNALED(status) => {
                return Ok(Some((pid, Ended::Signalled(libc::WTERMSIG(status)))));
            }
            _ => return Ok(Some((pid, Ended::Exited(libc::WEXITSTATUS(status))))),
        }
    }
}

/// Sends a signal to a process or, with a negative number, to a process group.
///
/// # Errors
/// `ESRCH` when there is none.
pub fn signal(target: i32, number: i32) -> io::Result<()> {
    // SAFETY: plain numbers.
    checked(unsafe { libc::kill(target, number) }.into())?;
    Ok(())
}

/// Kills the very process that a pidfd stands for.
///
/// # Errors
/// `ESRCH` when it has ended, `EPERM` when it is someone else's.
pub fn kill_by(pidfd: BorrowedFd<'_>) -> io::Result<()> {
    let none = std::ptr::null::<libc::siginfo_t>();
    let (pidfd, signal, flags) = (pidfd.as_raw_fd(), libc::SIGKILL, 0);
    // SAFETY: plain numbers, and no pointer.
    checked(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd, signal, none, flags) })?;
    Ok(())
}

/// Waits until a process has ended, for at most this long; whether it has.
pub fn has_ended_within(pidfd: BorrowedFd<'_>, most: Duration) -> bool {
    let until = Instant::now() + most;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(pidfd, PollFlags::POLLIN)], left) {
            Ok(count) => return count > 0,
            Err(Errno::EINTR) => {}
            Err(_) => return false,
        }
    }
}

/// The children of a process, as the kernel lists them now.
///
/// The list can miss some while it changes; callers repeat until nothing is left.
pub fn children_of(pid: i32) -> Vec<i32> {
    #[allow(clippy::disallowed_methods, reason = "process lists in proc")]
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    match text {
        Ok(text) => text
            .split_ascii_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect(),
        Err(_) => children_by_scan(pid),
    }
}

/// Whether [`children_of`] can tell anything here.
pub fn can_list() -> bool {
    parent_of(std::process::id().cast_signed()).is_some()
}

/// For kernels without `CONFIG_PROC_CHILDREN`.
fn children_by_scan(parent: i32) -> Vec<i32> {
    #[allow(clippy::disallowed_methods, reason = "process lists in proc")]
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| parent_of(*pid) == Some(parent))
        .collect()
}

/// Whether a thread is of a process below this one, which must have adopted orphans: then the
/// parents of each of its processes lead here.
pub fn is_below_us(thread: i32) -> bool {
    let own = std::process::id().cast_signed();
    parents_of(thread).any(|pid| pid == own)
}

/// The parent of a thread's process, that one's parent, and so on, as they are now.
pub fn parents_of(thread: i32) -> impl Iterator<Item = i32> {
    const MOST: usize = 10_000;
    std::iter::successors(parent_of(thread), |pid| parent_of(*pid)).take(MOST)
}

fn parent_of(pid: i32) -> Option<i32> {
    #[allow(clippy::disallowed_methods, reason = "process lists in proc")]
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses can hold anything, parentheses included.
    text.rsplit_once(')')?
        .1
        .split_ascii_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

/// Keeps other processes of this user from looking into this one (`PR_SET_DUMPABLE`).
pub fn hide_memory() {
    // SAFETY: plain numbers; the kernel cannot refuse this value.
    unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
}

/// Reaps one child that is known to have ended or to be ending.
pub fn reap(pid: i32) {
    while nix::sys::wait::waitpid(Pid::from_raw(pid), None) == Err(Errno::EINTR) {}
}

/// Waits for one child; its exit code, or `None` where a signal ended it.
pub fn reap_status(pid: i32) -> Option<i32> {
    use nix::sys::wait::WaitStatus;
    loop {
        match nix::sys::wait::waitpid(Pid::from_raw(pid), None) {
            Ok(WaitStatus::Exited(_, code)) => return Some(code),
            Err(Errno::EINTR) => {}
            _ => return None,
        }
    }
}
