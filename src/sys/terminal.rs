//! A terminal of the sandbox's own, and the operator's terminal in raw mode meanwhile.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

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
    let raw = unsafe { libc::ioctl(relay.as_raw_fd(), libc::TIOCGPTPEER, flags.bits()) };
    super::checked(raw.into())?;
    // SAFETY: the kernel just installed it; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
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

/// The operator's terminal in raw mode; back as it was when this is dropped.
#[derive(Debug)]
pub struct RawMode {
    terminal: OwnedFd,
    before: Termios,
}

impl RawMode {
    /// Switches the terminal to raw mode.
    ///
    /// # Errors
    /// When the descriptor is no terminal.
    pub fn enter(terminal: BorrowedFd<'_>) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        let terminal = super::stdio::duplicate(terminal)?;
        tcsetattr(&terminal, SetArg::TCSADRAIN, &raw)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // Nothing more can be done for a terminal that is gone.
        let _ = tcsetattr(&self.terminal, SetArg::TCSADRAIN, &self.before);
    }
}
