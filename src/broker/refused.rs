//! What was refused inside a command: put on record as it was seen, and told in the reply.
//!
//! The log has more of it in full than a reply has room for; the counts of both are exact.

use super::session::Session;
use crate::audit::{RecordId, RequestInfo};
use crate::model::{
    Denial, HostPath, Intent, PathSource, RefusalCode, Rule, Sighting, Surroundings, Tally,
};
use crate::sandbox::{LimitHit, RefusedCall, RefusedFor};

/// How many different refusals a reply holds in full.
const IN_REPLY: usize = 50;

impl Session {
    /// Puts the refusals on record, and gives those that the reply holds.
    pub(super) fn report_refused(
        &self,
        (request, record): (RequestInfo<'_>, RecordId),
        calls: &[RefusedCall],
        rule: &Rule,
    ) -> Vec<Denial> {
        if calls.is_empty() {
            return Vec::new();
        }
        let mut tally = Tally::new(rule.clone(), self.surroundings(request));
        for call in calls {
            // The refusal has happened already; a log that fails now refuses the next request.
            if let Some(denial) = tally.see(&sighting(call)) {
                let _ = self.ledger.refused_inside(request, record, (denial, call));
            }
        }
        for denial in tally.unrecorded() {
            let _ = self.ledger.refused(request, record, &denial);
        }
        tally.denials(IN_REPLY)
    }

    /// Puts the limits that a command met on record, and gives one denial for each.
    pub(super) fn report_limits(
        &self,
        (request, record): (RequestInfo<'_>, RecordId),
        limits: &[LimitHit],
        rule: &Rule,
    ) -> Vec<Denial> {
        let denial = |limit: &LimitHit| {
            let op = request.op.to_owned();
            let denial =
                Denial::by_broker(RefusalCode::LimitExceeded, op, limit.as_str(), rule.clone());
            // It has happened already; a log that fails now refuses the next request.
            let _ = self.ledger.refused(request, record, &denial);
            denial
        };
        limits.iter().map(denial).collect()
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

/// What the supervisor saw. It supervises changes alone.
fn sighting(call: &RefusedCall) -> Sighting<'_> {
    Sighting {
        code: match call.reason {
            RefusedFor::ReadOnly => RefusalCode::ReadOnly,
            RefusedFor::Outside => RefusalCode::OutsideCapability,
            RefusedFor::Network => RefusalCode::NetworkNotGranted,
            RefusedFor::Closed | RefusedFor::OtherProcess => RefusalCode::RightNotGranted,
            RefusedFor::Exception | RefusedFor::Privileged => RefusalCode::ProtectedPath,
        },
        op: &call.call,
        path: call.path.as_deref().map(AsRef::as_ref),
        intent: Intent::Change,
        pid: call.pid.unsigned_abs(),
        process: &call.process,
        source: PathSource::TraceeMemory,
    }
}
