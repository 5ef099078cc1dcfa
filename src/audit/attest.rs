//! When a checkpoint is made: every so many records, when a session ends, after a repair.
//!
//! Between two checkpoints an append costs nothing more. A checkpoint that cannot be made is
//! a record that cannot be written: the request is refused.

use super::AuditError;
use super::files::{self, Position};
use super::log::{AuditLog, Writer, now};
use super::notary::Standing;
use super::own::Own;
use super::repair::Repair;

/// How many records there are between two checkpoints of one session.
const EVERY: u64 = 1000;

impl AuditLog {
    pub(super) fn attest_when_due(
        &self,
        writer: &mut Writer,
        position: &mut Position,
    ) -> Result<(), AuditError> {
        if position.sequence.saturating_sub(writer.attested) < EVERY {
            return Ok(());
        }
        self.attest(writer, position)
    }

    /// Makes a checkpoint of where the log stands.
    pub(super) fn attest(
        &self,
        writer: &mut Writer,
        position: &mut Position,
    ) -> Result<(), AuditError> {
        self.attest_from(writer, position, None)
    }

    /// Makes a checkpoint, which also says where the log begins from now on.
    pub(super) fn attest_from(
        &self,
        writer: &mut Writer,
        position: &mut Position,
        begins: Option<u64>,
    ) -> Result<(), AuditError> {
        let mut standing = writer.notary.standing()?;
        if matches!(standing, Standing::Fresh) && position.sequence > 0 {
            standing = Standing::Gone(None);
        }
        let begins = match (begins, standing.newest()) {
            (Some(begins), _) => begins,
            (None, Some(newest)) => newest.begins,
            (None, None) => files::first(&self.directory)?,
        };
        if matches!(standing, Standing::Gone(_)) {
            self.tell(writer, position, Own::Repaired(&Repair::of_checkpoints()))?;
        }
        let made = writer.notary.attest(standing, *position, (begins, now()))?;
        writer.attested = made.sequence;
        Ok(())
    }
}
