//! The policy as the proof needs it: the attacker must be able to start, and nothing else may
//! become possible.

use crate::model::{HostPath, Place, PrincipalId, Right, Rights, Tier};
use crate::policy::{BoundPolicy, Grant, GrantSelection, HardLinks, Missing, Policy};

/// What the directory of the attacker's program has to grant.
const STARTING: [Right; 3] = [Right::List, Right::Read, Right::Execute];

/// The name of the grant that is added.
const NAME: &str = "lobsterpot-prove";

/// Adds a grant of the attacker's own directory where the policy does not let commands run what
/// lies below its root; `None` where it does.
///
/// The rights of every other grant stay what they were.
pub(super) fn adapted(
    bound: &BoundPolicy,
    principal: &PrincipalId,
    directory: &str,
) -> Option<Policy> {
    let policy = bound.policy();
    let tier = *policy.principals.get(principal)?;
    let starting: Rights = STARTING.into_iter().collect();
    let at = bound.anchors().resolve(&format!("${{root}}/{directory}"))?;
    let rights = rights_at(bound, principal, &at);
    if rights.covers(starting) {
        return None;
    }
    let mut policy = policy.clone();
    keep_rights(&mut policy, tier, starting);
    policy.grants.push(Grant {
        name: NAME.into(),
        path: format!("${{root}}/{directory}"),
        rights: rights.union(starting),
        hide: Vec::new(),
        protect: Vec::new(),
        hard_links: HardLinks::default(),
        missing: Missing::default(),
        reason: "the attacker has to start".into(),
        place: Place {
            file: policy.source.clone().into(),
            line: 1,
        },
        span: 0..0,
    });
    Some(policy)
}

/// What the principal may do at a path.
pub(super) fn rights_at(bound: &BoundPolicy, principal: &PrincipalId, path: &HostPath) -> Rights {
    let reach = bound.reach(principal).unwrap_or_default();
    let grants = reach
        .iter()
        .filter(|grant| path.beneath(&grant.root).is_some());
    let deepest = grants.max_by_key(|grant| (grant.root.depth(), grant.rights.is_empty()));
    deepest.map_or(Rights::NONE, |grant| grant.rights)
}

/// Lets the tier start the attacker, and takes from the grants what it did not have before.
fn keep_rights(policy: &mut Policy, tier: Tier, starting: Rights) {
    let Some(ceiling) = policy.tiers.get_mut(&tier) else {
        return;
    };
    for grant in &mut policy.grants {
        grant.rights = grant.rights.intersection(ceiling.rights);
    }
    ceiling.rights = ceiling.rights.union(starting);
    if let GrantSelection::Named(names) = &mut ceiling.grants {
        names.push(NAME.into());
    }
}

#[cfg(test)]
mod tests {
    use super::{adapted, rights_at};
    use crate::model::{HostPath, PrincipalId, Right, Rights};
    use crate::policy::{Anchors, Policy};

    fn anchors() -> Anchors {
        let at = |path: &str| HostPath::absolute(path).unwrap();
        Anchors {
            root: at("/w/p"),
            home: at("/h"),
            state: at("/s"),
            config: at("/c"),
        }
    }

    fn rights(policy: Policy, path: &str) -> Rights {
        let bound = policy.bind(&anchors()).unwrap();
        let path = HostPath::absolute(path).unwrap();
        rights_at(&bound, &PrincipalId::new("agent:main"), &path)
    }

    #[test]
    fn a_policy_that_lets_its_root_be_run_is_left_alone() {
        for name in ["workspace", "read-only"] {
            let bound = Policy::built_in(name).unwrap().bind(&anchors()).unwrap();
            let principal = PrincipalId::new("agent:main");
            assert_eq!(adapted(&bound, &principal, "attacker"), None);
        }
    }

    #[test]
    fn nothing_but_the_attacker_gains_rights() {
        let mut policy = Policy::built_in("workspace").unwrap();
        let mut elsewhere = policy.grants[0].clone();
        elsewhere.name = "elsewhere".into();
        elsewhere.path = "/data".into();
        policy.grants[0].rights = Right::Read.into();
        policy.grants.push(elsewhere);
        for ceiling in policy.tiers.values_mut() {
            ceiling.rights = [Right::List, Right::Read].into_iter().collect();
        }
        let before = (
            rights(policy.clone(), "/w/p/x"),
            rights(policy.clone(), "/data/x"),
        );
        let bound = policy.bind(&anchors()).unwrap();
        let principal = PrincipalId::new("agent:main");
        let adapted = adapted(&bound, &principal, "attacker").unwrap();
        let after = (
            rights(adapted.clone(), "/w/p/x"),
            rights(adapted.clone(), "/data/x"),
        );
        assert_eq!(before, after);
        assert!(rights(adapted, "/w/p/attacker/x").has(Right::Execute));
    }
}
