//! The proof of an allow decision. Only deciding makes one; the effect consumes it.

use std::path::{Component, Path};
use std::sync::Arc;

use super::bind::{BoundGrant, BoundPolicy, EffectiveGrant};
use super::decide::{Extent, PathAsk, Verdict, Walk};
use crate::model::{Denial, PrincipalId, RefusalCode, Rights, Rule};

/// Leave to do one thing with one path. Not `Clone`: one decision, one effect.
#[derive(Debug)]
#[must_use = "a permit that is dropped was a decision about nothing"]
pub struct Permit {
    policy: Arc<BoundPolicy>,
    principal: PrincipalId,
    op: &'static str,
    subject: String,
    rights: Rights,
    extent: Extent,
    verdict: Verdict,
}

impl Permit {
    pub(super) fn new(
        policy: &Arc<BoundPolicy>,
        principal: &PrincipalId,
        ask: &PathAsk<'_>,
        verdict: Verdict,
    ) -> Self {
        Self {
            policy: Arc::clone(policy),
            principal: principal.clone(),
            op: ask.op,
            subject: ask.subject.to_owned(),
            rights: ask.rights,
            extent: ask.extent,
            verdict,
        }
    }

    /// The grant beneath which the effect takes place.
    pub fn grant(&self) -> &BoundGrant {
        self.policy.grant(self.verdict.grant)
    }

    /// The path below the grant's root; empty for the root itself.
    pub fn relative(&self) -> &Path {
        &self.verdict.relative
    }

    /// What may be done.
    pub fn rights(&self) -> Rights {
        self.rights
    }

    /// The path as the principal wrote it.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The operation.
    pub fn op(&self) -> &'static str {
        self.op
    }

    /// Who was allowed.
    pub fn principal(&self) -> &PrincipalId {
        &self.principal
    }

    /// The rule that allowed it.
    pub fn rule(&self) -> &Rule {
        &self.grant().rule
    }

    /// Whether the effect, which takes everything below its path along in one step, must first
    /// ask [`admits_below`](Self::admits_below) about every path there.
    pub fn must_walk(&self) -> bool {
        self.verdict.walk == Walk::Needed
    }

    /// Decides again, with the same rights, about where the kernel's resolution ended: a path
    /// relative to the grant's root. Links inside the grant can lead to what a rule takes away.
    ///
    /// # Errors
    /// The denial, in the words of the path as it was asked for.
    pub fn admits(&self, resolved: &Path) -> Result<(), Denial> {
        self.judge(resolved, self.extent)
    }

    /// Decides about one entry below the path, which is taken along with it.
    ///
    /// # Errors
    /// The denial, in the words of the path as it was asked for.
    pub fn admits_below(&self, entry: &Path) -> Result<(), Denial> {
        self.judge(entry, Extent::Entry)
    }

    fn judge(&self, relative: &Path, extent: Extent) -> Result<(), Denial> {
        let plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        let root = &self.grant().root;
        if !relative.components().all(plain) {
            return Err(self.refuse(RefusalCode::OutsideCapability));
        }
        let path = if relative.as_os_str().is_empty() {
            root.clone()
        } else {
            root.join(relative)
                .map_err(|_| self.refuse(RefusalCode::BadRequest))?
        };
        let ask = PathAsk {
            op: self.op,
            subject: &self.subject,
            path: &path,
            rights: self.rights,
            extent,
        };
        self.policy.judge(&self.principal, &ask).map(|_| ())
    }

    /// A refusal of what the permit was for, for a reason found while doing it.
    pub fn refuse(&self, code: RefusalCode) -> Denial {
        Denial::by_broker(code, self.op, &self.subject, self.rule().clone())
    }
}

/// Leave to run one command. Not `Clone`: one decision, one effect.
#[derive(Debug)]
#[must_use = "a permit that is dropped was a decision about nothing"]
pub struct CommandPermit {
    policy: Arc<BoundPolicy>,
    principal: PrincipalId,
    op: &'static str,
    subject: String,
    rule: Rule,
}

impl CommandPermit {
    pub(super) fn new(
        policy: &Arc<BoundPolicy>,
        principal: &PrincipalId,
        (op, subject): (&'static str, &str),
        rule: Rule,
    ) -> Self {
        Self {
            policy: Arc::clone(policy),
            principal: principal.clone(),
            op,
            subject: subject.to_owned(),
            rule,
        }
    }

    /// The command as it was written.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The operation.
    pub fn op(&self) -> &'static str {
        self.op
    }

    /// Who was allowed.
    pub fn principal(&self) -> &PrincipalId {
        &self.principal
    }

    /// The rule that allowed it.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// What the command may touch.
    pub fn reach(&self) -> Vec<EffectiveGrant> {
        // The principal was known when the permit was made, and a bound policy does not change.
        self.policy.reach(&self.principal).unwrap_or_default()
    }

    /// A refusal of the command, for a reason found while starting it.
    pub fn refuse(&self, code: RefusalCode) -> Denial {
        Denial::by_broker(code, self.op, &self.subject, self.rule.clone())
    }
}
