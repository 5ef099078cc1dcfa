//! Inside containers and other sandboxes: view mode, flat mode, or a refusal that says why.
//!
//! Each environment is made by the enclosure, a program of the tests that takes steps as
//! container runtimes and other sandboxes do. The positive control reads the secret in the very
//! same environment without Lobsterpot. Nothing may hang, so everything has a time limit.

/// Started by bubblewrap, by itself, and without a terminal to give.
mod others;
/// A world to be put into an environment.
mod site;

use self::site::{Site, report};
use super::world::{Mode, Policy, User, skip};

/// What becomes of a command.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    /// It runs in this mode.
    Runs(&'static str),
    /// It does not start, with this exit code and these words.
    Refused(i32, &'static str),
}

use Outcome::{Refused, Runs};

struct Environment {
    name: &'static str,
    /// What the enclosure does; `%` stands for the world's directory.
    steps: &'static [&'static str],
    mode: Mode,
    /// A word of what stands in the way of a view, and one of the remedy.
    obstacle: Option<(&'static str, &'static str)>,
    workspace: Outcome,
    read_only: Outcome,
    /// Whether doctor can tell. It does not look at directories, and starts no launcher.
    is_told_before: bool,
}

const FREE: Environment = Environment {
    name: "nothing around it",
    steps: &[],
    mode: Mode::View,
    obstacle: None,
    workspace: Runs("view"),
    read_only: Runs("view"),
    is_told_before: true,
};

const fn flat(
    name: &'static str,
    obstacle: (&'static str, &'static str),
    steps: &'static [&'static str],
) -> Environment {
    Environment {
        name,
        steps,
        obstacle: Some(obstacle),
        workspace: Runs("flat"),
        read_only: Runs("flat"),
        ..FREE
    }
}

const fn refused(
    name: &'static str,
    (code, words): (i32, &'static str),
    steps: &'static [&'static str],
) -> Environment {
    Environment {
        name,
        steps,
        workspace: Refused(code, words),
        read_only: Refused(code, words),
        ..FREE
    }
}

const fn refused_late(
    name: &'static str,
    outcome: (i32, &'static str),
    steps: &'static [&'static str],
) -> Environment {
    Environment {
        is_told_before: false,
        ..refused(name, outcome, steps)
    }
}

const CONTAINERS: [Environment; 6] = [
    FREE,
    flat(
        "a container with Docker's defaults",
        ("system call filter", "seccomp=unconfined"),
        &[
            "mounts",
            "pids",
            "proc-as-runc",
            "docker-capabilities",
            "docker-filter",
        ],
    ),
    flat(
        "a container without any capability",
        ("system call filter", "seccomp=unconfined"),
        &[
            "mounts",
            "pids",
            "proc-as-runc",
            "drop",
            "no-new-privileges",
            "docker-filter",
        ],
    ),
    flat(
        "a container without a filter, as Kubernetes starts them",
        ("/proc are mounted over: /proc/", "procMount: Unmasked"),
        &["mounts", "pids", "proc-as-runc", "docker-capabilities"],
    ),
    flat(
        "a container with CAP_SYS_ADMIN and parts of /proc mounted over",
        ("/proc are mounted over: /proc/", "systempaths=unconfined"),
        &["mounts", "pids", "proc-as-runc"],
    ),
    Environment {
        name: "a privileged container",
        steps: &["mounts", "pids"],
        ..FREE
    },
];

const FILE_SYSTEMS: [Environment; 6] = [
    refused("no /proc", (125, "mount -t proc"), &["mounts", "no-proc"]),
    Environment {
        name: "a read-only root",
        steps: &[
            "mounts",
            "writable=%/state",
            "writable=%/workspace",
            "read-only=/",
        ],
        ..FREE
    },
    flat(
        "a read-only root, and no namespaces",
        ("system call filter", "seccomp=unconfined"),
        &[
            "mounts",
            "writable=%/state",
            "writable=%/tmp",
            "writable=%/workspace",
            "read-only=/",
            "docker-filter",
        ],
    ),
    refused_late(
        "a read-only root, no namespaces and nowhere for a private directory",
        (125, "cannot make the scratch directory"),
        &["mounts", "writable=%/state", "read-only=/", "docker-filter"],
    ),
    refused_late(
        "no place for the audit log",
        (125, "cannot enrol the session for the emergency brake"),
        &["mounts", "read-only=/"],
    ),
    flat(
        "a chroot that is no mount point",
        ("chroot", "a root of its own"),
        &["mounts", "pids", "root=%/jail", "working-in=%/workspace"],
    ),
];

const LANDLOCK: [Environment; 4] = [
    flat(
        "an outer Landlock domain with the workspace",
        ("outer landlock domain", "outside the sandbox"),
        &["granting=/usr,/bin,/lib,/lib64,/etc,/proc,/dev,%"],
    ),
    flat(
        "14 outer Landlock domains",
        ("outer landlock domain", "outside the sandbox"),
        &["domains=14"],
    ),
    // One is the launcher's, and the command's is not to be had any more.
    refused(
        "15 outer Landlock domains",
        (125, "too many landlock domains"),
        &["domains=15"],
    ),
    refused(
        "16 outer Landlock domains",
        (125, "too many landlock domains"),
        &["domains=16"],
    ),
];

const FILTERS: [Environment; 8] = [
    flat(
        "a kernel that makes no more user namespaces",
        (
            "/proc/sys/user/max_user_namespaces is 0",
            "sysctl user.max_user_namespaces=",
        ),
        &["user", "no-user-namespaces"],
    ),
    flat(
        "mount_setattr(2) is not known",
        ("system call filter", "seccomp=unconfined"),
        &["refusing=mount_setattr:ENOSYS"],
    ),
    flat(
        "open_tree(2) is not known",
        ("system call filter", "seccomp=unconfined"),
        &["refusing=open_tree:ENOSYS"],
    ),
    flat(
        "pivot_root(2) is refused",
        ("system call filter", "seccomp=unconfined"),
        &["refusing=pivot_root:EPERM"],
    ),
    refused(
        "Landlock is not known",
        (125, "landlock abi 0"),
        &["refusing=landlock_create_ruleset:ENOSYS"],
    ),
    refused(
        "no domain can be entered",
        (125, "landlock domain"),
        &["refusing=landlock_restrict_self:EPERM"],
    ),
    refused(
        "no filter can be installed",
        (125, "system call filter"),
        &["refusing=seccomp:EPERM"],
    ),
    refused_late(
        "descriptors cannot be closed",
        (125, "Operation not permitted"),
        &["refusing=close_range:EPERM"],
    ),
];

const LISTENERS: [Environment; 3] = [
    Environment {
        name: "an outer filter with a listener",
        steps: &["listening"],
        ..FREE
    },
    Environment {
        name: "an outer filter with a listener, and flat mode",
        steps: &["listening"],
        mode: Mode::Flat,
        is_told_before: false,
        obstacle: None,
        workspace: Refused(125, "an outer sandbox already supervises system calls"),
        read_only: Runs("flat"),
    },
    Environment {
        name: "a container with Docker's defaults and a listener",
        steps: &[
            "mounts",
            "pids",
            "proc-as-runc",
            "docker-capabilities",
            "docker-filter",
            "listening",
        ],
        obstacle: Some(("system call filter", "seccomp=unconfined")),
        workspace: Refused(125, "an outer sandbox already supervises system calls"),
        read_only: Runs("flat"),
        ..FREE
    },
];

fn check(site: &Site, environment: &Environment, policy: Policy) {
    let about = format!("{}, {policy:?}, {:?}", environment.name, site.world.user);
    let expected = match policy {
        Policy::Workspace => environment.workspace,
        Policy::ReadOnly => environment.read_only,
    };
    let output = site.run(environment.steps, policy);
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!told.contains("the secret"), "{about}: {told}");
    match expected {
        Runs(mode) => {
            assert_eq!(told, "end\n", "{about}: {errors}");
            assert_eq!(report(&output)["enforced"]["mode"], mode, "{about}");
            assert_eq!(
                site.has_made(),
                policy == Policy::Workspace,
                "{about}: {errors}"
            );
            let weaker = report(&output)["enforced"]["weaker"].to_string();
            assert_eq!(
                weaker.contains("outside-metadata"),
                mode == "flat",
                "{about}: {weaker}"
            );
        }
        Refused(code, words) => {
            assert_eq!(output.status.code(), Some(code), "{about}: {errors}");
            assert!(errors.contains(words), "{about}: {errors}");
            assert_eq!(told, "", "{about}");
            assert!(!site.has_made(), "{about}");
        }
    }
    site.is_clean();
}

/// What doctor says is what happens.
fn examine(site: &Site, environment: &Environment) {
    let report = site.doctor(environment.steps);
    let about = format!("{}: {report}", environment.name);
    if let Some((obstacle, remedy)) = environment.obstacle {
        let found = &report["host"]["namespaces"]["unusable"];
        assert!(
            found["obstacle"].as_str().unwrap().contains(obstacle),
            "{about}"
        );
        assert!(
            found["remedy"].as_str().unwrap().contains(remedy),
            "{about}"
        );
    }
    if environment.mode == Mode::Flat || !environment.is_told_before {
        return;
    }
    for (name, expected) in [
        ("workspace", environment.workspace),
        ("read-only", environment.read_only),
    ] {
        let policies = report["policies"].as_array().unwrap();
        let policy = policies
            .iter()
            .find(|policy| policy["policy"] == name)
            .unwrap();
        match expected {
            Runs(mode) => assert_eq!(policy["mode"], mode, "{about}"),
            Refused(..) => assert_eq!(policy["commands"], "unavailable", "{about}"),
        }
    }
}

fn try_all(environments: &[Environment]) {
    if Mode::all().len() == 1 {
        skip("containers: this host gives no namespaces to make them of");
        return;
    }
    for user in User::all() {
        for environment in environments {
            let site = Site::new(*user, environment.mode);
            site.control(environment.steps);
            examine(&site, environment);
            for policy in [Policy::Workspace, Policy::ReadOnly] {
                check(&site, environment, policy);
            }
        }
    }
}

#[test]
fn in_containers() {
    try_all(&CONTAINERS);
}

#[test]
fn on_other_file_trees() {
    try_all(&FILE_SYSTEMS);
}

#[test]
fn under_outer_landlock_domains() {
    try_all(&LANDLOCK);
}

#[test]
fn where_the_kernel_or_a_filter_says_no() {
    try_all(&FILTERS);
}

#[test]
fn under_an_outer_listener() {
    try_all(&LISTENERS);
}
