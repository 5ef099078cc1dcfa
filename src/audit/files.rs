//! The files of a log: their names, and where the last whole record in them ends.
//!
//! `audit.jsonl` is appended to; when it is full it becomes `audit-<last sequence>.jsonl`.
//! `audit.head` names the last record; `audit.jsonl.torn-<sequence>.<n>` keeps what a repair
//! took out. Nothing here ever removes a file.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{BufRead as _, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::AuditError;
use super::chain::{Digest, Link};
use crate::sys::private::{Access, PrivateDirectory, PrivateError, state_of_open};

/// The file that is appended to.
pub(super) const LOG: &CStr = c"audit.jsonl";

/// The longest record, with its line break; the texts in a record are bounded far below it.
pub(super) const LONGEST_RECORD: usize = 1 << 20;

/// How far back a file is searched for its last whole record.
const SEARCHED: u64 = 16 << 20;

/// Where a log stands: the end of its last whole record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// The byte after the record's line break, in the file that is appended to.
    pub(super) end: u64,
    /// The record's sequence number; 0 before the first.
    pub(super) sequence: u64,
    /// The record's hash; that of the genesis text before the first.
    pub(super) hash: Digest,
}

/// The name under which a full file is kept, after the sequence number of its last record.
pub(super) fn sealed_name(last: u64) -> CString {
    name(format!("audit-{last:012}.jsonl"))
}

/// The name under which the `n`th fragment is kept that was found after a record.
pub(super) fn torn_name(next: u64, n: u32) -> CString {
    name(format!("audit.jsonl.torn-{next}.{n}"))
}

fn name(text: String) -> CString {
    CString::new(text).expect("made of digits and fixed letters, so without a NUL byte")
}

/// The files that are full, oldest first.
pub(super) fn sealed(directory: &PrivateDirectory) -> Result<Vec<CString>, PrivateError> {
    let mut found: Vec<(u64, CString)> = directory
        .names()?
        .into_iter()
        .filter_map(|name| Some((sealed_last(&name)?, name)))
        .collect();
    found.sort();
    Ok(found.into_iter().map(|(_, name)| name).collect())
}

fn sealed_last(name: &CStr) -> Option<u64> {
    let text = name.to_str().ok()?;
    let digits = text.strip_prefix("audit-")?.strip_suffix(".jsonl")?;
    let plain = digits.len() >= 12 && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// The number of the first record that the log holds; 1 where it holds none.
pub(super) fn first(directory: &PrivateDirectory) -> Result<u64, AuditError> {
    let oldest = sealed(directory)?.into_iter().next();
    let name = oldest.unwrap_or_else(|| LOG.to_owned());
    let file = directory.open_file(&name, Access::Read)?;
    let mut bytes = Vec::new();
    std::io::BufReader::new(file.take(LONGEST_RECORD as u64))
        .read_until(b'\n', &mut bytes)
        .map_err(|source| read_error(&directory.path_of(&name), source))?;
    Ok(sequence_of(&bytes).unwrap_or(1))
}

/// Where the log stands: in the file that is appended to, or else at the end of the newest
/// full one, or else at its very beginning.
pub(super) fn position(
    directory: &PrivateDirectory,
    log: &File,
    length: u64,
) -> Result<Position, AuditError> {
    if let Some(position) = last_whole(log, length, &directory.path_of(LOG))? {
        return Ok(position);
    }
    let Some(newest) = sealed(directory)?.pop() else {
        let hash = Digest::genesis();
        return Ok(Position {
            end: 0,
            sequence: 0,
            hash,
        });
    };
    let path = directory.path_of(&newest);
    let file = directory.open_file(&newest, Access::Read)?;
    let length = state_of_open(&file)
        .map_err(|source| read_error(&path, source))?
        .length;
    let last = last_whole(&file, length, &path)?;
    let last = last.ok_or(AuditError::Damaged {
        path,
        searched: length,
    })?;
    Ok(Position { end: 0, ..last })
}

/// The number and the time of a file's last whole record.
pub(super) fn last_of(
    file: &File,
    length: u64,
    path: &Path,
) -> Result<Option<(u64, u64)>, AuditError> {
    let Some(position) = last_whole(file, length, path)? else {
        return Ok(None);
    };
    let start = position.end.saturating_sub(LONGEST_RECORD as u64);
    let mut bytes = vec![0; usize::try_from(position.end - start).unwrap_or(0)];
    file.read_exact_at(&mut bytes, start)
        .map_err(|source| read_error(path, source))?;
    let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let line = line.rsplit(|byte| *byte == b'\n').next().unwrap_or(line);
    Ok(Some((position.sequence, time_of(line).unwrap_or(0))))
}

/// The time of the first record of a file, in milliseconds since 1970.
pub(super) fn begun(file: &File) -> std::io::Result<Option<u64>> {
    let mut bytes = vec![0; 16 << 10];
    let count = file.read_at(&mut bytes, 0)?;
    let line = bytes[..count].split(|byte| *byte == b'\n').next();
    Ok(line.and_then(time_of))
}

/// The time that a record carries.
fn time_of(line: &[u8]) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Timed {
        time: u64,
    }
    serde_json::from_slice::<Timed>(line)
        .ok()
        .map(|timed| timed.time)
}

/// The last whole record of a file; none where the file holds none.
fn last_whole(file: &File, length: u64, path: &Path) -> Result<Option<Position>, AuditError> {
    let mut window = 16 << 10;
    loop {
        let start = length.saturating_sub(window);
        let size = usize::try_from(length - start).expect("a window fits into memory");
        let mut bytes = vec![0; size];
        file.read_exact_at(&mut bytes, start)
            .map_err(|source| read_error(path, source))?;
        let known = if start == 0 {
            Known::Beginning
        } else {
            Known::Nothing
        };
        if let Some((end, sequence, hash)) = last_whole_in(&bytes, known) {
            let end = start + end as u64;
            return Ok(Some(Position {
                end,
                sequence,
                hash,
            }));
        }
        if start == 0 {
            return Ok(None);
        }
        if window >= SEARCHED {
            let path = path.to_owned();
            return Err(AuditError::Damaged {
                path,
                searched: window,
            });
        }
        window *= 8;
    }
}

/// Whether a line begins where the bytes begin.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Beginning,
    Nothing,
}

fn last_whole_in(bytes: &[u8], known: Known) -> Option<(usize, u64, Digest)> {
    let mut rest = bytes;
    while let Some(line_break) = rest.iter().rposition(|byte| *byte == b'\n') {
        let before = &rest[..line_break];
        let start = match before.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => at + 1,
            None if known == Known::Beginning => 0,
            None => return None,
        };
        let line = &before[start..];
        if let Some((sequence, hash)) = whole(line) {
            return Some((line_break + 1, sequence, hash));
        }
        rest = before;
    }
    None
}

/// The sequence number and the hash of a line, if it is a whole record by itself.
fn whole(line: &[u8]) -> Option<(u64, Digest)> {
    let claim = Link::of(line).filter(|claim| claim.holds(line))?;
    Some((sequence_of(line)?, claim.hash))
}

/// The sequence number that a record carries.
pub(super) fn sequence_of(line: &[u8]) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Numbered {
        metadata: Metadata,
    }
    #[derive(serde::Deserialize)]
    struct Metadata {
        sequence: u64,
    }
    serde_json::from_slice::<Numbered>(line)
        .ok()
        .map(|numbered| numbered.metadata.sequence)
}

pub(super) fn read_error(path: &Path, source: std::io::Error) -> AuditError {
    let path = path.to_owned();
    AuditError::Read { path, source }
}
