//! What was refused inside a command, as denials, and on record.
//!
//! The refusals have happened already, whatever becomes of what is said of them: nothing here
//! decides anything.

use std::path::Path;

use super::session::Session;
use crate::audit::{Process, RecordId, RequestInfo};
use crate::model::{Denial, PathSource, RefusalCode, Rule};
use crate::sandbox::{RefusedCall, RefusedFor, Seen, Sighting};

/// What the witnesses of a command saw.
pub(super) struct Witnessed<'a> {
    /// The supervisor.
    pub refused: &'a [RefusedCall],
    /// The tripwire.
    pub seen: &'a Seen,
}

impl Session {
    /// Puts each refusal on record, and returns them with equal ones folded into one.
    pub(super) fn tell(
        &self,
        (request, record): (RequestInfo<'_>, RecordId),
        witnessed: &Witnessed<'_>,
        rule: &Rule,
    ) -> Vec<Denial> {
        let mut denials = Vec::new();
        let mut put = |denial: Denial, process: Option<Process<'_>>| {
            // A log that fails now refuses the next request.
            let _ = self
                .ledger
                .refused_inside(request, record, (&denial, process));
            fold(&mut denials, denial);
        };
        for call in witnessed.refused {
            put(supervised(call, rule), Some(caller_of(call)));
        }
        for (sighting, times) in &witnessed.seen.sightings {
            put(left(sighting, *times), process_of(sighting));
        }
        for (path, times) in &witnessed.seen.counted {
            put(outside(LOOKUP, Some(path), *times), None);
        }
        if witnessed.seen.elsewhere > 0 {
            put(outside(LOOKUP, None, witnessed.seen.elsewhere), None);
        }
        denials
    }
}

/// What is said of attempts whose system call was not looked at.
const LOOKUP: &str = "lookup";

/// A call that the supervisor refused.
fn supervised(call: &RefusedCall, rule: &Rule) -> Denial {
    let code = match call.reason {
        RefusedFor::ReadOnly => RefusalCode::ReadOnly,
        RefusedFor::Outside => RefusalCode::OutsideCapability,
        RefusedFor::Exception | RefusedFor::Privileged => RefusalCode::ProtectedPath,
    };
    let op = call.call.clone().into();
    Denial::seen(
        code,
        op,
        call.path.as_deref(),
        rule.clone(),
        PathSource::TraceeMemory,
    )
}

fn caller_of(call: &RefusedCall) -> Process<'_> {
    Process {
        pid: call.pid.unsigned_abs(),
        parent: None,
        executable: None,
        argv: &call.process,
    }
}

/// An attempt to leave the view. The path is what the kernel looked up, and goes on as the
/// caller's memory had it; then the part that is certain stands beside it.
fn left(sighting: &Sighting, times: u64) -> Denial {
    let Some(below) = &sighting.below else {
        return outside(&sighting.op, Some(&sighting.path), times);
    };
    let whole = Path::new(&sighting.path).join(below);
    let denial = outside(&sighting.op, whole.to_str(), times);
    denial.looked_up_as_far_as(&sighting.path)
}

fn outside(op: &str, path: Option<&str>, times: u64) -> Denial {
    let code = RefusalCode::OutsideCapability;
    let op = op.to_owned().into();
    let denial = Denial::seen(code, op, path, Rule::default_deny(), PathSource::Tripwire);
    Denial {
        count: times,
        ..denial
    }
}

fn process_of(sighting: &Sighting) -> Option<Process<'_>> {
    (sighting.thread != 0).then(|| Process {
        pid: sighting.thread.unsigned_abs(),
        parent: None,
        executable: sighting.program.as_deref().map(Path::new),
        argv: &sighting.process,
    })
}

/// Equal refusals are one, with a count.
fn fold(denials: &mut Vec<Denial>, denial: Denial) {
    match denials
        .iter_mut()
        .find(|seen| seen.message == denial.message && seen.op == denial.op)
    {
        Some(seen) => seen.count += denial.count,
        None => denials.push(denial),
    }
}
