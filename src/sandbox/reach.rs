//! Where the supervisor makes changes of metadata, on a command's behalf: the plan's writable
//! grants and the private directory, as handles.
//!
//! More specific roots come first, so that a lesser grant inside a writable one is found first.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use super::message::RefusedFor;
use super::plan::{ClosedCalls, MetadataCalls, Origin, PathRule, Plan};
use super::supervise::{RootRule, Supervisor};
use super::view;
use crate::policy::PatternSet;
use crate::sys::metadata::pin_host_path;

/// A grant and its handle.
pub(super) type Grant<'a> = (&'a PathRule, BorrowedFd<'a>);

/// On the host's own file tree.
pub(super) fn in_flat_mode(
    plan: &Plan,
    scratch: BorrowedFd<'_>,
    mut grants: Vec<Grant<'_>>,
) -> io::Result<Supervisor> {
    let mut roots = vec![(scratch.try_clone_to_owned()?, everything())];
    if plan.metadata == MetadataCalls::Supervised {
        grants.sort_by_key(|(rule, _)| std::cmp::Reverse(rule.path.depth()));
        for (rule, handle) in grants {
            roots.push((handle.try_clone_to_owned()?, rule_of(rule)));
        }
    }
    Ok(supervisor(plan, roots))
}

fn supervisor(plan: &Plan, roots: Vec<(OwnedFd, RootRule)>) -> Supervisor {
    let supervisor = Supervisor::within(roots, elsewhere(plan));
    match plan.closed_calls {
        ClosedCalls::Silent => supervisor,
        ClosedCalls::Witnessed => supervisor.telling_of(plan.syscalls.clone()),
    }
}

/// In the view that the calling process lives in.
pub(super) fn in_view(plan: &Plan) -> io::Result<Supervisor> {
    let mut roots: Vec<(OwnedFd, RootRule)> = Vec::new();
    let mut grants: Vec<_> = plan
        .paths
        .iter()
        .filter(|rule| matches!(rule.origin, Origin::Grant(_)))
        .filter(|rule| !rule.access.rights.is_empty())
        .collect();
    grants.sort_by_key(|rule| std::cmp::Reverse(rule.path.depth()));
    for rule in grants {
        roots.push((pin_host_path(rule.path.as_path())?, rule_of(rule)));
    }
    // Last, because a grant can lie in one of them, as a workspace below `/tmp` does.
    let own = view::PRIVATE.iter().map(|(place, _)| *place);
    for place in own.chain([view::SCRATCH]) {
        roots.push((pin_host_path(Path::new(place))?, everything()));
    }
    Ok(supervisor(plan, roots))
}

fn everything() -> RootRule {
    RootRule::Writable(PatternSet::default())
}

fn rule_of(rule: &PathRule) -> RootRule {
    if rule.is_changeable() {
        RootRule::Writable(rule.protect.union(&rule.hide))
    } else {
        RootRule::Closed
    }
}

fn elsewhere(plan: &Plan) -> RefusedFor {
    match plan.metadata {
        MetadataCalls::Supervised | MetadataCalls::PrivilegedSupervised => RefusedFor::Outside,
        _ => RefusedFor::ReadOnly,
    }
}
