//! Signals as descriptors, so that one loop waits for everything.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// Signals to a front end that are meant for the command.
pub const FORWARDED: [Signal; 6] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGWINCH,
    Signal::SIGCONT,
];

/// A set of signals, blocked for this process and readable here instead.
#[derive(Debug)]
pub struct SignalSource {
    descriptor: SignalFd,
    previous: SigSet,
}

impl SignalSource {
    /// Blocks the signals and opens their descriptor.
    ///
    /// # Errors
    /// When the process has no descriptors left.
    pub fn of(signals: &[Signal]) -> io::Result<Self> {
        let set: SigSet = signals.iter().copied().collect();
        let previous = set.thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_BLOCK)?;
        let descriptor =
            SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(Self {
            descriptor,
            previous,
        })
    }

    /// The next signal's number, if one has arrived.
    pub fn next(&self) -> Option<i32> {
        self.descriptor
            .read_signal()
            .ok()
            .flatten()
            .and_then(|information| i32::try_from(information.ssi_signo).ok())
    }
}

impl Drop for SignalSource {
    fn drop(&mut self) {
        // Restoring a mask that the kernel gave us cannot fail.
        let _ = self.previous.thread_set_mask();
    }
}

impl AsFd for SignalSource {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// Blocks every signal for this thread, for good: for a launcher, which has a
/// descriptor for the one signal it waits for.
///
/// # Errors
/// Never with a valid set.
pub fn block_all() -> io::Result<()> {
    SigSet::all().thread_set_mask()?;
    Ok(())
}
