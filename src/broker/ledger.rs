//! The session's hand on the audit log: every entry carries the same context.

use std::path::Path;

use super::error::SessionError;
use crate::ambient::{LogRules, Operator};
use crate::audit::{
    AuditError, AuditLog, Context, Effect, Entry, Event, Keeping, Process, RecordId, RequestInfo,
    SessionTotals, Verdict,
};
use crate::model::{Denial, Enforced, HostPath, PrincipalId, RefusalCode, Rule, Tier};

fn keeping(rules: LogRules) -> Keeping {
    let default = Keeping::default();
    Keeping {
        file_size: rules.file_size.unwrap_or(default.file_size),
        file_age: rules.file_age,
        keep_size: rules.keep_size,
        keep_age: rules.keep_age,
    }
}

/// Opens the operator's audit log, for a front end that has something to put on record itself.
///
/// # Errors
/// When it cannot be opened, or its rules cannot be used.
pub fn audit_log(operator: &Operator) -> Result<AuditLog, SessionError> {
    let rules = operator.log_rules()?;
    Ok(AuditLog::open_kept(
        operator.state.as_path(),
        keeping(rules),
    )?)
}

/// Writes what happens in one session.
#[derive(Debug)]
pub(super) struct Ledger {
    log: AuditLog,
    session: String,
    principal: PrincipalId,
    tier: Option<Tier>,
    policy: String,
    policy_source: String,
}

/// Who and under what, for a new ledger.
#[derive(Debug)]
pub(super) struct Heading {
    pub session: String,
    pub principal: PrincipalId,
    pub tier: Option<Tier>,
    pub policy: String,
    pub policy_source: String,
}

impl Ledger {
    pub(super) fn open(
        directory: &Path,
        rules: LogRules,
        heading: Heading,
    ) -> Result<Self, AuditError> {
        let log = AuditLog::open_kept(directory, keeping(rules))?;
        let Heading {
            session,
            principal,
            tier,
            policy,
            policy_source,
        } = heading;
        Ok(Self {
            log,
            session,
            principal,
            tier,
            policy,
            policy_source,
        })
    }

    fn write(&self, event: Event<'_>) -> Result<RecordId, AuditError> {
        let context = Context {
            session: &self.session,
            principal: &self.principal,
            tier: self.tier,
            policy: &self.policy,
            policy_source: &self.policy_source,
        };
        self.log.append(&Entry { context, event })
    }

    pub(super) fn opened(&self, root: &HostPath, enforced: &Enforced) -> Result<(), AuditError> {
        self.write(Event::SessionOpened { root, enforced })
            .map(drop)
    }

    pub(super) fn closed(&self, totals: SessionTotals) {
        // The session is over either way; what it did is on record already.
        let _ = self.write(Event::SessionClosed(totals));
    }

    /// Puts the decision on record. Without that, nothing may happen.
    pub(super) fn decided(
        &self,
        request: RequestInfo<'_>,
        verdict: Verdict<'_>,
    ) -> Result<RecordId, Box<Denial>> {
        self.write(Event::Decision { request, verdict })
            .map_err(|error| {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the audit log failed"
                );
                let denial = Denial::by_broker(
                    RefusalCode::AuditUnavailable,
                    request.op.to_owned(),
                    request.op,
                    Rule::default_deny(),
                );
                Box::new(denial)
            })
    }

    /// Puts a further refusal of a request on record.
    pub(super) fn refused(
        &self,
        request: RequestInfo<'_>,
        decision: RecordId,
        denial: &Denial,
    ) -> Result<(), AuditError> {
        self.write(Event::Denial {
            request,
            decision,
            denial,
            process: None,
        })
        .map(drop)
    }

    /// Puts on record what a process inside the command was refused.
    pub(super) fn refused_inside(
        &self,
        request: RequestInfo<'_>,
        decision: RecordId,
        (denial, process): (&Denial, Option<Process<'_>>),
    ) -> Result<(), AuditError> {
        self.write(Event::Denial {
            request,
            decision,
            denial,
            process,
        })
        .map(drop)
    }

    pub(super) fn ended(
        &self,
        request: RequestInfo<'_>,
        decision: RecordId,
        effect: Effect<'_>,
    ) -> Result<(), AuditError> {
        self.write(Event::Effect {
            request,
            decision,
            effect,
        })
        .map(drop)
    }
}
