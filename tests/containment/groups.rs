//! What a control group bounds, and that nobody gets out of it: memory of every kind, the number
//! of processes, and what outlives everyone who would have ended it.
//!
//! The witness reads the group's own account from outside, while the attack runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::lanes::Call;
use super::limits::{limited, limits_in_force, made, named};
use super::survivors::{alive, launcher_of, start};
use super::world::{Answer, Mode, Policy, User, World, skip, wait_until};

/// The control group that is delegated to the user of a world, and what it can bound.
pub(super) struct Delegated {
    directory: PathBuf,
    pub(super) memory: bool,
    pub(super) processes: bool,
}

impl Delegated {
    pub(super) fn to(world: &World) -> Option<Self> {
        let output = world.program().args(["doctor", "--json"]).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let found = report["host"]["cgroup"].get("delegated")?;
        Some(Self {
            directory: found["directory"].as_str().unwrap().into(),
            memory: found["memory"] == "present",
            processes: found["processes"] == "present",
        })
    }

    /// The groups of sessions that are there now.
    fn sessions(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.directory).unwrap().flatten();
        let is_ours = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with("lobsterpot-")
        };
        entries.map(|entry| entry.path()).filter(is_ours).collect()
    }

    /// The one that bounds memory by that many bytes.
    fn with_memory(&self, bytes: u64) -> Option<PathBuf> {
        let is_it = |commands: &PathBuf| number_in(commands, "memory.max") == Some(bytes);
        let commands = self
            .sessions()
            .into_iter()
            .map(|path| path.join("commands"));
        commands.into_iter().find(is_it)
    }

    /// The one in which that process, or one below it, is.
    fn of(&self, process: Pid) -> Option<PathBuf> {
        self.sessions().into_iter().find(|session| {
            let inside = fs::read_to_string(session.join("commands/cgroup.procs"));
            let process = process.to_string();
            inside.is_ok_and(|text| text.lines().any(|line| line == process))
        })
    }
}

fn number_in(group: &Path, file: &str) -> Option<u64> {
    let text = fs::read_to_string(group.join(file)).ok()?;
    text.trim().parse().ok()
}

/// A counted skip for each user and mode without one.
fn with_memory(user: User, mode: Mode) -> Option<Delegated> {
    let world = World::in_mode(user, mode);
    let delegated = Delegated::to(&world).filter(|group| group.memory && group.processes);
    if delegated.is_none() {
        skip("control groups: none that bounds memory is delegated to this user");
    }
    delegated
}

/// The most that the group had, as seen from outside until the command was over.
fn watched(mut child: Child, delegated: &Delegated, limit: u64) -> (Answer, u64) {
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        let group = delegated.with_memory(limit);
        let now = group.and_then(|group| number_in(&group, "memory.current"));
        most = most.max(now.unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    (Answer::of(&child.wait_with_output().unwrap()), most)
}

const MEBIBYTE: u64 = 1 << 20;

/// Each process stays below the limit that it has for itself, or takes memory that this limit
/// does not count.
#[test]
fn all_the_memory_of_a_session_is_bounded_and_told() {
    for (user, mode) in User::in_every_mode() {
        let Some(delegated) = with_memory(user, mode) else {
            continue;
        };
        let limits = [("memory", "\"37MiB\""), ("scratch", "\"2MiB\"")];
        let world = limited(user, mode, &limits);
        let limit = match mode {
            Mode::View => (37 + 2) * MEBIBYTE,
            Mode::Flat => 37 * MEBIBYTE,
        };
        let mut attacks = vec![
            ("hogging-together", ["4", "24"], 4),
            ("sharing", ["96", "file"], 96),
            ("sharing", ["96", "mapped"], 96),
        ];
        if mode == Mode::View {
            attacks.push(("sharing", ["96", "system-v"], 96));
        }
        for (name, arguments, whole) in attacks {
            let control = world.bare(name, arguments);
            let about = format!("{user:?} {mode:?} {name} {arguments:?}");
            assert_eq!(
                (control.errno, made(&control)),
                (Some(0), whole),
                "{about}: {control:?}"
            );
            let mut command = world.run(Policy::Workspace);
            command.args(["./attacker", name]).args(arguments);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            let (answer, most) = watched(command.spawn().unwrap(), &delegated, limit);
            let report = answer.report();
            assert_eq!(named(&report), ["memory"], "{about}: {answer:?}");
            assert_eq!(report["result"]["signal"], 9, "{about}: {answer:?}");
            // Whoever is being ended may still take a little.
            let bounds = limit / 2..=limit + limit / 4;
            assert!(bounds.contains(&most), "{about}: {most}");
            let bound = format!("control group: memory {} MiB, processes ", limit / MEBIBYTE);
            assert!(limits_in_force(&report).contains(&bound), "{report}");
        }
        assert_eq!(delegated.with_memory(limit), None);
    }
}

/// The private directory has room of its own, so that one that is full is an error for whoever
/// writes, and not the end of whoever runs next.
#[test]
fn a_full_private_directory_leaves_commands_their_memory() {
    for user in User::all() {
        let Some(_) = with_memory(*user, Mode::View) else {
            continue;
        };
        let limits = [("memory", "\"24MiB\""), ("scratch", "\"32MiB\"")];
        let world = limited(*user, Mode::View, &limits);
        let mut call = Call::start(&world);
        call.run("filling", "./attacker filling /tmp/file 64");
        let reply = call.reply("filling");
        assert_eq!(named(&reply), ["scratch size"], "{user:?}: {reply}");
        assert!(
            reply["result"]["stdout"]
                .as_str()
                .unwrap()
                .contains("errno=28")
        );
        call.run("hogging", "./attacker hogging 16");
        let reply = call.reply("hogging");
        let text = reply["result"]["stdout"].as_str().unwrap();
        assert!(
            text.contains("made=16") && text.contains("errno=0"),
            "{reply}"
        );
        call.end();
    }
}

/// Where several commands run, the one that takes too much is ended, and it alone.
#[test]
fn who_takes_too_much_is_ended_alone() {
    for (user, mode) in User::in_every_mode() {
        let Some(_) = with_memory(user, mode) else {
            continue;
        };
        let limits = [("memory", "\"48MiB\""), ("scratch", "\"2MiB\"")];
        let world = limited(user, mode, &limits);
        let mut call = Call::start(&world);
        let waiting = "echo > ready; while ! test -e go; do sleep 0.02; done; echo over";
        call.run("waiting", waiting);
        wait_until("it runs", || world.workspace().join("ready").exists());
        // Memory of its own, which the kernel gives back at once.
        let hogging = "./attacker hogging-together 4 24; echo not reached";
        call.run("hogging", hogging);
        let reply = call.reply("hogging");
        assert_eq!(named(&reply), ["memory"], "{user:?} {mode:?}: {reply}");
        assert_eq!(reply["result"]["stdout"], "", "{user:?} {mode:?}: {reply}");
        fs::write(world.workspace().join("go"), "").unwrap();
        let reply = call.reply("waiting");
        let about = format!("{user:?} {mode:?}: {reply}");
        assert_eq!(reply["result"]["stdout"], "over\n", "{about}");
        assert_eq!(named(&reply), [""; 0], "{user:?} {mode:?}: {reply}");
        call.end();
    }
}

/// A group of the test's own, below the one that is delegated.
struct Leaf(PathBuf);

impl Leaf {
    fn below(world: &World, delegated: &Delegated) -> Self {
        let name = world.path("").file_name().unwrap().to_owned();
        let path = delegated.directory.join(name);
        fs::create_dir(&path).unwrap();
        world.hand_over(&path);
        Self(path)
    }
}

impl Drop for Leaf {
    fn drop(&mut self) {
        // A process that has ended leaves it a moment later.
        for _ in 0..100 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

#[test]
fn no_command_leaves_its_group_or_changes_one() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        let Some(delegated) = Delegated::to(&world) else {
            skip("control groups: none is delegated to this user");
            continue;
        };
        let leaf = Leaf::below(&world, &delegated);
        let group = leaf.0.as_os_str();
        let processes = leaf.0.join("cgroup.procs");
        let setting = leaf.0.join("cgroup.freeze");
        let closed = match mode {
            // There is nothing.
            Mode::View => (Errno::ENOENT, Errno::ENOENT),
            // It can be seen, and that is all.
            Mode::Flat => (Errno::EACCES, Errno::ENOSYS),
        };
        for (name, argument, errno) in [
            ("changing-group", processes.as_os_str(), closed.0),
            ("changing-group", setting.as_os_str(), closed.0),
            ("making-group", group, closed.0),
            ("beginning-in-group", group, closed.1),
        ] {
            let about = format!("{user:?} {mode:?} {name} {argument:?}");
            let control = world.bare(name, [argument]);
            assert_eq!(control.errno, Some(0), "{about}: {control:?}");
            for policy in [Policy::Workspace, Policy::ReadOnly] {
                let answer = world.sandboxed(policy, name, [argument]);
                // Where nothing may be changed, the supervisor says so first.
                let first = policy == Policy::ReadOnly && mode == Mode::Flat;
                let expected = [Some(errno), first.then_some(Errno::EROFS)];
                let found = answer.errno.map(Errno::from_raw);
                assert!(
                    found.is_some() && expected.contains(&found),
                    "{about}: {answer:?}"
                );
            }
        }
        let place = world.path("tmp");
        if user.is_root() {
            let control = world.bare("mounting-groups", [&place]);
            assert_eq!(control.errno, Some(0), "{control:?}");
        }
        let answer = world.sandboxed(Policy::Workspace, "mounting-groups", [&place]);
        assert_eq!(answer.errno, Some(Errno::EPERM as i32), "{answer:?}");
    }
}

/// A command sees nothing of where its group lies.
#[test]
fn a_view_is_the_root_of_its_groups() {
    for user in User::all() {
        let world = World::in_mode(*user, Mode::all()[0]);
        if world.mode == Mode::Flat {
            continue;
        }
        let mut command = world.run(Policy::Workspace);
        let output = command.args(["cat", "/proc/self/cgroup"]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let path = text.lines().find_map(|line| line.strip_prefix("0::"));
        let bounds = Delegated::to(&world).is_some_and(|group| group.processes);
        let expected = if bounds { "/commands" } else { "/" };
        assert!(path.is_none_or(|path| path == expected), "{user:?}: {text}");
    }
}

/// Kills everybody who would have ended a command, at once, so that only its group is left.
#[test]
fn what_outlives_its_keeper_is_ended_by_the_next_session() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        let Some(delegated) = Delegated::to(&world) else {
            skip("control groups: none is delegated to this user");
            continue;
        };
        if mode == Mode::View && !delegated.processes {
            skip("control groups: none that bounds processes is delegated to this user");
            continue;
        }
        // The kernel ends the first process of a command with its launcher; not those below it.
        let file = world.workspace().join("file");
        let mut command = world.run(Policy::Workspace);
        command.args(["sh", "-c", "./attacker staying \"$0\" & wait"]);
        command
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut broker = command.spawn().unwrap();
        wait_until("it runs", || file.exists());
        let session = alive(&world)
            .into_iter()
            .find_map(|pid| delegated.of(Pid::from_raw(pid)));
        let session = session.expect("the command is in a group");
        // None of them comes to do anything between the first kill and the last.
        let launcher = launcher_of(&broker);
        let keeper = parent_of(launcher);
        let everybody = [broker_of(&broker, keeper), keeper, launcher];
        for process in everybody {
            kill(process, Signal::SIGSTOP).unwrap();
        }
        for process in everybody {
            kill(process, Signal::SIGKILL).unwrap();
        }
        broker.wait().unwrap();
        if mode == Mode::Flat {
            assert_ne!(
                alive(&world),
                [0; 0],
                "{user:?}: nothing is left to be ended"
            );
        }
        assert!(session.exists(), "{user:?} {mode:?}");
        // A session that does nothing else.
        let output = world.run(Policy::Workspace).arg("true").output().unwrap();
        assert!(output.status.success(), "{output:?}");
        wait_until("everything ended", || alive(&world).is_empty());
        wait_until("its group is gone", || !session.exists());
    }
}

fn parent_of(process: Pid) -> Pid {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let after = text.rsplit_once(')').unwrap().1;
    Pid::from_raw(after.split_whitespace().nth(1).unwrap().parse().unwrap())
}

/// The broker itself, which setpriv becomes.
fn broker_of(started: &Child, keeper: Pid) -> Pid {
    let broker = parent_of(keeper);
    assert_eq!(broker.as_raw(), started.id().cast_signed());
    broker
}

/// What is not ours is left alone: another's name, and a group that is in use.
#[test]
fn nobody_elses_group_is_touched() {
    for user in User::all() {
        let world = World::in_mode(*user, Mode::Flat);
        let Some(delegated) = Delegated::to(&world) else {
            skip("control groups: none is delegated to this user");
            continue;
        };
        let leaf = Leaf::below(&world, &delegated);
        let file = world.workspace().join("file");
        let mut broker = start(&world, &[], &file);
        let session = alive(&world)
            .into_iter()
            .find_map(|pid| delegated.of(Pid::from_raw(pid)));
        let session = session.expect("the command is in a group");
        let output = world.run(Policy::Workspace).arg("true").output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(leaf.0.exists() && session.exists());
        assert_ne!(alive(&world), [0; 0]);
        broker.kill().unwrap();
        broker.wait().unwrap();
        wait_until("everything ended", || alive(&world).is_empty());
        // Its keeper removes it, but where that has given up the privilege to: at the very root.
        let output = world.run(Policy::Workspace).arg("true").output().unwrap();
        assert!(output.status.success(), "{output:?}");
        wait_until("its group is gone", || !session.exists());
    }
}
