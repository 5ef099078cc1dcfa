//! Allow or deny, and by which rule.
//!
//! The most specific grant wins; at equal specificity a hole wins over a grant. What no
//! rule allows is refused. An answer never depends on what exists.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bind::{BoundGrant, BoundPolicy, EffectiveGrant, GrantId};
use super::pattern::Below;
use super::permit::{CommandPermit, Permit};
use super::terms::{Ceiling, Commands};
use crate::model::{Denial, HostPath, PrincipalId, RefusalCode, Right, Rights, Rule, Tier};

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
            Ok(verdict) => Decision::Allow(Permit::new(self, principal, &ask, verdict)),
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
            Ok(rule) => Decision::Allow(CommandPermit::new(self, principal, (op, subject), rule)),
            Err(denial) => Decision::Deny(denial),
        }
    }

    /// What the principal's commands may touch: its grants, and the holes in them with no rights.
    ///
    /// # Errors
    /// When the policy does not know the principal.
    pub fn reach(&self, principal: &PrincipalId) -> Result<Vec<EffectiveGrant>, Denial> {
        let standing = self.standing(principal, "session", principal.as_str())?;
        Ok(self.reach_of(&standing))
    }

    pub(super) fn reach_of(&self, standing: &Standing<'_>) -> Vec<EffectiveGrant> {
        let grants = self.grants().iter();
        let mut reach: Vec<EffectiveGrant> = grants
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
        reach
    }

    /// Whether the principal can change nothing anywhere.
    pub fn is_read_only(&self, principal: &PrincipalId) -> bool {
        self.standing(principal, "session", principal.as_str())
            .map_or(true, |standing| self.changes_nothing(&standing))
    }

    fn changes_nothing(&self, standing: &Standing<'_>) -> bool {
        let mut grants = self.grants().iter();
        !grants.any(|grant| standing.rights(grant).change_something() && !self.is_shadowed(grant))
    }

    /// Whether a hole stands at the very directory of the grant.
    fn is_shadowed(&self, grant: &BoundGrant) -> bool {
        self.most_specific(&grant.root)
            .is_some_and(|winner| winner.id != grant.id)
    }

    /// The grant or hole that decides about the path: the deepest; a hole before a grant.
    pub(super) fn most_specific(&self, path: &HostPath) -> Option<&BoundGrant> {
        self.grants()
            .iter()
            .filter(|grant| path.beneath(&grant.root).is_some())
            .max_by_key(|grant| (grant.root.depth(), grant.rights.is_empty(), grant.id))
    }

    /// The grant whose directory, or file, is this very path.
    pub(super) fn grant_at(&self, path: &HostPath) -> Option<&BoundGrant> {
        self.grants().iter().find(|grant| grant.root == *path)
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
        Ok(self.standing_of(*tier))
    }

    pub(super) fn standing_of(&self, tier: Tier) -> Standing<'_> {
        let ceiling = self.policy().tiers.get(&tier);
        Standing {
            ceiling,
            rule: Rule {
                name: format!("tier {tier}"),
                place: ceiling.map(|ceiling| ceiling.place.clone()),
            },
        }
    }

    /// The grant that allows what is asked, and the path below it.
    pub(super) fn judge(
        &self,
        principal: &PrincipalId,
        ask: &PathAsk<'_>,
    ) -> Result<Verdict, Denial> {
        let standing = self.standing(principal, ask.op, ask.subject)?;
        let verdict = self.weigh(&standing, ask);
        verdict.map_err(|refused| self.denial(&standing, ask, refused))
    }

    /// What a rename or a removal of the path would take along: an error where a hole, another
    /// grant or a pattern names something below, whether or not it exists.
    pub(super) fn judge_tree(
        &self,
        principal: &PrincipalId,
        ask: &PathAsk<'_>,
    ) -> Result<Below, Denial> {
        let standing = self.standing(principal, ask.op, ask.subject)?;
        let below = self.weigh_below(&standing, ask);
        below.map_err(|refused| self.denial(&standing, ask, refused))
    }

    /// About something that is no directory: an error where a pattern names the path on the way
    /// to what it protects, for other content could be brought there by it.
    pub(super) fn judge_leaf(
        &self,
        principal: &PrincipalId,
        ask: &PathAsk<'_>,
    ) -> Result<(), Denial> {
        let standing = self.standing(principal, ask.op, ask.subject)?;
        let leaf = self.weigh(&standing, ask).and_then(|verdict| {
            let grant = self.grant(verdict.grant);
            let leads = grant.protect.lead_through(&verdict.relative);
            if ask.rights.change_something() && leads {
                return Err((RefusalCode::ProtectedPath, grant.rule.clone()));
            }
            Ok(())
        });
        leaf.map_err(|refused| self.denial(&standing, ask, refused))
    }

    fn denial(
        &self,
        standing: &Standing<'_>,
        ask: &PathAsk<'_>,
        (code, rule): (RefusalCode, Rule),
    ) -> Denial {
        let denial = Denial::by_broker(code, ask.op, ask.subject, rule);
        match self.hint(standing) {
            Some(hint) => denial.with_hint(hint),
            None => denial,
        }
    }

    fn weigh(
        &self,
        standing: &Standing<'_>,
        ask: &PathAsk<'_>,
    ) -> Result<Verdict, (RefusalCode, Rule)> {
        if ask.rights.is_empty() {
            return Err((RefusalCode::BadRequest, Rule::default_deny()));
        }
        let Some(grant) = self.most_specific(ask.path) else {
            return Err((RefusalCode::OutsideCapability, Rule::default_deny()));
        };
        if grant.rights.is_empty() {
            return Err((RefusalCode::OutsideCapability, grant.rule.clone()));
        }
        if !standing.has(grant) {
            return Err((RefusalCode::OutsideCapability, standing.rule.clone()));
        }
        let relative = ask.path.beneath(&grant.root).unwrap_or(Path::new(""));
        if grant.hide.matches(relative) {
            return Err((RefusalCode::HiddenPath, grant.rule.clone()));
        }
        let missing = ask.rights.without(standing.rights(grant));
        if !missing.is_empty() {
            let code = if missing.change_something() && self.changes_nothing(standing) {
                RefusalCode::ReadOnly
            } else {
                RefusalCode::RightNotGranted
            };
            let by_grant = !grant.rights.covers(ask.rights);
            let rule = if by_grant {
                &grant.rule
            } else {
                &standing.rule
            };
            return Err((code, rule.clone()));
        }
        // The granted directory itself is an entry of the directory above, which is not granted.
        let removes_root = ask.rights.has(Right::Delete) && relative.as_os_str().is_empty();
        let changes = ask.rights.change_something();
        if removes_root || (changes && grant.protect.matches(relative)) {
            return Err((RefusalCode::ProtectedPath, grant.rule.clone()));
        }
        Ok(Verdict {
            grant: grant.id,
            relative: relative.to_owned(),
        })
    }

    /// Whether everything below the path may be taken along in one step.
    fn weigh_below(
        &self,
        standing: &Standing<'_>,
        ask: &PathAsk<'_>,
    ) -> Result<Below, (RefusalCode, Rule)> {
        let grant = self.grant(self.weigh(standing, ask)?.grant);
        for nested in self.grants() {
            if nested.id == grant.id || nested.root.beneath(ask.path).is_none() {
                continue;
            }
            if !standing.rights(nested).covers(ask.rights) {
                return Err((RefusalCode::OutsideCapability, nested.rule.clone()));
            }
            return Err((RefusalCode::ProtectedPath, nested.rule.clone()));
        }
        let relative = ask.path.beneath(&grant.root).unwrap_or(Path::new(""));
        let hidden = grant.hide.below(relative);
        let protected = if ask.rights.change_something() {
            grant.protect.below(relative)
        } else {
            Below::Nothing
        };
        match hidden.max(protected) {
            Below::Named if hidden == Below::Named => {
                Err((RefusalCode::HiddenPath, grant.rule.clone()))
            }
            Below::Named => Err((RefusalCode::ProtectedPath, grant.rule.clone())),
            below => Ok(below),
        }
    }

    fn judge_command(
        &self,
        principal: &PrincipalId,
        op: &'static str,
        subject: &str,
    ) -> Result<Rule, Denial> {
        let standing = self.standing(principal, op, subject)?;
        let commands = &self.policy().commands;
        let rule = commands
            .place
            .as_ref()
            .map_or_else(Rule::default_deny, |place| Rule {
                name: "commands".into(),
                place: Some(place.clone()),
            });
        let rule = match standing.ceiling {
            _ if commands.run == Commands::None => rule,
            Some(ceiling) if ceiling.commands == Commands::All => return Ok(rule),
            _ => standing.rule.clone(),
        };
        let denial = Denial::by_broker(RefusalCode::CommandNotGranted, op, subject, rule);
        Err(match self.hint(&standing) {
            Some(hint) => denial.with_hint(hint),
            None => denial,
        })
    }

    /// What is granted instead, `read below ~/project`; the first few grants where there are many.
    fn hint(&self, standing: &Standing<'_>) -> Option<String> {
        const SHOWN: usize = 4;
        let granted: Vec<&BoundGrant> = self
            .grants()
            .iter()
            .filter(|grant| !standing.rights(grant).is_empty() && !self.is_shadowed(grant))
            .collect();
        let mut parts: Vec<String> = granted
            .iter()
            .take(SHOWN)
            .map(|grant| {
                let root = self.anchors().shown(&grant.root);
                format!("{} below {root}", standing.rights(grant))
            })
            .collect();
        if granted.len() > SHOWN {
            parts.push(format!("and {} more", granted.len() - SHOWN));
        }
        (!parts.is_empty()).then(|| format!("granted: {}", parts.join("; ")))
    }
}

/// What an allow decision found.
#[derive(Debug)]
pub(super) struct Verdict {
    /// The grant that allows it.
    pub(super) grant: GrantId,
    /// The path below the grant's root.
    pub(super) relative: PathBuf,
}

/// A principal's tier, and its ceiling where the policy has one.
pub(super) struct Standing<'a> {
    pub(super) ceiling: Option<&'a Ceiling>,
    rule: Rule,
}

impl Standing<'_> {
    /// Whether the grant is for the tier.
    fn has(&self, grant: &BoundGrant) -> bool {
        self.ceiling
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
