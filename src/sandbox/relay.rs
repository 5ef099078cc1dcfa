//! Moving bytes between the caller's standard streams and the command's, byte for byte.
//!
//! The command never holds a stream of the caller's, except a pipe to read from: a
//! descriptor of a host file would let it change that file's mode or times, a terminal
//! would let it type into the caller's session. Nothing here may block: a reader that
//! stands still must not keep a timeout from ending the command.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::sys::stdio::{Interest, StreamKind, kind_of, never_wait};

/// `PIPE_BUF`: a pipe that is ready takes this much at once.
const CERTAIN_ROOM: usize = 4096;
const BUFFER: usize = 64 << 10;

/// Where the bytes of a flow go.
#[derive(Debug)]
pub(super) enum Sink {
    /// A stream, and how much of it can be written without waiting.
    Stream { file: File, chunk: usize },
    /// Kept in memory, as much as fits; the rest is counted.
    Memory {
        kept: Vec<u8>,
        most: usize,
        lost: u64,
        /// What nobody has taken yet, where somebody does.
        fresh: Option<Vec<u8>>,
    },
}

/// When what a command writes is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Telling {
    /// When it has ended.
    AtTheEnd,
    /// While it runs, and again at the end.
    Live,
}

impl Sink {
    /// A stream of the caller's.
    pub(super) fn stream(descriptor: OwnedFd) -> Self {
        let chunk = match kind_of(descriptor.as_fd()) {
            StreamKind::Ready => BUFFER,
            _ => CERTAIN_ROOM,
        };
        Self::Stream {
            file: File::from(descriptor),
            chunk,
        }
    }

    /// Our own end of a pipe to the command, which never waits.
    pub(super) fn own_pipe(descriptor: OwnedFd) -> io::Result<Self> {
        never_wait(descriptor.as_fd())?;
        Ok(Self::Stream {
            file: File::from(descriptor),
            chunk: BUFFER,
        })
    }

    /// Memory for at most this many bytes.
    pub(super) fn memory(most: usize, telling: Telling) -> Self {
        Self::Memory {
            kept: Vec::new(),
            most,
            lost: 0,
            fresh: (telling == Telling::Live).then(Vec::new),
        }
    }
}

/// Bytes on their way from one place to another.
#[derive(Debug)]
pub(super) struct Flow {
    source: Option<File>,
    pending: Vec<u8>,
    sink: Sink,
    passed: u64,
}

/// What became of one step of a flow.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// There may be more.
    Open,
    /// Everything has passed, or nobody takes it any more.
    Finished,
}

impl Flow {
    /// From a stream.
    pub(super) fn new(source: OwnedFd, sink: Sink) -> Self {
        Self {
            source: Some(File::from(source)),
            pending: Vec::new(),
            sink,
            passed: 0,
        }
    }

    /// From bytes that are already there.
    pub(super) fn of_bytes(bytes: Vec<u8>, sink: Sink) -> Self {
        Self {
            source: None,
            pending: bytes,
            sink,
            passed: 0,
        }
    }

    /// What it waits for; `None` when it can go on at once.
    pub(super) fn interest(&self) -> Option<(BorrowedFd<'_>, Interest)> {
        match (&self.source, &self.sink) {
            (_, Sink::Stream { file, .. }) if !self.pending.is_empty() => {
                Some((file.as_fd(), Interest::Writable))
            }
            (Some(source), _) => Some((source.as_fd(), Interest::Readable)),
            (None, _) => None,
        }
    }

    /// How many bytes have come from the source.
    pub(super) fn passed(&self) -> u64 {
        self.passed
    }

    /// Goes one step, after what it waited for came about.
    pub(super) fn step(&mut self) -> Progress {
        if self.pending.is_empty() && !self.fill() {
            return Progress::Finished;
        }
        self.empty()
    }

    /// Takes what the source has; false when it has ended.
    fn fill(&mut self) -> bool {
        let Some(source) = &mut self.source else {
            return false;
        };
        self.pending.resize(BUFFER, 0);
        let count = match source.read(&mut self.pending) {
            Ok(count) => count,
            Err(error) if is_momentary(&error) => {
                self.pending.clear();
                return true;
            }
            // A terminal whose other end is closed answers EIO: that is its end.
            Err(_) => 0,
        };
        self.pending.truncate(count);
        self.passed += count as u64;
        count > 0
    }

    fn empty(&mut self) -> Progress {
        match &mut self.sink {
            Sink::Memory {
                kept,
                most,
                lost,
                fresh,
            } => {
                if let Some(fresh) = fresh {
                    fresh.extend_from_slice(&self.pending);
                }
                let room = most.saturating_sub(kept.len()).min(self.pending.len());
                kept.extend_from_slice(&self.pending[..room]);
                *lost += (self.pending.len() - room) as u64;
                self.pending.clear();
            }
            Sink::Stream { file, chunk } if !self.pending.is_empty() => {
                let chunk = (*chunk).min(self.pending.len());
                match file.write(&self.pending[..chunk]) {
                    Ok(count) => drop(self.pending.drain(..count)),
                    Err(error) if is_momentary(&error) => {}
                    // Nobody reads any more. Closing our end tells the writer so.
                    Err(_) => return Progress::Finished,
                }
            }
            Sink::Stream { .. } => {}
        }
        if self.pending.is_empty() && self.source.is_none() {
            return Progress::Finished;
        }
        Progress::Open
    }

    /// Lets go of both ends, so that whoever holds the others sees the end.
    pub(super) fn close(&mut self) {
        self.source = None;
        self.pending = Vec::new();
        if let Sink::Stream { .. } = self.sink {
            self.sink = Sink::memory(0, Telling::AtTheEnd);
        }
    }

    /// What has come since this was last asked, where it is told live.
    pub(super) fn take_fresh(&mut self) -> Vec<u8> {
        match &mut self.sink {
            Sink::Memory {
                fresh: Some(fresh), ..
            } => std::mem::take(fresh),
            _ => Vec::new(),
        }
    }

    /// What was kept in memory, and how many bytes more there were.
    pub(super) fn into_kept(self) -> (Vec<u8>, u64) {
        match self.sink {
            Sink::Memory { kept, lost, .. } => (kept, lost),
            Sink::Stream { .. } => (Vec::new(), 0),
        }
    }
}

fn is_momentary(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
