//! The shell as programs call it: options, streams, exit codes, and what it says when it must.

use std::os::unix::process::CommandExt as _;

use super::world::Shelled;
use crate::cli::world::Ran;

#[test]
fn a_command_runs_in_the_sandbox() {
    let shelled = Shelled::new();
    let ran = shelled.run(["-c", "cat notes.txt; echo $HOME; exit 7"]);
    let ran = ran.expect(7);
    assert!(ran.stdout.starts_with("buy milk\n/"), "{ran:?}");
    let home = shelled.world.path("home");
    assert!(!ran.stdout.contains(home.to_str().unwrap()), "{ran:?}");
    assert_eq!(ran.stderr, "");
    // The same under its other name, with the workspace as an option.
    let root = shelled.world.path("work");
    let root = root.to_str().unwrap();
    let words = ["sh", "--root", root, "-c", "cat notes.txt"];
    assert_eq!(shelled.world.run(words).expect(0).stdout, "buy milk\n");
}

#[test]
fn what_was_refused_follows_in_a_block() {
    let shelled = Shelled::new();
    let secret = shelled.world.path("home/diary.txt");
    let line = format!(
        "python3 -c 'open(\"{}\")' 2>&-; echo done",
        secret.display()
    );
    let ran = shelled.run(["-c", &line]).expect(0);
    assert_eq!(ran.stdout, "done\n");
    let report = shelled.world.run(["doctor", "--json"]);
    let has_tripwire = report.stdout.contains(r#""fuse":"present""#);
    if has_tripwire && report.stdout.contains(r#""namespaces":"usable""#) {
        assert!(ran.stderr.contains("<sandbox_violations>\n"), "{ran:?}");
        assert!(ran.stderr.ends_with("</sandbox_violations>\n"), "{ran:?}");
        assert!(ran.stderr.contains("[code=outside-capability]"), "{ran:?}");
    }
    // One that can only be refused does not start.
    let ran = shelled
        .run(["-c", "echo begun; cat /etc/shadow"])
        .expect(126);
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.starts_with("<sandbox_violations>\n"), "{ran:?}");
}

#[test]
fn the_selectors_come_from_the_environment() {
    let shelled = Shelled::new();
    let run = |name, value| {
        let mut command = shelled.command(shelled.shell());
        command.env(name, value).args(["-c", "echo x > new"]);
        Ran::of(command.output().unwrap())
    };
    run("LOBSTERPOT_READ_ONLY", "1").expect(126);
    run("LOBSTERPOT_POLICY", "locked").expect(126);
    run("LOBSTERPOT_AS", "nobody").expect(126);
    assert!(!shelled.world.path("work/new").exists());
    run("LOBSTERPOT_TIMEOUT", "1m").expect(0);
    assert_eq!(shelled.world.read("work/new"), "x\n");
}

/// The directory in which an agent starts a command is the agent's choice.
#[test]
fn the_workspace_is_never_the_directory_of_the_moment() {
    let shelled = Shelled::new();
    let run = |root: Option<&str>| {
        let mut command = shelled.command(shelled.shell());
        command.env_remove("LOBSTERPOT_ROOT").args(["-c", "ls"]);
        command.envs(root.map(|root| ("LOBSTERPOT_ROOT", root)));
        Ran::of(command.output().unwrap())
    };
    for root in [None, Some("."), Some("")] {
        let ran = run(root).expect(2);
        assert_eq!(ran.stdout, "");
        let about = ran.stderr.contains("LOBSTERPOT_ROOT") || ran.stderr.contains("--root");
        assert!(about, "{ran:?}");
    }
    let mut command = shelled.command(shelled.shell());
    command.current_dir(shelled.world.path("home"));
    let ran = Ran::of(command.args(["-c", "ls"]).output().unwrap()).expect(126);
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains("[code=outside-capability]"), "{ran:?}");
}

#[test]
fn a_command_starts_where_its_caller_is() {
    let shelled = Shelled::new();
    let below = shelled.world.path("work/below");
    std::fs::create_dir(&below).unwrap();
    let mut command = shelled.command(shelled.shell());
    command.current_dir(&below).args(["-c", "pwd; cd ..; pwd"]);
    let ran = Ran::of(command.output().unwrap()).expect(0);
    let work = shelled.world.path("work");
    let both = format!("{}\n{}\n", below.display(), work.display());
    assert_eq!(ran.stdout, both);
}

#[test]
fn a_script_and_standard_input_run_too() {
    let shelled = Shelled::new();
    shelled
        .world
        .write("work/script", "echo \"$0 $*\"; exit 3\n");
    let ran = shelled.run(["script", "-c", "a b"]).expect(3);
    assert_eq!(ran.stdout, "script -c a b\n");
    for words in [&["-s", "a", "b"][..], &["-es", "--", "a", "b"]] {
        let input = b"echo $1-$2\nread line\nan answer\necho \"$line\"";
        let mut command = shelled.command(shelled.shell());
        let ran = Ran::fed(command.args(words), input).expect(0);
        assert_eq!(ran.stdout, "a-b\nan answer\n");
    }
}

#[test]
fn each_option_is_passed_on_or_refused() {
    let shelled = Shelled::new();
    let told = |words: &[&str]| shelled.run(words).expect(0).stdout;
    assert_eq!(told(&["-lc", "echo x"]), "x\n");
    assert_eq!(told(&["-c", "echo $0 $1", "name", "one"]), "name one\n");
    assert_eq!(told(&["-c", "--", "-x 2>/dev/null; echo x"]), "x\n");
    assert_eq!(
        told(&[
            "-eo",
            "pipefail",
            "-c",
            "set -o | grep -E 'errexit|pipefail'"
        ])
        .matches("on")
        .count(),
        2
    );
    assert_eq!(told(&["--norc", "-i", "-c", "echo ${-//[^i]/}"]), "i\n");
    shelled.run(["-ec", "false; echo x"]).expect(1);
    shelled.run(["-nc", "exit 9"]).expect(0);
    let refused = shelled.run(["--root", "/", "-c", "ls /"]).expect(2);
    assert!(refused.stderr.contains("--root: option is not known"));
    let refused = shelled.run(["-c"]).expect(2);
    assert!(refused.stderr.contains("-c: option requires an argument"));
    let about = shelled.run(["--version"]).expect(0);
    assert!(about.stdout.starts_with("lobsterpot "), "{about:?}");
    assert!(shelled.run(["--help"]).expect(0).stdout.contains("SHELL"));
}

#[test]
fn a_login_finds_its_shell_by_a_dash() {
    let shelled = Shelled::new();
    let mut command = shelled.command(shelled.shell());
    command.arg0("-lobsterpot-sh");
    command.args(["-c", "shopt -q login_shell && echo login"]);
    let ran = Ran::of(command.output().unwrap());
    assert_eq!(ran.expect(0).stdout, "login\n");
}

#[test]
fn the_other_shell_can_be_chosen() {
    let shelled = Shelled::new();
    let run = |name: &str, words: &[&str]| {
        let mut command = shelled.command(shelled.shell());
        command.env("LOBSTERPOT_SHELL", name).args(words);
        Ran::of(command.output().unwrap())
    };
    let is_bash = ["-c", "echo ${BASH_VERSION:+bash}"];
    assert_eq!(run("bash", &is_bash).expect(0).stdout, "bash\n");
    assert_eq!(run("dash", &is_bash).expect(0).stdout, "\n");
    let refused = run("dash", &["-O", "extglob", "-c", "ls"]).expect(2);
    assert!(refused.stderr.contains("-O"), "{refused:?}");
    run("zsh", &["-c", "ls"]).expect(2);
}

#[test]
fn a_signal_is_told_by_the_exit_code() {
    let shelled = Shelled::new();
    shelled.run(["-c", "kill -KILL $$"]).expect(128 + 9);
    shelled.run(["-c", "no-such-program"]).expect(127);
}

/// So is the policy: a file of the agent's would grant what the agent likes.
#[test]
fn the_policy_is_never_a_file_of_the_directory_of_the_moment() {
    let shelled = Shelled::new();
    let text = std::fs::read_to_string("policies/workspace.toml").unwrap();
    let own = text.replace("name = \"workspace\"", "name = \"own\"");
    std::fs::write(shelled.world.path("work/own.toml"), own).unwrap();
    for (name, words) in [
        ("lobsterpot-sh", &["-c", "echo x > made"][..]),
        ("lobsterpot-ssh", &["host", "echo x > made"]),
    ] {
        for policy in ["own.toml", "./own.toml"] {
            let mut command = shelled.command(shelled.world.path("bin").join(name));
            command.env("LOBSTERPOT_POLICY", policy).args(words);
            let ran = Ran::of(command.output().unwrap()).expect(2);
            assert!(ran.stderr.contains("LOBSTERPOT_POLICY"), "{ran:?}");
        }
    }
    assert!(!shelled.world.path("work/made").exists());
}
