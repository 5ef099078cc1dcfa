//! Is the log as it was written? Looks at every record, and names the first that is not.
//!
//! What this cannot see: a log that was written anew as a whole, head included, by someone
//! who can write the files. That takes a signature from elsewhere.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::AuditError;
use super::chain::{Digest, Link};
use super::files::{Position, sequence_of};
use super::read::{Line, LogReader};
use super::schema::REPAIR_BEGINS;
use super::view::{RecordView, RepairView};

/// What was found.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// How many files were looked at.
    pub files: usize,
    /// How many bytes.
    pub bytes: u64,
    /// How many whole records there are, up to the first that is not.
    pub records: u64,
    /// The number of the first record.
    pub first: Option<u64>,
    /// The number of the last record.
    pub last: Option<u64>,
    /// Where the log is not as it was written.
    pub broken: Option<Break>,
    /// Records that a repair reported as gone.
    pub losses: Vec<Loss>,
    /// How many repairs the log tells of.
    pub repairs: u64,
    /// Whether a head says which record is the last, so that a cut-off tail is noticed.
    pub has_head: bool,
}

/// The first place where the log is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Break {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1.
    pub line: u64,
    /// The line's first byte, counted from 0.
    pub offset: u64,
    /// What is wrong.
    #[serde(flatten)]
    pub problem: Problem,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "problem", rename_all = "kebab-case")]
pub enum Problem {
    /// It has not the form of a record.
    #[error("this is no record: it does not end with `prev` and `hash`")]
    NotARecord,
    /// It was cut off.
    #[error("the record is cut off: no line break ends it")]
    Torn,
    /// It was changed after it was written.
    #[error("the record was changed: its hash is not the hash of its bytes")]
    Changed,
    /// The record before it is not the one that it names.
    #[error(
        "the record before this one is not the one it followed: a record was removed, inserted or moved"
    )]
    OutOfPlace,
    /// Its number does not follow.
    #[error("the record has number {found}, where {expected} is due")]
    Number {
        /// Its number; 0 where it has none.
        found: u64,
        /// The number that is due.
        expected: u64,
    },
    /// The log begins later than it should.
    #[error(
        "the log begins with record {found}, not with record {expected}: what was before is gone"
    )]
    BeginningMissing {
        /// The first record's number.
        found: u64,
        /// The number that it should have.
        expected: u64,
    },
    /// Records at the end are gone.
    #[error("the end is cut off: records {from} to {to} are gone")]
    EndMissing {
        /// The first one that is gone.
        from: u64,
        /// The last one that is gone.
        to: u64,
    },
    /// The last record is not the one that was written last.
    #[error("the last record is not the one that was written")]
    EndReplaced,
}

/// Records that are gone, as a later repair noticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// The number of the record that tells of it.
    pub told_by: u64,
    /// What it tells.
    #[serde(flatten)]
    pub repair: RepairView,
}

/// How far a verification has come; called now and then.
pub type Progress<'a> = dyn FnMut(u64, u64) + 'a;

impl Verification {
    /// Whether every record that was ever written is there as it was written, as far as the
    /// log can tell.
    pub fn is_sound(&self) -> bool {
        self.broken.is_none() && self.losses.is_empty()
    }
}

/// Verifies the log in the directory. `begins_at` is the number of the record that it should
/// begin with: 1, unless older files were taken away.
///
/// # Errors
/// When the log is not private to this user, or cannot be read.
pub fn verify(
    directory: &Path,
    begins_at: u64,
    progress: &mut Progress<'_>,
) -> Result<Verification, AuditError> {
    let reader = LogReader::open(directory)?;
    let mut check = Check {
        found: Verification {
            files: reader.file_count(),
            bytes: reader.length(),
            has_head: reader.head().is_some(),
            ..Verification::default()
        },
        begins_at,
        last: None,
        place: (directory.join("audit.jsonl"), 0, 0),
    };
    let total = reader.length();
    let mut done = 0;
    let mut told = 0;
    reader.forward(&mut |line| {
        done += line.bytes.len() as u64 + 1;
        if done - told > 16 << 20 {
            told = done;
            progress(done, total);
        }
        match check.line(line) {
            Ok(()) => Ok(ControlFlow::Continue(())),
            Err(problem) => {
                check.set_broken(problem);
                Ok(ControlFlow::Break(()))
            }
        }
    })?;
    if check.found.broken.is_none()
        && let Some(problem) = check.end(reader.head())
    {
        check.set_broken(problem);
    }
    Ok(check.found)
}

struct Check {
    found: Verification,
    begins_at: u64,
    last: Option<(u64, Digest)>,
    /// File, line and offset of the line that is looked at.
    place: (PathBuf, u64, u64),
}

impl Check {
    fn line(&mut self, line: Line<'_>) -> Result<(), Problem> {
        self.place.1 = if self.place.0 == line.path {
            self.place.1 + 1
        } else {
            1
        };
        if self.place.0 != line.path {
            line.path.clone_into(&mut self.place.0);
        }
        self.place.2 = line.offset;
        if !line.ended {
            return Err(Problem::Torn);
        }
        let claim = Link::of(line.bytes).ok_or(Problem::NotARecord)?;
        if !claim.holds(line.bytes) {
            return Err(Problem::Changed);
        }
        let sequence = match self.last {
            Some((last, hash)) => follows(last, hash, claim, line.bytes)?,
            None => self.first(claim, line.bytes)?,
        };
        self.last = Some((sequence, claim.hash));
        self.found.last = Some(sequence);
        self.found.records += 1;
        if line.bytes.starts_with(REPAIR_BEGINS) {
            self.repair(sequence, line.bytes);
        }
        Ok(())
    }

    fn first(&mut self, claim: Link, line: &[u8]) -> Result<u64, Problem> {
        let (found, expected) = (sequence_of(line).unwrap_or(0), self.begins_at);
        if found != expected {
            return Err(Problem::BeginningMissing { found, expected });
        }
        if found == 1 && claim.prev != Digest::genesis() {
            return Err(Problem::OutOfPlace);
        }
        self.found.first = Some(found);
        Ok(found)
    }

    fn repair(&mut self, told_by: u64, line: &[u8]) {
        let Some(repair) = RecordView::of(line).and_then(|record| record.repair) else {
            return;
        };
        self.found.repairs += 1;
        if repair.lost.is_some() || repair.replaced {
            self.found.losses.push(Loss { told_by, repair });
        }
    }

    fn end(&self, head: Option<Position>) -> Option<Problem> {
        let head = head?;
        let (last, hash) = self.last.unwrap_or((0, Digest::genesis()));
        if head.sequence > last {
            return Some(Problem::EndMissing {
                from: last + 1,
                to: head.sequence,
            });
        }
        (head.sequence == last && head.hash != hash).then_some(Problem::EndReplaced)
    }

    fn set_broken(&mut self, problem: Problem) {
        let (file, line, offset) = self.place.clone();
        self.found.broken = Some(Break {
            file,
            line,
            offset,
            problem,
        });
    }
}

/// The number of a line that follows the record with this number and hash.
fn follows(last: u64, hash: Digest, claim: Link, line: &[u8]) -> Result<u64, Problem> {
    if claim.prev != hash {
        return Err(Problem::OutOfPlace);
    }
    // The chain holds, so the numbers can be wrong only if they were written wrong.
    let (found, expected) = (sequence_of(line).unwrap_or(0), last + 1);
    if found == expected {
        Ok(found)
    } else {
        Err(Problem::Number { found, expected })
    }
}
