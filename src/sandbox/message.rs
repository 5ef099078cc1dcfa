//! What the broker and its launcher say to each other.
//!
//! The two trust each other: the launcher is a fork of the broker. The command
//! never holds an end of this connection.

use std::ffi::CString;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::lane::LaneNumber;
use super::view::ViewError;
use crate::sys::channel::{Channel, Frame};
use crate::sys::launch::ControllingTerminal;

/// Says an order or a report to the other end.
pub(super) fn say(
    channel: &Channel,
    word: &impl Serialize,
    with: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let bytes = postcard::to_stdvec(word).map_err(io::Error::other)?;
    channel.send(&bytes, with)
}

/// Waits for the other end's next word, and what comes with it.
///
/// # Errors
/// When the other end is gone, or the word makes no sense.
pub(super) fn hear<T: DeserializeOwned>(channel: &Channel) -> io::Result<(T, Vec<OwnedFd>)> {
    let frame = channel.receive()?;
    let frame = frame.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
    Ok((decode(&frame)?, frame.descriptors))
}

/// The word in a frame.
pub(super) fn decode<T: DeserializeOwned>(frame: &Frame) -> io::Result<T> {
    postcard::from_bytes(&frame.bytes).map_err(io::Error::other)
}

/// From the broker to the launcher.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    /// Start a command. With it come standard input, output, error and the working directory.
    Start(Box<Job>),
    /// Send a signal to the command's process group.
    Signal(i32),
    /// End the command and everything it started.
    End,
    /// Open a lane of this number. With it comes the lane's end of its connection.
    Lane(LaneNumber),
}

/// One command to start.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    /// The paths to try, in order.
    pub programs: Vec<CString>,
    /// The argument list.
    pub arguments: Vec<CString>,
    /// `NAME=value` each.
    pub environment: Vec<CString>,
    /// The path of the working directory, whose handle comes with the order.
    pub directory: CString,
    /// Whether standard input is a terminal of its own.
    pub terminal: Terminal,
    /// When it is ended, counted from its start.
    pub wall: Duration,
    /// What it is known by in the kernel's audit, where that is listened to.
    pub mark: Option<CString>,
}

/// As [`ControllingTerminal`], for the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Terminal {
    None,
    StandardInput,
}

impl From<Terminal> for ControllingTerminal {
    fn from(terminal: Terminal) -> Self {
        match terminal {
            Terminal::None => Self::None,
            Terminal::StandardInput => Self::StandardInput,
        }
    }
}

/// From the launcher to the broker.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    /// The view is built; with it comes its instance of devpts. In flat mode this goes
    /// without saying. Of a lane: it is there.
    Ready,
    /// The view could not be built; the launcher has ended.
    NoView(ViewError),
    /// The launcher could not let go of what it was started with: the kernel's answer.
    NoLauncher(i32),
    /// The command runs.
    Started { pid: i32 },
    /// The command did not start: the step's number, and the kernel's answer.
    NotStarted { step: u32, errno: i32 },
    /// A supervised system call was refused, so many times.
    Refused(RefusedCall, u64),
    /// The command ended, and everything it had started is gone.
    Ended(Ended),
}

/// A system call that the supervisor refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedCall {
    /// The name of the system call.
    pub call: String,
    /// The whole path that it named, as read from the caller's memory, or that its descriptor
    /// led to.
    pub path: Option<String>,
    /// As the caller wrote it, where that is another.
    pub written: Option<String>,
    /// Where the kernel found it, where that is another.
    pub looked_up: Option<String>,
    /// Why it was refused.
    pub reason: RefusedFor,
    /// The caller; 0 where it is not told.
    pub pid: i32,
    /// The caller's executable and arguments, where they could be read.
    pub process: Vec<String>,
}

/// Why the supervisor refused a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RefusedFor {
    /// Nothing may be changed.
    ReadOnly,
    /// The object lies in no grant that may be changed.
    Outside,
    /// No call of this kind is let through.
    Closed,
    /// It would have led to a network.
    Network,
    /// The object is protected or hidden in its grant, or lies in a grant without the right.
    Exception,
    /// The process is not the command's.
    OtherProcess,
    /// The file would run with the rights of its owner or group.
    Privileged,
    /// The object cannot be read or listed: it lies in no grant.
    NotGranted,
    /// The object lies in a grant, but without the right to read or list it.
    OtherRight,
    /// The object is hidden in its grant.
    Hidden,
    /// The path leads outside of a view, where nothing is.
    NotThere,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ended {
    /// Its own ending.
    pub status: ExitStatus,
    /// The limits that it met, as far as that can be known.
    pub limits: Vec<LimitHit>,
    /// How many processes it left behind, which were ended.
    pub strays: u64,
    /// How long it ran.
    pub duration: Duration,
}

/// A limit that a command met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LimitHit {
    /// Its time was up.
    WallTime,
    /// It wrote more than it may.
    Output,
    /// Its first process used up its processor time.
    CpuTime,
    /// Its first process made a file as large as it may.
    FileSize,
    /// The private directory was full when it ended.
    Scratch,
    /// The memory of its control group was used up, and some of its processes were ended.
    Memory,
    /// Its control group held as many processes as it may, and one more was wanted.
    Processes,
}

impl LimitHit {
    /// What denials call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WallTime => "wall time",
            Self::Output => "output",
            Self::CpuTime => "cpu time",
            Self::FileSize => "file size",
            Self::Scratch => "scratch size",
            Self::Memory => "memory",
            Self::Processes => "processes",
        }
    }
}

/// The ending of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExitStatus {
    /// It exited with this code.
    Exited(i32),
    /// This signal ended it.
    Signalled(i32),
}
