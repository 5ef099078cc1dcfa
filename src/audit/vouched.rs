//! What the checkpoints vouch for, and whether they are as they were signed.
//!
//! Signatures are checked beside the log, in a thread of their own: the log's hashes keep one
//! processor busy.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

use serde::Serialize;

use super::AuditError;
use super::chain::Digest;
use super::checkpoint::{Checkpoint, LONGEST};
use super::files::read_error;
use super::key::{PublicKey, Secret};
use super::notary::{CHECKPOINTS, KEY, led_to, newest_line};
use super::read::{existing, state_of};
use crate::sys::private::{Access, PrivateDirectory};

/// What an operator knows from elsewhere, which the checkpoints must agree with.
#[derive(Debug, Default, Clone)]
pub struct Known {
    /// The number of the record that the log should begin with; by default the one that the
    /// newest checkpoint names.
    pub begins_at: Option<u64>,
    /// A key that signed a checkpoint, copied away before.
    pub public_key: Option<PublicKey>,
    /// A checkpoint that was copied away before, as a line.
    pub checkpoint: Option<Vec<u8>>,
}

/// What is wrong with the checkpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "problem", rename_all = "kebab-case")]
pub enum Doubt {
    /// There are none.
    #[error("there are no checkpoints, so that nothing vouches for the log")]
    Missing,
    /// A line is not a checkpoint, or is not signed by the key that it names.
    #[error("line {line} of the checkpoints is none, or is not as it was signed")]
    Forged {
        /// The line, counted from 1.
        line: u64,
    },
    /// A checkpoint is signed by a key that the one before does not name.
    #[error("from checkpoint {number} on the keys are others: what was before is gone, or new")]
    OtherKey {
        /// Its number.
        number: u64,
    },
    /// The log has another record where a checkpoint names one.
    #[error("checkpoint {number} vouches for another record {sequence} than the log has")]
    OtherRecord {
        /// The checkpoint's number.
        number: u64,
        /// The record's number.
        sequence: u64,
    },
    /// The key is not there.
    #[error("the key is gone, so that checkpoints at the end may be gone with it")]
    KeyMissing,
    /// The key is not the one that the newest checkpoint names.
    #[error("the key is not the one after checkpoint {newest}: later checkpoints are gone")]
    KeyAhead {
        /// The number of the newest checkpoint that is there.
        newest: u64,
    },
    /// The operator's key signed none of them.
    #[error("no checkpoint is signed by the key that was given")]
    UnknownKey,
    /// The operator's checkpoint is not among them.
    #[error("checkpoint {number}, which was given, is not among them: the log is another one")]
    UnknownCheckpoint {
        /// Its number.
        number: u64,
    },
    /// What the operator gave is no checkpoint.
    #[error("what was given is no checkpoint, or is not as it was signed")]
    NoCheckpoint,
}

/// What was found of checkpoints.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Vouched {
    /// How many there are.
    pub count: u64,
    /// The key of the first.
    pub first_key: Option<PublicKey>,
    /// The last record that one of them vouches for.
    pub sequence: u64,
    /// When the newest was made, in milliseconds since 1970.
    pub time: Option<u64>,
    /// The first thing that is wrong.
    pub doubt: Option<Doubt>,
}

/// The files of checkpoints, as they are at one moment.
#[derive(Debug, Default)]
pub(super) struct Seals {
    file: Option<(PathBuf, File, u64)>,
    secret: Option<Secret>,
}

impl Seals {
    /// Opens them; to be called under the log's lock, so that they belong to the log.
    pub(super) fn open(directory: &PrivateDirectory) -> Result<Self, AuditError> {
        let file = existing(directory.open_file(CHECKPOINTS, Access::Read))?;
        let path = directory.path_of(CHECKPOINTS);
        let file = match file {
            Some(file) => {
                let length = state_of(&path, &file)?.length;
                Some((path, file, length))
            }
            None => None,
        };
        let key = existing(directory.open_file(KEY, Access::Read))?;
        let secret = key.map(|key| Secret::read(&key)).transpose();
        let secret = secret.map_err(|source| read_error(&directory.path_of(KEY), source))?;
        Ok(Self {
            file,
            secret: secret.flatten(),
        })
    }

    /// The newest checkpoint's line.
    pub(super) fn newest_line(&self) -> Result<Option<Vec<u8>>, AuditError> {
        let Some((path, file, length)) = &self.file else {
            return Ok(None);
        };
        let found = newest_line(file, *length).map_err(|source| read_error(path, source))?;
        Ok(found.1)
    }

    /// What the checkpoints say, whether or not they are signed.
    pub(super) fn claims(&self) -> Result<Claims, AuditError> {
        let mut claims = Claims::default();
        self.each(&mut |line| {
            if let Some(checkpoint) = Checkpoint::claimed(line) {
                claims.begins = Some(checkpoint.begins);
                claims.points.push(Point {
                    sequence: checkpoint.sequence,
                    hash: checkpoint.hash,
                    number: checkpoint.number,
                });
            }
        })?;
        claims.points.sort_by_key(|point| point.sequence);
        Ok(claims)
    }

    fn each(&self, visit: &mut dyn FnMut(&[u8])) -> Result<(), AuditError> {
        let Some((path, file, length)) = &self.file else {
            return Ok(());
        };
        let mut file = file;
        file.seek(SeekFrom::Start(0))
            .map_err(|source| read_error(path, source))?;
        let mut reader = BufReader::with_capacity(64 << 10, file.take(*length));
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = reader
                .by_ref()
                .take(LONGEST as u64)
                .read_until(b'\n', &mut line);
            match read.map_err(|source| read_error(path, source))? {
                0 => return Ok(()),
                // A torn line is left by a crash, and the key has not moved on for it.
                _ if !line.ends_with(b"\n") && line.len() < LONGEST => return Ok(()),
                _ => visit(line.strip_suffix(b"\n").unwrap_or(&line)),
            }
        }
    }

    /// Checks every signature, and that each key was named by the one before.
    pub(super) fn check(&mut self, known: &Known) -> Result<Vouched, AuditError> {
        let secret = self.secret.take();
        let mut check = Check::default();
        self.each(&mut |line| check.line(line, known))?;
        check.end(secret, known);
        Ok(check.found)
    }
}

/// What checkpoints say of the log.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// The number of the record that it begins with, by the newest.
    pub(super) begins: Option<u64>,
    points: Vec<Point>,
    /// How many points were passed already.
    passed: usize,
}

/// A record that a checkpoint vouches for.
#[derive(Debug, Clone, Copy)]
struct Point {
    sequence: u64,
    hash: Digest,
    number: u64,
}

impl Claims {
    /// The last record that a checkpoint names.
    pub(super) fn last(&self) -> Option<(u64, Digest)> {
        self.points.last().map(|point| (point.sequence, point.hash))
    }

    /// Compares with a record; records come in the order of their numbers.
    pub(super) fn compare(&mut self, sequence: u64, hash: Digest) -> Option<Doubt> {
        let mut doubt = None;
        while let Some(point) = self.points.get(self.passed) {
            if point.sequence > sequence {
                break;
            }
            self.passed += 1;
            if point.sequence == sequence && point.hash != hash {
                let number = point.number;
                doubt.get_or_insert(Doubt::OtherRecord { number, sequence });
            }
        }
        doubt
    }
}

#[derive(Default)]
struct Check {
    found: Vouched,
    newest: Option<Checkpoint>,
    lines: u64,
    has_key: bool,
    has_line: bool,
}

impl Check {
    fn doubt(&mut self, doubt: Doubt) {
        self.found.doubt.get_or_insert(doubt);
    }

    fn line(&mut self, line: &[u8], known: &Known) {
        self.lines += 1;
        self.has_line |= known.checkpoint.as_deref() == Some(line);
        let Some(checkpoint) = Checkpoint::read(line) else {
            let line = self.lines;
            return self.doubt(Doubt::Forged { line });
        };
        let number = checkpoint.number;
        match &self.newest {
            Some(before) if before.next != checkpoint.key || before.number + 1 != number => {
                self.doubt(Doubt::OtherKey { number });
            }
            None => self.found.first_key = Some(checkpoint.key),
            Some(_) => {}
        }
        self.has_key |= known.public_key == Some(checkpoint.key);
        self.found.count += 1;
        self.found.sequence = checkpoint.sequence;
        self.found.time = Some(checkpoint.time);
        self.newest = Some(checkpoint);
    }

    fn end(&mut self, secret: Option<Secret>, known: &Known) {
        let is_anchored = known.public_key.is_some() || known.checkpoint.is_some();
        match (&self.newest, secret) {
            (None, _) => self.doubt(Doubt::Missing),
            // A copy elsewhere has no key, and is measured by what is known there.
            (Some(_), None) if is_anchored => {}
            (Some(_), None) => self.doubt(Doubt::KeyMissing),
            (Some(newest), Some(secret)) => {
                let number = newest.number;
                if led_to(secret, newest).is_none() {
                    self.doubt(Doubt::KeyAhead { newest: number });
                }
            }
        }
        if known.public_key.is_some() && !self.has_key {
            self.doubt(Doubt::UnknownKey);
        }
        match known.checkpoint.as_deref().map(Checkpoint::read) {
            Some(None) => self.doubt(Doubt::NoCheckpoint),
            Some(Some(Checkpoint { number, .. })) if !self.has_line => {
                self.doubt(Doubt::UnknownCheckpoint { number });
            }
            _ => {}
        }
    }
}
