//! What the built-in policies come to on kernels from Landlock ABI 0 to 10, with and without
//! a supervisor. The plans are kept in `golden.txt`; `LOBSTERPOT_BLESS=1` writes them anew,
//! and a reviewer reads the difference.

use std::fmt::Write as _;

use lobsterpot::model::{HostPath, PrincipalId, Right};
use lobsterpot::policy::{Anchors, KernelWitness, Policy};
use lobsterpot::sandbox::profile::{Access, DeviceControl, SystemView, ViewPath};
use lobsterpot::sandbox::seccomp::Arch;
use lobsterpot::sandbox::{
    AuditRecords, ControlGroup, Delegation, HostFeatures, KernelAudit, Layers, Namespaces,
    Occupancy, Origin, Plan, Presence, Supervision, Unavailable, User, Wish,
};

fn path(text: &str) -> HostPath {
    HostPath::absolute(text).unwrap()
}

/// A host whose users can make namespaces.
pub(super) fn with_namespaces(host: HostFeatures) -> HostFeatures {
    HostFeatures {
        namespaces: Namespaces::Usable,
        ..host
    }
}

pub(super) fn kernel(landlock_abi: u32, supervision: Supervision) -> HostFeatures {
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

pub(super) fn plan(policy: &str, host: &HostFeatures) -> Result<Plan, Unavailable> {
    plan_of(Policy::built_in(policy).unwrap(), host)
}

/// The plan of a policy that perhaps is none of the built-in ones any more.
pub(super) fn plan_of(policy: Policy, host: &HostFeatures) -> Result<Plan, Unavailable> {
    let anchors = anchors();
    let bound = policy.bind(&anchors).unwrap();
    let terms = bound.policy();
    let reach = bound.reach(&PrincipalId::new("agent:main")).unwrap();
    let view = small_view();
    let wish = Wish {
        policy: &terms.name,
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
pub(super) fn with_group(
    host: HostFeatures,
    (memory, processes): (Presence, Presence),
) -> HostFeatures {
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

pub(super) const BOTH: (Presence, Presence) = (Presence::Present, Presence::Present);

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
    assert!(!text.containment.accept.is_empty());
    for dropped in text.containment.accept.clone() {
        let mut policy = text.clone();
        policy.containment.accept.retain(|one| *one != dropped);
        // Linux 5.13 to 6.11 gives uid 0 none of them in flat mode.
        let host = HostFeatures {
            user: User::Root,
            ..kernel(3, Supervision::Available)
        };
        let refused = plan_of(policy, &host);
        let named = matches!(refused, Err(Unavailable::Guarantee { guarantee, .. }) if guarantee == dropped);
        assert!(named, "{dropped}: {refused:?}");
    }
}

/// It depends on the host's audit and the policy alone, in both modes.
#[test]
fn the_kernel_is_a_witness_where_it_tells_and_the_policy_wants_it() {
    let planned = |wish, host: &HostFeatures| {
        let mut policy = Policy::built_in("workspace").unwrap();
        policy.containment.kernel_witness = wish;
        plan_of(policy, host)
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
