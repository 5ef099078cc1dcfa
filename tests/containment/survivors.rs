//! Nothing of a command is left when it ends, however it ends. The witness is a file that a
//! survivor would go on growing, and the process table.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::world::{Policy, User, World, wait_until};

/// The processes whose program is this world's attacker.
pub(super) fn alive(world: &World) -> Vec<i32> {
    // By its inode: what a view calls it is not what the host calls it.
    let identity = |path: &Path| fs::metadata(path).map(|found| (found.dev(), found.ino()));
    let program = identity(&world.workspace().join("attacker")).unwrap();
    let is_ours = |path: &Path| identity(path).is_ok_and(|found| found == program);
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter(|entry| is_ours(&entry.path().join("exe")))
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

fn end_all(world: &World) {
    while let left @ [_, ..] = &alive(world)[..] {
        for pid in left {
            let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
        }
    }
}

fn is_growing(file: &Path) -> bool {
    let size = || fs::metadata(file).map_or(0, |found| found.len());
    let before = size();
    std::thread::sleep(Duration::from_millis(100));
    size() != before
}

pub(super) fn start(world: &World, options: &[&str], file: &Path) -> Child {
    let mut command = world.program();
    command.args(["run", "--policy", "workspace"]).args(options);
    command.arg("--").args(["./attacker", "staying"]).arg(file);
    let child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("it runs", || file.exists());
    child
}

/// What is left behind, each by another way of getting away.
const SURVIVORS: [&str; 11] = [
    "double-fork",
    "new-session",
    "daemon",
    "own-reaper",
    "holding-output",
    "thread",
    "vfork",
    "stopping",
    "stopping-each-other",
    "running-away",
    "storm",
];

/// Without the sandbox it lives on, until the file that stops it is there.
fn control(world: &World, name: &str) {
    let file = world.workspace().join(format!("{name}-control"));
    let status = world
        .bare_command(name, [&file])
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{name}");
    assert!(file.exists(), "{name}");
    if name == "stopping" {
        assert!(!alive(world).is_empty(), "{name}: no control");
        end_all(world);
        return;
    }
    assert!(is_growing(&file), "{name}: no control");
    fs::write(file.with_extension("stop"), "").unwrap();
    wait_until(name, || alive(world).is_empty());
}

#[test]
fn nothing_lives_on_when_a_command_ends() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        for name in SURVIVORS {
            control(&world, name);
            let file = world.workspace().join(name);
            // It waits for the end of the output, which a survivor would put off.
            let answer = world.sandboxed(Policy::Workspace, name, [&file]);
            let left = alive(&world);
            let is_growing = is_growing(&file);
            fs::write(file.with_extension("stop"), "").unwrap();
            end_all(&world);
            let context = format!("{user:?} {mode:?} {name}: {answer:?}");
            assert_eq!(left, [0; 0], "{context}");
            assert_eq!(answer.errno, Some(0), "{context}");
            assert!(file.exists() && !is_growing, "{context}");
            let ended = &answer.report()["result"]["ended_processes"];
            assert!(ended.as_u64().unwrap() > 0, "{context}");
        }
        assert!(world.scratch_left().is_empty());
    }
}

#[test]
fn a_broker_that_is_killed_takes_everything_with_it() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        let file = world.workspace().join("file");
        let mut broker = start(&world, &[], &file);
        assert!(is_growing(&file));
        broker.kill().unwrap();
        broker.wait().unwrap();
        wait_until("everything ended", || alive(&world).is_empty());
        wait_until("scratch is gone", || world.scratch_left().is_empty());
        assert!(!is_growing(&file));
    }
}

/// The keeper, which does nothing but wait, stands between broker and launcher. Before the
/// launcher it may have started the tripwire.
pub(super) fn launcher_of(broker: &Child) -> Pid {
    let child_of = |pid: u32| -> u32 {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        let last = children.split_whitespace().last();
        last.unwrap().parse().unwrap()
    };
    Pid::from_raw(child_of(child_of(broker.id())).cast_signed())
}

/// A launcher that is stopped keeps no time, and does not see that its broker is gone.
#[test]
fn a_launcher_that_is_stopped_holds_nothing_up() {
    for world in World::in_modes(User::Current) {
        let file = world.workspace().join("file");
        let mut broker = start(&world, &[], &file);
        assert!(is_growing(&file));
        // Calls that it supervises wait for it from now on.
        kill(launcher_of(&broker), Signal::SIGSTOP).unwrap();
        broker.kill().unwrap();
        broker.wait().unwrap();
        wait_until("everything ended", || alive(&world).is_empty());
        wait_until("scratch is gone", || world.scratch_left().is_empty());
    }
    let world = World::new(User::Current);
    let file = world.workspace().join("file");
    let mut broker = start(&world, &["--timeout", "1s"], &file);
    kill(launcher_of(&broker), Signal::SIGSTOP).unwrap();
    assert_eq!(broker.wait().unwrap().code(), Some(125));
    assert!(alive(&world).is_empty());
}

#[test]
fn a_launcher_that_is_killed_takes_everything_with_it() {
    for world in World::in_modes(User::Current) {
        let file = world.workspace().join("file");
        let mut broker = start(&world, &[], &file);
        kill(launcher_of(&broker), Signal::SIGKILL).unwrap();
        let ended = broker.wait().unwrap();
        let left = alive(&world);
        end_all(&world);
        assert_eq!(left, [0; 0]);
        assert_eq!(ended.code(), Some(125));
        assert!(world.scratch_left().is_empty());
    }
}

#[test]
fn the_end_of_its_time_ends_everything() {
    for world in World::in_modes(User::Current) {
        let file = world.workspace().join("file");
        let mut broker = start(&world, &["--timeout", "2s"], &file);
        assert_eq!(broker.wait().unwrap().code(), Some(124));
        assert!(alive(&world).is_empty());
        assert!(world.scratch_left().is_empty());
    }
}

#[test]
fn signals_reach_the_command_and_its_end_is_told() {
    let world = World::new(User::Current);
    for (signal, name) in [
        (Signal::SIGINT, "INT"),
        (Signal::SIGTERM, "TERM"),
        (Signal::SIGHUP, "HUP"),
    ] {
        let caught = world.workspace().join(name);
        let script = format!(
            "trap 'echo caught > {name}; exit 7' {name}; touch {name}-ready; while :; do sleep 0.01; done"
        );
        let mut command = world.run(Policy::Workspace);
        command.args(["sh", "-c", &script]).stderr(Stdio::null());
        let mut broker = command.spawn().unwrap();
        let ready = world.workspace().join(format!("{name}-ready"));
        wait_until("it runs", || ready.exists());
        kill(Pid::from_raw(broker.id().cast_signed()), signal).unwrap();
        assert_eq!(broker.wait().unwrap().code(), Some(7), "{name}");
        assert_eq!(fs::read_to_string(caught).unwrap(), "caught\n");
    }
    let mut command = world.run(Policy::Workspace);
    let output = command
        .args(["sh", "-c", "kill -KILL $$"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(128 + 9));
}

/// A stopped process takes no signal but the one that lets it go on.
#[test]
fn signals_reach_a_command_that_is_stopped() {
    let world = World::new(User::Current);
    let mut command = world.run(Policy::Workspace);
    let script = "touch stopped-ready; kill -STOP $$; sleep 600";
    command.args(["sh", "-c", script]).stderr(Stdio::null());
    let mut broker = command.spawn().unwrap();
    wait_until("it stops", || {
        world.workspace().join("stopped-ready").exists()
    });
    kill(Pid::from_raw(broker.id().cast_signed()), Signal::SIGTERM).unwrap();
    assert_eq!(broker.wait().unwrap().code(), Some(128 + 15), "stopped");
}
