//! The broker's end: what the tripwire saw of one command.
//!
//! Sightings are read while the command runs. At its end the tripwire is asked for its tally;
//! the answer comes behind everything that belongs to the command.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::attempt::{Attempt, Question, Report, Tally, Told};
use crate::sandbox::lane::LaneNumber;
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

/// What the tripwire of a view tells, sorted by lanes.
#[derive(Debug)]
pub(in crate::sandbox) struct Reports {
    packets: Packets,
    sorted: RefCell<BTreeMap<LaneNumber, Sorted>>,
    is_gone: Cell<bool>,
}

/// What has been told of a lane and not been taken yet.
#[derive(Debug, Default)]
struct Sorted {
    seen: Seen,
    is_all: bool,
}

/// A watch over one command.
#[derive(Debug)]
pub(in crate::sandbox) struct Watch {
    reports: Rc<Reports>,
    lane: LaneNumber,
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

impl Reports {
    pub(in crate::sandbox) fn from(packets: Packets) -> Self {
        Self {
            packets,
            sorted: RefCell::default(),
            is_gone: Cell::new(false),
        }
    }

    /// Takes everything that has been told, without waiting.
    fn read(&self) {
        while !self.is_gone.get() {
            match self.packets.receive() {
                Ok(Receiving::Nothing) => break,
                Ok(Receiving::Message(bytes)) => self.sort(&bytes),
                Ok(Receiving::Gone) | Err(_) => self.is_gone.set(true),
            }
        }
    }

    fn sort(&self, bytes: &[u8]) {
        match postcard::from_bytes::<Told>(bytes) {
            Ok(Told { lane, report }) => {
                let mut sorted = self.sorted.borrow_mut();
                sorted.entry(lane).or_default().add(report);
            }
            // Its own language not spoken any more: as good as gone.
            Err(_) => self.is_gone.set(true),
        }
    }
}

impl Sorted {
    fn add(&mut self, report: Report) {
        let seen = &mut self.seen;
        match report {
            Report::Attempt(attempt) => seen.attempts.push((*attempt, 1)),
            Report::Repeated { of, count } => {
                let mut attempts = seen.attempts.iter_mut();
                match attempts.find(|(attempt, _)| attempt.number == of) {
                    Some((_, times)) => *times += count,
                    None => seen.elsewhere += count,
                }
            }
            Report::Counted { path, count } => seen.counted.push((path, count)),
            Report::Tally(Tally { elsewhere, .. }) => {
                seen.elsewhere += elsewhere;
                self.is_all = true;
            }
        }
    }
}

impl Watch {
    /// Begins with what has been told already, as of a process that an earlier command left
    /// behind, where the policy allows that.
    pub(in crate::sandbox) fn over(reports: &Rc<Reports>, lane: LaneNumber) -> Self {
        reports.read();
        Self {
            reports: Rc::clone(reports),
            lane,
        }
    }

    /// Whether the tripwire is gone.
    pub(in crate::sandbox) fn is_over(&self) -> bool {
        self.standing() == Standing::Gone
    }

    /// Takes everything that has been told, without waiting.
    pub(in crate::sandbox) fn read(&self) -> Standing {
        self.reports.read();
        self.standing()
    }

    fn standing(&self) -> Standing {
        let sorted = self.reports.sorted.borrow();
        if sorted.get(&self.lane).is_some_and(|lane| lane.is_all) {
            Standing::Told
        } else if self.reports.is_gone.get() {
            Standing::Gone
        } else {
            Standing::Watching
        }
    }

    /// Asks for the tally and waits for it; then everything has been told.
    pub(in crate::sandbox) fn finish(self) -> (Seen, Standing) {
        let reports = &self.reports;
        if self.standing() == Standing::Watching && self.ask().is_err() {
            reports.is_gone.set(true);
        }
        let end = Instant::now() + PATIENCE;
        while self.read() == Standing::Watching {
            let left = end.saturating_duration_since(Instant::now());
            let waited = wait(&[(self.as_fd(), Interest::Readable)], Some(left));
            if left.is_zero() || waited.is_err() {
                reports.is_gone.set(true);
            }
        }
        let standing = self.standing();
        let sorted = reports.sorted.borrow_mut().remove(&self.lane);
        (sorted.unwrap_or_default().seen, standing)
    }

    fn ask(&self) -> io::Result<()> {
        let question = Question::Tally(self.lane);
        let question = postcard::to_stdvec(&question).map_err(io::Error::other)?;
        match self.reports.packets.send(&question)? {
            Sending::Sent => Ok(()),
            Sending::Full => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reports.packets.as_fd()
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
