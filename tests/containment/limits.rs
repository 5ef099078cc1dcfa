//! Who takes more than its share is stopped, and nobody else: the host and other sessions go on.
//!
//! The attacks are bounded by themselves, and those that make processes run only where a limit
//! is in force. The reply names the limit where the kernel tells of it, and never guesses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::errno::Errno;
use serde_json::Value;

use super::groups::Delegated;
use super::world::{Answer, Mode, Policy, User, World, wait_until};

/// A world whose policy has these limits, beside its own.
pub(super) fn limited(user: User, mode: Mode, limits: &[(&str, &str)]) -> World {
    let world = World::in_mode(user, mode);
    let path = world.path("policy.toml");
    let mut lines: Vec<String> = fs::read_to_string(&path)
        .unwrap()
        .lines()
        .filter(|line| {
            !limits
                .iter()
                .any(|(key, _)| line.starts_with(&format!("{key} = ")))
        })
        .map(str::to_owned)
        .collect();
    let section = lines.iter().position(|line| line == "[limits]").unwrap();
    for (key, value) in limits {
        lines.insert(section + 1, format!("{key} = {value}"));
    }
    fs::write(path, lines.join("\n")).unwrap();
    world
}

/// What the attack says that it made.
pub(super) fn made(answer: &Answer) -> u64 {
    let text = answer.stolen.trim().strip_prefix("made=");
    text.unwrap_or_else(|| panic!("{answer:?}"))
        .parse()
        .unwrap()
}

/// The limits that a report names.
pub(super) fn named(report: &Value) -> Vec<&str> {
    let denials = report["denials"].as_array().unwrap();
    denials
        .iter()
        .filter(|denial| denial["code"] == "limit-exceeded")
        .map(|denial| denial["path"].as_str().unwrap())
        .collect()
}

pub(super) fn limits_in_force(report: &Value) -> &str {
    report["enforced"]["limits"].as_str().unwrap()
}

/// Another session of the same user, on the same host, does its work meanwhile; so does the
/// user without one.
fn others_go_on(world: &World) {
    let other = World::in_mode(world.user, world.mode);
    let script = "echo one | cat; (echo two); echo new > made; cat made";
    let output = other
        .run(Policy::Workspace)
        .args(["sh", "-c", script])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.stdout, b"one\ntwo\nnew\n", "{errors}");
    let mut bare = world.command(Path::new("/bin/sh"));
    let output = bare.args(["-c", "echo one | cat"]).output().unwrap();
    assert_eq!(output.stdout, b"one\n");
}

fn start(mut command: Command, words: &[&str]) -> Child {
    command
        .args(words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Nobody of this world's attacker is alive.
fn is_over(world: &World) {
    let program = world.workspace().join("attacker");
    let is_ours = |entry: fs::DirEntry| {
        fs::read_link(entry.path().join("exe")).is_ok_and(|exe: PathBuf| exe == program)
    };
    wait_until("everything ended", || {
        !fs::read_dir("/proc").unwrap().flatten().any(is_ours)
    });
}

/// How many processes a command may have at most under a limit of these, where one binds.
fn bound(world: &World, limit: u64) -> Option<u64> {
    // What the kernel keeps back of a pid namespace, and what else runs on the host.
    const RESERVED: u64 = 300;
    let on_host = || -> u64 {
        let load = fs::read_to_string("/proc/loadavg").unwrap();
        load.split(['/', ' ']).nth(4).unwrap().parse().unwrap()
    };
    if Delegated::to(world).is_some_and(|group| group.processes) {
        return Some(limit);
    }
    match (world.mode, world.user.is_root()) {
        (Mode::View, false) => Some(limit),
        (Mode::View, true) => Some(limit + RESERVED),
        // Others may start in the meantime.
        (Mode::Flat, false) => Some(limit + on_host() + 200),
        (Mode::Flat, true) => None,
    }
}

#[test]
fn no_more_processes_than_allowed() {
    const LIMIT: u64 = 20;
    let control = World::new(User::Current);
    for name in ["forking", "threading"] {
        let file = control.workspace().join(name);
        fs::write(file.with_extension("go"), "").unwrap();
        let answer = control.bare(name, ["60".as_ref(), file.as_os_str()]);
        assert_eq!((answer.errno, made(&answer)), (Some(0), 60), "{answer:?}");
    }
    for (user, mode) in User::in_every_mode() {
        let world = limited(user, mode, &[("processes", "20")]);
        let Some(most) = bound(&world, LIMIT) else {
            let output = world.run(Policy::Workspace).arg("true").output().unwrap();
            let errors = String::from_utf8_lossy(&output.stderr);
            let report: Value = serde_json::from_str(errors.trim()).unwrap();
            assert!(!limits_in_force(&report).contains("processes"), "{report}");
            assert!(
                report["enforced"]["weaker"]
                    .to_string()
                    .contains("process-limit")
            );
            continue;
        };
        for name in ["forking", "threading"] {
            let file = world.workspace().join(name);
            let wanted = (most + 20).to_string();
            let child = start(
                world.run(Policy::Workspace),
                &["./attacker", name, &wanted, file.to_str().unwrap()],
            );
            wait_until("the kernel refuses", || file.exists());
            others_go_on(&world);
            fs::write(file.with_extension("go"), "").unwrap();
            let answer = Answer::of(&child.wait_with_output().unwrap());
            let about = format!("{user:?} {mode:?} {name}: {answer:?}");
            assert_eq!(answer.errno, Some(Errno::EAGAIN as i32), "{about}");
            assert!((10..=most).contains(&made(&answer)), "{about}");
            assert!(
                limits_in_force(&answer.report()).contains("processes 20"),
                "{about}"
            );
            // Who is alone with the limit makes as many as it says, and is told.
            let is_told = Delegated::to(&world).is_some_and(|group| group.processes);
            let expected: &[&str] = if is_told { &["processes"] } else { &[] };
            assert_eq!(named(&answer.report()), expected, "{about}");
        }
        is_over(&world);
    }
}

#[test]
fn a_fork_bomb_is_over_with_its_command() {
    for (user, mode) in User::in_every_mode() {
        let world = limited(user, mode, &[("processes", "20")]);
        let Some(most) = bound(&world, 20) else {
            continue;
        };
        let file = world.workspace().join("refused");
        let most = (most + 20).to_string();
        let words = ["./attacker", "bombing", &most, file.to_str().unwrap()];
        let mut command = world.program();
        command.args(["run", "--json", "--policy"]);
        command.arg(world.path("policy.toml")).arg("--");
        let mut child = start(command, &words);
        wait_until("the kernel refuses", || file.exists());
        others_go_on(&world);
        assert!(child.try_wait().unwrap().is_none(), "it was over before");
        nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(child.id().cast_signed()),
            nix::sys::signal::Signal::SIGTERM,
        )
        .unwrap();
        let answer = Answer::of(&child.wait_with_output().unwrap());
        let report = answer.report();
        assert_eq!(
            report["result"]["signal"], 15,
            "{user:?} {mode:?}: {answer:?}"
        );
        let ended = report["result"]["ended_processes"].as_u64().unwrap();
        assert!(ended > 5, "{user:?} {mode:?}: {answer:?}");
        is_over(&world);
        others_go_on(&world);
    }
}

/// Each process has its bound; that of all of them is the product, as the claims say.
#[test]
fn no_process_has_more_memory_than_allowed() {
    for (user, mode) in User::in_every_mode() {
        let world = limited(user, mode, &[("memory", "\"64MiB\"")]);
        let control = world.bare("hogging", ["96"]);
        assert_eq!(
            (control.errno, made(&control)),
            (Some(0), 96),
            "{control:?}"
        );
        let answer = world.sandboxed(Policy::Workspace, "hogging", ["96"]);
        assert_eq!(
            answer.errno,
            Some(Errno::ENOMEM as i32),
            "{user:?} {mode:?}: {answer:?}"
        );
        assert!(
            (32..64).contains(&made(&answer)),
            "{user:?} {mode:?}: {answer:?}"
        );
        // The kernel tells nobody but the process.
        assert_eq!(named(&answer.report()), [""; 0]);
    }
}

#[test]
fn a_private_directory_holds_no_more_than_allowed() {
    for (user, mode) in User::in_every_mode() {
        let world = limited(user, mode, &[("scratch", "\"4MiB\"")]);
        if mode == Mode::Flat {
            let answer = world.sandboxed(Policy::ReadOnly, "opening", ["1"]);
            let report = answer.report();
            assert!(!limits_in_force(&report).contains("scratch"), "{report}");
            assert!(
                report["enforced"]["weaker"]
                    .to_string()
                    .contains("scratch-limit")
            );
            continue;
        }
        let control = world.bare("filling", ["file", "16"]);
        assert_eq!(control.errno, Some(0), "{control:?}");
        for file in ["/tmp/file", "/dev/shm/file", "/run/lobsterpot/home/file"] {
            let answer = world.sandboxed(Policy::Workspace, "filling", [file, "16"]);
            let about = format!("{user:?} {file}: {answer:?}");
            assert_eq!(answer.errno, Some(Errno::ENOSPC as i32), "{about}");
            assert!((2..=4).contains(&made(&answer)), "{about}");
            assert_eq!(named(&answer.report()), ["scratch size"], "{about}");
            assert!(
                limits_in_force(&answer.report()).contains("scratch 4 MiB"),
                "{about}"
            );
            others_go_on(&world);
        }
        let answer = world.sandboxed(Policy::Workspace, "filling", ["/tmp/file", "1"]);
        assert_eq!((answer.errno, named(&answer.report())), (Some(0), vec![]));
    }
}

#[test]
fn a_flood_of_output_is_cut_off() {
    for (user, mode) in User::in_every_mode() {
        let world = limited(user, mode, &[("output", "\"1MiB\"")]);
        let control = world.bare("flooding", ["16"]);
        assert!(control.stolen.len() >= 16 << 20);
        let answer = world.sandboxed(Policy::Workspace, "flooding", ["16"]);
        let length = answer.stolen.len();
        // The last read may go beyond the limit by what it takes at once.
        assert!(
            ((1 << 20) - (1 << 16)..(1 << 20) + (1 << 16)).contains(&length),
            "{user:?} {mode:?}: {length}"
        );
        let last = answer.stderr.trim_end().lines().last().unwrap();
        let report: Value = serde_json::from_str(last).unwrap();
        assert_eq!(named(&report), ["output"]);
        assert_eq!(report["result"]["signal"], 9);
        is_over(&world);
        others_go_on(&world);
    }
}

/// The first signal can be caught, the second cannot; and a signal alone proves nothing.
#[test]
fn processor_time_is_bounded_and_told() {
    for (user, mode) in User::in_every_mode() {
        let world = limited(user, mode, &[("cpu", "\"1s\"")]);
        for (name, signal) in [("burning", 24), ("burning-on", 9)] {
            let answer = world.sandboxed(Policy::Workspace, name, [""; 0]);
            let report = answer.report();
            assert_eq!(
                report["result"]["signal"], signal,
                "{user:?} {mode:?}: {report}"
            );
            assert_eq!(named(&report), ["cpu time"], "{user:?} {mode:?}: {report}");
            assert!(limits_in_force(&report).contains("cpu 1s"));
        }
        for signal in ["24", "9"] {
            let answer = world.sandboxed(Policy::Workspace, "pretending", [signal]);
            let report = answer.report();
            assert_eq!(report["result"]["signal"].to_string(), signal);
            assert_eq!(named(&report), [""; 0], "{user:?} {mode:?}: {report}");
        }
    }
}

#[test]
fn files_are_no_larger_and_no_more_than_allowed() {
    for (user, mode) in User::in_every_mode() {
        let world = limited(
            user,
            mode,
            &[("file-size", "\"1MiB\""), ("open-files", "32")],
        );
        let control = world.bare("filling", ["control", "2"]);
        assert_eq!((control.errno, made(&control)), (Some(0), 2), "{control:?}");
        let answer = world.sandboxed(Policy::Workspace, "filling", ["large", "2"]);
        let report = answer.report();
        assert_eq!(
            report["result"]["signal"], 25,
            "{user:?} {mode:?}: {answer:?}"
        );
        assert_eq!(
            named(&report),
            ["file size"],
            "{user:?} {mode:?}: {answer:?}"
        );
        let size = fs::metadata(world.workspace().join("large")).unwrap().len();
        assert_eq!(size, 1 << 20);
        let control = world.bare("opening", ["100"]);
        assert_eq!(
            (control.errno, made(&control)),
            (Some(0), 100),
            "{control:?}"
        );
        let answer = world.sandboxed(Policy::Workspace, "opening", ["100"]);
        assert_eq!(answer.errno, Some(Errno::EMFILE as i32), "{answer:?}");
        assert_eq!(made(&answer), 32 - 3, "{answer:?}");
    }
}

#[test]
fn time_is_bounded_and_told() {
    for (user, mode) in User::in_every_mode() {
        let world = limited(user, mode, &[("wall", "\"1s\"")]);
        let mut command = world.run(Policy::Workspace);
        let output = command.args(["sleep", "600"]).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(124),
            "{user:?} {mode:?}: {output:?}"
        );
        let errors = String::from_utf8_lossy(&output.stderr);
        let report: Value = serde_json::from_str(errors.trim()).unwrap();
        assert_eq!(named(&report), ["wall time"], "{report}");
        assert_eq!(report["status"], "timeout", "{report}");
    }
}
