//! Ending everything below this process.
//!
//! It must never reach a process that this one did not start, so the one call that names
//! nobody is made only behind two proofs.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;

use super::checked;
use super::process::{Ended, children_of, reap_any, signal};

/// How the processes below this one are ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Teardown {
    /// As the kernel lists them. What forks meanwhile is found by looking again.
    OneByOne,
    /// All at once, so that what forks meanwhile is ended with the rest: this process is in a
    /// Landlock domain with them, outside which it can signal nobody.
    AtOnce {
        /// Our parent, which is not in the domain.
        outsider: i32,
    },
    /// All at once: this process is the first of its pid namespace, which holds nobody else.
    Namespace,
}

/// `LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF` (Linux 6.15): nothing is told of what this process
/// itself is denied.
const LOG_SAME_EXEC_OFF: libc::c_uint = 1;

impl Teardown {
    /// Enters a domain that scopes signals, for good, and privileges are given up with it.
    /// Where the kernel refuses, the processes are ended one by one.
    pub fn by_domain(ruleset: BorrowedFd<'_>) -> Self {
        // SAFETY: plain numbers.
        unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
        let enter = |flags: libc::c_uint| {
            let domain = ruleset.as_raw_fd();
            // SAFETY: plain numbers. The caller has a single thread, which the domain binds.
            let entered = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, domain, flags) };
            checked(entered)
        };
        // Ending everything below means being refused everything else: a record for each other
        // process of the host, where it keeps an audit. Older kernels know no such flag.
        match enter(LOG_SAME_EXEC_OFF).or_else(|_| enter(0)) {
            Ok(_) => Self::AtOnce {
                outsider: nix::unistd::getppid().as_raw(),
            },
            Err(_) => Self::OneByOne,
        }
    }

    /// Ends every process below this one and reaps it; returns how many were ended.
    ///
    /// The caller must have adopted orphans. Killing a parent makes its children ours, so
    /// the loop ends only when the kernel says that there is none left.
    pub fn end_all(self) -> usize {
        let mut ended = 0;
        let mut pause = Duration::from_micros(50);
        let mut expected = 0;
        loop {
            // Reaping has an end, and then killing goes on: a storm of processes that fork and
            // exit makes new ones as fast as they are reaped.
            for turn in 0..=expected {
                match reap_any() {
                    Err(_) => return ended,
                    // What had ended by itself was not ended by us.
                    Ok(Some((_, how))) => {
                        ended += usize::from(how == Ended::Signalled(libc::SIGKILL));
                    }
                    Ok(None) if turn == 0 && expected > 0 => {
                        thread::sleep(pause);
                        pause = (pause * 2).min(Duration::from_millis(5));
                        break;
                    }
                    Ok(None) => break,
                }
            }
            expected = self.kill_all();
        }
    }

    /// Kills what is below this process now; returns how many to expect at least.
    fn kill_all(self) -> usize {
        match self {
            Self::AtOnce { outsider } if kill_domain(outsider).is_ok() => usize::MAX,
            Self::Namespace if kill_namespace().is_ok() => usize::MAX,
            _ => kill_listed(),
        }
    }
}

/// Kills every process that this one may signal, and itself not.
///
/// The kernel goes through its list while no process can be added to it.
///
/// # Errors
/// `EPERM` where it is not certain that the domain holds us back; then nothing was sent.
fn kill_domain(outsider: i32) -> io::Result<()> {
    // Our parent has our user and no more privileges than we have: nothing but the domain can
    // keep us from signalling it.
    let is_parent = nix::unistd::getppid().as_raw() == outsider;
    // SAFETY: plain numbers; no signal is sent.
    let asked = checked(unsafe { libc::kill(outsider, 0) }.into());
    let is_held_back = asked.is_err_and(|error| error.raw_os_error() == Some(libc::EPERM));
    if !is_parent || !is_held_back {
        return Err(Errno::EPERM.into());
    }
    // SAFETY: plain numbers. The domain bounds whom it reaches, as was just seen.
    match checked(unsafe { libc::kill(-1, libc::SIGKILL) }.into()) {
        Err(error) if error.raw_os_error() != Some(libc::ESRCH) => Err(error),
        _ => Ok(()),
    }
}

/// Kills every other process of the pid namespace.
///
/// # Errors
/// `EPERM` where this is not its first process; then nothing was sent.
fn kill_namespace() -> io::Result<()> {
    if std::process::id() != 1 {
        return Err(Errno::EPERM.into());
    }
    // SAFETY: plain numbers. Below the first process are only those of its namespace.
    match checked(unsafe { libc::kill(-1, libc::SIGKILL) }.into()) {
        Err(error) if error.raw_os_error() != Some(libc::ESRCH) => Err(error),
        _ => Ok(()),
    }
}

fn kill_listed() -> usize {
    const MOST: usize = 100_000;
    let kill = |pid: &i32| {
        // A number seen a moment ago as our descendant; only a direct child is
        // certain not to be reused, but a deeper one is below a process of ours.
        let _ = signal(*pid, libc::SIGKILL);
    };
    // Each at once, because whoever lives on makes more.
    let mut tree = children_of(std::process::id().cast_signed());
    tree.iter().for_each(kill);
    let mut next = 0;
    while next < tree.len() && tree.len() < MOST {
        let children = children_of(tree[next]);
        children.iter().for_each(kill);
        tree.extend(children);
        next += 1;
    }
    tree.len()
}
