//! What holds for every policy, not only for those somebody thought of.

use std::path::Path;
use std::sync::Arc;

use lobsterpot::model::{HostPath, PrincipalId, Right, Tier};
use lobsterpot::policy::{Below, BoundPolicy, Policy};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::Extent;
use super::any::{
    PRINCIPALS, Question, deny, nowhere, path, patterns, policy, question, questions, rights,
};

/// The policy without what its text adds.
fn bare(mut policy: Policy) -> Policy {
    for grant in &mut policy.grants {
        (grant.place, grant.span) = (nowhere(), 0..0);
    }
    for deny in &mut policy.denies {
        (deny.place, deny.span) = (nowhere(), 0..0);
    }
    for ceiling in policy.tiers.values_mut() {
        (ceiling.place, ceiling.span) = (nowhere(), 0..0);
    }
    policy.commands.place = policy.commands.place.map(|_| nowhere());
    policy.tools.place = policy.tools.place.map(|_| nowhere());
    policy.text = Arc::from("");
    policy
}

fn allows(policy: &Arc<BoundPolicy>, question: &Question) -> bool {
    let Question {
        principal,
        path,
        rights,
        extent,
    } = question;
    super::ask_about(policy, (*principal, *extent), path, *rights)
        .into_result()
        .is_ok()
}

/// What is allowed after a change must have been allowed before it.
fn only_less(before: Policy, after: Policy, questions: &[Question]) -> Result<(), TestCaseError> {
    let (before, after) = (super::bound(before), super::bound(after));
    for question in questions {
        let widened = allows(&after, question) && !allows(&before, question);
        prop_assert!(!widened, "{question:?} is allowed only afterwards");
    }
    Ok(())
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_as_the_same_policy(policy in policy()) {
        let text = policy.to_toml();
        let (read, found) = Policy::check("test.toml", &text);
        prop_assert!(read.is_some(), "{found}\n{text}");
        prop_assert_eq!(read.map(bare), Some(policy));
    }

    #[test]
    fn one_more_hole_never_allows_more(
        before in policy(), path in path("${root}"), questions in questions(),
    ) {
        let mut after = before.clone();
        after.denies.push(deny(path));
        only_less(before, after, &questions)?;
    }

    #[test]
    fn one_right_less_never_allows_more(
        before in policy(), which in any::<Index>(), lost in rights(), questions in questions(),
    ) {
        let mut after = before.clone();
        let grant = &mut after.grants[which.index(before.grants.len())];
        grant.rights = grant.rights.without(lost);
        only_less(before, after, &questions)?;
    }

    #[test]
    fn one_more_exception_never_allows_more(
        before in policy(), which in any::<Index>(),
        hide in patterns(), protect in patterns(), questions in questions(),
    ) {
        let mut after = before.clone();
        let grant = &mut after.grants[which.index(before.grants.len())];
        grant.hide.extend(hide);
        grant.protect.extend(protect);
        only_less(before, after, &questions)?;
    }

    #[test]
    fn one_tier_less_never_allows_more(
        before in policy(), tier in select(Tier::ALL.to_vec()), questions in questions(),
    ) {
        let mut after = before.clone();
        after.tiers.remove(&tier);
        only_less(before, after, &questions)?;
    }

    #[test]
    fn narrowing_leaves_what_lies_below_and_nothing_else(
        before in policy(),
        directories in prop::collection::vec(path("/home/u/project"), 0..3),
        questions in questions(),
    ) {
        let before = super::bound(before);
        let directories: Vec<HostPath> = directories.iter().map(|path| super::at(path)).collect();
        let after = super::bound(before.narrowed(&directories));
        for question in &questions {
            let path = super::at(&question.path);
            let lies_below = directories.iter().any(|one| path.beneath(one).is_some());
            // Like the directory of every grant, it cannot be taken away itself.
            let is_inner = directories.iter().any(|one| *one != path && path.beneath(one).is_some());
            let is_one = directories.contains(&path) && !is_inner;
            let is_one = is_one && question.rights.has(Right::Delete);
            let expected = allows(&before, question) && lies_below && !is_one;
            let allowed = allows(&after, question);
            prop_assert!(!allowed || expected, "{:?}", question);
            // Of a pattern that may name something in a tree, what is left may name it for
            // certain: a tree that could be moved then stays where it is.
            if question.extent != Extent::Tree {
                prop_assert_eq!(allowed, expected, "{:?}", question);
            }
        }
        prop_assert_eq!(after.narrowed(&directories).grants, before.narrowed(&directories).grants);
    }

    #[test]
    fn tightening_takes_every_change_away_and_adds_nothing(
        before in policy(), questions in questions(),
    ) {
        let after = before.clone().tightened_to_read_only();
        prop_assert_eq!(&after, &after.clone().tightened_to_read_only());
        let tight = super::bound(after.clone());
        for question in &questions {
            prop_assert!(!(question.rights.change_something() && allows(&tight, question)));
        }
        for (principal, _) in PRINCIPALS {
            prop_assert!(tight.is_read_only(&PrincipalId::new(principal)));
        }
        only_less(before, after, &questions)?;
    }

    #[test]
    fn a_lower_tier_can_do_at_most_what_a_higher_one_can(
        policy in policy(), questions in questions(),
    ) {
        let policy = super::bound(policy);
        for mut question in questions {
            let mut higher_may = true;
            for (principal, _) in PRINCIPALS {
                question.principal = principal;
                let may = allows(&policy, &question);
                prop_assert!(higher_may || !may, "{question:?}");
                higher_may = may;
            }
        }
    }

    /// The reach is what the sandbox enforces, the decision what the broker does.
    #[test]
    fn the_reach_and_the_decision_agree(policy in policy(), questions in questions()) {
        let policy = super::bound(policy);
        for mut question in questions {
            question.extent = Extent::Entry;
            let path = super::at(&question.path);
            let reach = policy.reach(&PrincipalId::new(question.principal)).expect("known");
            let deepest = reach
                .iter()
                .filter(|grant| path.beneath(&grant.root).is_some())
                .max_by_key(|grant| grant.root.depth());
            let expected = deepest.is_some_and(|grant| {
                let below = path.beneath(&grant.root).expect("it lies there");
                let changes = question.rights.change_something();
                let refused = grant.hide.matches(below)
                    || (changes && grant.protect.matches(below))
                    || (question.rights.has(Right::Delete) && below == Path::new(""));
                grant.rights.covers(question.rights) && !refused
            });
            prop_assert_eq!(allows(&policy, &question), expected, "{:?}", question);
        }
    }

    /// What a permit says needs no walk, does not need one.
    #[test]
    fn a_tree_is_admitted_only_if_every_entry_is(
        policy in policy(), question in question(), below in path(""),
    ) {
        let bound = super::bound(policy);
        let Question { principal, path, rights, .. } = question;
        if let Ok(permit) = super::ask(&bound, principal, &path, rights).into_result()
            && permit.admits_tree(permit.relative()) == Ok(Below::Nothing)
        {
            let entry = format!("{path}{below}");
            let one = super::ask(&bound, principal, &entry, rights);
            prop_assert!(one.into_result().is_ok(), "{entry}");
        }
    }

    #[test]
    fn a_permit_lies_below_its_grant(policy in policy(), question in question()) {
        let policy = super::bound(policy);
        let Question { principal, path, rights, .. } = question;
        if let Ok(permit) = super::ask(&policy, principal, &path, rights).into_result() {
            let relative = permit.relative();
            let back = if relative == Path::new("") {
                permit.grant().root.clone()
            } else {
                permit.grant().root.join(relative).expect("a path")
            };
            prop_assert_eq!(back, super::at(&path));
            prop_assert!(permit.admits(relative).is_ok());
            prop_assert!(permit.admits(Path::new("../a")).is_err());
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(
        at in any::<Index>(), cut in 0..40_usize, insert in "\\PC{0,6}|[\\[\\]={}\"',.#\n\\x00]{0,6}",
    ) {
        let text = Policy::built_in_text("workspace").expect("built in");
        let from = text.floor_char_boundary(at.index(text.len()));
        let to = text.floor_char_boundary((from + cut).min(text.len()));
        let broken = format!("{}{insert}{}", &text[..from], &text[to..]);
        let (policy, found) = Policy::check("test.toml", &broken);
        prop_assert_eq!(policy.is_none(), found.has_errors());
        prop_assert!(found.to_string().lines().all(|line| !line.contains('\0')));
    }

    #[test]
    fn no_path_text_resolves_to_a_relative_path(text in "\\PC{0,12}|[~${}rot/.]{0,12}") {
        if let Some(path) = super::anchors().resolve(&text) {
            prop_assert!(path.as_path().is_absolute());
            let anchors = super::anchors();
            let below = |base: &HostPath| path.beneath(base).is_some();
            prop_assert!(!text.starts_with('~') || below(&anchors.home));
            prop_assert!(!text.starts_with('$') || below(&anchors.root));
        }
    }
}
