//! What mounts and Landlock refuse inside a command is in its reply: code and path of each.

mod living;
mod paths;

use std::process::Stdio;

use serde_json::Value;

use super::world::{Ran, World};

/// Attempts, each by the path that is to be told, its code in a view, and its code in flat mode.
/// In a file, for a command line with these names is refused before it runs.
const ATTEMPTS: [(&str, &str, &str, &str); 9] = [
    (
        "cat /etc/shadow",
        "/etc/shadow",
        "outside-capability",
        "outside-capability",
    ),
    (
        "ls /var/spool",
        "/var/spool",
        "outside-capability",
        "outside-capability",
    ),
    (
        "mkdir /opt/made",
        "/opt/made",
        "outside-capability",
        "outside-capability",
    ),
    ("touch /usr/made", "/usr/made", "read-only", "read-only"),
    ("rm /usr/bin/env", "/usr/bin/env", "read-only", "read-only"),
    (
        "mv mine /usr/lib/moved",
        "/usr/lib/moved",
        "read-only",
        "read-only",
    ),
    (
        "ln mine /usr/linked",
        "/usr/linked",
        "read-only",
        "read-only",
    ),
    ("echo x >> .git/config", ".git/config", "protected-path", ""),
    ("cat .env", ".env", "hidden-path", ""),
];

fn world() -> World {
    let world = World::new();
    world.write("work/.git/config", "[core]\n");
    world.write("work/.env", "KEY=value\n");
    world.write("work/mine", "mine\n");
    world
}

/// The reply to a script, in a mode.
fn report(world: &World, flat: &str, options: &[&str], script: &str) -> Value {
    world.write("work/script", script);
    let mut words = vec!["run", "--json"];
    words.extend(options);
    words.extend(["--", "sh", "script"]);
    let mut command = world.command(words);
    command
        .env("LOBSTERPOT_FORCE_FLAT", flat)
        .stdin(Stdio::null());
    Ran::of(command.output().unwrap()).report()
}

fn is_told(report: &Value, path: &str, code: &str) -> bool {
    let denials = report["denials"].as_array().unwrap();
    denials.iter().any(|denial| {
        let told = denial["path"].as_str().unwrap_or_default();
        denial["code"] == code && (told == path || told.ends_with(&format!("/{path}")))
    })
}

#[test]
fn what_other_layers_refuse_is_told() {
    for flat in ["0", "1"] {
        for (script, path, in_view, in_flat) in ATTEMPTS {
            let world = world();
            let report = report(&world, flat, &[], script);
            let is_view = report["enforced"]["mode"] == "view";
            let code = if is_view { in_view } else { in_flat };
            // Nobody but the tripwire sees what is looked up and not opened.
            let has_tripwire = report["enforced"]["witness"]
                .as_str()
                .is_some_and(|witness| witness.contains("tripwire"));
            if is_view && !has_tripwire && script.starts_with("ls") {
                continue;
            }
            // In flat mode nothing keeps commands from the exceptions of what they can change.
            if code.is_empty() {
                continue;
            }
            assert_ne!(report["result"]["exit_code"], 0, "{script}: {report}");
            assert!(is_told(&report, path, code), "{script}: {report}");
        }
    }
}

#[test]
fn what_a_read_only_policy_refuses_is_told() {
    for flat in ["0", "1"] {
        for (script, path) in [
            ("echo x > mine", "mine"),
            ("echo x > made", "made"),
            ("mkdir made", "made"),
            ("rm mine", "mine"),
            ("mv mine moved", "mine"),
            ("ln mine linked", "linked"),
            ("ln -s mine linked", "linked"),
            ("chmod 600 mine", "mine"),
            ("truncate -s 0 mine", "mine"),
            ("touch mine", "mine"),
        ] {
            let world = world();
            let report = report(&world, flat, &["--read-only"], script);
            assert!(is_told(&report, path, "read-only"), "{script}: {report}");
            assert_eq!(world.read("work/mine"), "mine\n");
        }
    }
}

/// A witness that sees what is allowed as refused would be in everybody's way.
#[test]
fn what_is_allowed_is_neither_refused_nor_told() {
    let script = "set -e
        mkdir made; echo x > made/file; mv made/file made/other; ln made/other made/linked
        ln -s other made/symbolic; cat made/symbolic; chmod 600 made/other; touch made/other
        rm -r made; echo x > /dev/null; echo x > \"$TMPDIR/own\"; rm \"$TMPDIR/own\"
        exec 3> made; echo x > /proc/self/fd/3; exec 4< made; cat /dev/fd/4; rm made
        ls /usr/bin > /dev/null; head -c 1 /dev/zero > /dev/null
        git init -q new; cd new; git config user.email a@b; git config user.name a
        echo x > file; git add file; git commit -qm x; git status";
    for flat in ["0", "1"] {
        let world = world();
        let report = report(&world, flat, &[], script);
        assert_eq!(report["result"]["exit_code"], 0, "{report}");
        let none: [Value; 0] = [];
        let denials = report["denials"].as_array().unwrap();
        let told: Vec<&Value> = denials
            .iter()
            .filter(|one| one["noise"].is_null())
            .collect();
        assert_eq!(told, none.iter().collect::<Vec<_>>(), "{report}");
    }
}

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

#[test]
fn a_policy_says_how_much_is_looked_at() {
    let text = std::fs::read_to_string("policies/workspace.toml").unwrap();
    let told = |notify: &str, flat: &str| {
        let world = world();
        let text = text
            .replace("name = \"workspace\"", "name = \"own\"")
            .replace(
                "mode = \"auto\"",
                &format!("mode = \"auto\"\nkernel-witness = \"off\"\nnotify = \"{notify}\""),
            );
        let policy = world.write("home/own.toml", &text);
        let policy = policy.to_str().unwrap();
        let script = "touch /usr/made; cat /etc/shadow";
        let report = report(&world, flat, &["--policy", policy], script);
        let has_tripwire = report["enforced"]["witness"]
            .as_str()
            .is_some_and(|witness| witness.contains("tripwire"));
        let change = is_told(&report, "/usr/made", "read-only");
        let open = is_told(&report, "/etc/shadow", "outside-capability");
        (change, open, has_tripwire)
    };
    assert_eq!(told("closed-calls", "1"), (false, false, false));
    assert_eq!(told("changes", "1"), (true, false, false));
    assert_eq!(told("opens", "1"), (true, true, false));
    if told("opens", "0") == (true, true, true) {
        // The tripwire sees the rest of a view.
        assert_eq!(told("closed-calls", "0"), (false, true, true));
        assert_eq!(told("changes", "0"), (true, true, true));
    }
}

/// Without its device there is no tripwire, and the supervisor tells what it can.
#[test]
fn where_there_is_no_tripwire_opens_outside_are_told_all_the_same() {
    let world = world();
    let script =
        "cat /etc/shadow; cat ../../etc/shadow; cat missing; cat /usr/lib/missing; cat mine";
    let report = report(&world, "0", &[], script);
    if report["enforced"]["mode"] != "view" {
        return;
    }
    assert!(
        is_told(&report, "/etc/shadow", "outside-capability"),
        "{report}"
    );
    for path in ["missing", "/usr/lib/missing", "mine"] {
        assert!(!is_told(&report, path, "outside-capability"), "{report}");
    }
}

fn told_of<'a>(report: &'a Value, path: &str) -> Option<&'a Value> {
    let denials = report["denials"].as_array().unwrap();
    denials.iter().find(|denial| denial["path"] == path)
}

/// What may be read, and not executed.
#[test]
fn what_may_not_be_executed_is_told() {
    let text = std::fs::read_to_string("policies/workspace.toml").unwrap();
    let text = text
        .replace("name = \"workspace\"", "name = \"own\"")
        .replacen(", \"execute\"]", "]", 1);
    for flat in ["0", "1"] {
        let world = world();
        let policy = world.write("home/own.toml", &text);
        let options = ["--policy", policy.to_str().unwrap()];
        let script = "cp /usr/bin/id own; ./own; python3 script.py";
        let code = "import os; os.execve(os.open('own', os.O_RDONLY), ['own'], {})";
        world.write("work/script.py", code);
        let report = report(&world, flat, &options, script);
        assert_eq!(report["result"]["stdout"], "", "{report}");
        let path = world.path("work/own").canonicalize().unwrap();
        let told = told_of(&report, path.to_str().unwrap());
        let told = told.unwrap_or_else(|| panic!("{flat}: {report}"));
        assert_eq!(told["code"], "right-not-granted", "{report}");
        let denials = report["denials"].as_array().unwrap();
        let times: u64 = denials
            .iter()
            .filter(|one| one["path"] == path.to_str().unwrap())
            .map(|one| one["count"].as_u64().unwrap())
            .sum();
        // By its name and by its descriptor.
        assert_eq!(times, 2, "{report}");
    }
}

/// Netlink, packets, virtual machines, the kernel's cryptography.
#[test]
fn a_socket_of_whatever_family_is_told() {
    let code = "import socket, errno
for family in [16, 17, 40, 38, 2]:
    try: socket.socket(family, socket.SOCK_DGRAM)
    except OSError as error: assert error.errno in (errno.EAFNOSUPPORT, errno.ENETUNREACH), error";
    for flat in ["0", "1"] {
        let world = world();
        world.write("work/script.py", code);
        let report = report(&world, flat, &[], "exec python3 script.py");
        assert_eq!(report["result"]["exit_code"], 0, "{report}");
        let denials = report["denials"].as_array().unwrap();
        let of_sockets = denials
            .iter()
            .filter(|one| one["op"] == "socket" && one["code"] == "network-not-granted");
        let times: u64 = of_sockets.map(|one| one["count"].as_u64().unwrap()).sum();
        assert_eq!(times, 5, "{report}");
    }
}
