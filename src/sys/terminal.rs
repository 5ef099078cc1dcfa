//! A terminal of the sandbox's own, and the operator's terminal in raw mode meanwhile.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

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
    /// Opens a terminal with the size and settings of another.
    ///
    /// # Errors
    /// When the host has no terminals left.
    pub fn like(model: BorrowedFd<'_>) -> io::Result<Self> {
        let settings = tcgetattr(model).ok();
        let size = window_size(model);
        let pair = nix::pty::openpty(size.as_ref(), settings.as_ref())?;
        for end in [&pair.master, &pair.slave] {
            use nix::fcntl::{FcntlArg, FdFlag, fcntl};
            fcntl(end.as_fd(), FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        }
        Ok(Self {
            relay: pair.master,
            inside: pair.slave,
        })
    }
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
