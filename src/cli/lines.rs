//! Lines of requests, read one by one, with a bound on how long a line may be.
//!
//! A line that cannot be a request is reported as such and skipped to its end, so that the
//! next line is read as what it is.

use std::io::{self, BufRead};

/// The longest line that is read, in bytes. A longer one is skipped.
pub(super) const LONGEST: usize = 16 << 20;

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line, without its end.
    Text(String),
    /// A line that no request can be, for this reason.
    Unusable(&'static str),
    /// There are no more lines.
    End,
}

/// Reads the next line. Its end is `\n` or `\r\n`; the last line may have none.
pub(super) fn next(input: &mut impl BufRead, longest: usize) -> io::Result<Line> {
    let mut line = Vec::new();
    let mut too_long = false;
    loop {
        let available = match input.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if available.is_empty() {
            if line.is_empty() && !too_long {
                return Ok(Line::End);
            }
            break;
        }
        let end = available.iter().position(|byte| *byte == b'\n');
        let part = &available[..end.unwrap_or(available.len())];
        too_long = too_long || line.len() + part.len() > longest;
        if too_long {
            line = Vec::new();
        } else {
            line.extend_from_slice(part);
        }
        let used = end.map_or(available.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() {
            break;
        }
    }
    if too_long {
        return Ok(TOO_LONG);
    }
    Ok(without_end(line))
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

/// Lines out of pieces that come when they come, for a reader that must not wait.
#[derive(Debug)]
pub(super) struct Gathering {
    longest: usize,
    pending: Vec<u8>,
    /// The line that is being read is too long, and is skipped.
    is_skipping: bool,
}

impl Gathering {
    pub(super) fn new(longest: usize) -> Self {
        Self {
            longest,
            pending: Vec::new(),
            is_skipping: false,
        }
    }

    /// Takes a piece; gives the lines that it completes.
    pub(super) fn add(&mut self, mut piece: &[u8]) -> Vec<Line> {
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
    pub(super) fn finish(&mut self) -> Option<Line> {
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
    use super::{Gathering, Line, next};
    use std::io::BufReader;

    fn lines(input: &[u8], longest: usize) -> Vec<Line> {
        // A buffer of 3 bytes, so that every line spans several reads.
        let mut input = BufReader::with_capacity(3, input);
        let mut lines = Vec::new();
        loop {
            match next(&mut input, longest).unwrap() {
                Line::End => return lines,
                line => lines.push(line),
            }
        }
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

    /// However it is cut, the same lines come out.
    #[test]
    fn pieces_make_the_same_lines() {
        let input = b"one\ntwo\r\n\n0123456789a\n\xff\nlast";
        for size in 1..=input.len() {
            let mut gathering = Gathering::new(10);
            let mut gathered: Vec<_> = input
                .chunks(size)
                .flat_map(|piece| gathering.add(piece))
                .collect();
            gathered.extend(gathering.finish());
            assert_eq!(gathered, lines(input, 10), "{size}");
            assert_eq!(gathering.finish(), None);
        }
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
