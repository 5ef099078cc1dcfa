//! The broker's end: what the tripwire saw of one command.
//!
//! Sightings are read while the command runs. At its end the tripwire is asked for its tally;
//! the answer comes behind everything that belongs to the command.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::attempt::{Attempt, Question, Report, Tally};
use crate::sys::packets::{Packets, Receiving, Sending};
use crate::sys::stdio::{Interest, wait};

/// What the tripwire saw.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Attempts that it looked at, each with how often an equal one was made.
    pub attempts: Vec<(Attempt, u64)>,
    /// Paths that it only counted, because there were too many attempts.
    pub counted: Vec<(String, u64)>,
    /// Attempts whose path it did not keep, because there were too many different ones.
    pub elsewhere: u64,
}

/// A watch over one command.
#[derive(Debug)]
pub(in crate::sandbox) struct Watch<'a> {
    reports: &'a Packets,
    seen: Seen,
    standing: Standing,
}

/// How it stands with the tripwire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum Standing {
    /// It is there.
    Watching,
    /// It has told everything that it was asked for.
    Told,
    /// It is gone, and everything outside is out of reach.
    Gone,
}

/// How long the tripwire may take to answer. It never waits for anybody, so an answer that
/// takes longer will not come.
const PATIENCE: Duration = Duration::from_secs(10);

impl<'a> Watch<'a> {
    /// Begins with what has been told already, as of a process that an earlier command left
    /// behind, where the policy allows that.
    pub(in crate::sandbox) fn over(reports: &'a Packets) -> Self {
        let mut watch = Self {
            reports,
            seen: Seen::default(),
            standing: Standing::Watching,
        };
        watch.read();
        watch
    }

    /// Whether the tripwire is gone.
    pub(in crate::sandbox) fn is_over(&self) -> bool {
        self.standing == Standing::Gone
    }

    /// Takes everything that has been told, without waiting.
    pub(in crate::sandbox) fn read(&mut self) -> Standing {
        while self.standing == Standing::Watching {
            match self.reports.receive() {
                Ok(Receiving::Nothing) => break,
                Ok(Receiving::Message(bytes)) => self.take(&bytes),
                Ok(Receiving::Gone) | Err(_) => self.standing = Standing::Gone,
            }
        }
        self.standing
    }

    fn take(&mut self, bytes: &[u8]) {
        match postcard::from_bytes(bytes) {
            Ok(Report::Attempt(attempt)) => self.seen.attempts.push((*attempt, 1)),
            Ok(Report::Repeated { of, count }) => {
                let mut seen = self.seen.attempts.iter_mut();
                match seen.find(|(attempt, _)| attempt.number == of) {
                    Some((_, times)) => *times += count,
                    None => self.seen.elsewhere += count,
                }
            }
            Ok(Report::Counted { path, count }) => self.seen.counted.push((path, count)),
            Ok(Report::Tally(Tally { elsewhere, .. })) => {
                self.seen.elsewhere += elsewhere;
                self.standing = Standing::Told;
            }
            // Its own language not spoken any more: as good as gone.
            Err(_) => self.standing = Standing::Gone,
        }
    }

    /// Asks for the tally and waits for it; then everything has been told.
    pub(in crate::sandbox) fn finish(mut self) -> (Seen, Standing) {
        if self.standing == Standing::Watching && self.ask().is_err() {
            self.standing = Standing::Gone;
        }
        let end = Instant::now() + PATIENCE;
        while self.read() == Standing::Watching {
            let left = end.saturating_duration_since(Instant::now());
            let waited = wait(&[(self.as_fd(), Interest::Readable)], Some(left));
            if left.is_zero() || waited.is_err() {
                self.standing = Standing::Gone;
            }
        }
        (self.seen, self.standing)
    }

    fn ask(&self) -> io::Result<()> {
        let question = postcard::to_stdvec(&Question::Tally).map_err(io::Error::other)?;
        match self.reports.send(&question)? {
            Sending::Sent => Ok(()),
            Sending::Full => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl AsFd for Watch<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reports.as_fd()
    }
}

impl Seen {
    /// How many attempts there were in all.
    pub fn total(&self) -> u64 {
        let in_detail: u64 = self.attempts.iter().map(|(_, times)| times).sum();
        let counted: u64 = self.counted.iter().map(|(_, count)| count).sum();
        in_detail + counted + self.elsewhere
    }
}
