//! Installing a system call filter, and asking what the kernel's seccomp can do.

use std::os::fd::RawFd;

/// One instruction of classic BPF, laid out as the kernel reads it.
pub type Instruction = libc::sock_filter;

/// A program ready to be installed.
#[derive(Debug, Clone)]
pub struct Filter {
    program: Vec<Instruction>,
    supervision: Supervision,
    key: Option<u64>,
}

/// Whether a filter hands some calls to a supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Supervision {
    /// No call is handed over.
    None,
    /// The filter returns `SECCOMP_RET_USER_NOTIF` for some calls.
    Listener,
}

/// What installing gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listening {
    /// A raw listener descriptor, close-on-exec.
    Yes(RawFd),
    /// The filter has no listener.
    No,
}

/// Linux 5.19. A fatal signal interrupts a call that a supervisor already took,
/// others do not, so programs see no EINTR that they would not see without us.
const WAIT_KILLABLE_RECV: libc::c_ulong = 1 << 5;

impl Filter {
    /// Takes a program. The kernel refuses one that is empty or longer than 4096.
    pub fn new(program: Vec<Instruction>, supervision: Supervision) -> Self {
        Self {
            program,
            supervision,
            key: None,
        }
    }

    /// The same, in which `execveat(2)` passes unseen whose sixth argument is this key.
    #[must_use]
    pub fn with_key(self, key: Option<u64>) -> Self {
        Self { key, ..self }
    }

    /// What to execute by, where executing would be handed to a supervisor that waits for it.
    pub(super) fn key(&self) -> Option<u64> {
        self.key
    }

    /// A program that restricts nothing, to see whether one can be installed.
    pub fn allowing_everything(supervision: Supervision) -> Self {
        const RETURN: u16 = 0x06;
        let allow = Instruction {
            code: RETURN,
            jt: 0,
            jf: 0,
            k: libc::SECCOMP_RET_ALLOW,
        };
        Self::new(vec![allow], supervision)
    }

    /// How many instructions it has.
    pub fn len(&self) -> usize {
        self.program.len()
    }

    /// Whether it has no instruction, which no kernel accepts.
    pub fn is_empty(&self) -> bool {
        self.program.is_empty()
    }

    /// Installs the filter on the calling thread, for good. Uses no memory of its own,
    /// so that it can be called between clone and exec.
    pub(super) fn install(&self) -> Result<Listening, ()> {
        let program = libc::sock_fprog {
            // The kernel refuses more than 4096 instructions, so the length never wraps in use.
            len: u16::try_from(self.program.len()).map_err(drop)?,
            filter: self.program.as_ptr().cast_mut(),
        };
        let flags = match self.supervision {
            Supervision::None => 0,
            Supervision::Listener => libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | WAIT_KILLABLE_RECV,
        };
        let mut result = install_with(flags, &program);
        if result == -1 && last_is(libc::EINVAL) && flags & WAIT_KILLABLE_RECV != 0 {
            result = install_with(flags & !WAIT_KILLABLE_RECV, &program);
        }
        match (result, self.supervision) {
            (-1, _) => Err(()),
            (_, Supervision::None) => Ok(Listening::No),
            (listener, Supervision::Listener) => {
                Ok(Listening::Yes(RawFd::try_from(listener).map_err(drop)?))
            }
        }
    }
}

fn install_with(flags: libc::c_ulong, program: &libc::sock_fprog) -> libc::c_long {
    // SAFETY: the program and what it points to outlive the call; the kernel copies it.
    unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            flags,
            std::ptr::from_ref(program),
        )
    }
}

fn last_is(errno: i32) -> bool {
    std::io::Error::last_os_error().raw_os_error() == Some(errno)
}

/// Whether the kernel knows a filter's return action (`SECCOMP_GET_ACTION_AVAIL`, Linux 4.14).
fn action_available(action: u32) -> bool {
    // SAFETY: the kernel reads four bytes from `action`, which lives through the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_GET_ACTION_AVAIL,
            0,
            &raw const action,
        )
    };
    result == 0
}

/// Whether calls can be handed to a supervisor (Linux 5.0).
pub fn user_notification_available() -> bool {
    action_available(libc::SECCOMP_RET_USER_NOTIF)
}

/// Whether a filter with a listener can be installed here: there can be only one in a chain
/// of filters, and an outer sandbox may have it.
pub fn can_listen() -> bool {
    use super::process::{Fork, end_now, fork_single_threaded, reap_status};
    if is_unfiltered() {
        return true;
    }
    let filter = Filter::allowing_everything(Supervision::Listener);
    match fork_single_threaded() {
        Ok(Fork::Child) => {
            let _ = nix::sys::prctl::set_no_new_privs();
            end_now(i32::from(filter.install().is_err()))
        }
        Ok(Fork::Parent { pid, .. }) => reap_status(pid) == Some(0),
        Err(_) => false,
    }
}

/// Whether this thread has no filter at all, so that nobody has the listener. A fork to try it
/// costs what starting a command does.
fn is_unfiltered() -> bool {
    // SAFETY: plain numbers, and nothing is written (prctl(2), PR_GET_SECCOMP).
    unsafe { libc::prctl(libc::PR_GET_SECCOMP, 0, 0, 0, 0) == 0 }
}
