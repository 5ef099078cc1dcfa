//! Lines from a stream, each with a bound on its length.
//!
//! A line that is too long is skipped to its end, so that the next is read as what it is.
//! Memory for a line is bounded whatever the other side sends.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The longest request, in bytes, as for `lobsterpot call`.
pub(super) const LONGEST_REQUEST: usize = 16 << 20;

/// What is kept of a line that is too long.
const KEPT: usize = 64;

/// How long a line can be without taking from a budget, and how much it takes at once.
const FREE: usize = 4 << 10;
const STEP: usize = 64 << 10;

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line, without its end.
    Whole(Vec<u8>),
    /// The beginning of a line that is too long.
    TooLong(Vec<u8>),
    /// There is no room for the line at the moment.
    NoRoom,
    /// There are no more lines. What came after the last line's end is none.
    End,
}

/// Reads lines; a read that is given up goes on where it was.
#[derive(Debug)]
pub(super) struct Lines<R> {
    stream: R,
    longest: usize,
    line: Vec<u8>,
    skipped: Option<Skipped>,
    budget: Option<Arc<Semaphore>>,
    room: Option<OwnedSemaphorePermit>,
}

/// Why a line is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Skipped {
    TooLong,
    NoRoom,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    /// Reads lines of at most this many bytes.
    pub(super) fn new(stream: R, longest: usize) -> Self {
        Self {
            stream,
            longest,
            line: Vec::new(),
            skipped: None,
            budget: None,
            room: None,
        }
    }

    /// The same, whose lines take what they have above [`FREE`] bytes from a budget.
    ///
    /// They never wait for it: someone else could keep it.
    pub(super) fn within(mut self, budget: Arc<Semaphore>) -> Self {
        self.budget = Some(budget);
        self
    }

    /// What is read from.
    pub(super) fn stream(&self) -> &R {
        &self.stream
    }

    /// Whether a part of a line has taken from the budget.
    pub(super) fn keeps_others_waiting(&self) -> bool {
        self.room.is_some()
    }

    /// What the last line has taken from the budget; to be kept as long as the line.
    pub(super) fn take_room(&mut self) -> Option<OwnedSemaphorePermit> {
        self.room.take()
    }

    /// The next line. Its end is `\n` or `\r\n`.
    pub(super) async fn next(&mut self) -> io::Result<Line> {
        loop {
            let available = self.stream.fill_buf().await?;
            if available.is_empty() {
                return Ok(Line::End);
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let part = &available[..end.unwrap_or(available.len())];
            let length = self.line.len() + part.len();
            if self.skipped.is_none() && length > self.longest {
                self.skipped = Some(Skipped::TooLong);
            }
            if self.skipped.is_none() && !has_room(self.budget.as_ref(), &mut self.room, length) {
                self.skipped = Some(Skipped::NoRoom);
            }
            if self.skipped.is_some() {
                let room = KEPT.saturating_sub(self.line.len()).min(part.len());
                self.line.extend_from_slice(&part[..room]);
                self.line.truncate(KEPT);
                self.line.shrink_to(KEPT);
                self.room = None;
            } else {
                self.line.extend_from_slice(part);
            }
            let used = end.map_or(available.len(), |end| end + 1);
            self.stream.consume(used);
            if end.is_some() {
                return Ok(self.take());
            }
        }
    }

    fn take(&mut self) -> Line {
        let mut line = std::mem::take(&mut self.line);
        match self.skipped.take() {
            Some(Skipped::TooLong) => return Line::TooLong(line),
            Some(Skipped::NoRoom) => return Line::NoRoom,
            None => {}
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Line::Whole(line)
    }
}

/// Whether a line may have this length; takes what it needs for that.
fn has_room(
    budget: Option<&Arc<Semaphore>>,
    room: &mut Option<OwnedSemaphorePermit>,
    length: usize,
) -> bool {
    let held = room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
    let (Some(budget), wanted @ 1..) = (budget, length.saturating_sub(FREE + held)) else {
        return true;
    };
    let wanted = u32::try_from(wanted.max(STEP)).unwrap_or(u32::MAX);
    match budget.clone().try_acquire_many_owned(wanted) {
        Ok(more) => {
            match room {
                Some(room) => room.merge(more),
                None => *room = Some(more),
            }
            true
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::{Line, Lines};

    async fn lines(input: &[u8], longest: usize) -> Vec<Line> {
        // A buffer of 3 bytes, so that every line spans several reads.
        let stream = tokio::io::BufReader::with_capacity(3, input);
        let mut reader = Lines::new(stream, longest);
        let mut lines = Vec::new();
        loop {
            match reader.next().await.unwrap() {
                Line::End => return lines,
                line => lines.push(line),
            }
        }
    }

    fn whole(text: &str) -> Line {
        Line::Whole(text.into())
    }

    #[tokio::test]
    async fn either_line_end_is_taken_off_and_half_a_line_is_none() {
        let read = lines(b"one\ntwo\r\n\nhalf", 100).await;
        assert_eq!(read, [whole("one"), whole("two"), whole("")]);
        assert_eq!(lines(b"", 100).await, []);
    }

    #[tokio::test]
    async fn after_a_line_that_is_too_long_the_next_is_read() {
        let long = "x".repeat(1000);
        let read = lines(format!("{long}\nfine\n0123456789\n").as_bytes(), 10).await;
        let kept = Line::TooLong("x".repeat(64).into());
        assert_eq!(read, [kept, whole("fine"), whole("0123456789")]);
    }

    #[tokio::test]
    async fn a_line_that_finds_no_room_is_skipped_and_gives_back_what_it_took() {
        let budget = Arc::new(Semaphore::new(100_000));
        let (long, longer) = ("x".repeat(60_000), "x".repeat(200_000));
        let input = format!("{longer}\nfine\n{long}\n{long}\n");
        let mut reader = Lines::new(input.as_bytes(), 1 << 20).within(budget.clone());
        assert_eq!(reader.next().await.unwrap(), Line::NoRoom);
        assert_eq!(budget.available_permits(), 100_000);
        assert_eq!(reader.next().await.unwrap(), whole("fine"));
        assert_eq!(reader.next().await.unwrap(), whole(&long));
        let kept = reader.take_room();
        assert!(kept.is_some() && budget.available_permits() < 50_000);
        assert_eq!(reader.next().await.unwrap(), Line::NoRoom);
    }
}
