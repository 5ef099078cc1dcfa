//! The private directory: usable like any other, also where nothing else can be changed.

use std::process::Stdio;

use super::world::{Policy, User, World, wait_until};
use crate::programs;

#[test]
fn tools_can_change_what_they_made_in_scratch() {
    for policy in [Policy::ReadOnly, Policy::Workspace] {
        for world in World::in_modes(User::Current) {
            let script = "set -e; cd \"$TMPDIR\"; echo x > a; chmod 751 a; touch -d @7 a; \
                          stat -c '%a %Y' a; tar cf a.tar a; tar xf a.tar; cp -p a b; git init -q r; \
                          stat -c %Y b";
            let output = world
                .run(policy)
                .args(["sh", "-c", script])
                .output()
                .unwrap();
            let told = String::from_utf8_lossy(&output.stdout).into_owned();
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(told, "751 7\n7\n", "{:?} {policy:?}: {errors}", world.mode);
        }
    }
}

/// What an ended session left is removed by the next one; what a running one has is not.
#[test]
fn sessions_beside_each_other_keep_their_directories() {
    for world in World::in_modes(User::Current) {
        let script = "echo mine > \"$TMPDIR/own\"; touch ready; \
                      until test -e go; do sleep 0.01; done; cat \"$TMPDIR/own\"";
        let mut first = world.run(Policy::Workspace);
        let first = first
            .args(["sh", "-c", script])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let ready = world.workspace().join("ready");
        wait_until("the first has begun", || ready.exists());
        let second = world.run(Policy::ReadOnly).arg("true").output().unwrap();
        assert!(second.status.success(), "{second:?}");
        std::fs::write(world.workspace().join("go"), "").unwrap();
        let first = first.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&first.stderr);
        assert_eq!(first.stdout, b"mine\n", "{errors}");
        assert!(world.scratch_left().is_empty());
    }
}

/// Inside another sandbox it works, or it says what is missing.
#[test]
fn a_sandbox_in_a_sandbox_is_one_or_says_why_not() {
    for world in World::in_modes(User::Current) {
        programs::copy(
            env!("CARGO_BIN_EXE_lobsterpot"),
            world.workspace().join("lobsterpot"),
        );
        // In a file, so that nothing is read from the command line before it runs.
        std::fs::write(world.workspace().join("script"), "echo in; echo > mine").unwrap();
        let inner = ["./lobsterpot", "run", "--read-only", "--", "sh", "script"];
        let mut command = world.run(Policy::Workspace);
        let output = command.args(inner).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.stdout, b"in\n", "{errors}");
        assert!(errors.contains("Permission denied"), "{errors}");
        let mine = world.workspace().join("mine");
        assert_eq!(std::fs::read(mine).unwrap(), b"mine");
        // The outer one has the only supervisor that there can be.
        let mut command = world.run(Policy::Workspace);
        let output = command
            .args(["./lobsterpot", "run", "--", "true"])
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(125), "{errors}");
        assert!(errors.contains("an outer sandbox already"), "{errors}");
    }
}
