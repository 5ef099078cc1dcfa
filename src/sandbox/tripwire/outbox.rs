//! Reports on their way to the broker.
//!
//! A broker that is busy must not make the command wait, and a command that floods must not
//! make this process grow: a report is sent at once where there is room, and kept otherwise.
//! How many there can be is bounded by what makes them, [`super::counts`], and how much of
//! what a command chose itself is kept, here.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::attempt::Told;
use crate::sys::packets::{Packets, Receiving, Sending};
use crate::sys::stdio::{Interest, wait};

/// Reports, in the order of their making.
#[derive(Debug)]
pub(super) struct Outbox {
    packets: Packets,
    waiting: VecDeque<Vec<u8>>,
    /// How many bytes wait.
    size: usize,
}

/// When so many bytes wait, an attempt is only counted.
const ENOUGH: usize = 4 << 20;

impl Outbox {
    pub(super) fn new(packets: Packets) -> Self {
        Self {
            packets,
            waiting: VecDeque::new(),
            size: 0,
        }
    }

    /// Whether there is room for what a command made as long as it could.
    pub(super) fn has_room(&self) -> bool {
        self.size < ENOUGH
    }

    /// Whether there are reports that found no room.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Sends a report as soon as that can be done without waiting.
    pub(super) fn put(&mut self, told: &Told) {
        // A report holds numbers and bounded texts: it can be written, and is short enough.
        if let Ok(bytes) = postcard::to_stdvec(told) {
            self.size += bytes.len();
            self.waiting.push_back(bytes);
        }
        self.send();
    }

    /// Sends as much as there is room for.
    pub(super) fn send(&mut self) {
        while let Some(bytes) = self.waiting.front() {
            match self.packets.send(bytes) {
                Ok(Sending::Full) => return,
                // One that cannot be sent must not hold up the others. That the other end is
                // gone is noticed by the loop.
                Ok(Sending::Sent) | Err(_) => {
                    self.size -= bytes.len();
                    self.waiting.pop_front();
                }
            }
        }
    }

    /// Waits at most so long for what is left to be read.
    pub(super) fn finish(&mut self, grace: Duration) {
        let end = Instant::now() + grace;
        while self.is_waiting() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            if wait(&[(self.packets.as_fd(), Interest::Writable)], Some(left)).is_err() {
                return;
            }
            self.send();
        }
    }

    /// What the broker says.
    pub(super) fn receive(&self) -> io::Result<Receiving> {
        self.packets.receive()
    }
}

impl AsFd for Outbox {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.packets.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::super::attempt::{Report, Tally, Told};
    use super::Outbox;
    use crate::sandbox::lane::LaneNumber;
    use crate::sys::packets::{Packets, Receiving};
    use std::time::Duration;

    fn told(report: Report) -> Told {
        let lane = LaneNumber::default();
        Told { lane, report }
    }

    #[test]
    fn a_reader_that_comes_late_finds_everything_in_order() {
        let (ours, theirs) = Packets::pair().unwrap();
        let mut outbox = Outbox::new(ours);
        for count in 0..5000 {
            let path = "/a/path".repeat(10);
            outbox.put(&told(Report::Counted { path, count }));
        }
        outbox.put(&told(Report::Tally(Tally::default())));
        assert!(outbox.is_waiting());
        let mut expected = 0;
        loop {
            let Receiving::Message(bytes) = theirs.receive().unwrap() else {
                panic!("{expected}");
            };
            match postcard::from_bytes::<Told>(&bytes).unwrap().report {
                Report::Counted { count, .. } => assert_eq!(count, expected),
                _ => break,
            }
            expected += 1;
            outbox.send();
        }
        assert_eq!(expected, 5000);
    }

    #[test]
    fn nobody_is_waited_for_for_ever() {
        let (ours, theirs) = Packets::pair().unwrap();
        let mut outbox = Outbox::new(ours);
        while !outbox.is_waiting() {
            outbox.put(&told(Report::Tally(Tally::default())));
        }
        outbox.finish(Duration::from_millis(10));
        assert!(outbox.is_waiting());
        drop(theirs);
        outbox.finish(Duration::from_mins(10));
        assert!(!outbox.is_waiting());
    }
}
