//! The oldest files are removed, by the operator's rules, in a way that leaves the log sound.
//!
//! A record tells what is about to be removed, a checkpoint signs where the log begins from
//! then on, and only then are the files removed, the oldest first. A crash in between leaves
//! files that the next one removes; none that is missed.

use std::ffi::CString;
use std::time::Duration;

use serde::Serialize;

use super::AuditError;
use super::files::{self, Position, read_error, sealed};
use super::keeping::Keeping;
use super::log::{AuditLog, Writer, now};
use super::own::Own;
use crate::sys::private::{Access, PrivateDirectory, state_of_open};

/// Files whose last record is younger are not removed because of their size: a flood must not
/// push its own traces out.
const AT_LEAST: Duration = Duration::from_hours(24);

/// What is removed.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Removal {
    /// The first record that is removed.
    pub(super) from: u64,
    /// The last one.
    pub(super) to: u64,
    files: usize,
    bytes: u64,
}

impl Removal {
    /// One line for a person.
    pub(super) fn message(&self) -> String {
        let Self {
            from,
            to,
            files,
            bytes,
        } = self;
        format!(
            "records {from} to {to} are removed by the operator's rules: {files} files, {bytes} bytes"
        )
    }
}

/// A full file.
struct Full {
    name: CString,
    /// The number of its last record.
    last: u64,
    bytes: u64,
    /// The time of its last record, in milliseconds since 1970.
    time: u64,
}

impl AuditLog {
    /// Removes what the rules no longer keep. To be called under the lock, with a whole log.
    pub(super) fn remove_old(
        &self,
        writer: &mut Writer,
        position: &mut Position,
    ) -> Result<(), AuditError> {
        if !self.keeping.removes() {
            return Ok(());
        }
        let full = full_files(&self.directory)?;
        let count = too_old(&full, position.end, (&self.keeping, now()));
        let (old, _) = full.split_at(count);
        let Some(last) = old.last() else {
            return Ok(());
        };
        let removal = Removal {
            from: files::first(&self.directory)?,
            to: last.last,
            files: old.len(),
            bytes: old.iter().map(|file| file.bytes).sum(),
        };
        self.tell(writer, position, Own::Removes(&removal))?;
        self.attest_from(writer, position, Some(removal.to + 1))?;
        for file in old {
            self.directory.remove(&file.name)?;
        }
        Ok(())
    }
}

/// How many of the files, from the oldest on, are no longer kept.
fn too_old(full: &[Full], current: u64, (keeping, now): (&Keeping, u64)) -> usize {
    let age = |file: &Full| Duration::from_millis(now.saturating_sub(file.time));
    let mut bytes: u64 = current + full.iter().map(|file| file.bytes).sum::<u64>();
    let mut count = 0;
    for file in full {
        let is_old = keeping.keep_age.is_some_and(|most| age(file) > most);
        let is_much = keeping.keep_size.is_some_and(|most| bytes > most);
        let goes = is_old || (is_much && age(file) > AT_LEAST);
        if !goes {
            break;
        }
        bytes -= file.bytes;
        count += 1;
    }
    count
}

fn full_files(directory: &PrivateDirectory) -> Result<Vec<Full>, AuditError> {
    let mut full = Vec::new();
    for name in sealed(directory)? {
        let path = directory.path_of(&name);
        let file = directory.open_file(&name, Access::Read)?;
        let fail = |source| read_error(&path, source);
        let bytes = state_of_open(&file).map_err(fail)?.length;
        // A file without a whole record is damaged, and is left to the operator.
        let Some((last, time)) = files::last_of(&file, bytes, &path)? else {
            break;
        };
        full.push(Full {
            name,
            last,
            bytes,
            time,
        });
    }
    Ok(full)
}

#[cfg(test)]
mod tests {
    use super::{Full, Keeping, too_old};
    use std::time::Duration;

    const HOUR: u64 = 3_600_000;

    /// Files of 100 bytes, of which the last records are so many hours old.
    fn files(hours: &[u64]) -> Vec<Full> {
        let now = 1000 * HOUR;
        let file = |age: &u64| Full {
            name: c"audit-1.jsonl".into(),
            last: 1,
            bytes: 100,
            time: now - age * HOUR,
        };
        hours.iter().map(file).collect()
    }

    fn removed(hours: &[u64], keeping: Keeping) -> usize {
        too_old(&files(hours), 50, (&keeping, 1000 * HOUR))
    }

    #[test]
    fn files_go_when_they_are_old_or_when_there_is_too_much() {
        let by_age = Keeping {
            keep_age: Some(Duration::from_hours(100)),
            ..Keeping::default()
        };
        assert_eq!(removed(&[300, 101, 99, 1], by_age), 2);
        assert_eq!(removed(&[], by_age), 0);
        let by_size = Keeping {
            keep_size: Some(250),
            ..Keeping::default()
        };
        assert_eq!(removed(&[90, 80, 70, 60], by_size), 2);
        assert_eq!(removed(&[90, 80], by_size), 0);
        assert_eq!(removed(&[90, 80, 70, 60], Keeping::default()), 0);
    }

    #[test]
    fn a_flood_does_not_push_out_what_is_of_today() {
        let keeping = Keeping {
            keep_size: Some(100),
            ..Keeping::default()
        };
        assert_eq!(removed(&[90, 23, 10, 1], keeping), 1);
    }
}
