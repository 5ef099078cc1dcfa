//! Allow or deny, and by which rule.
//!
//! The most specific grant wins; at equal specificity a hole wins over a grant. What no
//! rule allows is refused. An answer never depends on what exists.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bind::{BoundGrant, BoundPolicy, EffectiveGrant};
use super::permit::{CommandPermit, Permit};
use super::terms::{Ceiling, Commands};
use crate::model::{Denial, HostPath, PrincipalId, RefusalCode, Rights, Rule};

/// A question about a path.
#[derive(Debug, Clone, Copy)]
pub struct PathAsk<'a> {
    /// The operation, such as `file.read`.
    pub op: &'static str,
    /// The path as the principal wrote it, for messages.
    pub subject: &'a str,
    /// The path.
    pub path: &'a HostPath,
    /// What is to be done with it; at least one right.
    pub rights: Rights,
    /// How far the operation goes.
    pub extent: Extent,
}

/// How far below its path an operation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Extent {
    /// The file or directory alone.
    Entry,
    /// With everything below it, unseen: a move, a recursive delete. Refused where an exception,
    /// a hole or a lesser grant lies, or could lie, below.
    Tree,
}

/// The answer to a question, with the proof where it is yes.
#[derive(Debug)]
pub enum Decision<P = Permit> {
    /// It may be done, once.
    Allow(P),
    /// It may not.
    Deny(Denial),
}

impl<P> Decision<P> {
    /// The permit, or the denial as an error.
    ///
    /// # Errors
    /// The denial.
    pub fn into_result(self) -> Result<P, Denial> {
        match self {
            Self::Allow(permit) => Ok(permit),
            Self::Deny(denial) => Err(denial),
        }
    }
}

impl BoundPolicy {
    /// Decides about a path.
    pub fn decide_path(self: &Arc<Self>, principal: &PrincipalId, ask: PathAsk<'_>) -> Decision {
        match self.judge(principal, &ask) {
            Ok((grant, relative)) => Decision::Allow(Permit::new(
                Arc::clone(self),
                principal.clone(),
                &ask,
                (grant.id, relative),
            )),
            Err(denial) => Decision::Deny(denial),
        }
    }

    /// Decides whether the principal may run commands; `subject` is the command as written.
    pub fn decide_command(
        self: &Arc<Self>,
        principal: &PrincipalId,
        op: &'static str,
        subject: &str,
    ) -> Decision<CommandPermit> {
        match self.judge_command(principal, op, subject) {
            Ok(rule) => Decision::Allow(CommandPermit::new(
                Arc::clone(self),
                principal.clone(),
                (op, subject),
                rule,
            )),
            Err(denial) => Decision::Deny(denial),
        }
    }

    /// What the principal's commands may touch: its grants, and the holes in them with no rights.
    ///
    /// # Errors
    /// When the policy does not know the principal.
    pub fn reach(&self, principal: &PrincipalId) -> Result<Vec<EffectiveGrant>, Denial> {
        let standing = self.standing(principal, "session", principal.as_str())?;
        let mut reach: Vec<EffectiveGrant> = self
            .grants()
            .iter()
            .filter(|grant| !self.is_shadowed(grant))
            .map(|grant| EffectiveGrant {
                grant: grant.id,
                name: grant.name.clone(),
                root: grant.root.clone(),
                rights: standing.rights(grant),
                hide: grant.hide.clone(),
                protect: grant.protect.clone(),
                rule: grant.rule.clone(),
            })
            .collect();
        let open: Vec<HostPath> = reach
            .iter()
            .filter(|one| !one.rights.is_empty())
            .map(|one| one.root.clone())
            .collect();
        reach.retain(|one| open.iter().any(|root| one.root.beneath(root).is_some()));
        Ok(reach)
    }

    /// Whether the principal can change nothing anywhere.
    pub fn is_read_only(&self, principal: &PrincipalId) -> bool {
        self.reach(principal).map_or(true, |reach| {
            !reach.iter().any(|one| one.rights.change_something())
        })
    }

    /// Whether a hole stands at the very directory of the grant.
    fn is_shadowed(&self, grant: &BoundGrant) -> bool {
        self.most_specific(&grant.root)
            .is_some_and(|winner| winner.id != grant.id)
    }

    /// The grant or hole that decides about the path: the deepest; a hole before a grant.
    fn most_specific(&self, path: &HostPath) -> Option<&BoundGrant> {
        self.grants()
            .iter()
            .filter(|grant| path.beneath(&grant.root).is_some())
            .max_by_key(|grant| (grant.root.depth(), grant.rights.is_empty(), grant.id))
    }

    /// What the policy says about the principal, whatever is asked.
    fn standing(
        &self,
        principal: &PrincipalId,
        op: &'static str,
        subject: &str,
    ) -> Result<Standing<'_>, Denial> {
        let Some(tier) = self.policy().principals.get(principal) else {
            let rule = Rule::default_deny();
            let code = RefusalCode::PrincipalUnknown;
            return Err(Denial::by_broker(code, op, subject, rule));
        };
        let ceiling = self.policy().tiers.get(tier);
        Ok(Standing {
            ceiling,
            rule: Rule {
                name: format!("tier {tier}"),
                place: ceiling.map(|ceiling| ceiling.place.clone()),
            },
        })
    }

    /// The grant that allows what is asked, and the path below it.
    pub(super) fn judge(
        &self,
        principal: &PrincipalId,
        ask: &PathAsk<'_>,
    ) -> Result<(&BoundGrant, PathBuf), Denial> {
        let standing = self.standing(principal, ask.op, ask.subject)?;
        let refuse = |code, rule: &Rule| {
            let denial = Denial::by_broker(code, ask.op, ask.subject, rule.clone());
            Err(match self.hint(&standing) {
                Some(hint) => denial.with_hint(hint),
                None => denial,
            })
        };
        if ask.rights.is_empty() {
            return refuse(RefusalCode::BadRequest, &Rule::default_deny());
        }
        let Some(grant) = self.most_specific(ask.path) else {
            return refuse(RefusalCode::OutsideCapability, &Rule::default_deny());
        };
        if grant.rights.is_empty() {
            return refuse(RefusalCode::OutsideCapability, &grant.rule);
        }
        if !standing.has(grant) {
            return refuse(RefusalCode::OutsideCapability, &standing.rule);
        }
        let relative = ask.path.beneath(&grant.root).unwrap_or(Path::new(""));
        if grant.hide.matches(relative) {
            return refuse(RefusalCode::HiddenPath, &grant.rule);
        }
        if !standing.rights(grant).covers(ask.rights) {
            let lacks_grant = !grant.rights.covers(ask.rights);
            let rule = if lacks_grant {
                &grant.rule
            } else {
                &standing.rule
            };
            let changes = ask
                .rights
                .without(standing.rights(grant))
                .change_something();
            let code = if changes && self.is_read_only(principal) {
                RefusalCode::ReadOnly
            } else {
                RefusalCode::RightNotGranted
            };
            return refuse(code, rule);
        }
        if ask.rights.change_something() && grant.protect.matches(relative) {
            return refuse(RefusalCode::ProtectedPath, &grant.rule);
        }
        if ask.extent == Extent::Tree
            && let Err((code, rule)) = self.judge_below(&standing, grant, ask)
        {
            return refuse(code, &rule);
        }
        Ok((grant, relative.to_owned()))
    }

    /// Whether everything below the path may be taken along unseen.
    fn judge_below(
        &self,
        standing: &Standing<'_>,
        grant: &BoundGrant,
        ask: &PathAsk<'_>,
    ) -> Result<(), (RefusalCode, Rule)> {
        let relative = ask.path.beneath(&grant.root).unwrap_or(Path::new(""));
        if grant.hide.leads_below(relative) {
            return Err((RefusalCode::HiddenPath, grant.rule.clone()));
        }
        if ask.rights.change_something() && grant.protect.leads_below(relative) {
            return Err((RefusalCode::ProtectedPath, grant.rule.clone()));
        }
        for nested in self.grants() {
            let below = nested.id != grant.id && nested.root.beneath(ask.path).is_some();
            if below && !standing.rights(nested).covers(ask.rights) {
                return Err((RefusalCode::OutsideCapability, nested.rule.clone()));
            }
        }
        Ok(())
    }

    fn judge_command(
        &self,
        principal: &PrincipalId,
        op: &'static str,
        subject: &str,
    ) -> Result<Rule, Denial> {
        let standing = self.standing(principal, op, subject)?;
        let commands = &self.policy().commands;
        let rule = Rule {
            name: "commands".into(),
            place: commands.place.clone(),
        };
        let code = RefusalCode::CommandNotGranted;
        if commands.run == Commands::None {
            let rule = if rule.place.is_some() {
                rule
            } else {
                Rule::default_deny()
            };
            return Err(Denial::by_broker(code, op, subject, rule));
        }
        match standing.ceiling {
            Some(ceiling) if ceiling.commands == Commands::All => Ok(rule),
            _ => Err(Denial::by_broker(code, op, subject, standing.rule)),
        }
    }

    /// What is granted instead: `read below ~/project`.
    fn hint(&self, standing: &Standing<'_>) -> Option<String> {
        let granted: Vec<String> = self
            .grants()
            .iter()
            .filter(|grant| !standing.rights(grant).is_empty() && !self.is_shadowed(grant))
            .map(|grant| {
                let root = self.anchors().shown(&grant.root);
                format!("{} below {root}", standing.rights(grant))
            })
            .collect();
        (!granted.is_empty()).then(|| granted.join("; "))
    }
}

/// A principal's tier, and its ceiling where the policy has one.
struct Standing<'a> {
    ceiling: Option<&'a Ceiling>,
    rule: Rule,
}

impl Standing<'_> {
    /// Whether the grant is for the tier.
    fn has(&self, grant: &BoundGrant) -> bool {
        !self.rights(grant).is_empty()
            || self
                .ceiling
                .is_some_and(|ceiling| ceiling.grants.has(&grant.name))
    }

    /// What the tier may do below the grant.
    fn rights(&self, grant: &BoundGrant) -> Rights {
        match self.ceiling {
            Some(ceiling) if ceiling.grants.has(&grant.name) => {
                ceiling.rights.intersection(grant.rights)
            }
            _ => Rights::NONE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Extent, PathAsk};
    use crate::model::{HostPath, PrincipalId, RefusalCode, Right, Rights};
    use crate::policy::{Anchors, Policy};

    fn ask(policy: &str, path: &str, rights: impl Into<Rights>) -> Option<RefusalCode> {
        let at = |path: &str| HostPath::absolute(path).unwrap();
        let anchors = Anchors {
            root: at("/home/u/p"),
            home: at("/home/u"),
            state: at("/home/u/.local/state/lobsterpot"),
            config: at("/home/u/.config/lobsterpot"),
        };
        let policy = Policy::built_in(policy).unwrap().bind(&anchors).unwrap();
        let ask = PathAsk {
            op: "file.read",
            subject: path,
            path: &at(path),
            rights: rights.into(),
            extent: Extent::Entry,
        };
        let decision = policy.decide_path(&PrincipalId::new("agent:main"), ask);
        decision.into_result().err().map(|denial| denial.code)
    }

    #[test]
    fn the_built_in_policies_decide_as_they_say() {
        use RefusalCode::{HiddenPath, OutsideCapability, ProtectedPath, ReadOnly};
        assert_eq!(ask("workspace", "/home/u/p/a", Right::Write), None);
        assert_eq!(
            ask("workspace", "/home/u/q", Right::Read),
            Some(OutsideCapability)
        );
        assert_eq!(
            ask("workspace", "/home/u/p/.env", Right::Read),
            Some(HiddenPath)
        );
        let hook = "/home/u/p/.git/hooks/pre-commit";
        assert_eq!(ask("workspace", hook, Right::Create), Some(ProtectedPath));
        assert_eq!(ask("workspace", hook, Right::Read), None);
        assert_eq!(
            ask("read-only", "/home/u/p/a", Right::Write),
            Some(ReadOnly)
        );
        assert_eq!(
            ask("locked", "/home/u/p/a", Right::Read),
            Some(OutsideCapability)
        );
    }
}
