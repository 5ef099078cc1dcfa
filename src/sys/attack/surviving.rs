//! Outliving the command: each attack leaves a process behind, which does nothing but be there,
//! and not for longer than half a minute.

use nix::errno::Errno;

use super::call::{call, structure};
use super::files::{pipe, write};
use super::running::fork;
use super::{Outcome, Prey};

/// How long a survivor lives at most, in seconds.
const LIFE: i64 = 30;

fn end() -> ! {
    super::super::process::end_now(0)
}

fn setsid() {
    let _ = call!(libc::SYS_setsid);
}

/// Is there, deaf to every signal that can be refused.
fn haunt(here: i64) -> ! {
    for signal in 1..=64 {
        // The handler that ignores, and no flags; the set of signals has eight bytes.
        let ignore = structure![1u64, 0u64, 0u64, 0u64];
        let _ = call!(libc::SYS_rt_sigaction, signal, &ignore, 0, 8);
    }
    let _ = write(here, b"x");
    // Whoever waits for the end of the output would wait for this process too.
    let _ = call!(libc::SYS_close_range, 0, i32::MAX, 0);
    let _ = call!(libc::SYS_nanosleep, &structure![LIFE, 0i64], 0);
    end()
}

/// Starts the survivor's maker, and waits until the survivor is there.
fn leave(make: impl FnOnce(i64)) -> Outcome {
    let (reader, writer) = pipe()?;
    if fork()? == 0 {
        make(writer);
        end();
    }
    call!(libc::SYS_close, writer)?;
    let mut byte = [0u8; 1];
    match call!(libc::SYS_read, reader, &mut byte[..], 1)? {
        1 => Ok(Vec::new()),
        _ => Err(Errno::ECHILD),
    }
}

/// A child
pub(crate) fn child(_: &Prey) -> Outcome {
    leave(|here| haunt(here))
}

/// A grandchild, whose parent has ended
pub(crate) fn double_fork(_: &Prey) -> Outcome {
    leave(|here| {
        if fork() == Ok(0) {
            haunt(here);
        }
    })
}

/// A session of its own
pub(crate) fn session(_: &Prey) -> Outcome {
    leave(|here| {
        setsid();
        haunt(here)
    })
}

/// A daemon: a session, a grandchild of it, another session
pub(crate) fn daemon(_: &Prey) -> Outcome {
    leave(|here| {
        setsid();
        if fork() == Ok(0) {
            let _ = call!(libc::SYS_chdir, c"/");
            setsid();
            haunt(here);
        }
    })
}

/// A reaper of its own, which keeps its orphans from being found
pub(crate) fn reaper(_: &Prey) -> Outcome {
    leave(|here| {
        let _ = call!(libc::SYS_prctl, libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        let _ = call!(libc::SYS_prctl, libc::PR_SET_PDEATHSIG, 0, 0, 0, 0);
        if fork() == Ok(0) {
            if fork() == Ok(0) {
                setsid();
                haunt(here);
            }
            end();
        }
        let _ = call!(libc::SYS_nanosleep, &structure![LIFE, 0i64], 0);
    })
}

/// A process that is closed to inspection
pub(crate) fn undumpable(_: &Prey) -> Outcome {
    leave(|here| {
        let _ = call!(libc::SYS_prctl, libc::PR_SET_DUMPABLE, 0, 0, 0, 0);
        setsid();
        haunt(here)
    })
}

/// A process that is stopped
pub(crate) fn stopped(_: &Prey) -> Outcome {
    leave(|here| {
        setsid();
        if end_by_timer().is_err() {
            return;
        }
        let _ = write(here, b"x");
        let _ = call!(libc::SYS_close_range, 0, i32::MAX, 0);
        let own = i64::from(std::process::id());
        let _ = call!(libc::SYS_kill, own, libc::SIGSTOP);
    })
}

/// Has this process ended after its time, also when it is stopped: no other signal would.
fn end_by_timer() -> Result<i64, Errno> {
    let mut timer = [0u8; 8];
    // A value, the signal, SIGEV_SIGNAL.
    let mut event = structure![0u64, libc::SIGKILL, 0i32];
    event.resize(64, 0);
    let clock = libc::CLOCK_MONOTONIC;
    call!(libc::SYS_timer_create, clock, &event, &mut timer[..])?;
    let [a, b, c, d, ..] = timer;
    let number = i32::from_ne_bytes([a, b, c, d]);
    let once = structure![0i64, 0i64, LIFE, 0i64];
    call!(libc::SYS_timer_settime, number, 0, &once, 0)
}

/// A sibling of the attacker: `CLONE_PARENT`
pub(crate) fn sibling(_: &Prey) -> Outcome {
    leave(|here| {
        let flags = libc::CLONE_PARENT | libc::SIGCHLD;
        if call!(libc::SYS_clone, flags, 0, 0, 0, 0) == Ok(0) {
            setsid();
            haunt(here);
        }
    })
}

/// A process whose first thread has ended, which looks dead
pub(crate) fn headless(_: &Prey) -> Outcome {
    leave(|here| {
        setsid();
        let body = std::thread::Builder::new().spawn(move || haunt(here));
        if body.is_ok() {
            // This thread alone.
            let _ = call!(libc::SYS_exit, 0);
        }
    })
}

/// A process that is never the same for long: each starts its successor and ends
pub(crate) fn running_away(prey: &Prey) -> Outcome {
    let stop = prey.own("stop");
    leave(move |here| {
        setsid();
        let _ = write(here, b"x");
        let _ = call!(libc::SYS_close_range, 0, i32::MAX, 0);
        let moment = structure![0i64, 20_000_000i64];
        // Not for ever, whatever becomes of it.
        for _ in 0..500 {
            if call!(libc::SYS_faccessat, libc::AT_FDCWD, &stop, 0).is_ok() {
                end();
            }
            match fork() {
                Ok(0) => {
                    let _ = call!(libc::SYS_nanosleep, &moment, 0);
                }
                _ => end(),
            }
        }
    })
}
