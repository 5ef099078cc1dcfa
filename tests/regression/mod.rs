//! What was once wrong, each with the way in which it showed, by the real program.
//!
//! A bug that an attack or a tool of `containment` finds is tested there, beside its kin; this
//! is for those that would fall between the chairs. None is ever removed.

use std::os::unix::ffi::OsStrExt as _;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A workspace, and directories for everything that the program keeps.
struct World(TempDir);

impl World {
    fn new() -> Self {
        let world = TempDir::new().unwrap();
        for name in ["work", "home", "state", "tmp"] {
            std::fs::create_dir(world.path().join(name)).unwrap();
        }
        Self(world)
    }

    fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lobsterpot"));
        command
            .current_dir(self.0.path().join("work"))
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.0.path().join("home"))
            .env("XDG_STATE_HOME", self.0.path().join("state"))
            .env("TMPDIR", self.0.path().join("tmp"))
            .stdin(Stdio::null());
        command
    }

    fn run(&self, script: &str) -> Command {
        let mut command = self.program();
        command.args(["run", "--", "sh", "-c", script]);
        command
    }
}

fn output(command: &mut Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (status.code(), text(stdout), text(stderr))
}

/// Without a search path no program was found, and the error spoke of an invalid argument.
#[test]
fn programs_are_found_without_a_search_path() {
    let world = World::new();
    for path in [None, Some("")] {
        let mut command = world.run("ls; echo $PATH");
        command.env_remove("PATH");
        if let Some(path) = path {
            command.env("PATH", path);
        }
        let (code, told, errors) = output(&mut command);
        assert_eq!(code, Some(0), "{errors}");
        assert!(told.contains("/usr/bin:"), "{told}");
    }
    // A search path that names nothing is the caller's own will.
    let mut command = world.run("true");
    let (code, _, errors) = output(command.env("PATH", "/nonexistent"));
    assert_eq!(code, Some(127), "{errors}");
    assert!(errors.contains("no such command"), "{errors}");
}

/// A word that is not UTF-8 ended with a message that did not say which, or what to do.
#[test]
fn a_word_that_is_no_text_is_a_usage_error_that_says_what_to_do() {
    let world = World::new();
    let name = std::ffi::OsStr::from_bytes(b"\xff");
    let mut command = world.program();
    let (code, _, errors) = output(command.args(["run", "--", "cat"]).arg(name));
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("UTF-8"), "{errors}");
    // Such a name is no obstacle for what runs inside.
    std::fs::write(world.0.path().join("work").join(name), "found").unwrap();
    let (code, told, errors) = output(&mut world.run("cat ?"));
    assert_eq!((code, &*told), (Some(0), "found"), "{errors}");
}

/// The doctor spoke of a view where the operator had forced flat mode.
#[test]
fn the_doctor_knows_what_the_operator_forced() {
    let world = World::new();
    let mut command = world.program();
    let (_, told, errors) = output(command.arg("doctor").env("LOBSTERPOT_FORCE_FLAT", "1"));
    assert!(
        told.contains("flat: LOBSTERPOT_FORCE_FLAT is set"),
        "{told}{errors}"
    );
}

/// A note counted processes that had ended by themselves among those that were ended.
#[test]
fn what_ended_by_itself_is_not_counted_as_ended() {
    let world = World::new();
    for flat in ["0", "1"] {
        // The child in between has ended, and nobody waited for it.
        let script = "(sleep 600 > /dev/null 2>&1 & exit 0) & exec sleep 0.3";
        let mut command = world.run(script);
        let (code, _, errors) = output(command.env("LOBSTERPOT_FORCE_FLAT", flat));
        assert_eq!(code, Some(0), "{errors}");
        assert_eq!(
            errors,
            "note: a process that outlived the command was ended\n"
        );
    }
}
