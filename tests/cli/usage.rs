//! What holds for every command: usage errors, help, colours, diagnostics, readers that leave.

use std::process::Stdio;

use super::world::World;

#[test]
fn what_cannot_be_meant_ends_with_2_and_points_to_the_help() {
    let world = World::new();
    for arguments in [
        &[][..],
        &["fly"],
        &["run"],
        &["run", "--"],
        &["run", "--readonly", "true"],
        &["run", "--timeout", "0", "true"],
        &["run", "--timeout", "soon", "true"],
        &["run", "--json=yes", "true"],
        &["run", "--read-only=false", "true"],
        &["check"],
        &["check", "--read", "a", "ls"],
        &["check", "--read", "a", "--list", "b"],
        &["call", "extra"],
        &["policy"],
        &["policy", "lint"],
        &["man", "fly"],
        &["completions", "sh"],
    ] {
        let ran = world.run(arguments).expect(2);
        assert_eq!(ran.stdout, "", "{arguments:?}");
        assert!(ran.stderr.contains("help"), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn what_stands_after_the_command_belongs_to_it() {
    let world = World::new();
    for arguments in [
        &["run", "echo", "--json", "-h", "--", "--root=x"][..],
        &["run", "--", "echo", "--json", "-h", "--", "--root=x"],
        &["run", "--json", "echo", "--json", "-h", "--", "--root=x"],
    ] {
        let ran = world.run(arguments).expect(0);
        assert_eq!(ran.stdout, "--json -h -- --root=x\n", "{arguments:?}");
    }
}

#[test]
fn every_help_text_fits_and_each_command_has_an_example_or_tells_more() {
    let world = World::new();
    let all = world.commands_from(&[]);
    assert!(all.len() > 30, "{all:?}");
    for path in all {
        let help = path.iter().map(String::as_str).chain(["--help"]);
        let ran = world.run(help).expect(0);
        let told = ["Example", "Commands:", "Exit codes:"];
        // What is below a command is told of there.
        assert!(
            path.len() > 1 || told.iter().any(|word| ran.stdout.contains(word)),
            "{path:?}"
        );
        assert_eq!(ran.stderr, "");
        for line in ran.stdout.lines() {
            assert!(line.chars().count() <= 100, "{path:?}: {line}");
        }
    }
}

#[test]
fn the_short_help_is_short() {
    let world = World::new();
    for path in [&[][..], &["run"], &["check"], &["policy"]] {
        let ran = world.run(path.iter().chain(&["-h"])).expect(0);
        assert!(ran.stdout.lines().count() <= 30, "{path:?}: {}", ran.stdout);
    }
}

#[test]
fn colours_come_on_request_and_never_into_json() {
    let world = World::new();
    let stderr = |arguments: &[&str], variable: Option<(&str, &str)>| {
        let mut command = world.command(arguments);
        command.envs(variable).stdin(Stdio::null());
        String::from_utf8(command.output().unwrap().stderr).unwrap()
    };
    let denied = ["run", "cat", "/etc/shadow"];
    let force = Some(("CLICOLOR_FORCE", "1"));
    assert!(!stderr(&denied, None).contains('\u{1b}'));
    assert!(stderr(&denied, force).contains("\u{1b}[1m\u{1b}[31msandbox: "));
    assert!(!stderr(&["run", "--json", "cat", "/etc/shadow"], force).contains('\u{1b}'));
    assert!(!stderr(&["run", "--json", "--root", "/", "ls"], force).contains('\u{1b}'));
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let world = World::new();
    for arguments in [&["policy", "schema"][..], &["policy", "explain"], &["man"]] {
        let mut child = world
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(output.stderr, b"", "{arguments:?}");
    }
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let world = World::new();
    let full = std::fs::File::create("/dev/full").unwrap();
    let output = world
        .command(["policy", "schema"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.starts_with("error: cannot write to standard output\ncaused by: "),
        "{stderr}"
    );
}

#[test]
fn diagnostics_go_to_stderr_and_a_wrong_level_is_an_error() {
    let world = World::new();
    let with = |value: &str| {
        let mut command = world.command(["run", "echo", "hi"]);
        command.env("LOBSTERPOT_LOG", value).stdin(Stdio::null());
        command.output().unwrap()
    };
    let told = with("trace");
    assert_eq!(
        (told.status.code(), &told.stdout[..]),
        (Some(0), &b"hi\n"[..])
    );
    let wrong = with("lobsterpot=loud");
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        String::from_utf8(wrong.stderr)
            .unwrap()
            .contains("LOBSTERPOT_LOG")
    );
}

#[test]
fn errors_are_told_once_with_cause_and_hint() {
    let world = World::new();
    let ran = world
        .run(["run", "--policy", "missing.toml", "true"])
        .expect(125);
    let path = world.path("work/missing.toml");
    assert_eq!(
        ran.stderr,
        format!(
            "error: cannot read policy {}\ncaused by: No such file or directory\n",
            path.display()
        )
    );
    let ran = world
        .run(["run", "--json", "--policy", "missing", "true"])
        .expect(2);
    let report = ran.report();
    assert!(report["error"].as_str().unwrap().contains("missing"));
    assert!(report["hint"].is_string());
}
