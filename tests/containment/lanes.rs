//! Several commands of one session at the same time: each ends alone, is told of alone, and
//! reaches no other. The witness is a file that a command goes on growing.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::world::{Mode, User, World, skip, wait_until};

/// A session in which requests are under way at the same time.
pub(super) struct Call {
    child: Child,
    requests: Option<ChildStdin>,
    replies: Option<BufReader<ChildStdout>>,
    /// Replies and events that came while another was waited for.
    early: Vec<Value>,
}

impl Call {
    pub(super) fn start(world: &World) -> Self {
        let mut command = world.program();
        command.args(["call", "--concurrent", "--policy"]);
        command.arg(world.path("policy.toml"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        Self {
            requests: child.stdin.take(),
            replies: child.stdout.take().map(BufReader::new),
            child,
            early: Vec::new(),
        }
    }

    fn ask(&mut self, request: &Value) {
        writeln!(self.requests.as_mut().unwrap(), "{request}").unwrap();
    }

    pub(super) fn run(&mut self, id: &str, shell: &str) {
        self.ask(&json!({ "id": id, "op": "exec.run", "shell": shell }));
    }

    fn next(&mut self) -> Value {
        let mut line = String::new();
        let replies = self.replies.as_mut().unwrap();
        assert_ne!(replies.read_line(&mut line).unwrap(), 0, "{:?}", self.early);
        serde_json::from_str(&line).unwrap()
    }

    /// The reply to a request, whatever comes before it.
    pub(super) fn reply(&mut self, id: &str) -> Value {
        let is_it = |one: &Value| one["id"] == id && one["status"].is_string();
        if let Some(place) = self.early.iter().position(is_it) {
            return self.early.remove(place);
        }
        loop {
            let one = self.next();
            if is_it(&one) {
                return one;
            }
            self.early.push(one);
        }
    }

    fn cancel(&mut self, id: &str) -> Value {
        self.ask(&json!({ "id": "the end", "op": "cancel", "request": id }));
        self.reply("the end")["result"]["cancelled"].clone()
    }

    /// Asks for nothing more, and reads what is left.
    pub(super) fn end(mut self) -> Vec<Value> {
        drop(self.requests.take());
        let lines = self.replies.take().unwrap().lines();
        let rest = lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap());
        self.early.extend(rest);
        assert!(self.child.wait().unwrap().success());
        self.early
    }
}

/// A command that grows a file until somebody ends it.
fn growing(name: &str) -> String {
    format!("while :; do echo x >> {name}; sleep 0.02; done")
}

fn is_growing(file: &Path) -> bool {
    let size = || fs::metadata(file).map_or(0, |found| found.len());
    let before = size();
    std::thread::sleep(Duration::from_millis(300));
    size() != before
}

/// The paths of what was refused. The kernel, where it is a witness, names but the directory of
/// what would be made there.
fn denied(reply: &Value) -> Vec<String> {
    let denials = reply["denials"].as_array().unwrap().iter();
    let mut paths: Vec<String> = denials
        .filter(|denial| denial["path_source"] != "kernel")
        .map(|denial| denial["path"].as_str().unwrap_or("-").to_owned())
        .collect();
    paths.sort();
    paths
}

#[test]
fn commands_run_side_by_side_and_share_the_private_directory() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        let mut call = Call::start(&world);
        // The first ends only when the second has run.
        call.run(
            "first",
            "while ! test -e $TMPDIR/second; do sleep 0.02; done; echo first",
        );
        call.run("second", "echo here > $TMPDIR/second");
        call.ask(&json!({ "id": "file", "op": "file.read", "path": "mine" }));
        assert_eq!(call.reply("file")["result"]["content"], "mine");
        assert_eq!(call.reply("second")["result"]["exit_code"], 0);
        assert_eq!(call.reply("first")["result"]["stdout"], "first\n");
        assert_eq!(call.end(), [Value::Null; 0]);
        wait_until("nothing is left", || world.scratch_left().is_empty());
    }
}

#[test]
fn one_is_ended_and_the_others_run_on() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        let files = ["one", "other"].map(|name| world.workspace().join(name));
        let mut call = Call::start(&world);
        // With a process that would survive its parent.
        let stray = format!("(setsid sh -c '{}' &); sleep 600", growing("one"));
        call.run("one", &stray);
        call.run("other", &growing("other"));
        for file in &files {
            wait_until("it runs", || file.exists());
        }
        assert_eq!(call.cancel("one"), true);
        let ended = call.reply("one");
        assert_eq!(ended["status"], "failed", "{ended}");
        assert_eq!(ended["result"]["cancelled"], true, "{ended}");
        assert_eq!(ended["result"]["signal"], 9, "{ended}");
        assert!(!is_growing(&files[0]), "{user:?} {mode:?}");
        wait_until("the other runs on", || is_growing(&files[1]));
        assert_eq!(call.cancel("one"), false);
        assert_eq!(call.cancel("other"), true);
        assert_eq!(call.reply("other")["result"]["cancelled"], true);
        assert!(!is_growing(&files[1]), "{user:?} {mode:?}");
        assert_eq!(call.end(), [Value::Null; 0]);
    }
}

/// By its number, and by guessing; the outside sees whether the other lives.
#[test]
fn no_command_ends_another() {
    for world in World::in_modes(User::Current) {
        if landlock_scopes().is_none() {
            skip("signals between commands: this kernel does not scope them (Landlock ABI 6)");
            return;
        }
        let file = world.workspace().join("victim");
        let mut call = Call::start(&world);
        call.run(
            "victim",
            &format!("echo $$ > number; {}", growing("victim")),
        );
        wait_until("it runs", || file.exists());
        let mut killing =
            "sleep 100 & kill -9 $! && echo own; kill -9 $(cat number) && echo other; \
                           kill -9 -- -$(cat number) && echo group"
                .to_owned();
        // Only where all numbers are the session's own.
        if world.mode == Mode::View {
            killing += "; for n in $(seq 2 400); do [ $n = $$ ] || kill -9 $n; done 2>/dev/null";
        }
        call.run("killer", &killing);
        let killer = call.reply("killer");
        // Its own processes it can end, so the call is not closed.
        assert_eq!(killer["result"]["stdout"], "own\n", "{killer}");
        wait_until("the victim runs on", || is_growing(&file));
        call.cancel("victim");
        call.end();
    }
}

/// By the limits that one process can set for another.
#[test]
fn no_command_limits_another() {
    for world in World::in_modes(User::Current) {
        let file = world.workspace().join("victim");
        let mut call = Call::start(&world);
        call.run(
            "victim",
            &format!("echo $$ $PPID > numbers; {}", growing("victim")),
        );
        wait_until("it runs", || file.exists());
        // Its own limits it can set, so the call is there.
        let limiting = "prlimit --nofile=64 true && echo own; \
                        for n in $(cat numbers) 1; do prlimit --pid $n --cpu=0 && echo $n; done";
        call.run("attacker", limiting);
        let attacker = call.reply("attacker");
        assert_eq!(attacker["result"]["stdout"], "own\n", "{attacker}");
        wait_until("the victim runs on", || is_growing(&file));
        call.cancel("victim");
        assert_eq!(call.reply("victim")["result"]["cancelled"], true);
        call.end();
    }
}

/// A protected name that one command makes is set aside when that ends, and another that was
/// started meanwhile makes it again.
#[test]
fn no_two_commands_make_a_protected_name_between_them() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        fs::create_dir(world.workspace().join(".git")).unwrap();
        world.hand_over(&world.workspace().join(".git"));
        let name = world.workspace().join(".git/commondir");
        let mut call = Call::start(&world);
        let first = "echo a > .git/commondir; while ! test -e second; do sleep 0.02; done";
        // In files, so that nothing is read from the command line before it runs.
        fs::write(world.workspace().join("first.sh"), first).unwrap();
        call.run("first", "sh first.sh");
        wait_until("it is made", || name.exists());
        let second = "touch second; while test -e .git/commondir; do sleep 0.02; done; \
                      echo b > .git/commondir && echo made";
        fs::write(world.workspace().join("second.sh"), second).unwrap();
        call.run("second", "sh second.sh");
        for id in ["first", "second"] {
            let reply = call.reply(id);
            assert_eq!(
                reply["denials"][0]["code"], "protected-path",
                "{mode:?} {reply}"
            );
            if id == "second" {
                assert_eq!(reply["result"]["stdout"], "made\n", "no control: {reply}");
            }
        }
        assert!(!name.exists(), "{user:?} {mode:?}");
        call.end();
    }
}

fn landlock_scopes() -> Option<()> {
    let features = lobsterpot::sandbox::HostFeatures::probe();
    (features.landlock_abi >= 6).then_some(())
}

#[test]
fn each_is_told_what_it_was_refused_itself() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        let mut call = Call::start(&world);
        // Read from nothing that the command line says, deep below, and at the same time.
        for id in ["a", "b", "c"] {
            let deep = format!(
                "sleep 0.2; (setsid sh -c 'cat $(printf /nowhere/){id}' &); sleep 0.2; \
                 touch -m $(printf /usr/){id}; sleep 0.3"
            );
            call.run(id, &deep);
        }
        for id in ["a", "b", "c"] {
            let reply = call.reply(id);
            let paths = denied(&reply);
            let others = paths.iter().filter(|path| !path.ends_with(id));
            assert_eq!(others.count(), 0, "{user:?} {mode:?} {id}: {reply}");
            let witness = reply["enforced"]["witness"].as_str().unwrap();
            if witness.contains("tripwire") {
                assert!(paths.contains(&format!("/nowhere/{id}")), "{reply}");
            }
        }
        call.end();
    }
}

/// Nobody keeps what a lost lane has started, so all of them end, and the next command gets
/// a new sandbox.
#[test]
fn a_lane_that_is_killed_takes_everything_with_it() {
    for world in World::in_modes(User::Current) {
        let files = ["one", "other"].map(|name| world.workspace().join(name));
        let mut call = Call::start(&world);
        let refused_first = format!("unshare -m true; setsid sh -c '{}'", growing("one"));
        call.run("one", &refused_first);
        call.run("other", &growing("other"));
        for file in &files {
            wait_until("it runs", || file.exists());
        }
        let launcher = *children(*children(pid_of(&call)).last().unwrap())
            .last()
            .unwrap();
        let lane = children(launcher)[0];
        kill(Pid::from_raw(lane), Signal::SIGKILL).unwrap();
        for id in ["one", "other"] {
            let reply = call.reply(id);
            assert_eq!(reply["status"], "failed", "{reply}");
            // What it was refused before is told all the same.
            let ops = reply["denials"].as_array().unwrap().iter();
            let is_told = ops.clone().any(|denial| denial["op"] == "unshare");
            assert_eq!(is_told, id == "one", "{reply}");
        }
        for file in &files {
            assert!(!is_growing(file));
        }
        call.run("next", "echo again");
        assert_eq!(call.reply("next")["result"]["stdout"], "again\n");
        call.end();
        wait_until("nothing is left", || world.scratch_left().is_empty());
    }
}

#[test]
fn when_nobody_reads_the_replies_everything_ends() {
    for world in World::in_modes(User::Current) {
        let file = world.workspace().join("file");
        let mut call = Call::start(&world);
        call.run("one", &growing("file"));
        wait_until("it runs", || file.exists());
        wait_until("it grows", || is_growing(&file));
        drop(call.replies.take());
        call.child.wait().unwrap();
        assert!(!is_growing(&file));
        wait_until("nothing is left", || world.scratch_left().is_empty());
    }
}

#[test]
fn what_is_written_is_told_while_it_runs() {
    for world in World::in_modes(User::Current) {
        let mut call = Call::start(&world);
        let shell = "echo one; while ! test -e go; do sleep 0.02; done; echo two >&2";
        call.ask(&json!({ "id": 1, "op": "exec.run", "shell": shell, "stream": true }));
        let event = |stream: &str, text: &str| json!({ "id": 1, "event": "output", "stream": stream, "text": text });
        assert_eq!(call.next(), event("stdout", "one\n"));
        fs::write(world.workspace().join("go"), "").unwrap();
        assert_eq!(call.next(), event("stderr", "two\n"));
        let reply = call.next();
        assert_eq!(reply["result"]["stdout"], "one\n", "{reply}");
        assert_eq!(reply["result"]["stderr"], "two\n", "{reply}");
        call.end();
    }
}

#[test]
fn there_are_not_more_than_so_many_and_an_id_is_used_once() {
    let world = World::new(User::Current);
    let most = lobsterpot::sandbox::MOST_LANES;
    let mut call = Call::start(&world);
    for id in 0..most {
        call.run(&id.to_string(), "while ! test -e go; do sleep 0.05; done");
    }
    call.run("one more", "true");
    let refused = call.reply("one more");
    assert_eq!(refused["status"], "failed", "{refused}");
    call.run("0", "true");
    assert_eq!(call.reply("0")["denials"][0]["code"], "bad-request");
    fs::write(world.workspace().join("go"), "").unwrap();
    for id in 0..most {
        let reply = call.reply(&id.to_string());
        assert_eq!(reply["result"]["exit_code"], 0, "{reply}");
    }
    call.run("now", "echo now");
    assert_eq!(call.reply("now")["result"]["stdout"], "now\n");
    call.end();
}

fn pid_of(call: &Call) -> i32 {
    call.child.id().cast_signed()
}

fn children(pid: i32) -> Vec<i32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    let numbers = children.split_whitespace();
    numbers.map(|number| number.parse().unwrap()).collect()
}
