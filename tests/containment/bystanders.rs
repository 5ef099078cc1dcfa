//! Other processes of the same user stay as they are: they are not ended, stopped, looked into
//! or slowed down. The witness is what the kernel tells of such a process.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::process::Child;

use nix::errno::Errno::{self, EPERM};

use super::world::{Failures, Mode, Policy, User, World, skip, wait_until};

/// What must not change, and the error in flat mode; in a view there is no such process. The
/// owner signal is sent by the kernel, so no call fails.
const ATTACKS: [(&str, Option<Errno>); 20] = [
    ("kill", Some(EPERM)),
    ("tkill", Some(EPERM)),
    ("tgkill", Some(EPERM)),
    ("queue", Some(EPERM)),
    ("pidfd", Some(EPERM)),
    ("owner-signal", None),
    ("ptrace", Some(EPERM)),
    ("seize", Some(EPERM)),
    ("reading-memory", Some(EPERM)),
    ("writing-memory", Some(EPERM)),
    ("taking-descriptor", Some(EPERM)),
    ("limit", Some(EPERM)),
    ("priority", Some(EPERM)),
    ("group-priority", Some(EPERM)),
    ("high-priority", Some(EPERM)),
    ("scheduler", Some(EPERM)),
    ("scheduler-attributes", Some(EPERM)),
    ("affinity", Some(EPERM)),
    ("io-priority", Some(EPERM)),
    ("io-group", Some(EPERM)),
];

/// What the filter refuses in both modes, before anybody looks for the process.
const FILTERED: [&str; 5] = [
    "ptrace",
    "seize",
    "reading-memory",
    "writing-memory",
    "limit",
];

/// The first ones send signals, which Landlock scopes from Linux 6.12 on.
const SIGNALS: usize = 6;
/// Attacks that take something and change nothing.
const TAKING: [&str; 3] = ["seize", "reading-memory", "taking-descriptor"];

/// What the kernel tells of a process.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    /// Nice value, class and priority.
    scheduling: Vec<String>,
    processors: Option<String>,
    input_output: String,
    limits: String,
    byte: Option<u8>,
}

struct Bystander {
    child: Child,
    /// Where a byte lies that is never used again: the end of the name it was started by.
    address: u64,
}

impl Bystander {
    fn new(world: &World) -> Self {
        let child = world.bystander();
        let maps = fs::read_to_string(format!("/proc/{}/maps", child.id())).unwrap();
        let stack = maps.lines().find(|line| line.ends_with("[stack]")).unwrap();
        let end = stack.split(['-', ' ']).nth(1).unwrap();
        let address = u64::from_str_radix(end, 16).unwrap() - 12;
        let mut bystander = Self { child, address };
        wait_until("it sleeps", || bystander.look().is_some());
        bystander
    }

    fn arguments(&self) -> [String; 2] {
        [self.child.id().to_string(), format!("{:x}", self.address)]
    }

    /// None where it is no more, or is stopped.
    fn look(&mut self) -> Option<Seen> {
        if self.child.try_wait().unwrap().is_some() {
            return None;
        }
        let pid = self.child.id();
        let file = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap();
        let stat = file("stat");
        let fields: Vec<_> = stat
            .rsplit_once(')')
            .unwrap()
            .1
            .split_whitespace()
            .collect();
        if fields[0] != "S" {
            return None;
        }
        let status = file("status");
        let processors = status
            .lines()
            .find(|line| line.starts_with("Cpus_allowed:"));
        let memory = fs::File::open(format!("/proc/{pid}/mem")).unwrap();
        let mut byte = [0];
        Some(Seen {
            // Counted from the third field of proc(5): priority, nice, rt_priority, policy.
            scheduling: [15, 16, 37, 38].map(|at| fields[at].to_owned()).into(),
            processors: processors.map(str::to_owned),
            input_output: input_output_priority(pid),
            limits: file("limits"),
            byte: memory
                .read_exact_at(&mut byte, self.address)
                .is_ok()
                .then_some(byte[0]),
        })
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the kernel's own tool says.
fn input_output_priority(pid: u32) -> String {
    let output = std::process::Command::new("ionice")
        .args(["-p", &pid.to_string()])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn attack(world: &World, (name, errno): (&str, Option<Errno>), failures: &mut Failures) {
    let mut victim = Bystander::new(world);
    let before = victim.look();
    let control = world.bare(name, victim.arguments());
    let is_done = if TAKING.contains(&name) {
        !control.stolen.is_empty()
    } else {
        victim.look() != before
    };
    match control.errno.map(Errno::from_raw) {
        _ if is_done => {}
        // Yama lets nobody look into a process that is not below it.
        Some(EPERM) => return skip(name),
        _ => failures.note(format!("{name}: no control: {control:?}")),
    }
    for policy in [Policy::Workspace, Policy::ReadOnly] {
        let mut victim = Bystander::new(world);
        let before = victim.look();
        let answer = world.sandboxed(policy, name, victim.arguments());
        let (user, mode) = (world.user, world.mode);
        let context = format!("{user:?} {mode:?} {policy:?} {name}");
        if victim.look() != before || !answer.stolen.is_empty() {
            failures.note(format!("{context}: it was done: {answer:?}"));
        }
        let expected = match world.mode {
            Mode::View if !FILTERED.contains(&name) => Errno::ESRCH as i32,
            _ => errno.map_or(0, |errno| errno as i32),
        };
        if answer.errno != Some(expected) {
            let told = answer.errno_name();
            failures.note(format!("{context}: {told}: {answer:?}"));
        }
    }
}

#[test]
fn no_other_process_is_changed_or_looked_into() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        let report = world.sandboxed(Policy::Workspace, "inherited", [""; 0]);
        let weaker = report.report()["enforced"]["weaker"].to_string();
        let mut failures = Failures::default();
        for (index, attacked) in ATTACKS.into_iter().enumerate() {
            if index < SIGNALS && weaker.contains("outside-signals") {
                skip(attacked.0);
                continue;
            }
            attack(&world, attacked, &mut failures);
        }
        failures.none("other processes");
    }
}

/// What the supervisor refused is on record.
#[test]
fn a_refused_change_of_another_process_is_on_record() {
    let world = World::in_mode(User::Current, Mode::Flat);
    let victim = Bystander::new(&world);
    let answer = world.sandboxed(Policy::Workspace, "affinity", victim.arguments());
    let denials = &answer.report()["denials"];
    assert_eq!(denials[0]["op"], "sched_setaffinity", "{denials}");
    assert_eq!(denials[0]["code"], "right-not-granted", "{denials}");
}

/// Threads and children of the command are its own: tools bind them and lower their priority.
#[test]
fn what_is_the_commands_own_can_be_scheduled() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        let control = world.bare("own-scheduling", [""; 0]);
        assert_eq!(control.errno, Some(0), "{control:?}");
        for policy in [Policy::Workspace, Policy::ReadOnly] {
            let answer = world.sandboxed(policy, "own-scheduling", [""; 0]);
            assert_eq!(
                answer.errno,
                Some(0),
                "{user:?} {mode:?} {policy:?}: {answer:?}"
            );
        }
    }
}
