//! Lines from a stream, each with a bound on its length.
//!
//! A line that is too long is skipped to its end, so that the next is read as what it is.
//! Memory for a line is bounded whatever the other side sends.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// The longest request, in bytes, as for `lobsterpot call`.
pub(super) const LONGEST_REQUEST: usize = 16 << 20;

/// What is kept of a line that is too long.
const KEPT: usize = 64;

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line, without its end.
    Whole(Vec<u8>),
    /// The beginning of a line that is too long.
    TooLong(Vec<u8>),
    /// There are no more lines. What came after the last line's end is none.
    End,
}

/// Reads lines; a read that is given up goes on where it was.
#[derive(Debug)]
pub(super) struct Lines<R> {
    stream: R,
    longest: usize,
    line: Vec<u8>,
    is_too_long: bool,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    /// Reads lines of at most this many bytes.
    pub(super) fn new(stream: R, longest: usize) -> Self {
        Self {
            stream,
            longest,
            line: Vec::new(),
            is_too_long: false,
        }
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
            if self.is_too_long || self.line.len() + part.len() > self.longest {
                self.is_too_long = true;
                let room = KEPT.saturating_sub(self.line.len()).min(part.len());
                self.line.extend_from_slice(&part[..room]);
                self.line.truncate(KEPT);
                self.line.shrink_to(KEPT);
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
        if std::mem::take(&mut self.is_too_long) {
            return Line::TooLong(line);
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Line::Whole(line)
    }
}

#[cfg(test)]
mod tests {
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
}
