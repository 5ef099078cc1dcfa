//! What bounds the processes, the memory and the private directory of a plan, and what is said of it.

use lobsterpot::model::WeakerGuarantee;
use lobsterpot::policy::Policy;
use lobsterpot::sandbox::{HostFeatures, Presence, ProcessBound, Supervision, User};

use super::golden::{BOTH, kernel, plan, plan_of, with_group, with_namespaces};

/// The kernel exempts uid 0 from the limit of a user, but not from that of a pid namespace.
#[test]
fn what_nothing_bounds_is_not_said_to_be_bounded() {
    let bound = |user, pid_limit, host: HostFeatures| {
        let host = HostFeatures {
            user,
            pid_limit,
            ..host
        };
        let plan = plan("workspace", &host).unwrap();
        let is_weaker = plan.weaker.contains(&WeakerGuarantee::ProcessLimit);
        let is_said = plan.enforced().limits.contains("processes 4096");
        assert_ne!(is_weaker, is_said);
        (
            plan.process_bound,
            plan.enforced().limits.contains("scratch 2048 MiB"),
        )
    };
    let flat = || kernel(7, Supervision::Available);
    let view = || with_namespaces(flat());
    let (root, other) = (User::Root, User::Ordinary);
    let (old, new) = (Presence::Absent, Presence::Present);
    for (user, pid_limit, host, expected) in [
        (other, old, flat(), (ProcessBound::User, false)),
        (other, new, flat(), (ProcessBound::User, false)),
        (root, new, flat(), (ProcessBound::Nothing, false)),
        (other, old, view(), (ProcessBound::User, true)),
        (root, old, view(), (ProcessBound::Nothing, true)),
        (root, new, view(), (ProcessBound::Namespace, true)),
        (other, new, view(), (ProcessBound::Namespace, true)),
    ] {
        assert_eq!(bound(user, pid_limit, host), expected);
    }
    for user in [root, other] {
        for (host, scratch) in [(flat(), false), (view(), true)] {
            let host = with_group(host, BOTH);
            assert_eq!(bound(user, old, host), (ProcessBound::Group, scratch));
        }
    }
}

/// Shared memory counts, and so does what lies in the private directory of a view.
#[test]
fn a_control_group_bounds_memory_and_the_private_directory_together() {
    let bounds = |host: HostFeatures, memory: Option<u64>| {
        let mut policy = Policy::built_in("workspace").unwrap();
        policy.limits.memory = memory;
        policy.limits.scratch = 1 << 20;
        let group = plan_of(policy, &host).unwrap().group;
        group.map(|group| (group.memory, group.processes))
    };
    let flat = with_group(kernel(7, Supervision::Available), BOTH);
    let view = with_namespaces(flat.clone());
    assert_eq!(
        bounds(flat.clone(), Some(4 << 20)),
        Some((Some(4 << 20), Some(4096)))
    );
    assert_eq!(
        bounds(view.clone(), Some(4 << 20)),
        Some((Some(5 << 20), Some(4096)))
    );
    assert_eq!(bounds(view, None), Some((None, Some(4096))));
    // It bounds nothing that it has no controller for.
    let bare = (Presence::Absent, Presence::Absent);
    let flat = with_group(flat, bare);
    assert_eq!(bounds(flat.clone(), Some(4 << 20)), Some((None, None)));
    assert_eq!(bounds(with_namespaces(flat), Some(4 << 20)), None);
}
