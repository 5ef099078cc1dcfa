//! The least grants that would have allowed what was refused, for the operator to judge.
//!
//! Pure: what stands on the disk is asked of [`Ground`]. Nothing is suggested that the checks
//! of a policy call an error, nothing against an exception or a hole that the policy names,
//! and nothing that has not been tried: the suggested policy is read, bound and asked.

mod amend;
mod diff;
mod gather;
mod need;
mod why;

use std::sync::Arc;

use serde::Serialize;

pub use need::Kind;
pub use why::WhyNot;

use super::bind::{Anchors, BoundPolicy};
use super::danger::{self, Risk};
use super::decide::PathAsk;
use super::diagnostic::{Diagnostics, Severity};
use super::terms::Policy;
use crate::model::{HostPath, PrincipalId, RefusalCode, Rights, Rule, Tier, shown};
use gather::{Target, gathered};
use need::{Need, On, need};

/// What somebody was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Who.
    pub principal: PrincipalId,
    /// The operation: a request's or a system call's.
    pub op: String,
    /// With which code it was refused.
    pub code: RefusalCode,
    /// On what.
    pub path: HostPath,
    /// How often.
    pub count: u64,
}

/// What stands on the disk.
pub trait Ground {
    /// What stands at the path, links not followed.
    fn kind(&self, path: &HostPath) -> Kind;
    /// How many entries a directory has; none where that cannot be told.
    fn entries(&self, directory: &HostPath) -> Option<usize>;
}

/// A grant that is suggested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proposed {
    /// Its name in the policy.
    pub name: String,
    /// Its path, as the policy writes it.
    pub path: String,
    /// What it grants.
    pub rights: Rights,
    /// How many refusals it answers.
    pub refusals: u64,
    /// For how many paths it stands, where that is more than one.
    pub grouped: Option<Grouped>,
    /// What it gives away.
    pub risks: Vec<String>,
}

/// Several paths that one grant of their directory stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Grouped {
    /// How many paths were refused.
    pub paths: usize,
    /// How many entries the directory has.
    pub entries: usize,
}

/// What is suggested.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suggestion {
    /// The grants.
    pub grants: Vec<Proposed>,
    /// What no grant is suggested for, and why not: path or operation, reason, how often.
    pub not: Vec<Spared>,
    /// The whole policy with the grants.
    pub text: String,
    /// The same as a difference to the policy's own text.
    pub diff: String,
}

/// Refusals that stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Spared {
    /// The path, or the operation where none was involved.
    pub subject: String,
    /// The operation.
    pub op: String,
    /// Why.
    #[serde(flatten)]
    pub why: WhyNot,
    /// How often it was refused.
    pub count: u64,
}

/// A wish that a grant at a target may answer.
struct Answerable<'a> {
    wish: &'a Wish,
    rights: Rights,
    target: HostPath,
    target_rights: Rights,
    tier: Tier,
    kind: Kind,
    risks: Vec<Risk>,
}

impl Policy {
    /// What would have allowed the wishes, as far as anything should.
    ///
    /// # Errors
    /// When the policy itself cannot be used with these directories.
    pub fn suggest(
        &self,
        anchors: &Anchors,
        wishes: &[Wish],
        ground: &dyn Ground,
    ) -> Result<Suggestion, Diagnostics> {
        let bound = self.clone().bind(anchors)?;
        let mut not = Vec::new();
        let mut answerable = Vec::new();
        for wish in wishes {
            match weigh(&bound, wish, ground) {
                Ok(found) => answerable.push(found),
                Err(why) => not.push(spared(&bound, wish, why)),
            }
        }
        let targets = gathered(&answerable, &bound, ground);
        let (policy, grants) = amend::amended(&bound, &targets);
        let changed = Self::parse(&self.source, &policy)?.bind(anchors)?;
        for found in &answerable {
            if let Err(code) = ask(&changed, found.wish, found.rights) {
                not.push(spared(&bound, found.wish, WhyNot::Still { code }));
            }
        }
        not.sort_by_cached_key(|one: &Spared| (one.why.to_string(), one.subject.clone()));
        let diff = diff::unified(&self.source, &self.text, &policy);
        Ok(Suggestion {
            grants,
            not,
            text: policy,
            diff,
        })
    }
}

fn spared(bound: &BoundPolicy, wish: &Wish, why: WhyNot) -> Spared {
    Spared {
        subject: bound.anchors().shown(&wish.path),
        op: wish.op.clone(),
        why,
        count: wish.count,
    }
}

/// Decides about a wish; the code where it is refused.
fn ask(bound: &Arc<BoundPolicy>, wish: &Wish, rights: Rights) -> Result<(), RefusalCode> {
    let asked = PathAsk {
        op: "suggest",
        subject: "",
        path: &wish.path,
        rights,
    };
    let decision = bound.decide_path(&wish.principal, asked).into_result();
    decision.map(drop).map_err(|denial| denial.code)
}

fn weigh<'a>(
    bound: &Arc<BoundPolicy>,
    wish: &'a Wish,
    ground: &dyn Ground,
) -> Result<Answerable<'a>, WhyNot> {
    if let Some(why) = WhyNot::never(wish.code.as_str(), &wish.op) {
        return Err(why);
    }
    let tier = bound.policy().principals.get(&wish.principal);
    let tier = *tier.ok_or(WhyNot::Unknown)?;
    let kind = ground.kind(&wish.path);
    let needed = need(&wish.op, wish.code, kind);
    let op = &wish.op;
    let Need { rights, on } = needed.ok_or_else(|| WhyNot::NoRight { op: op.clone() })?;
    may_be_granted(bound, wish, (rights, tier))?;
    let (target, target_kind) = match on {
        On::Itself => (wish.path.clone(), kind),
        On::Parent => {
            let parent = wish.path.join("..").map_err(|_| WhyNot::NoPath)?;
            let kind = ground.kind(&parent);
            (parent, kind)
        }
    };
    match target_kind {
        Kind::File | Kind::Directory => {}
        Kind::Nothing => return Err(WhyNot::NothingThere),
        Kind::Link => return Err(WhyNot::NoGrantable { what: "a link" }),
        Kind::Other => {
            let what = "no file that can be looked at";
            return Err(WhyNot::NoGrantable { what });
        }
    }
    if !can_be_written(&target) {
        let what = "a name that no policy can hold";
        return Err(WhyNot::NoGrantable { what });
    }
    let target_rights = rights.union(around(bound, &target)?);
    let risks = danger::risks(&target, target_rights, bound.anchors());
    if let Some(error) = risks.iter().find(|risk| risk.severity == Severity::Error) {
        let message = error.message.clone();
        return Err(WhyNot::Dangerous { message });
    }
    Ok(Answerable {
        wish,
        rights,
        target,
        target_rights,
        tier,
        kind: target_kind,
        risks,
    })
}

/// Whether a policy can name the path: in plain letters, and without its own marks.
fn can_be_written(path: &HostPath) -> bool {
    let text = path.as_path().to_str();
    text.is_some_and(|text| !text.contains(['$', '*', '?']) && shown(text) == text)
}

/// Whether the policy refuses for a reason that a further grant may answer.
fn may_be_granted(
    bound: &Arc<BoundPolicy>,
    wish: &Wish,
    (rights, tier): (Rights, Tier),
) -> Result<(), WhyNot> {
    let asked = PathAsk {
        op: "suggest",
        subject: "",
        path: &wish.path,
        rights,
    };
    let Err(denial) = bound.decide_path(&wish.principal, asked).into_result() else {
        return Err(WhyNot::AllowedNow);
    };
    let ceiling = bound.policy().tiers.get(&tier);
    if !ceiling.is_some_and(|ceiling| ceiling.rights.covers(rights)) {
        let place = ceiling.map(|ceiling| ceiling.place.clone());
        return Err(WhyNot::Tier { tier, place });
    }
    let Rule { name: rule, place } = denial.rule.clone();
    match denial.code {
        RefusalCode::OutsideCapability if rule.starts_with("deny ") => {
            Err(WhyNot::Denied { place })
        }
        RefusalCode::HiddenPath => Err(WhyNot::exception(&denial.rule)),
        RefusalCode::ProtectedPath if bound.grant_at(&wish.path).is_none() => {
            Err(WhyNot::exception(&denial.rule))
        }
        _ => Ok(()),
    }
}

/// The rights of the grant around the target, which a grant of its own would take away.
fn around(bound: &BoundPolicy, target: &HostPath) -> Result<Rights, WhyNot> {
    let Some(grant) = bound.most_specific(target) else {
        return Ok(Rights::NONE);
    };
    let Rule { name: rule, place } = grant.rule.clone();
    if grant.root == *target {
        return Err(WhyNot::WholeGrant { rule, place });
    }
    let relative = target.beneath(&grant.root).unwrap_or(target.as_path());
    if grant.hide.lead_below(relative) || grant.protect.lead_below(relative) {
        return Err(WhyNot::Exceptions { rule, place });
    }
    Ok(grant.rights)
}

impl Target {
    /// What the grant gives away, in words.
    fn risks(&self, bound: &BoundPolicy) -> Vec<String> {
        let mut words: Vec<String> = self.risks.iter().map(|risk| risk.message.clone()).collect();
        words.push(danger::meaning(self.rights, self.kind));
        let others = amend::also_for(bound, self);
        if !others.is_empty() {
            let others: Vec<&str> = others.iter().map(|tier| tier.as_str()).collect();
            words.push(format!("also for: {}", others.join(", ")));
        }
        words
    }
}
