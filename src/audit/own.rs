//! Records about the log itself: that it was repaired, and that its oldest files were removed.

use super::AuditError;
use super::classify::{Class, Kind, OTHER};
use super::record::{Stamp, finish, of_kind};
use super::repair::Repair;
use super::retention::Removal;
use super::schema::{PRODUCT, Record};
use crate::sys::machine::Machine;

/// Something that the log tells of itself.
#[derive(Debug, Clone, Copy)]
pub(super) enum Own<'a> {
    /// Its end was not whole.
    Repaired(&'a Repair),
    /// Its oldest files are about to be removed.
    Removes(&'a Removal),
}

/// Writes it as one line of JSON, without its place in the chain.
pub(super) fn write_own(
    own: Own<'_>,
    stamp: Stamp,
    machine: &Machine,
    line: &mut Vec<u8>,
) -> Result<(), AuditError> {
    let mut record = match own {
        Own::Repaired(repair) => {
            let mut record = begin("log.repair", "repair");
            record.severity_id = if repair.lost_something() { 4 } else { 2 };
            record.message = repair.message().into();
            record.unmapped.repair = Some(repair);
            record
        }
        Own::Removes(removal) => {
            let mut record = begin("log.retention", "retention");
            record.message = removal.message().into();
            record.unmapped.removal = Some(removal);
            record
        }
    };
    record.status_id = 1;
    record.disposition_id = 17;
    record.actor.app_name = Some(PRODUCT);
    finish(record, stamp, machine, line)
}

fn begin(op: &'static str, phase: &'static str) -> Record<'static> {
    let kind = Kind {
        class: Class::Api,
        activity: OTHER,
    };
    of_kind(op, kind, phase)
}
