//! The files of checkpoints and of their key, and how a checkpoint is added.
//!
//! The line is written first, and then the key moves on: after a crash between the two the
//! key is behind, and leads to the one that is needed. A key that is ahead of the last line,
//! or another one, means that lines are gone; the numbering goes on with a key that comes
//! from no other, and the log tells of it. Everything here happens under the log's lock.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use super::AuditError;
use super::checkpoint::{Checkpoint, LONGEST};
use super::files::{Position, read_error};
use super::key::Secret;
use crate::sys::private::{Access, PrivateDirectory, state_of_open};

/// The file of checkpoints, the oldest first.
pub(super) const CHECKPOINTS: &CStr = c"audit.checkpoints";

/// The file of the key that signs the next one.
pub(super) const KEY: &CStr = c"audit.key";

/// How far the key may be behind: a crash leaves it one behind, a loss of power a few.
const FARTHEST: u64 = 10_000;

/// Where the checkpoints stand.
#[derive(Debug)]
pub(super) enum Standing {
    /// There are none yet, and never were any.
    Fresh,
    /// The newest one, and the key that it names.
    Whole(Checkpoint, Box<Secret>),
    /// Checkpoints or their key are gone, or are not those that were written. The newest one
    /// that is there, if any.
    Gone(Option<Checkpoint>),
}

/// Whether what a glance sees is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seems {
    Right,
    Wrong,
}

impl Standing {
    /// The newest checkpoint.
    pub(super) fn newest(&self) -> Option<&Checkpoint> {
        match self {
            Self::Fresh => None,
            Self::Whole(newest, _) => Some(newest),
            Self::Gone(newest) => newest.as_ref(),
        }
    }
}

/// The open files.
#[derive(Debug)]
pub(super) struct Notary {
    checkpoints: File,
    key: File,
    path: PathBuf,
    key_path: PathBuf,
}

impl Notary {
    /// Opens both files, and makes those that are missing.
    pub(super) fn open(directory: &PrivateDirectory) -> Result<Self, AuditError> {
        Ok(Self {
            checkpoints: directory.open_file(CHECKPOINTS, Access::Append)?,
            key: directory.open_file(KEY, Access::Update)?,
            path: directory.path_of(CHECKPOINTS),
            key_path: directory.path_of(KEY),
        })
    }

    /// The newest checkpoint as it says, and whether the key seems to be the one after it.
    /// A look for every start; whether keys and signatures are right is not asked here.
    pub(super) fn glance(&self) -> Result<(Option<Checkpoint>, Seems), AuditError> {
        let fail = |source| read_error(&self.path, source);
        let number = Secret::number_in(&self.key).map_err(|e| read_error(&self.key_path, e))?;
        let length = state_of_open(&self.checkpoints).map_err(fail)?.length;
        let (end, newest) = newest(&self.checkpoints, length).map_err(fail)?;
        let expected = newest
            .as_ref()
            .map(|newest| newest.number.saturating_add(1));
        let right = end == length && expected.is_some() && number == expected;
        Ok((newest, if right { Seems::Right } else { Seems::Wrong }))
    }

    /// Looks at the newest checkpoint and at the key, and cuts a torn line off.
    ///
    /// The line's signature is not asked for: all that is taken from it is the number and the
    /// next key, which must be ours.
    pub(super) fn standing(&self) -> Result<Standing, AuditError> {
        let fail = |source| read_error(&self.path, source);
        let secret = Secret::read(&self.key).map_err(|e| read_error(&self.key_path, e))?;
        let length = state_of_open(&self.checkpoints).map_err(fail)?.length;
        let (end, newest) = newest(&self.checkpoints, length).map_err(fail)?;
        if end < length {
            // The key moves on only after the line, so what was torn said nothing yet.
            self.checkpoints.set_len(end).map_err(fail)?;
        }
        Ok(match (newest, secret) {
            (None, None) if end == 0 => Standing::Fresh,
            (Some(newest), Some(secret)) => match led_to(secret, &newest) {
                Some(secret) => Standing::Whole(newest, Box::new(secret)),
                None => Standing::Gone(Some(newest)),
            },
            (newest, _) => Standing::Gone(newest),
        })
    }

    /// Adds the checkpoint that says where the log ends, and moves the key on.
    pub(super) fn attest(
        &self,
        standing: Standing,
        position: Position,
        (begins, time): (u64, u64),
    ) -> Result<Checkpoint, AuditError> {
        let fail = |source| AuditError::Write {
            path: self.path.clone(),
            source,
        };
        let secret = match standing {
            Standing::Whole(_, secret) => *secret,
            Standing::Fresh => Secret::fresh(0).map_err(fail)?,
            Standing::Gone(newest) => {
                let number = newest.map_or(0, |newest| newest.number.saturating_add(1));
                Secret::fresh(number).map_err(fail)?
            }
        };
        let next = secret.next();
        let checkpoint = Checkpoint::of(position, (begins, time), (&secret, &next));
        let line = checkpoint.seal(&secret).map_err(AuditError::Encode)?;
        self.append(&line).map_err(fail)?;
        let path = &self.key_path;
        next.write(&self.key).map_err(|source| {
            let path = path.clone();
            AuditError::Write { path, source }
        })?;
        Ok(checkpoint)
    }

    fn append(&self, line: &[u8]) -> io::Result<()> {
        let end = state_of_open(&self.checkpoints)?.length;
        let mut file = &self.checkpoints;
        let error = match file.write(line) {
            Ok(count) if count == line.len() => return Ok(()),
            Ok(_) => io::ErrorKind::StorageFull.into(),
            Err(error) => error,
        };
        // Should even this fail, the next look cuts it off.
        let _ = self.checkpoints.set_len(end);
        Err(error)
    }
}

/// The key that the checkpoint names as the next one, if this key is it or leads to it.
pub(super) fn led_to(mut secret: Secret, newest: &Checkpoint) -> Option<Secret> {
    let wanted = newest.number.checked_add(1)?;
    let steps = wanted.checked_sub(secret.number())?;
    if steps > FARTHEST {
        return None;
    }
    for _ in 0..steps {
        secret = secret.next();
    }
    (secret.public() == newest.next).then_some(secret)
}

/// Where the last whole line ends, and the checkpoint that it is.
fn newest(file: &File, length: u64) -> io::Result<(u64, Option<Checkpoint>)> {
    let (end, line) = newest_line(file, length)?;
    Ok((end, line.as_deref().and_then(Checkpoint::claimed)))
}

/// Where the last whole line ends, and the line, without its line break.
pub(super) fn newest_line(file: &File, length: u64) -> io::Result<(u64, Option<Vec<u8>>)> {
    // Two lines and a torn one fit, so that the last whole line is in it from its beginning.
    let start = length.saturating_sub(3 * LONGEST as u64);
    let mut bytes = vec![0; usize::try_from(length - start).unwrap_or(0)];
    file.read_exact_at(&mut bytes, start)?;
    let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else {
        return Ok((start, None));
    };
    let line = bytes[..end].rsplit(|byte| *byte == b'\n').next();
    Ok((start + end as u64 + 1, line.map(<[u8]>::to_vec)))
}
