//! `file.read`: the content of a file, whole or in part.
//!
//! At most as many bytes as the policy's `file_read` limit; what is left out is said.
//! Text is given as text, what is not UTF-8 as base64; never as mangled text.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::os::unix::fs::FileExt as _;

use serde::Serialize;

use super::base64;
use super::error::{Problem, Refusal};
use super::resolve::Last;
use super::table::Capabilities;
use crate::model::{FileRead, LineRange};
use crate::policy::{Limits, Permit};

/// The most bytes that are passed over in search of a line: a sparse file has no end of them.
const MOST_PASSED: u64 = 1 << 30;

/// How much is read at once where the size says nothing.
const CHUNK: usize = 64 * 1024;

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadResult {
    /// The content, written as `encoding` says.
    pub content: String,
    /// How the content is written.
    pub encoding: Encoding,
    /// How many bytes of the file the content stands for.
    pub bytes: u64,
    /// The size of the whole file, in bytes.
    pub size: u64,
    /// Whether some of what was asked for is left out, for the limit.
    pub truncated: bool,
    /// The lines that the content holds, where lines were asked for and are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<LineRange>,
}

/// How bytes stand in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Encoding {
    /// As they are.
    #[serde(rename = "utf-8")]
    Utf8,
    /// In base64 (RFC 4648, with padding), because they are not UTF-8.
    #[serde(rename = "base64")]
    Base64,
}

/// Reads a file.
///
/// # Errors
/// A denial where the path leads to what is not granted; a failure where there is no such
/// regular file, or the arguments contradict each other.
pub fn read(
    capabilities: &Capabilities,
    permit: Permit,
    ask: &FileRead,
    limits: &Limits,
) -> Result<ReadResult, Refusal> {
    let wanted = Wanted::of(ask).map_err(|text| bad_argument(&permit, text))?;
    let pinned = capabilities.pin(&permit, Last::Follow)?;
    let file = capabilities.open_to_read(&permit, &pinned)?;
    let size = pinned.inode.size;
    let part = match wanted {
        Wanted::Bytes { offset, limit } => {
            let most = limit.min(limits.file_read);
            read_bytes(&file, (offset, most), size).map(|mut part| {
                part.truncated &= limit > most;
                part
            })
        }
        Wanted::Lines(lines) => read_lines(file, lines, limits.file_read),
    };
    match part {
        Ok(part) => Ok(part.into_result(size)),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Err(Refusal::failed(
            &permit,
            Problem::TooLarge { limit: MOST_PASSED },
        )),
        Err(error) => Err(Refusal::host(&permit, error)),
    }
}

fn bad_argument(permit: &Permit, text: &str) -> Refusal {
    Refusal::failed(permit, Problem::BadArgument(text.into()))
}

/// The part of the file that was asked for.
enum Wanted {
    Bytes { offset: u64, limit: u64 },
    Lines(LineRange),
}

impl Wanted {
    fn of(ask: &FileRead) -> Result<Self, &'static str> {
        let Some(lines) = ask.lines else {
            let limit = ask.limit.unwrap_or(u64::MAX);
            return Ok(Self::Bytes {
                offset: ask.offset.unwrap_or(0),
                limit,
            });
        };
        if ask.offset.is_some() || ask.limit.is_some() {
            return Err("both bytes (offset, limit) and lines are given; name one");
        }
        if lines.from == 0 || lines.to.is_some_and(|to| to < lines.from) {
            return Err("lines are counted from 1, and the last is not before the first");
        }
        Ok(Self::Lines(lines))
    }
}

/// Bytes of a file, before they are put into words.
struct Part {
    bytes: Vec<u8>,
    /// Whether the file goes on after them.
    goes_on: bool,
    truncated: bool,
    lines: Option<LineRange>,
}

impl Part {
    fn into_result(mut self, size: u64) -> ReadResult {
        if self.goes_on {
            drop_half_character(&mut self.bytes);
        }
        let bytes = self.bytes.len() as u64;
        let (content, encoding) = match String::from_utf8(self.bytes) {
            Ok(text) => (text, Encoding::Utf8),
            Err(error) => (base64::encode(error.as_bytes()), Encoding::Base64),
        };
        let (truncated, lines) = (self.truncated, self.lines);
        ReadResult {
            content,
            encoding,
            bytes,
            size,
            truncated,
            lines,
        }
    }
}

/// A cut can fall into a character, whose first bytes would turn the whole text into base64.
fn drop_half_character(bytes: &mut Vec<u8>) {
    if let Err(error) = std::str::from_utf8(bytes)
        && error.error_len().is_none()
        && error.valid_up_to() > 0
    {
        bytes.truncate(error.valid_up_to());
    }
}

/// Reads at most `most` bytes from an offset; `size` is what the file seems to hold.
fn read_bytes(file: &File, (offset, most): (u64, u64), size: u64) -> io::Result<Part> {
    // One byte more than there seems to be, so that the end is met in the first call.
    let seems = size.saturating_sub(offset).saturating_add(1);
    let mut bytes = vec![0; amount(seems.min(most))];
    let mut filled = 0;
    loop {
        let room = bytes.len() - filled;
        let count = file.read_at(&mut bytes[filled..], offset + filled as u64)?;
        filled += count;
        let at_end = count < room && offset + filled as u64 >= size;
        if at_end || filled as u64 >= most || (count == 0 && room > 0) {
            break;
        }
        if filled == bytes.len() {
            let more = most - filled as u64;
            bytes.resize(filled + amount(more).min(CHUNK), 0);
        }
    }
    let is_full = filled as u64 >= most;
    bytes.truncate(filled);
    let goes_on = is_full && file.read_at(&mut [0], offset + filled as u64)? > 0;
    Ok(Part {
        bytes,
        goes_on,
        truncated: goes_on,
        lines: None,
    })
}

/// As much as can be addressed.
fn amount(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

fn read_lines(file: File, lines: LineRange, most: u64) -> io::Result<Part> {
    let mut reader = BufReader::with_capacity(CHUNK, file);
    let mut bytes = Vec::new();
    let mut read = 0;
    if pass_lines(&mut reader, lines.from - 1)? {
        while lines.to.is_none_or(|to| lines.from + read <= to) {
            let room = most - bytes.len() as u64;
            if (&mut reader).take(room).read_until(b'\n', &mut bytes)? == 0 {
                break;
            }
            read += 1;
        }
    }
    let is_cut = bytes.len() as u64 >= most && !bytes.ends_with(b"\n");
    let is_short = lines.to.is_none_or(|to| lines.from + read <= to);
    let truncated = (is_cut || is_short) && !reader.fill_buf()?.is_empty();
    let last = |read| LineRange {
        from: lines.from,
        to: Some(lines.from + read - 1),
    };
    let lines = (read > 0).then(|| last(read));
    Ok(Part {
        bytes,
        goes_on: truncated,
        truncated,
        lines,
    })
}

/// Passes over lines without keeping them; tells whether there were that many.
fn pass_lines(reader: &mut BufReader<File>, count: u64) -> io::Result<bool> {
    let mut passed: u64 = 0;
    for _ in 0..count {
        let start = passed;
        loop {
            let buffer = reader.fill_buf()?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let length = end.map_or(buffer.len(), |at| at + 1);
            reader.consume(length);
            passed += length as u64;
            if end.is_some() || length == 0 {
                break;
            }
            if passed > MOST_PASSED {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
        }
        if passed == start {
            return Ok(false);
        }
        if passed > MOST_PASSED {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{drop_half_character, read_bytes};

    #[test]
    fn a_file_that_says_it_is_empty_is_read_to_its_end() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![b'x'; 200_000]).unwrap();
        for (most, length, goes_on) in [(u64::MAX, 200_000, false), (150_000, 150_000, true)] {
            let part = read_bytes(&file, (0, most), 0).unwrap();
            assert_eq!((part.bytes.len(), part.goes_on), (length, goes_on));
        }
    }

    #[test]
    fn only_the_beginning_of_a_character_is_dropped() {
        let cut = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            drop_half_character(&mut bytes);
            bytes
        };
        assert_eq!(cut(b"a\xc3"), b"a");
        assert_eq!(cut(b"a\xff"), b"a\xff");
        assert_eq!(cut(b"\xc3"), b"\xc3");
    }
}
