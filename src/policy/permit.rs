//! The proof of an allow decision. Only deciding makes one; the effect consumes it.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::bind::{BoundGrant, BoundPolicy, EffectiveGrant, GrantId};
use super::decide::{Extent, PathAsk};
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
    grant: GrantId,
    relative: PathBuf,
}

impl Permit {
    pub(super) fn new(
        policy: Arc<BoundPolicy>,
        principal: PrincipalId,
        ask: &PathAsk<'_>,
        (grant, relative): (GrantId, PathBuf),
    ) -> Self {
        Self {
            policy,
            principal,
            op: ask.op,
            subject: ask.subject.to_owned(),
            rights: ask.rights,
            extent: ask.extent,
            grant,
            relative,
        }
    }

    /// The grant beneath which the effect takes place.
    pub fn grant(&self) -> &BoundGrant {
        self.policy.grant(self.grant)
    }

    /// The path below the grant's root; empty for the root itself.
    pub fn relative(&self) -> &Path {
        &self.relative
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

    /// Decides again, with the same rights, about where the kernel's resolution ended: a path
    /// relative to the grant's root. Links inside the grant can lead to what a rule takes away.
    ///
    /// # Errors
    /// The denial, in the words of the path as it was asked for.
    pub fn admits(&self, resolved: &Path) -> Result<(), Denial> {
        let plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        let grant = self.grant();
        if !resolved.components().all(plain) {
            return Err(self.refuse(RefusalCode::OutsideCapability));
        }
        let path = if resolved.as_os_str().is_empty() {
            Ok(grant.root.clone())
        } else {
            grant.root.join(resolved)
        };
        let Ok(path) = path else {
            return Err(self.refuse(RefusalCode::BadRequest));
        };
        let ask = PathAsk {
            op: self.op,
            subject: &self.subject,
            path: &path,
            rights: self.rights,
            extent: self.extent,
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
        policy: Arc<BoundPolicy>,
        principal: PrincipalId,
        (op, subject): (&'static str, &str),
        rule: Rule,
    ) -> Self {
        Self {
            policy,
            principal,
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

impl BoundPolicy {
    /// Whether any exception, hole or lesser grant lies, or could lie, below the root of a grant.
    pub fn has_exceptions(&self, grant: GrantId) -> bool {
        let grant = self.grant(grant);
        let nested =
            |other: &BoundGrant| other.id != grant.id && other.root.beneath(&grant.root).is_some();
        !grant.hide.is_empty() || !grant.protect.is_empty() || self.grants().iter().any(nested)
    }
}
