//! The kernel's own audit as a witness: what it tells is on record, told of the right command,
//! and agrees with what the other witnesses saw.
//!
//! It needs a host that keeps an audit (Linux 6.15, `audit=1`), which no test ever switches on.
//! The oracle is a listener of the test's own, and the kernel's count of a domain's denials.

mod agreement;
mod listener;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::thread;

use serde_json::{Value, json};

use super::world::{Policy, User, World, skip};
use listener::{Listener, Told};

/// Whether this host tells. Says so where it does not.
fn is_told() -> bool {
    let output = World::new(User::Current)
        .program()
        .args(["doctor", "--json"])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let audit = &report["host"]["audit"];
    let is_told = audit == "readable";
    if !is_told {
        let obstacle = &audit["unreadable"]["obstacle"];
        skip(&format!("the kernel as a witness: {obstacle}"));
    }
    is_told
}

/// The mark that a reply states.
fn mark_of(reply: &Value) -> Option<String> {
    reply["enforced"]["mark"].as_str().map(str::to_owned)
}

fn is_complete(reply: &Value) -> bool {
    !reply["enforced"]["witness"]
        .as_str()
        .unwrap()
        .contains("incomplete")
}

fn denials(reply: &Value) -> &[Value] {
    reply["denials"].as_array().unwrap()
}

fn count(denial: &Value) -> usize {
    usize::try_from(denial["count"].as_u64().unwrap()).unwrap()
}

fn path(denial: &Value) -> Option<&Path> {
    denial["path"].as_str().map(Path::new)
}

fn by_kernel(denial: &Value) -> bool {
    denial["path_source"] == "kernel"
}

/// One session with these requests, one after the other.
fn session(world: &World, policy: Policy, requests: &[Value]) -> Vec<Value> {
    let mut command = world.program();
    command
        .args(["call", "--policy"])
        .arg(world.path("policy.toml"));
    if policy == Policy::ReadOnly {
        command.arg("--read-only");
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let lines: Vec<String> = requests.iter().map(Value::to_string).collect();
    let writing = thread::spawn(move || {
        let lines = lines.join("\n") + "\n";
        stdin.write_all(lines.as_bytes()).unwrap();
    });
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let replies: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(replies.len(), requests.len());
    replies
}

fn program(name: &str, argv: &[&str]) -> Value {
    json!({ "id": name, "op": "exec.run", "argv": argv })
}

#[test]
fn what_landlock_refuses_is_on_record_with_who_it_was() {
    if !is_told() {
        return;
    }
    for world in World::in_modes(User::Current) {
        // A device: no layer but Landlock minds, and no other witness sees it.
        let argv = [
            "python3",
            "-c",
            "import os; os.mknod('null', 0o20666, os.makedev(1, 3))",
        ];
        let mut listener = Listener::new();
        let replies = session(&world, Policy::Workspace, &[program("device", &argv)]);
        let told = listener.told_of(&mark_of(&replies[0]).unwrap());
        assert_eq!(told, [("fs.make_char".into(), Some(world.workspace()))]);
        let [denial] = denials(&replies[0]) else {
            panic!("{:?}", replies[0]);
        };
        assert_eq!(denial["op"], "fs.make_char");
        assert_eq!(denial["code"], "right-not-granted");
        assert_eq!(denial["path_source"], "kernel");
        assert_eq!(path(denial), Some(&*world.workspace()));
        let mut query = world.program();
        query.args(["audit", "query", "--denied", "--json"]);
        let output = query.output().unwrap();
        let record: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(record["unmapped"]["path_source"], "kernel");
        assert_eq!(record["class_uid"], 1001);
        assert_eq!(record["activity_id"], 1);
        if !listener.has_calls {
            skip("who was denied: this host's audit rules leave system calls out");
            continue;
        }
        let process = &record["actor"]["process"];
        assert!(process["pid"].as_i64().unwrap() > 1, "{record}");
        let program = process["file"]["path"].as_str().unwrap();
        assert!(program.contains("python3"), "{record}");
    }
}

/// Two sessions, and somebody else who uses Landlock, at the same time.
#[test]
fn nobody_is_told_what_another_was_refused() {
    if !is_told() {
        return;
    }
    let worlds = [World::new(User::Current), World::new(User::Current)];
    let requests = |name: &str| -> Vec<Value> {
        let code = format!(
            "import os\nfor n in range(20):\n  try: os.mknod('{name}', 0o20666, os.makedev(1, 3))\n  except OSError: pass"
        );
        (0..3)
            .map(|_| program(name, &["python3", "-c", &code]))
            .collect()
    };
    let [one, other] = &worlds;
    let (one, other) = thread::scope(|scope| {
        let first = scope.spawn(|| session(one, Policy::Workspace, &requests("one")));
        let second = scope.spawn(|| session(other, Policy::Workspace, &requests("other")));
        (first.join().unwrap(), second.join().unwrap())
    });
    let mut marks = BTreeSet::new();
    for (world, replies) in worlds.iter().zip([one, other]) {
        for reply in replies {
            assert!(marks.insert(mark_of(&reply).unwrap()));
            let told: Vec<&Value> = denials(&reply)
                .iter()
                .filter(|one| by_kernel(one))
                .collect();
            let [denial] = told[..] else {
                panic!("{reply}")
            };
            assert_eq!(path(denial), Some(&*world.workspace()));
            assert!(count(denial) == 20 || !is_complete(&reply), "{reply}");
        }
    }
    assert_eq!(marks.len(), 6);
}

/// How many denials are a flood.
const FLOOD: usize = 5000;

/// What finds no room in the kernel is missing, and then the reply says so.
#[test]
fn a_flood_is_counted_or_said_to_be_incomplete() {
    if !is_told() {
        return;
    }
    let world = World::new(User::Current);
    let code = format!(
        "import os\nfor n in range({FLOOD}):\n  try: os.mknod('null', 0o20666, os.makedev(1, 3))\n  except OSError: pass"
    );
    let replies = session(
        &world,
        Policy::Workspace,
        &[program("flood", &["python3", "-c", &code])],
    );
    let told: usize = denials(&replies[0])
        .iter()
        .filter(|one| by_kernel(one))
        .map(count)
        .sum();
    assert!((1..=FLOOD).contains(&told), "{told}");
    assert_eq!(
        is_complete(&replies[0]),
        told == FLOOD,
        "{told}: {:?}",
        replies[0]
    );
}

/// Then the host's audit log has nothing of its commands.
#[test]
fn a_policy_can_do_without_it() {
    if !is_told() {
        return;
    }
    let world = World::new(User::Current);
    let policy = fs::read_to_string(world.path("policy.toml")).unwrap();
    let policy = policy.replace("[containment]", "[containment]\nkernel-witness = \"off\"");
    fs::write(world.path("policy.toml"), policy).unwrap();
    let mut listener = Listener::new();
    let code = "import os; os.mknod('null', 0o20666, os.makedev(1, 3))";
    let replies = session(
        &world,
        Policy::Workspace,
        &[program("device", &["python3", "-c", code])],
    );
    assert_eq!(mark_of(&replies[0]), None);
    assert!(denials(&replies[0]).is_empty(), "{:?}", replies[0]);
    listener.listen();
    let of_world = |told: &&Told| told.1.as_deref() == Some(&*world.workspace());
    let told: Vec<_> = listener
        .denials
        .values()
        .flatten()
        .filter(of_world)
        .collect();
    assert!(told.is_empty(), "{told:?}");
}

/// What a policy requires and a host has not is a refusal that names what is in the way.
#[test]
fn a_policy_can_require_it() {
    for world in World::in_modes(User::Current) {
        let policy = fs::read_to_string(world.path("policy.toml")).unwrap();
        let policy = policy.replace(
            "[containment]",
            "[containment]\nkernel-witness = \"required\"",
        );
        fs::write(world.path("policy.toml"), policy).unwrap();
        let replies = session(&world, Policy::Workspace, &[program("true", &["true"])]);
        let witness = replies[0]["enforced"]["witness"].as_str().unwrap();
        if witness.contains("kernel") {
            assert_eq!(replies[0]["status"], "ok");
            continue;
        }
        assert_eq!(replies[0]["status"], "denied");
        let denial = &denials(&replies[0])[0];
        assert_eq!(denial["code"], "sandbox-unavailable");
        let hint = denial["hint"].as_str().unwrap();
        assert!(hint.contains("kernel's audit as a witness"), "{hint}");
    }
}

/// The process name under which a command enters its domain is not the one it runs under.
#[test]
fn a_command_never_runs_under_its_mark() {
    if !is_told() {
        return;
    }
    let code = "import ctypes; name = ctypes.create_string_buffer(16); \
                ctypes.CDLL(None).prctl(16, name); print(name.value.decode())";
    let requests = [program("name", &["python3", "-c", code])];
    for world in World::in_modes(User::Current) {
        let replies = session(&world, Policy::Workspace, &requests);
        assert!(mark_of(&replies[0]).unwrap().starts_with("lp-"));
        assert_eq!(replies[0]["result"]["stdout"], "python3\n");
    }
}
