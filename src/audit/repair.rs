//! A log whose end is not whole is made whole again, without losing what is before it.
//!
//! The order makes a crash at any point safe: the fragment is copied to a file of its own
//! and reaches the disk; the log is cut after its last whole record; a record says what was
//! done. A copy whose record is missing is found by its name, which holds the sequence number
//! that the record will have, and the record is written then. Copies are never removed or
//! overwritten.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::AuditError;
use super::chain::Digest;
use super::checkpoint::Checkpoint;
use super::files::{LOG, Position, read_error, torn_name};
use super::head::Head;
use crate::sys::private::{Access, PrivateDirectory};

/// What was found at the end of the log, and what became of it.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Repair {
    /// What stood behind the last whole record, each piece in a file of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    torn: Vec<Fragment>,
    /// Records that had been written whole, by the head, and are gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<Lost>,
    /// The last record is not the one that the head names.
    #[serde(skip_serializing_if = "is_false")]
    replaced: bool,
    /// There was no head, so nothing can be said of what may be gone.
    #[serde(skip_serializing_if = "is_false")]
    head_missing: bool,
    /// Checkpoints or their key were gone, or were others, so that they began anew.
    #[serde(skip_serializing_if = "is_false")]
    checkpoints_gone: bool,
}

/// Sequence numbers, first and last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Lost {
    from: u64,
    to: u64,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Fragment {
    file: String,
    bytes: u64,
    sha256: String,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde calls"
)]
fn is_false(value: &bool) -> bool {
    !*value
}

/// What is known of the last record beside the log itself.
#[derive(Debug)]
pub(super) struct Witnesses {
    pub(super) head: Option<Head>,
    pub(super) checkpoint: Option<Checkpoint>,
}

impl Witnesses {
    /// The number and the hash of the newest record that either of them knows.
    fn newest(&self) -> Option<(u64, Digest)> {
        let head = self.head.map(|head| (head.sequence, head.hash));
        let checkpoint = self.checkpoint.as_ref();
        let checkpoint = checkpoint.map(|known| (known.sequence, known.hash));
        match (head, checkpoint) {
            (Some(head), Some(checkpoint)) if checkpoint.0 > head.0 => Some(checkpoint),
            (head, checkpoint) => head.or(checkpoint),
        }
    }
}

impl Repair {
    /// Whether records are gone that had been written whole.
    pub(super) fn lost_something(&self) -> bool {
        self.lost.is_some() || self.replaced || self.checkpoints_gone
    }

    /// Checkpoints begin anew.
    pub(super) fn of_checkpoints() -> Self {
        Self {
            checkpoints_gone: true,
            ..Self::default()
        }
    }

    fn is_needed(&self) -> bool {
        self.lost_something() || self.head_missing || !self.torn.is_empty()
    }

    /// One line for a person.
    pub(super) fn message(&self) -> String {
        let mut parts = Vec::new();
        for Fragment { file, bytes, .. } in &self.torn {
            parts.push(format!(
                "a torn record of {bytes} bytes was moved to {file}"
            ));
        }
        if let Some(Lost { from, to }) = self.lost {
            parts.push(format!(
                "records {from} to {to} had been written and are gone"
            ));
        }
        if self.replaced {
            parts.push("the last record is not the one that was written".into());
        }
        if self.head_missing {
            parts.push("the head file was missing".into());
        }
        if self.checkpoints_gone {
            parts.push("checkpoints or their key are gone, and begin anew".into());
        }
        format!("log repaired: {}", parts.join("; "))
    }
}

/// Puts a fragment aside, and says what there is to record; none where the log was whole.
///
/// Must be called under the log's lock. Afterwards the log ends at `position`.
pub(super) fn make_whole(
    directory: &PrivateDirectory,
    log: &File,
    (position, length): (Position, u64),
    witnesses: &Witnesses,
) -> Result<Option<Repair>, AuditError> {
    if length > position.end {
        put_aside(directory, log, position, length)?;
    }
    let known = witnesses.newest();
    let repair = Repair {
        torn: fragments(directory, position.sequence + 1)?,
        lost: known
            .filter(|(sequence, _)| *sequence > position.sequence)
            .map(|(sequence, _)| Lost {
                from: position.sequence + 1,
                to: sequence,
            }),
        replaced: known
            .is_some_and(|(sequence, hash)| sequence == position.sequence && hash != position.hash),
        // A crash between the very first record and its head leaves no head.
        head_missing: witnesses.head.is_none() && position.sequence > 1,
        checkpoints_gone: false,
    };
    Ok(repair.is_needed().then_some(repair))
}

fn put_aside(
    directory: &PrivateDirectory,
    log: &File,
    position: Position,
    length: u64,
) -> Result<(), AuditError> {
    let mut n = 0;
    while directory
        .state_of(&torn_name(position.sequence + 1, n))?
        .is_some()
    {
        n += 1;
    }
    let name = torn_name(position.sequence + 1, n);
    let mut aside = directory.open_file(&name, Access::New)?;
    let mut from = log;
    let copied = from
        .seek(SeekFrom::Start(position.end))
        .and_then(|_| std::io::copy(&mut from.take(length - position.end), &mut aside))
        .and_then(|_| aside.flush())
        .and_then(|()| aside.sync_all());
    let write_error = |name, source| {
        let path = directory.path_of(name);
        AuditError::Write { path, source }
    };
    copied.map_err(|source| write_error(&name, source))?;
    log.set_len(position.end)
        .map_err(|source| write_error(LOG, source))
}

/// The fragments that were put aside before the record of this sequence number.
fn fragments(directory: &PrivateDirectory, next: u64) -> Result<Vec<Fragment>, AuditError> {
    let mut found = Vec::new();
    for n in 0.. {
        let name = torn_name(next, n);
        if directory.state_of(&name)?.is_none() {
            break;
        }
        let mut file = directory.open_file(&name, Access::Read)?;
        let (bytes, sha256) =
            digest_of(&mut file).map_err(|source| read_error(&directory.path_of(&name), source))?;
        let file = name.to_string_lossy().into_owned();
        found.push(Fragment {
            file,
            bytes,
            sha256: sha256.to_string(),
        });
    }
    Ok(found)
}

fn digest_of(file: &mut File) -> std::io::Result<(u64, Digest)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((bytes, Digest::from(hasher))),
            count => {
                hasher.update(&buffer[..count]);
                bytes += count as u64;
            }
        }
    }
}
