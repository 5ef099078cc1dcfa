//! A terminal of the sandbox's own, and the operator's terminal in raw mode meanwhile.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd, RawFd};
use std::sync::{Mutex, MutexGuard, Once};

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};

/// A new terminal: the end that we relay, the end that the command gets.
#[derive(Debug)]
pub struct OwnTerminal {
    /// What the command writes is read here.
    pub relay: OwnedFd,
    /// Standard streams for the command.
    pub inside: OwnedFd,
}

impl OwnTerminal {
    /// Opens a terminal with the size and settings of another: one of the host's, or of the
    /// given instance of devpts, where programs inside can find it by its name.
    ///
    /// # Errors
    /// When there are no terminals left.
    pub fn like(model: BorrowedFd<'_>, instance: Option<BorrowedFd<'_>>) -> io::Result<Self> {
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let relay = match instance {
            Some(instance) => nix::fcntl::openat(instance, c"ptmx", flags, Mode::empty())?,
            None => nix::fcntl::open(c"/dev/ptmx", flags, Mode::empty())?,
        };
        unlock(relay.as_fd())?;
        let inside = other_end(relay.as_fd(), flags)?;
        if let Ok(settings) = tcgetattr(model) {
            tcsetattr(&inside, SetArg::TCSANOW, &settings)?;
        }
        copy_window_size(model, inside.as_fd());
        Ok(Self { relay, inside })
    }
}

fn unlock(relay: BorrowedFd<'_>) -> io::Result<()> {
    let open: libc::c_int = 0;
    // SAFETY: the kernel reads one `int`, which lives through the call.
    let result = unsafe { libc::ioctl(relay.as_raw_fd(), libc::TIOCSPTLCK, &raw const open) };
    super::checked(result.into())?;
    Ok(())
}

/// Opens the command's end without its path (`TIOCGPTPEER`, Linux 4.13), which may lead to
/// another terminal where several instances of devpts are mounted.
fn other_end(relay: BorrowedFd<'_>, flags: OFlag) -> io::Result<OwnedFd> {
    // SAFETY: the flags are passed by value.
    let made = unsafe { libc::ioctl(relay.as_raw_fd(), libc::TIOCGPTPEER, flags.bits()) };
    super::installed(made.into())
}

/// Gives one terminal the size of another.
pub fn copy_window_size(from: BorrowedFd<'_>, to: BorrowedFd<'_>) {
    if let Some(size) = window_size(from) {
        // SAFETY: the kernel reads one `winsize`, which lives through the call.
        unsafe { libc::ioctl(to.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
    }
}

fn window_size(terminal: BorrowedFd<'_>) -> Option<libc::winsize> {
    let mut size = libc::winsize {
        ws_row: 0,
        ws_col: 0,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: the kernel writes one `winsize`, which lives through the call.
    let result = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    (result == 0).then_some(size)
}

/// The operator's terminal in raw mode; back as it was when this is dropped, and when the
/// program panics, which runs no destructor where a panic ends the process.
///
/// While it lives, the signals that would end the process must be blocked. Against one that
/// cannot be blocked nothing helps but `stty sane`.
#[derive(Debug)]
pub struct RawMode {
    terminal: OwnedFd,
}

static HOOK: Once = Once::new();
/// The one terminal that is in raw mode, and how it was before.
static BEFORE: Mutex<Option<(RawFd, Termios)>> = Mutex::new(None);

impl RawMode {
    /// Switches the terminal to raw mode, unless it serves another job now: then it is not ours
    /// to change, and the kernel would stop us for trying.
    ///
    /// # Errors
    /// When the descriptor is no terminal.
    pub fn enter(terminal: BorrowedFd<'_>) -> io::Result<Option<Self>> {
        let before = tcgetattr(terminal)?;
        if !is_ours(terminal) {
            return Ok(None);
        }
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        let terminal = super::stdio::duplicate(terminal)?;
        HOOK.call_once(restore_on_panic);
        *lock() = Some((terminal.as_raw_fd(), before));
        // From here on, dropping it restores.
        let entered = Self { terminal };
        tcsetattr(&entered.terminal, SetArg::TCSADRAIN, &raw)?;
        Ok(Some(entered))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        restore(lock());
    }
}

/// Whether this process is of the job that the terminal serves. A terminal that controls
/// another session, or none, has no jobs of ours and stops nobody.
fn is_ours(terminal: BorrowedFd<'_>) -> bool {
    nix::unistd::tcgetpgrp(terminal).map_or(true, |job| job == nix::unistd::getpgrp())
}

fn lock() -> MutexGuard<'static, Option<(RawFd, Termios)>> {
    // A settings value is never half written.
    BEFORE
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn restore(mut before: MutexGuard<'_, Option<(RawFd, Termios)>>) {
    if let Some((terminal, settings)) = before.take() {
        // SAFETY: the `RawMode` that put it there owns it, and takes it out before it closes it.
        let terminal = unsafe { BorrowedFd::borrow_raw(terminal) };
        if is_ours(terminal) {
            // Nothing more can be done for a terminal that is gone.
            let _ = tcsetattr(terminal, SetArg::TCSADRAIN, &settings);
        }
    }
}

fn restore_on_panic() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |what| {
        // First, so that the message is readable. Whoever holds the lock restores it already.
        if let Ok(before) = BEFORE.try_lock() {
            restore(before);
        }
        usual(what);
    }));
}

#[cfg(test)]
mod tests {
    use super::{OwnTerminal, RawMode, tcgetattr};
    use nix::sys::termios::LocalFlags;
    use std::os::fd::AsFd as _;

    #[test]
    fn a_terminal_is_as_before_after_a_panic_that_runs_no_destructor() {
        let model = nix::pty::openpty(None, None).unwrap();
        let terminal = OwnTerminal::like(model.slave.as_fd(), None).unwrap();
        let is_cooked = || {
            let settings = tcgetattr(&terminal.inside).unwrap();
            settings.local_flags.contains(LocalFlags::ICANON)
        };
        assert!(is_cooked());
        let raw = RawMode::enter(terminal.inside.as_fd()).unwrap().unwrap();
        assert!(!is_cooked());
        drop(raw);
        assert!(is_cooked());
        std::mem::forget(RawMode::enter(terminal.inside.as_fd()).unwrap());
        assert!(!is_cooked(), "no control");
        let _ = std::panic::catch_unwind(|| panic!("the test's own"));
        assert!(is_cooked());
    }
}
