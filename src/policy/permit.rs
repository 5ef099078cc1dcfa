//! The proof of an allow decision. Only deciding makes one; the effect consumes it.

use std::path::{Component, Path};
use std::sync::Arc;

use super::bind::{BoundGrant, BoundPolicy, EffectiveGrant};
use super::decide::{PathAsk, Verdict};
use super::pattern::Below;
use crate::model::{Denial, HostPath, PrincipalId, RefusalCode, Rights, Rule};

/// Leave to do one thing with one path. Not `Clone`: one decision, one effect.
#[derive(Debug)]
#[must_use = "a permit that is dropped was a decision about nothing"]
pub struct Permit {
    policy: Arc<BoundPolicy>,
    principal: PrincipalId,
    op: &'static str,
    subject: String,
    rights: Rights,
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

    /// Decides again, with the same rights, about where the kernel's resolution ended: a path
    /// relative to the grant's root. Links inside the grant can lead to what a rule takes away.
    ///
    /// # Errors
    /// The denial, in the words of the path as it was asked for.
    pub fn admits(&self, resolved: &Path) -> Result<(), Denial> {
        self.admits_to(self.rights, resolved)
    }

    /// Decides again, about other rights: those that turn out to be needed once it is known
    /// what stands at the path.
    ///
    /// # Errors
    /// The denial, in the words of the path as it was asked for.
    pub fn admits_to(&self, rights: impl Into<Rights>, resolved: &Path) -> Result<(), Denial> {
        let path = self.host_path(resolved)?;
        let ask = self.ask(rights.into(), &path);
        self.policy.judge(&self.principal, &ask).map(|_| ())
    }

    /// Decides again, about a directory that is taken away, or put there, with everything in it
    /// in one step. [`Below::Possible`]: every entry has to be asked about before it begins.
    ///
    /// # Errors
    /// The denial, where a hole, another grant, or a pattern without wildcards names something
    /// there or below, whether or not it exists.
    pub fn admits_tree(&self, resolved: &Path) -> Result<Below, Denial> {
        let path = self.host_path(resolved)?;
        let ask = self.ask(self.rights, &path);
        self.policy.judge_tree(&self.principal, &ask)
    }

    /// Decides again, about something other than a directory that is changed, taken away or put
    /// there.
    ///
    /// # Errors
    /// The denial, also where a pattern protects something that could only lie in a directory of
    /// this very name, such as `.git` where `.git/config` is protected.
    pub fn admits_leaf(&self, resolved: &Path) -> Result<(), Denial> {
        let path = self.host_path(resolved)?;
        let ask = self.ask(self.rights, &path);
        self.policy.judge_leaf(&self.principal, &ask)
    }

    fn ask<'a>(&'a self, rights: Rights, path: &'a HostPath) -> PathAsk<'a> {
        PathAsk {
            op: self.op,
            subject: &self.subject,
            path,
            rights,
        }
    }

    /// The path below the grant's root as one from the root of the host.
    fn host_path(&self, resolved: &Path) -> Result<HostPath, Denial> {
        let plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        if !resolved.components().all(plain) {
            return Err(self.refuse(RefusalCode::OutsideCapability));
        }
        if resolved.as_os_str().is_empty() {
            return Ok(self.grant().root.clone());
        }
        let path = self.grant().root.join(resolved);
        path.map_err(|_| self.refuse(RefusalCode::BadRequest))
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Permit;
    use crate::model::{HostPath, PrincipalId, RefusalCode, Right};
    use crate::policy::{Anchors, Below, PathAsk, Policy};

    fn permit(right: Right) -> Permit {
        let at = |path: &str| HostPath::absolute(path).unwrap();
        let anchors = Anchors {
            root: at("/home/u/p"),
            home: at("/home/u"),
            state: at("/home/u/.local/state/lobsterpot"),
            config: at("/home/u/.config/lobsterpot"),
        };
        let text = Policy::built_in_text("workspace").unwrap();
        let text = text.replace("hide = [", r#"hide = ["src/**/*.pem", "#);
        let policy = Policy::parse("test", &text)
            .unwrap()
            .bind(&anchors)
            .unwrap();
        let ask = PathAsk {
            op: "file.delete",
            subject: "x",
            path: &at("/home/u/p/x"),
            rights: right.into(),
        };
        let decision = policy.decide_path(&PrincipalId::new("agent:main"), ask);
        decision.into_result().unwrap()
    }

    #[test]
    fn a_link_to_what_is_hidden_is_not_admitted() {
        let permit = permit(Right::Read);
        let code = |path: &str| {
            permit
                .admits(Path::new(path))
                .err()
                .map(|denial| denial.code)
        };
        assert_eq!(code("a/b"), None);
        assert_eq!(code(".env"), Some(RefusalCode::HiddenPath));
        assert_eq!(code("../q"), Some(RefusalCode::OutsideCapability));
        assert_eq!(code("/etc"), Some(RefusalCode::OutsideCapability));
    }

    #[test]
    fn a_directory_is_not_taken_away_with_its_exceptions() {
        let permit = permit(Right::Delete);
        let tree = |path: &str| {
            permit
                .admits_tree(Path::new(path))
                .map_err(|denial| denial.code)
        };
        assert_eq!(tree("docs"), Ok(Below::Nothing));
        assert_eq!(tree("src"), Ok(Below::Possible));
        assert_eq!(tree(".git"), Err(RefusalCode::ProtectedPath));
        assert_eq!(tree(".env"), Err(RefusalCode::HiddenPath));
        assert_eq!(tree(""), Err(RefusalCode::ProtectedPath));
    }
}
