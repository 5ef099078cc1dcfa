//! What is told of a command is what was refused, once and whole, and nothing else.

use std::process::Stdio;

use serde_json::{Value, json};

use super::told::{is_told, report, world};
use super::world::World;

/// What fails for another reason before anybody is asked, and what only looks like a way out.
const NOTHING_TO_REFUSE: &str = r#"
import ctypes, errno, os, struct, sys

def fails(expected, call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        wanted = errno.errorcode[expected]
        assert error.errno == expected, (call, arguments, error, wanted)
    else:
        raise AssertionError((call, arguments))

here = os.getcwd()
above = here
while above != "/":
    fails(errno.EEXIST, os.mkdir, above)
    above = os.path.dirname(above)
fails(errno.EEXIST, os.mkdir, "kept")
fails(errno.EEXIST, os.symlink, "x", "mine")
fails(errno.EEXIST, os.link, "mine", "kept")
fails(errno.EEXIST, os.mknod, "mine")
fails(errno.EEXIST, os.open, "mine", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
fails(errno.EEXIST, os.open, "dangling", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
fails(errno.EISDIR, os.open, "kept", os.O_WRONLY)
fails(errno.EISDIR, os.truncate, "kept", 0)
fails(errno.ENOENT, os.truncate, "missing", 0)
fails(errno.ENOENT, os.chmod, "missing", 0o600)
fails(errno.ENOENT, os.utime, here + "/missing")
if sys.argv[1] == "removes":
    fails(errno.ENOENT, os.unlink, "missing")
    fails(errno.ENOENT, os.rmdir, "missing")
    fails(errno.ENOENT, os.rename, "missing", "other")

def openat2(path, resolve):
    how = struct.pack("QQQ", os.O_RDONLY, 0, resolve)
    libc = ctypes.CDLL(None, use_errno=True)
    found = libc.syscall(437, os.open(".", os.O_PATH), path, how, len(how))
    if found < 0:
        raise OSError(ctypes.get_errno(), path)
    return os.read(found, 100)

BENEATH, IN_ROOT = 8, 16
assert openat2(b"/etc/shadow", IN_ROOT) == b"own"
assert openat2(b"../../etc/shadow", IN_ROOT) == b"own"
fails(errno.EXDEV, openat2, b"../../etc/shadow", BENEATH)
"#;

#[test]
fn what_fails_whatever_is_allowed_is_neither_refused_nor_told() {
    for (flat, options, removes) in [
        ("0", &[][..], "removes"),
        ("1", &[], "removes"),
        ("0", &["--read-only"], ""),
        ("1", &["--read-only"], "removes"),
    ] {
        let world = world();
        world.write("work/kept/file", "");
        world.write("work/etc/shadow", "own");
        world.write("work/attempts.py", NOTHING_TO_REFUSE);
        std::os::unix::fs::symlink("nowhere", world.path("work/dangling")).unwrap();
        let script = format!("exec python3 attempts.py '{removes}'");
        let report = report(&world, flat, options, &script);
        assert_eq!(report["result"]["exit_code"], 0, "{options:?} {report}");
        let denials = report["denials"].as_array().unwrap();
        let told = denials.iter().find(|one| {
            let path = one["path"].as_str().unwrap_or_default();
            // Python looks for its own settings, too.
            one["noise"].is_null() && path.starts_with(world.path("work").to_str().unwrap())
        });
        assert_eq!(told, None, "{flat} {options:?} {report}");
        let changes = |one: &&Value| {
            let op = one["op"].as_str().unwrap();
            ["mkdir", "symlink", "link", "mknod", "truncate", "openat2"].contains(&op)
        };
        assert_eq!(denials.iter().find(changes), None, "{flat} {report}");
    }
}

/// A reader of the record does not know in which directory a process was.
#[test]
fn what_is_told_is_told_with_its_whole_path() {
    for flat in ["0", "1"] {
        let world = world();
        world.write("work/sub/file", "");
        let script = "cd sub; echo x > file; rm file; chmod 600 file; mkdir ../sub/./new";
        let report = report(&world, flat, &["--read-only"], script);
        let work = world.path("work");
        for name in ["sub/file", "sub/new"] {
            let path = work.join(name);
            assert!(
                is_told(&report, path.to_str().unwrap(), "read-only"),
                "{report}"
            );
        }
        let denials = report["denials"].as_array().unwrap();
        let is_relative = |one: &&Value| {
            let path = one["path"].as_str();
            path.is_some_and(|path| !path.starts_with('/'))
        };
        assert_eq!(denials.iter().find(is_relative), None, "{report}");
    }
}

/// Whoever reads at the other end of a pipe in the workspace would hear of it.
#[test]
fn writing_to_what_is_no_file_is_refused_and_told() {
    for flat in ["0", "1"] {
        let world = world();
        let pipe = world.path("work/pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
        // With a reader, so that nobody waits for one.
        let reader = std::fs::File::options()
            .read(true)
            .write(true)
            .open(&pipe)
            .unwrap();
        let report = report(&world, flat, &["--read-only"], "echo x > pipe");
        assert_ne!(report["result"]["exit_code"], 0, "{report}");
        assert!(is_told(&report, "pipe", "read-only"), "{report}");
        drop(reader);
    }
}

/// A link that leads to a name that is not there yet leads to where that would be made.
#[test]
fn a_file_that_would_be_made_behind_a_link_is_told() {
    let world = world();
    // A view has a `/tmp` of its own, where this world lies: what is looked up there ends there.
    let made = format!("/var/lobsterpot-made-{}", std::process::id());
    let made = std::path::Path::new(&made);
    std::os::unix::fs::symlink(made, world.path("work/first")).unwrap();
    std::os::unix::fs::symlink("first", world.path("work/second")).unwrap();
    for (flat, name) in [("0", "first"), ("1", "first"), ("1", "second")] {
        let report = report(&world, flat, &[], &format!("echo x > {name}"));
        assert_ne!(report["result"]["exit_code"], 0, "{report}");
        let denials = report["denials"].as_array().unwrap();
        let told = denials.iter().filter(|one| one["noise"].is_null()).count();
        assert_eq!(told, 1, "{flat} {report}");
        let is_made = std::fs::remove_file(made).is_ok();
        assert!(!is_made, "{flat} {report}");
    }
}

/// Many refusals must not hide what is tried after them, nor fill anybody's memory.
#[test]
fn a_flood_hides_nothing() {
    let flood = "import os
for number in range(1500):
    for _ in range(2):
        try:
            os.open('/usr/made-%d' % number, os.O_WRONLY | os.O_CREAT)
        except OSError:
            pass
for _ in range(3000):
    try:
        os.rmdir('/usr/bin')
    except OSError:
        pass
";
    for flat in ["0", "1"] {
        let world = world();
        world.write("work/flood.py", flood);
        let report = report(&world, flat, &[], "exec python3 flood.py");
        let denials = report["denials"].as_array().unwrap();
        let count = |op: &str| -> u64 {
            let of = denials.iter().filter(|one| one["op"] == op);
            of.map(|one| one["count"].as_u64().unwrap()).sum()
        };
        assert_eq!(count("rmdir"), 3000, "{report}");
        let opened = denials.iter().filter(|one| one["code"] == "read-only");
        let opened: u64 = opened.map(|one| one["count"].as_u64().unwrap()).sum();
        assert_eq!(opened, 6000, "{report}");
    }
}

/// What a command left behind goes on asking the supervisor, which answers as ever.
#[test]
fn what_outlives_its_command_can_do_what_it_could_before() {
    let text = std::fs::read_to_string("policies/workspace.toml").unwrap();
    let text = text
        .replace("name = \"workspace\"", "name = \"own\"")
        .replacen(
            "mode = \"auto\"",
            "mode = \"auto\"\nbackground = \"until-session-end\"",
            1,
        );
    for flat in ["0", "1"] {
        let world = World::new();
        let policy = world.write("home/own.toml", &text);
        world.write(
            "work/left",
            "until [ -e go ]; do sleep 0.1; done
            mkdir made && echo x > made/file && chmod 600 made/file && cat made/file > copy
            echo x > /usr/made; echo done > end",
        );
        let start = "sh left > out 2>&1 < /dev/null & exit 0";
        let wait = "echo x > go; until [ -e end ]; do sleep 0.1; done";
        let lines = [start, wait, "true"].map(|shell| {
            let request = json!({"id": "1", "op": "exec.run", "shell": shell, "timeout": "60s"});
            format!("{request}\n")
        });
        let mut command = world.command(["call", "--policy", policy.to_str().unwrap()]);
        command
            .env("LOBSTERPOT_FORCE_FLAT", flat)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), lines.concat().as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let replies: Vec<Value> = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(replies.len(), 3, "{replies:?}");
        let said = world.read("work/out");
        assert!(!said.contains("not implemented"), "{said}");
        assert_eq!(world.read("work/copy"), "x\n", "{said} {replies:?}");
        let told = |reply: &&Value| is_told(reply, "/usr/made", "read-only");
        assert_eq!(replies.iter().filter(told).count(), 1, "{replies:?}");
    }
}
