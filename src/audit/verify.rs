//! Is the log as it was written? Looks at every record, and names the first that is not.
//!
//! What this cannot see without a key or a checkpoint from elsewhere: a log that was written
//! anew as a whole, with checkpoints and a key of its own, by someone who can write the files.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::AuditError;
use super::chain::{Digest, Link};
use super::files::{Position, sequence_of};
use super::read::{Line, LogReader};
use super::schema::REPAIR_BEGINS;
use super::view::{RecordView, RepairView};
use super::vouched::{Claims, Doubt, Known, Seals, Vouched};

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
    /// What checkpoints vouch for.
    pub checkpoints: Vouched,
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
        let is_empty = self.last.is_none() && self.checkpoints.count == 0;
        let is_vouched_for = self.checkpoints.doubt.is_none() || is_empty;
        self.broken.is_none() && self.losses.is_empty() && is_vouched_for
    }
}

/// Verifies the log in the directory, also against what is known from elsewhere.
///
/// # Errors
/// When the log is not private to this user, or cannot be read.
pub fn verify(
    directory: &Path,
    known: &Known,
    progress: &mut Progress<'_>,
) -> Result<Verification, AuditError> {
    let (reader, mut seals) = LogReader::open_with(directory, Seals::open)?;
    let claims = seals.claims()?;
    let check = Check {
        found: Verification {
            files: reader.file_count(),
            bytes: reader.length(),
            has_head: reader.head().is_some(),
            ..Verification::default()
        },
        begins_at: known.begins_at,
        last: None,
        place: (directory.join("audit.jsonl"), 0, 0),
        claims,
        doubt: None,
    };
    std::thread::scope(|scope| {
        let signatures = scope.spawn(|| seals.check(known));
        let mut check = check.run(&reader, progress)?;
        // A thread that died saw something that nobody expected.
        let vouched = signatures.join().map_err(|_| AuditError::Interrupted)??;
        check.found.checkpoints = vouched;
        if let Some(doubt) = check.doubt {
            check.found.checkpoints.doubt.get_or_insert(doubt);
        }
        Ok(check.found)
    })
}

/// The newest checkpoint, as its line, to be copied away.
///
/// # Errors
/// When the log is not private to this user, or cannot be read.
pub fn newest_checkpoint(directory: &Path) -> Result<Option<Vec<u8>>, AuditError> {
    let (_, seals) = LogReader::open_with(directory, Seals::open)?;
    seals.newest_line()
}

struct Check {
    found: Verification,
    begins_at: Option<u64>,
    last: Option<(u64, Digest)>,
    /// File, line and offset of the line that is looked at.
    place: (PathBuf, u64, u64),
    claims: Claims,
    doubt: Option<Doubt>,
}

impl Check {
    fn run(mut self, reader: &LogReader, progress: &mut Progress<'_>) -> Result<Self, AuditError> {
        let total = reader.length();
        let (mut done, mut told) = (0, 0);
        reader.forward(&mut |line| {
            done += line.bytes.len() as u64 + 1;
            if done - told > 16 << 20 {
                told = done;
                progress(done, total);
            }
            match self.line(line) {
                Ok(()) => Ok(ControlFlow::Continue(())),
                Err(problem) => {
                    self.set_broken(problem);
                    Ok(ControlFlow::Break(()))
                }
            }
        })?;
        if self.found.broken.is_none()
            && let Some(problem) = self.end(reader.head())
        {
            self.set_broken(problem);
        }
        Ok(self)
    }

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
        if let Some(doubt) = self.claims.compare(sequence, claim.hash) {
            self.doubt.get_or_insert(doubt);
        }
        self.last = Some((sequence, claim.hash));
        self.found.last = Some(sequence);
        self.found.records += 1;
        if line.bytes.starts_with(REPAIR_BEGINS) {
            self.repair(sequence, line.bytes);
        }
        Ok(())
    }

    fn first(&mut self, claim: Link, line: &[u8]) -> Result<u64, Problem> {
        let found = sequence_of(line).unwrap_or(0);
        let expected = self.begins_at.or(self.claims.begins).unwrap_or(1);
        // A crash can leave files there that were to be taken away, but none may be missing.
        let is_early = self.begins_at.is_none() && (1..=expected).contains(&found);
        if found != expected && !is_early {
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
        if repair.lost.is_some() || repair.replaced || repair.checkpoints_gone {
            self.found.losses.push(Loss { told_by, repair });
        }
    }

    fn end(&self, head: Option<Position>) -> Option<Problem> {
        let (last, hash) = self.last.unwrap_or((0, Digest::genesis()));
        let head = head.map(|head| (head.sequence, head.hash));
        let known = self.claims.last().into_iter().chain(head);
        let (sequence, known) = known.max_by_key(|(sequence, _)| *sequence)?;
        if sequence > last {
            let (from, to) = (last + 1, sequence);
            return Some(Problem::EndMissing { from, to });
        }
        (sequence == last && known != hash).then_some(Problem::EndReplaced)
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
    // The chain holds, so the numbers can be wrong only if they were written wrong. A string in
    // a record cannot hold this text, as its quotes would be escaped.
    let expected = last + 1;
    let written = format!(",\"sequence\":{expected}}}");
    if std::str::from_utf8(line).is_ok_and(|line| line.contains(&written)) {
        return Ok(expected);
    }
    match sequence_of(line).unwrap_or(0) {
        found if found == expected => Ok(found),
        found => Err(Problem::Number { found, expected }),
    }
}
