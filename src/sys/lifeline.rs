//! A pipe that ties one process to another: when the holder is gone, however it ended, the kernel
//! kills whoever depends on it.
//!
//! `PR_SET_PDEATHSIG` would not do: it is about the *thread* that started the process, and the
//! threads of a server come and go. Nothing is ever written to this pipe.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, FromRawFd as _, OwnedFd};
use std::sync::{Mutex, PoisonError};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::checked;
use super::stdio::{StreamKind, kind_of};

/// The holder's end. When the last copy of it closes, the dependents die.
#[derive(Debug)]
pub struct Holder(#[allow(dead_code, reason = "held, never used")] OwnedFd);

/// The end that a dependent is started with.
#[derive(Debug)]
pub struct Line(OwnedFd);

/// A new lifeline; neither end is inherited by itself.
///
/// # Errors
/// When the process has no descriptors left.
pub fn new() -> io::Result<(Holder, Line)> {
    let (line, holder) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    Ok((Holder(holder), Line(line)))
}

/// Two starts at once would each inherit the other's line.
static STARTING: Mutex<()> = Mutex::new(());

impl Line {
    /// The number under which a process that [`Self::lend`] starts has the line.
    pub fn number(&self) -> i32 {
        self.0.as_raw_fd()
    }

    /// Starts a process, which inherits the line.
    ///
    /// # Errors
    /// What `start` gives.
    pub fn lend<T>(self, start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let _one = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        fcntl(&self.0, FcntlArg::F_SETFD(FdFlag::empty()))?;
        start()
    }
}

/// Lets the kernel kill this process when the holder of the line with this number is gone.
///
/// To be called once, before the process starts others.
///
/// # Errors
/// When the number is no pipe that this process inherited, or the holder is gone already.
pub fn depend_on(number: i32) -> io::Result<()> {
    let unusable = || io::Error::from_raw_os_error(libc::EBADF);
    if number <= 2 {
        return Err(unusable());
    }
    // SAFETY: plain numbers.
    checked(unsafe { libc::fcntl(number, libc::F_GETFD) }.into())?;
    // SAFETY: it is open, and was inherited for this very use; nothing else owns it.
    let line = unsafe { OwnedFd::from_raw_fd(number) };
    if kind_of(line.as_fd()) != StreamKind::AnonymousPipe {
        return Err(unusable());
    }
    fcntl(&line, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    // SAFETY: plain numbers. The signal comes with POLL_IN, which for a pipe that is never
    // written to means that it was closed.
    checked(unsafe { libc::fcntl(number, F_SETSIG, libc::SIGKILL) }.into())?;
    let own = std::process::id().cast_signed();
    // SAFETY: plain numbers.
    checked(unsafe { libc::fcntl(number, libc::F_SETOWN, own) }.into())?;
    fcntl(&line, FcntlArg::F_SETFL(OFlag::O_ASYNC | OFlag::O_NONBLOCK))?;
    let mut ends = [PollFd::new(line.as_fd(), PollFlags::empty())];
    if poll(&mut ends, PollTimeout::ZERO)? != 0 {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    // Closing it would undo all this.
    std::mem::forget(line);
    Ok(())
}

/// From asm-generic/fcntl.h; the libc crate has it for some targets only.
const F_SETSIG: libc::c_int = 10;
