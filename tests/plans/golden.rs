//! What the built-in policies come to on kernels from Landlock ABI 0 to 10, with and without
//! a supervisor. The plans are kept in `golden.txt`; `LOBSTERPOT_BLESS=1` writes them anew,
//! and a reviewer reads the difference.

use std::fmt::Write as _;

use lobsterpot::model::{HostPath, PrincipalId, Right, WeakerGuarantee};
use lobsterpot::policy::{Anchors, KernelWitness, Policy};
use lobsterpot::sandbox::profile::{Access, DeviceControl, SystemView, ViewPath};
use lobsterpot::sandbox::seccomp::Arch;
use lobsterpot::sandbox::{
    AuditRecords, ControlGroup, Delegation, HostFeatures, KernelAudit, Layers, Namespaces,
    Occupancy, Origin, Plan, Presence, ProcessBound, Supervision, Unavailable, User, Wish,
};

fn path(text: &str) -> HostPath {
    HostPath::absolute(text).unwrap()
}

/// A host whose users can make namespaces.
fn with_namespaces(host: HostFeatures) -> HostFeatures {
    HostFeatures {
        namespaces: Namespaces::Usable,
        ..host
    }
}

fn kernel(landlock_abi: u32, supervision: Supervision) -> HostFeatures {
    HostFeatures {
        kernel: "of the test".into(),
        architecture: Some(Arch::X86_64),
        landlock_abi,
        supervision,
        namespaces: Namespaces::Unusable {
            obstacle: "/proc/sys/user/max_user_namespaces is 0".into(),
            remedy: "none in a test".into(),
        },
        layers: Layers::Untried,
        fuse: Presence::Absent,
        user: User::Ordinary,
        pid_limit: Presence::Absent,
        audit: AuditRecords::Unreadable {
            obstacle: "the kernel's audit is off".into(),
            remedy: "none".into(),
        },
        cgroup: ControlGroup::Unusable {
            obstacle: "none in a test".into(),
            remedy: "none in a test".into(),
        },
    }
}

fn small_view() -> SystemView {
    let access = Access {
        rights: [Right::List, Right::Read, Right::Execute]
            .into_iter()
            .collect(),
        ioctl: DeviceControl::Refuse,
    };
    SystemView {
        paths: vec![ViewPath {
            path: path("/usr"),
            access,
            origin: "profile base".into(),
            reason: "programs".into(),
        }],
        search_path: vec![path("/usr/bin")],
        ..SystemView::default()
    }
}

fn anchors() -> Anchors {
    Anchors {
        root: path("/home/a/work"),
        home: path("/home/a"),
        state: path("/home/a/.local/state/lobsterpot"),
        config: path("/home/a/.config/lobsterpot"),
    }
}

fn plan(policy: &str, host: &HostFeatures) -> Result<Plan, Unavailable> {
    let anchors = anchors();
    let bound = Policy::built_in(policy).unwrap().bind(&anchors).unwrap();
    let terms = bound.policy();
    let reach = bound.reach(&PrincipalId::new("agent:main")).unwrap();
    let view = small_view();
    let wish = Wish {
        policy,
        reach: &reach,
        containment: &terms.containment,
        limits: &terms.limits,
        view: &view,
        home: &anchors.home,
    };
    Plan::resolve(&wish, host)
}

fn told(plan: &Plan) -> String {
    let enforced = plan.enforced();
    let mut text = format!(
        "mode {:?}, {:?}, metadata {:?}\n  landlock {}\n  seccomp {}\n",
        plan.mode, plan.changes, plan.metadata, enforced.landlock, enforced.seccomp
    );
    for rule in &plan.paths {
        let origin = match &rule.origin {
            Origin::Grant(_) => "grant",
            Origin::System(_) => "system",
        };
        let path = rule.path.as_path().display();
        writeln!(text, "  {origin} {path}: {}", rule.access.rights).unwrap();
    }
    for one in &plan.weaker {
        writeln!(text, "  weaker: {one}").unwrap();
    }
    text
}

/// Kernels that people have, as `lobsterpot doctor --json` tells of them.
fn known_kernels() -> [(&'static str, HostFeatures); 6] {
    let of = |landlock_abi, pid_limit| HostFeatures {
        fuse: Presence::Present,
        pid_limit,
        ..kernel(landlock_abi, Supervision::Available)
    };
    let old = |landlock_abi| with_namespaces(of(landlock_abi, Presence::Absent));
    [
        // Without mount_setattr there is no view; without Landlock there is nothing.
        ("Linux 5.10 (Debian 11)", of(0, Presence::Absent)),
        ("Linux 5.15 (Ubuntu 22.04)", old(1)),
        ("Linux 6.1 (Debian 12)", old(2)),
        // AppArmor keeps ordinary users from namespaces.
        ("Linux 6.8 (Ubuntu 24.04)", of(4, Presence::Absent)),
        ("Linux 6.12 (Debian 13)", old(6)),
        ("Linux 6.18", with_namespaces(of(7, Presence::Present))),
    ]
}

fn plans_of_known_kernels() -> String {
    let mut text = String::new();
    for (name, host) in known_kernels() {
        for user in [User::Ordinary, User::Root] {
            for policy in ["read-only", "workspace"] {
                let host = HostFeatures {
                    user,
                    ..host.clone()
                };
                let outcome = match plan(policy, &host) {
                    Ok(plan) => told(&plan),
                    Err(error) => format!("refused: {error}\n"),
                };
                writeln!(text, "{policy}, {name}, {user:?} user\n  {outcome}").unwrap();
            }
        }
    }
    text
}

fn all_plans() -> String {
    let mut text = String::new();
    for policy in ["read-only", "workspace"] {
        for abi in 0..=10 {
            for supervision in [Supervision::Available, Supervision::Taken] {
                let flat = kernel(abi, supervision);
                for host in [with_namespaces(flat.clone()), flat] {
                    let namespaces = match host.view_obstacle() {
                        None => "namespaces",
                        Some(_) => "no namespaces",
                    };
                    writeln!(
                        text,
                        "{policy}, landlock abi {abi}, supervision {supervision:?}, {namespaces}"
                    )
                    .unwrap();
                    let outcome = match plan(policy, &host) {
                        Ok(plan) => told(&plan),
                        Err(error) => format!("refused: {error}\n"),
                    };
                    text.push_str("  ");
                    text.push_str(&outcome);
                    text.push('\n');
                }
            }
        }
    }
    text
}

/// A host where a control group with these controllers is delegated to the user.
fn with_group(host: HostFeatures, (memory, processes): (Presence, Presence)) -> HostFeatures {
    HostFeatures {
        cgroup: ControlGroup::Delegated(Delegation {
            directory: "/sys/fs/cgroup/of/the/test".into(),
            occupancy: Occupancy::Free,
            memory,
            processes,
        }),
        ..host
    }
}

const BOTH: (Presence, Presence) = (Presence::Present, Presence::Present);

/// What control groups make of the limits, for uid 0.
fn plans_with_groups() -> String {
    let mut text = String::new();
    let old = HostFeatures {
        user: User::Root,
        ..kernel(3, Supervision::Available)
    };
    for policy in ["read-only", "workspace"] {
        for host in [with_namespaces(old.clone()), old.clone()] {
            for memory in [Presence::Present, Presence::Absent] {
                for processes in [Presence::Present, Presence::Absent] {
                    let plan = plan(policy, &with_group(host.clone(), (memory, processes)));
                    let plan = plan.unwrap();
                    writeln!(
                        text,
                        "{policy}, {:?} mode, uid 0, a control group: memory {memory:?}, processes {processes:?}",
                        plan.mode
                    )
                    .unwrap();
                    writeln!(text, "  processes by {:?}", plan.process_bound).unwrap();
                    writeln!(text, "  limits {}", plan.enforced().limits).unwrap();
                    let group = plan.group.as_ref();
                    let below =
                        group.map_or("none".into(), |group| group.below.display().to_string());
                    writeln!(text, "  group {below}").unwrap();
                    for one in &plan.weaker {
                        writeln!(text, "  weaker: {one}").unwrap();
                    }
                    text.push('\n');
                }
            }
        }
    }
    text
}

#[test]
fn plans_are_as_they_were_read_last() {
    let stored = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/plans/golden.txt");
    let now = all_plans() + &plans_of_known_kernels() + &plans_with_groups();
    if std::env::var_os("LOBSTERPOT_BLESS").is_some() {
        std::fs::write(stored, &now).unwrap();
    }
    let then = std::fs::read_to_string(stored).unwrap();
    let differs = then
        .lines()
        .zip(now.lines())
        .find(|(then, now)| then != now);
    assert_eq!(
        differs, None,
        "the plans differ from tests/plans/golden.txt"
    );
    assert_eq!(then.len(), now.len());
}

#[test]
fn a_view_keeps_every_guarantee() {
    for policy in ["read-only", "workspace"] {
        for abi in 1..=10 {
            let host = with_namespaces(kernel(abi, Supervision::Available));
            assert_eq!(plan(policy, &host).unwrap().weaker, []);
        }
    }
}

#[test]
fn a_kernel_without_landlock_gets_no_plan() {
    for policy in ["read-only", "workspace"] {
        let refused = plan(policy, &kernel(0, Supervision::Available));
        assert!(
            matches!(refused, Err(Unavailable::Landlock { found: 0, .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn a_newer_kernel_never_gets_less() {
    for policy in ["read-only", "workspace"] {
        let mut weaker_before = usize::MAX;
        for abi in 1..=10 {
            let weaker = plan(policy, &kernel(abi, Supervision::Available))
                .unwrap()
                .weaker
                .len();
            assert!(weaker <= weaker_before, "{policy}, abi {abi}");
            weaker_before = weaker;
        }
    }
}

#[test]
fn a_guarantee_that_is_not_done_without_is_a_refusal_by_name() {
    let text = Policy::built_in("workspace").unwrap();
    for dropped in text.containment.accept.clone() {
        let mut policy = text.clone();
        policy.containment.accept.retain(|one| *one != dropped);
        let anchors = anchors();
        let bound = policy.bind(&anchors).unwrap();
        let reach = bound.reach(&PrincipalId::new("agent:main")).unwrap();
        let view = small_view();
        let wish = Wish {
            policy: "workspace",
            reach: &reach,
            containment: &bound.policy().containment,
            limits: &bound.policy().limits,
            view: &view,
            home: &anchors.home,
        };
        // Linux 5.13 to 6.11 gives uid 0 none of them in flat mode.
        let host = HostFeatures {
            user: User::Root,
            ..kernel(3, Supervision::Available)
        };
        let refused = Plan::resolve(&wish, &host);
        let named = matches!(refused, Err(Unavailable::Guarantee { guarantee, .. }) if guarantee == dropped);
        assert!(named, "{dropped}: {refused:?}");
    }
}

/// It depends on the host's audit and the policy alone, in both modes.
#[test]
fn the_kernel_is_a_witness_where_it_tells_and_the_policy_wants_it() {
    let anchors = Anchors {
        root: path("/home/a/work"),
        home: path("/home/a"),
        state: path("/home/a/.local/state/lobsterpot"),
        config: path("/home/a/.config/lobsterpot"),
    };
    let planned = |wish, host: &HostFeatures| {
        let mut policy = Policy::built_in("workspace").unwrap();
        policy.containment.kernel_witness = wish;
        let bound = policy.bind(&anchors).unwrap();
        let reach = bound.reach(&PrincipalId::new("agent:main")).unwrap();
        let view = small_view();
        let wish = Wish {
            policy: "workspace",
            reach: &reach,
            containment: &bound.policy().containment,
            limits: &bound.policy().limits,
            view: &view,
            home: &anchors.home,
        };
        Plan::resolve(&wish, host)
    };
    let silent = kernel(7, Supervision::Available);
    let telling = HostFeatures {
        audit: AuditRecords::Readable,
        ..silent.clone()
    };
    for host in [telling.clone(), with_namespaces(telling)] {
        for wish in [KernelWitness::Auto, KernelWitness::Required] {
            let plan = planned(wish, &host).unwrap();
            assert_eq!(plan.kernel, KernelAudit::Heard);
            assert!(plan.enforced().witness.ends_with(", kernel"));
        }
        let plan = planned(KernelWitness::Off, &host).unwrap();
        assert_eq!(plan.kernel, KernelAudit::Unheard);
    }
    for wish in [KernelWitness::Auto, KernelWitness::Off] {
        let plan = planned(wish, &silent).unwrap();
        assert_eq!(plan.kernel, KernelAudit::Unheard);
        assert!(!plan.enforced().witness.contains("kernel"));
    }
    let refused = planned(KernelWitness::Required, &silent);
    assert!(
        matches!(&refused, Err(Unavailable::Audit { obstacle, .. }) if obstacle.contains("off")),
        "{refused:?}"
    );
}

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
        let anchors = anchors();
        let mut policy = Policy::built_in("workspace").unwrap();
        policy.limits.memory = memory;
        policy.limits.scratch = 1 << 20;
        let bound = policy.bind(&anchors).unwrap();
        let reach = bound.reach(&PrincipalId::new("agent:main")).unwrap();
        let view = small_view();
        let wish = Wish {
            policy: "workspace",
            reach: &reach,
            containment: &bound.policy().containment,
            limits: &bound.policy().limits,
            view: &view,
            home: &anchors.home,
        };
        let group = Plan::resolve(&wish, &host).unwrap().group;
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
