//! Signals to a process outside, by every way to send one.

use super::call::{call, structure};
use super::files::{pipe, write};
use super::{Outcome, Prey, done};

const KILL: i32 = libc::SIGKILL;

/// kill(2)
pub(crate) fn kill(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_kill, prey.number, KILL))
}

/// kill(2) of its process group
pub(crate) fn kill_group(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_kill, -prey.number, KILL))
}

/// kill(2), to stop it
pub(crate) fn stop(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_kill, prey.number, libc::SIGSTOP))
}

/// tkill(2)
pub(crate) fn tkill(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_tkill, prey.number, KILL))
}

/// tgkill(2)
pub(crate) fn tgkill(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_tgkill, prey.number, prey.number, KILL))
}

/// What comes with a queued signal: its number, no error, `SI_QUEUE`.
fn information() -> Vec<u8> {
    let mut information = structure![KILL, 0i32, -1i32];
    information.resize(128, 0);
    information
}

/// rt_sigqueueinfo(2)
pub(crate) fn queue(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_rt_sigqueueinfo,
        prey.number,
        KILL,
        &information()
    ))
}

/// rt_tgsigqueueinfo(2)
pub(crate) fn queue_to_thread(prey: &Prey) -> Outcome {
    let process = prey.number;
    done(call!(
        libc::SYS_rt_tgsigqueueinfo,
        process,
        process,
        KILL,
        &information()
    ))
}

/// pidfd_send_signal(2)
pub(crate) fn pidfd(prey: &Prey) -> Outcome {
    let process = call!(libc::SYS_pidfd_open, prey.number, 0)?;
    done(call!(libc::SYS_pidfd_send_signal, process, KILL, 0, 0))
}

/// pidfd_send_signal(2) to its directory in proc
pub(crate) fn proc_directory(prey: &Prey) -> Outcome {
    let path = super::text(&format!("/proc/{}", prey.number));
    let process = super::files::open(&path, libc::O_RDONLY | libc::O_DIRECTORY)?;
    done(call!(libc::SYS_pidfd_send_signal, process, KILL, 0, 0))
}

/// Makes the kernel send the signal of a pipe that can be read.
fn by_owner(set_owner: impl FnOnce(i64) -> Result<i64, nix::errno::Errno>) -> Outcome {
    let (reader, writer) = pipe()?;
    set_owner(reader)?;
    call!(libc::SYS_fcntl, reader, F_SETSIG, KILL)?;
    call!(libc::SYS_fcntl, reader, libc::F_SETFL, libc::O_ASYNC)?;
    done(write(writer, b"x"))
}

const F_SETSIG: i32 = 10;
const F_SETOWN_EX: i32 = 15;

/// The owner of a pipe: `F_SETOWN`
pub(crate) fn owner(prey: &Prey) -> Outcome {
    by_owner(|pipe| call!(libc::SYS_fcntl, pipe, libc::F_SETOWN, prey.number))
}

/// The owner of a pipe: `F_SETOWN_EX`
pub(crate) fn owner_extended(prey: &Prey) -> Outcome {
    let process = i32::try_from(prey.number).unwrap_or(0);
    let owner = structure![1i32, process]; // F_OWNER_PID
    by_owner(|pipe| call!(libc::SYS_fcntl, pipe, F_SETOWN_EX, &owner))
}

/// The group that owns a pipe
pub(crate) fn owner_group(prey: &Prey) -> Outcome {
    by_owner(|pipe| call!(libc::SYS_fcntl, pipe, libc::F_SETOWN, -prey.number))
}
