//! Whatever leads out of a view has one answer and is on record, with the process that tried.
//!
//! The control is the same attack without the sandbox, where it works.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use super::world::{Answer, Failures, Place, Policy, User, World, skip, wait_until};

/// Attacks by one call each, with the names that the call can have. The first arguments of all
/// are a file, its directory, and its name.
const ATTACKS: [(&str, &[&str]); 18] = [
    ("open", &["open"]),
    ("openat", &["openat"]),
    ("openat2", &["openat2"]),
    ("path-handle", &["open", "openat"]),
    ("listing", &["openat"]),
    ("working-directory", &["chdir"]),
    ("execution", &["execve"]),
    ("write", &["openat", "open"]),
    ("creat", &["creat"]),
    ("truncate", &["truncate"]),
    ("unlink", &["unlink"]),
    ("unlinkat", &["unlinkat"]),
    ("rename", &["rename"]),
    ("chmod", &["chmod"]),
    ("fchmodat", &["fchmodat"]),
    ("utimes", &["utimes"]),
    ("setxattr", &["setxattr"]),
    ("removexattr", &["removexattr"]),
];

/// The users for whom this host has a tripwire.
fn users() -> Vec<User> {
    let is_watched = |user: &&User| {
        let answer = World::new(**user).sandboxed(Policy::Workspace, "inherited", [""; 0]);
        let witness = answer.report()["enforced"]["witness"].to_string();
        let is_watched = witness.contains("tripwire");
        if !is_watched {
            skip(&format!("the tripwire, as {user:?}: {witness}"));
        }
        is_watched
    };
    User::all().iter().filter(is_watched).copied().collect()
}

/// A directory with a file, in no grant, and in no directory that a view has to itself.
struct Outside(TempDir);

impl Outside {
    fn new(world: &World) -> Self {
        let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let outside = Self(directory);
        outside.restore(world);
        outside
    }

    /// As it was before the last attack.
    fn restore(&self, world: &World) {
        let file = self.file();
        let _ = fs::remove_file(&file);
        fs::copy("/usr/bin/id", &file).unwrap();
        world.hand_over(&self.path());
        // The attribute that one attack takes away.
        world.bare("mark", [file]);
    }

    fn path(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap()
    }

    fn file(&self) -> PathBuf {
        self.path().join("file")
    }
}

fn arguments(file: &Path) -> [PathBuf; 3] {
    let name = file.file_name().unwrap().into();
    [file.into(), file.parent().unwrap().into(), name]
}

/// The denials of a reply that the tripwire saw, and that are no noise.
fn seen(answer: &Answer) -> Vec<Value> {
    let report = answer.report();
    let denials = report["denials"].as_array().unwrap();
    let by_tripwire = denials
        .iter()
        .filter(|one| one["path_source"] == "tripwire");
    by_tripwire
        .filter(|one| one["noise"].is_null())
        .cloned()
        .collect()
}

#[test]
fn whatever_leads_outside_is_told_and_answered_alike() {
    for user in users() {
        let world = World::new(user);
        let outside = Outside::new(&world);
        let missing = outside.path().join("missing");
        let mut failures = Failures::default();
        for (attack, calls) in ATTACKS {
            let [first, second] = [outside.file(), missing.clone()].map(|file| {
                let answer = world.sandboxed(Policy::Workspace, attack, arguments(&file));
                let told = seen(&answer);
                let is_it = |denial: &Value| {
                    denial["code"] == "outside-capability"
                        && calls.iter().any(|call| denial["op"] == *call)
                        && denial["path"]
                            .as_str()
                            .is_some_and(|path| file.starts_with(path))
                        && denial["looked_up"]
                            .as_str()
                            .is_some_and(|path| file.starts_with(path))
                };
                if told.len() != 1 || !is_it(&told[0]) {
                    failures.note(format!("{user:?} {attack}: {told:?}"));
                }
                answer.errno
            });
            if first != second || first.is_none_or(|errno| errno == 0) {
                failures.note(format!("{user:?} {attack}: {first:?}, missing: {second:?}"));
            }
            let control = world.bare(attack, arguments(&outside.file()));
            let works = control.errno == Some(0) || control.stolen.starts_with("uid=");
            if !works && !control.is_missing_here() {
                failures.note(format!(
                    "{user:?} {attack} does not work outside: {control:?}"
                ));
            }
            outside.restore(&world);
        }
        failures.none("attempts to leave the view");
    }
}

#[test]
fn a_record_names_the_process() {
    for user in users() {
        let world = World::new(user);
        let outside = Outside::new(&world);
        let file = outside.file();
        world.sandboxed(Policy::Workspace, "open", arguments(&file));
        let output = world
            .program()
            .args(["audit", "query", "--denied", "--json"])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let records = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let ours: Vec<Value> = records
            .filter(|record: &Value| record["unmapped"]["path_source"] == "tripwire")
            .collect();
        let [record] = &ours[..] else {
            panic!("{text}");
        };
        assert_eq!(record["file"]["path"], *file.to_str().unwrap());
        let looked_up = record["unmapped"]["looked_up"].as_str().unwrap();
        assert!(file.starts_with(looked_up), "{record}");
        let process = &record["actor"]["process"];
        let line = process["cmd_line"].as_str().unwrap();
        assert!(line.starts_with("./attacker open "), "{process}");
        let program = world.workspace().join("attacker");
        assert_eq!(process["file"]["path"], *program.to_str().unwrap());
        assert!(process["pid"].as_u64().unwrap() > 1, "{process}");
    }
}

/// By a link in the workspace the path says one thing, and leads to another: both are told.
#[test]
fn a_path_that_leads_out_by_a_link_is_told_as_it_was_written_too() {
    for user in users() {
        let world = World::new(user);
        let outside = Outside::new(&world);
        let link = world.workspace().join("link");
        std::os::unix::fs::symlink(outside.path(), &link).unwrap();
        let answer = world.sandboxed(Policy::Workspace, "open", ["link/file", "link", "file"]);
        let told = seen(&answer);
        let [denial] = &told[..] else {
            panic!("{answer:?}");
        };
        assert_eq!(denial["written"], "link/file");
        let path = Path::new(denial["path"].as_str().unwrap());
        assert!(outside.file().starts_with(path), "{denial}");
        let output = world
            .program()
            .args(["audit", "query", "--denied", "--json"])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(r#""written":"link/file""#), "{text}");
    }
}

#[test]
fn what_is_granted_is_not_told() {
    for user in users() {
        let world = World::new(user);
        for place in [Place::Workspace, Place::Library] {
            let file = world.prey(place, "prey").join("file");
            for attack in ["open", "listing", "execution"] {
                let answer = world.sandboxed(Policy::Workspace, attack, arguments(&file));
                assert_eq!(seen(&answer), [Value::Null; 0], "{attack}");
            }
        }
    }
}

#[test]
fn directories_on_the_way_cannot_be_listed_and_that_is_told() {
    for user in users() {
        let world = World::new(user);
        let arguments = ["/etc/x", "/etc", "x"];
        let answer = world.sandboxed(Policy::Workspace, "listing", arguments);
        assert_eq!(answer.errno, Some(Errno::EACCES as i32), "{answer:?}");
        assert!(!answer.stolen.contains("passwd"), "{answer:?}");
        let told = seen(&answer);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["path"], "/etc");
        let control = world.bare("listing", arguments);
        assert!(control.stolen.contains("passwd"), "{control:?}");
    }
}

/// Tries twenty thousand names, each once.
const FLOOD: &str = "import os, sys
for n in range(20000):
    try: os.stat(f'{sys.argv[1]}/{n}')
    except FileNotFoundError: pass";

#[test]
fn a_flood_is_told_within_bounds_and_counted_exactly() {
    for user in users() {
        let world = World::new(user);
        let mut command = world.run(Policy::Workspace);
        let outside = Outside::new(&world);
        let outside = outside.path();
        command
            .args(["/usr/bin/python3", "-c", FLOOD])
            .arg(&outside);
        let output = command.output().unwrap();
        assert!(output.stderr.len() < 200_000, "{}", output.stderr.len());
        let stderr = String::from_utf8(output.stderr).unwrap();
        let report: Value =
            serde_json::from_str(stderr.trim_end().lines().last().unwrap()).unwrap();
        assert_eq!(report["result"]["exit_code"], 0, "{report}");
        let denials = report["denials"].as_array().unwrap();
        let plain = denials.iter().filter(|denial| denial["noise"].is_null());
        // Told in full, or counted at the first directory that is outside.
        let ours = plain.filter(|denial| {
            let path = Path::new(denial["path"].as_str().unwrap());
            path.starts_with(&outside) || outside.starts_with(path)
        });
        let count: u64 = ours.map(|denial| denial["count"].as_u64().unwrap()).sum();
        assert_eq!(count, 20_000, "{report}");
    }
}

fn children_of(pid: i32) -> Vec<i32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    let children = children.split_whitespace();
    children.map(|child| child.parse().unwrap()).collect()
}

/// The process that serves the tripwire: the first that the keeper starts, before the launcher.
fn server_of(broker: &Child) -> Pid {
    let [keeper] = children_of(broker.id().cast_signed())[..] else {
        panic!("the broker has one child");
    };
    let [server, _launcher] = children_of(keeper)[..] else {
        panic!("the keeper has two");
    };
    Pid::from_raw(server)
}

fn is_there(pid: Pid) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// A command that runs until its input ends, or is said to.
fn start(world: &World, command: &str) -> Child {
    let mut broker = world.run(Policy::Workspace);
    broker.args(["sh", "-c", command]);
    broker.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut broker = broker.stderr(Stdio::piped()).spawn().unwrap();
    let mut ready = [0; 6];
    broker
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut ready)
        .unwrap();
    assert_eq!(&ready, b"ready\n");
    broker
}

#[test]
fn a_session_ends_with_its_tripwire_and_says_so() {
    for user in users() {
        let world = World::new(user);
        let mut broker = start(&world, "echo ready; exec sleep 600");
        kill(server_of(&broker), Signal::SIGKILL).unwrap();
        broker.wait().unwrap();
        let mut stderr = String::new();
        broker.stderr.unwrap().read_to_string(&mut stderr).unwrap();
        let report = stderr.trim_end().lines().last().unwrap();
        let report: Value = serde_json::from_str(report).unwrap();
        let denials = &report["denials"];
        assert_eq!(denials[0]["code"], "sandbox-unavailable", "{report}");
        assert_eq!(denials[0]["path"], "tripwire", "{report}");
    }
}

#[test]
fn the_tripwire_ends_with_its_session() {
    for user in users() {
        let world = World::new(user);
        let mut broker = start(&world, "echo ready; read end");
        let server = server_of(&broker);
        assert!(is_there(server));
        drop(broker.stdin.take());
        assert_eq!(broker.wait().unwrap().code(), Some(1));
        assert!(!is_there(server), "at once: its keeper waits for it");
        // And when the broker cannot see to it.
        let mut broker = start(&world, "echo ready; read end");
        let server = server_of(&broker);
        broker.kill().unwrap();
        broker.wait().unwrap();
        wait_until("the tripwire ended", || !is_there(server));
    }
}
