//! Lines of requests, out of the pieces in which they come, with a bound on how long a line may
//! be.
//!
//! A line that cannot be a request is reported as such and skipped to its end, so that the
//! next line is read as what it is.

use std::io::{self, Read};

/// The longest line that is read, in bytes. A longer one is skipped.
const LONGEST: usize = 16 << 20;

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line, without its end, which is `\n` or `\r\n`; the last line may have none.
    Text(String),
    /// A line that no request can be, for this reason.
    Unusable(&'static str),
}

const TOO_LONG: Line = Line::Unusable("the line is longer than 16 MiB");

fn without_end(mut line: Vec<u8>) -> Line {
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    match String::from_utf8(line) {
        Ok(text) => Line::Text(text),
        Err(_) => Line::Unusable("the line is not UTF-8"),
    }
}

/// A reader of lines.
#[derive(Debug)]
pub(super) struct Lines {
    longest: usize,
    pending: Vec<u8>,
    /// The line that is being read is too long, and is skipped.
    is_skipping: bool,
    has_ended: bool,
}

impl Lines {
    /// Of requests.
    pub(super) fn of_requests() -> Self {
        Self::no_longer_than(LONGEST)
    }

    fn no_longer_than(longest: usize) -> Self {
        Self {
            longest,
            pending: Vec::new(),
            is_skipping: false,
            has_ended: false,
        }
    }

    /// Whether there are no more lines.
    pub(super) fn have_ended(&self) -> bool {
        self.has_ended
    }

    /// Reads once; gives the lines that are complete then. The end of the input completes the
    /// last one.
    pub(super) fn read(&mut self, input: &mut impl Read) -> io::Result<Vec<Line>> {
        let mut piece = [0; 16 << 10];
        let count = match input.read(&mut piece) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        self.has_ended = count == 0;
        let mut lines = self.add(&piece[..count]);
        if self.has_ended {
            lines.extend(self.finish());
        }
        Ok(lines)
    }

    /// Takes a piece; gives the lines that it completes.
    fn add(&mut self, mut piece: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        while let Some(end) = piece.iter().position(|byte| *byte == b'\n') {
            self.extend(&piece[..end]);
            lines.push(self.complete());
            piece = &piece[end + 1..];
        }
        self.extend(piece);
        lines
    }

    /// The last line, where it has no end.
    fn finish(&mut self) -> Option<Line> {
        let is_there = self.is_skipping || !self.pending.is_empty();
        is_there.then(|| self.complete())
    }

    fn extend(&mut self, part: &[u8]) {
        self.is_skipping |= self.pending.len() + part.len() > self.longest;
        if self.is_skipping {
            self.pending = Vec::new();
        } else {
            self.pending.extend_from_slice(part);
        }
    }

    fn complete(&mut self) -> Line {
        let line = std::mem::take(&mut self.pending);
        if std::mem::take(&mut self.is_skipping) {
            TOO_LONG
        } else {
            without_end(line)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Lines};
    use std::io::Read as _;

    /// The lines of an input that comes in pieces of this size.
    fn in_pieces(input: &[u8], longest: usize, size: u64) -> Vec<Line> {
        let mut lines = Lines::no_longer_than(longest);
        let mut rest = input;
        let mut read = Vec::new();
        while !lines.have_ended() {
            read.extend(lines.read(&mut rest.by_ref().take(size)).unwrap());
        }
        read
    }

    /// However it is cut, the same lines come out.
    fn lines(input: &[u8], longest: usize) -> Vec<Line> {
        let whole = in_pieces(input, longest, 1 << 10);
        for size in 1..=input.len() as u64 {
            assert_eq!(in_pieces(input, longest, size), whole, "{size}");
        }
        whole
    }

    fn text(line: &str) -> Line {
        Line::Text(line.into())
    }

    #[test]
    fn either_line_end_is_taken_off_and_the_last_may_be_missing() {
        assert_eq!(
            lines(b"one\ntwo\r\n\nfour", 100),
            [text("one"), text("two"), text(""), text("four")]
        );
        assert_eq!(lines(b"", 100), []);
    }

    #[test]
    fn after_a_line_that_cannot_be_used_the_next_is_read() {
        let read = lines(b"0123456789a\nfine\n\xff\nfine", 10);
        assert_eq!(
            read,
            [
                Line::Unusable("the line is longer than 16 MiB"),
                text("fine"),
                Line::Unusable("the line is not UTF-8"),
                text("fine"),
            ]
        );
        assert_eq!(lines(b"0123456789", 10), [text("0123456789")]);
        assert_eq!(lines(b"0123456789a", 10).len(), 1);
    }
}
