//! Paths are told whole and by where they lead, whatever a command called them by.

use serde_json::Value;

use super::{is_told, report, told_of, world};

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

/// Programs that walk a tree name what they find from the directory that they are in.
#[test]
fn a_path_is_told_whole_however_it_was_named() {
    for (script, path) in [
        ("os.chdir('/usr'); os.mkdir('made')", "/usr/made"),
        (
            "os.mkdir('made', dir_fd=os.open('/usr', os.O_PATH))",
            "/usr/made",
        ),
        ("os.unlink('../usr/bin/env')", "/usr/bin/env"),
        (
            "here = os.open('/usr/bin/env', os.O_PATH)\nos.open(f'/proc/self/fd/{here}', os.O_WRONLY)",
            "/usr/bin/env",
        ),
        ("os.chmod('lib/../bin/env', 0o700)", "/usr/bin/env"),
    ] {
        for flat in ["0", "1"] {
            let world = world();
            let prepare = if script.starts_with("os.chdir") || script.starts_with("here") {
                ""
            } else {
                "os.chdir('/usr/lib/..')\n"
            };
            let script = format!("import os\n{prepare}{script}\n");
            world.write("work/script.py", &script);
            let report = report(&world, flat, &[], "python3 script.py");
            let told = told_of(&report, path).unwrap_or_else(|| panic!("{script}: {report}"));
            assert_ne!(told["code"], "hidden-path", "{script}: {report}");
        }
    }
}

/// `openat2(2)` can be told that a directory is the root of what it is asked for.
#[test]
fn what_is_confined_by_the_caller_is_not_taken_for_something_outside() {
    let code = "import ctypes, os, struct
libc = ctypes.CDLL(None, use_errno=True)
how = struct.pack('QQQ', os.O_RDONLY, 0, 0x10)
here = os.open('.', os.O_PATH)
assert libc.syscall(437, here, b'/mine', how, 24) > 0, os.strerror(ctypes.get_errno())
assert libc.syscall(437, here, b'/../mine', how, 24) > 0, os.strerror(ctypes.get_errno())";
    for flat in ["0", "1"] {
        let world = world();
        world.write("work/script.py", code);
        let report = report(&world, flat, &[], "exec python3 script.py");
        assert_eq!(report["result"]["exit_code"], 0, "{report}");
        assert!(told_of(&report, "/mine").is_none(), "{report}");
    }
}

/// `/proc/self` is whoever looks, and not the supervisor.
#[test]
fn a_detour_by_proc_is_told() {
    let world = world();
    let code = "import os
for name in ['/proc/self/root/etc/shadow', '/proc/thread-self/root/etc/shadow', '/proc/self/cwd/../../../../etc/shadow']:
    try: print(open(name).read())
    except OSError as error: assert error.errno == 13, error
os.mkdir('/proc/self/cwd/made')
assert open('/proc/self/cwd/mine').read() == 'mine\\n'";
    world.write("work/script.py", code);
    let report = report(&world, "1", &[], "exec python3 script.py");
    assert_eq!(report["result"]["exit_code"], 0, "{report}");
    assert_eq!(report["result"]["stdout"], "", "{report}");
    for path in [
        "/proc/self/root/etc/shadow",
        "/proc/thread-self/root/etc/shadow",
    ] {
        let told = told_of(&report, path).unwrap_or_else(|| panic!("{path}: {report}"));
        assert_eq!(told["code"], "outside-capability", "{report}");
        assert_eq!(told["looked_up"], "/etc/shadow", "{report}");
    }
    assert!(world.path("work/made").is_dir());
}
