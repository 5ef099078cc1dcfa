//! A proof that cannot fail is a defect.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use lobsterpot::ambient::Operator;
use lobsterpot::model::{PrincipalId, Rights};
use lobsterpot::policy::Policy;
use lobsterpot::prove::{Promises, ProveError, Subject, Verdict, prove, prove_without_sandbox};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::world::{Mode, User, World};

/// With nothing in the place of the sandbox, every attack that works at all is seen to work.
#[test]
fn without_a_sandbox_every_attack_is_seen_to_work() {
    let world = World::new(User::Current);
    let subject = subject(&world, Policy::built_in("workspace").unwrap());
    let promises = Promises {
        rights: Rights::NONE,
        hidden: vec![PathBuf::from(".env")],
        protected: vec![PathBuf::from(".git/config")],
        ..Promises::default()
    };
    let proof = prove_without_sandbox(&subject, &promises).unwrap();
    assert!(!proof.ok);
    assert!(proof.counts.broken >= 120, "{:?}", proof.counts);
    let unseen: Vec<_> = proof
        .rows
        .iter()
        .filter(|row| match row.verdict {
            Verdict::Broken => !row.group.is_attack() || row.seen.is_empty(),
            Verdict::Held => row.group.is_attack(),
            Verdict::Weaker => true,
            Verdict::NotApplicable => false,
        })
        .collect();
    assert!(unseen.is_empty(), "{unseen:#?}");
    assert_eq!(world.left(), Vec::<PathBuf>::new());
}

/// What lies outside must be outside: there is no proof where everything is granted.
#[test]
fn where_everything_is_granted_nothing_is_proven() {
    let world = World::new(User::Current);
    let mut policy = Policy::built_in("read-only").unwrap();
    let mut everything = policy.grants[0].clone();
    everything.name = "everything".into();
    everything.path = world.path("tmp").to_str().unwrap().to_owned();
    policy.grants.push(everything);
    let refused = prove(&subject(&world, policy)).unwrap_err();
    assert!(
        matches!(refused, ProveError::NoOutside { .. }),
        "{refused:?}"
    );
    assert_eq!(world.left(), Vec::<PathBuf>::new());
}

fn subject(world: &World, policy: Policy) -> Subject {
    Subject {
        policy,
        principal: PrincipalId::new("agent:main"),
        operator: Operator::read().unwrap(),
        program: env!("CARGO_BIN_EXE_lobsterpot").into(),
        places: vec![world.path("tmp")],
    }
}

#[test]
fn what_cannot_be_meant_is_a_usage_error() {
    let world = World::new(User::Current);
    for arguments in [["--policy", "no-such-policy"], ["--root", "/tmp"]] {
        let output = world.run(Mode::Best, &arguments);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
}

#[test]
fn one_that_is_stopped_leaves_nothing_behind() {
    let world = World::new(User::Current);
    let mut command = world.command(Mode::Best, &[]);
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    // Until it is at its controls: the attacker's program lies there.
    while attackers(&world).is_empty() {
        assert!(
            start.elapsed() < Duration::from_mins(1),
            "no attacker starts"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(125));
    assert_eq!(world.left(), Vec::<PathBuf>::new());
    while !attackers(&world).is_empty() {
        assert!(
            start.elapsed() < Duration::from_mins(2),
            "attackers live on"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The processes whose program lies in the world of a proof that is made here.
fn attackers(world: &World) -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| std::fs::read_link(entry.path().join("exe")).ok())
        .filter(|program| program.starts_with(world.path("tmp")))
        .collect()
}
