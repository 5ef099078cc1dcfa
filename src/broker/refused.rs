//! What was refused inside a command: put on record as it was seen, and told in the reply.
//!
//! The log has more of it in full than a reply has room for; the counts of both are exact.

use std::path::{Path, PathBuf};

use super::heard::{self, SeenBesides};
use super::session::Session;
use crate::audit::{Process, RecordId, RequestInfo};
use crate::model::{
    Denial, HostPath, Intent, PathSource, RefusalCode, Rule, Sighting, Surroundings, Tally,
};
use crate::sandbox::{
    Attempt, Exit, Heard, LimitHit, PathRule, Plan, RefusedCall, RefusedFor, Seen,
};

/// How many different refusals a reply holds in full.
const IN_REPLY: usize = 50;

/// The operation of attempts whose system call was not looked at.
pub(super) const LOOKUP: &str = "lookup";

/// The operation of what the kernel told, and was too much to be kept.
const SEVERAL: &str = "several";

/// What the witnesses of a command saw.
pub(super) struct Witnessed<'a> {
    /// The supervisor.
    pub refused: &'a [(RefusedCall, u64)],
    /// The tripwire.
    pub seen: &'a Seen,
    /// The kernel itself.
    pub heard: &'a Heard,
}

impl Session {
    /// Puts the refusals on record, and gives those that the reply holds.
    pub(super) fn report_refused(
        &self,
        (request, record): (RequestInfo<'_>, RecordId),
        witnessed: &Witnessed<'_>,
        rule: &Rule,
    ) -> Vec<Denial> {
        let Witnessed {
            refused,
            seen,
            heard,
        } = *witnessed;
        if refused.is_empty() && seen.total() == 0 && heard.total() == 0 {
            return Vec::new();
        }
        let mut besides = SeenBesides::default();
        let mut tally = Tally::new(rule.clone(), self.surroundings(request));
        let mut see = |sighting: &Sighting<'_>, times: u64, program: Option<&Path>| {
            // The refusal has happened already; a log that fails now refuses the next request.
            if let Some(denial) = tally.see_often(sighting, times) {
                let process = process_of(sighting, program);
                let _ = self
                    .ledger
                    .refused_inside(request, record, (denial, process));
            }
        };
        for (call, times) in refused {
            besides.add(&supervised(call), *times);
            see(&supervised(call), *times, None);
        }
        for (attempt, times) in &seen.attempts {
            let path = whole_path(attempt);
            let program = attempt.program.as_deref().map(Path::new);
            let sighting = Sighting {
                code: self.code_of(&path),
                ..left(attempt, &path)
            };
            besides.add(&sighting, *times);
            see(&sighting, *times, program);
        }
        for (path, times) in &seen.counted {
            besides.add(&outside(LOOKUP, Some(path.as_ref())), *times);
            see(&outside(LOOKUP, Some(path.as_ref())), *times, None);
        }
        if seen.elsewhere > 0 {
            see(&outside(LOOKUP, None), seen.elsewhere, None);
        }
        if let Some(plan) = &self.plan {
            told_by_kernel(plan, heard, &mut besides, &mut see);
        }
        for denial in tally.unrecorded() {
            let _ = self.ledger.refused(request, record, &denial);
        }
        tally.denials(IN_REPLY)
    }

    /// Puts why a command was ended on record, where it did not end by itself: one denial for
    /// each limit that it met, and one for a witness that was lost.
    pub(super) fn report_limits(
        &self,
        (request, record): (RequestInfo<'_>, RecordId),
        exit: &Exit,
        rule: &Rule,
    ) -> Vec<Denial> {
        let met = |limit: &LimitHit| (RefusalCode::LimitExceeded, limit.as_str());
        let lost = (RefusalCode::SandboxUnavailable, "tripwire");
        let lost = exit.is_unwatched.then_some(lost);
        let denial = |(code, what): (RefusalCode, &str)| {
            let denial = Denial::by_broker(code, request.op.to_owned(), what, rule.clone());
            // It has happened already; a log that fails now refuses the next request.
            let _ = self.ledger.refused(request, record, &denial);
            denial
        };
        exit.limits
            .iter()
            .map(met)
            .chain(lost)
            .map(denial)
            .collect()
    }

    /// What the tripwire stands in for: something outside, or something that a grant hides.
    fn code_of(&self, path: &Path) -> RefusalCode {
        let hides = |rule: &&PathRule| {
            let below = path.strip_prefix(rule.path.as_path());
            below.is_ok_and(|below| rule.hide.matches(below))
        };
        match self
            .plan
            .as_ref()
            .and_then(|plan| plan.paths.iter().find(hides))
        {
            Some(_) => RefusalCode::HiddenPath,
            None => RefusalCode::OutsideCapability,
        }
    }

    fn surroundings(&self, request: RequestInfo<'_>) -> Surroundings {
        let path = |path: &HostPath| path.as_path().to_owned();
        let mut work = vec![path(&self.terms.policy.anchors().root)];
        work.extend(request.cwd.map(path));
        let plan = self.plan.as_ref();
        Surroundings {
            homes: vec![path(&self.terms.operator.home)],
            search_path: plan.map_or(Vec::new(), |plan| {
                plan.search_path.iter().map(path).collect()
            }),
            work,
        }
    }
}

/// What the kernel told, and nobody else saw.
fn told_by_kernel(
    plan: &Plan,
    heard: &Heard,
    besides: &mut SeenBesides,
    see: &mut impl FnMut(&Sighting<'_>, u64, Option<&Path>),
) {
    for (refusal, times) in &heard.refusals {
        let call = heard::call_of(plan, refusal);
        let times = besides.without(refusal, call, *times);
        if times > 0 {
            let caller = refusal.caller.as_ref();
            let program = caller.and_then(|caller| caller.program.as_deref());
            see(&heard::sighting(plan, refusal, call), times, program);
        }
    }
    if heard.elsewhere > 0 {
        let several = Sighting {
            source: PathSource::Kernel,
            ..outside(SEVERAL, None)
        };
        see(&several, heard.elsewhere, None);
    }
}

/// What the supervisor saw.
fn supervised(call: &RefusedCall) -> Sighting<'_> {
    Sighting {
        code: match call.reason {
            RefusedFor::ReadOnly => RefusalCode::ReadOnly,
            RefusedFor::Outside | RefusedFor::NotGranted | RefusedFor::NotThere => {
                RefusalCode::OutsideCapability
            }
            RefusedFor::Hidden => RefusalCode::HiddenPath,
            RefusedFor::Network => RefusalCode::NetworkNotGranted,
            RefusedFor::Closed | RefusedFor::OtherProcess | RefusedFor::OtherRight => {
                RefusalCode::RightNotGranted
            }
            RefusedFor::Exception | RefusedFor::Privileged => RefusalCode::ProtectedPath,
        },
        op: &call.call,
        path: call.path.as_deref().map(AsRef::as_ref),
        intent: match call.reason {
            RefusedFor::NotGranted
            | RefusedFor::NotThere
            | RefusedFor::OtherRight
            | RefusedFor::Hidden => Intent::Look,
            _ => Intent::Change,
        },
        pid: call.pid.unsigned_abs(),
        process: &call.process,
        source: PathSource::TraceeMemory,
        looked_up: call.looked_up.as_deref().map(AsRef::as_ref),
        written: call.written.as_deref(),
    }
}

/// What the tripwire saw. Where the path goes on beyond what the kernel looked up, the part
/// that is certain stands beside it.
fn left<'a>(attempt: &'a Attempt, path: &'a Path) -> Sighting<'a> {
    Sighting {
        intent: attempt.intent,
        pid: attempt.thread.unsigned_abs(),
        process: &attempt.process,
        looked_up: attempt.below.as_ref().map(|_| Path::new(&attempt.path)),
        written: attempt.written.as_deref(),
        ..outside(&attempt.op, Some(path))
    }
}

fn whole_path(attempt: &Attempt) -> PathBuf {
    let path = Path::new(&attempt.path);
    match &attempt.below {
        Some(below) => path.join(below),
        None => path.to_owned(),
    }
}

pub(super) fn outside<'a>(op: &'a str, path: Option<&'a Path>) -> Sighting<'a> {
    Sighting {
        code: RefusalCode::OutsideCapability,
        op,
        path,
        intent: Intent::Unknown,
        pid: 0,
        process: &[],
        source: PathSource::Tripwire,
        looked_up: None,
        written: None,
    }
}

/// Who it was, where that is known.
fn process_of<'a>(sighting: &Sighting<'a>, program: Option<&'a Path>) -> Option<Process<'a>> {
    (sighting.pid != 0).then_some(Process {
        pid: sighting.pid,
        parent: None,
        executable: program,
        argv: sighting.process,
    })
}
