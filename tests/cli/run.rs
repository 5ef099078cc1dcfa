//! `lobsterpot run`: streams, exit codes, and what is said about denials.

use super::world::World;

#[test]
fn the_command_has_its_streams_and_its_exit_code() {
    let world = World::new();
    let ran = world.feed(
        &["run", "--", "sh", "-c", "cat; echo err >&2; exit 7"],
        b"in\x00put\n",
    );
    let ran = ran.expect(7);
    assert_eq!(ran.stdout, "in\0put\n");
    assert_eq!(ran.stderr, "err\n");
}

#[test]
fn a_command_that_is_refused_beforehand_ends_with_126_and_one_line() {
    let world = World::new();
    let ran = world.run(["run", "--", "find", "/root"]).expect(126);
    assert_eq!(ran.stdout, "");
    let mut lines = ran.stderr.lines();
    assert_eq!(
        lines.next().unwrap(),
        "sandbox: /root: Permission denied (blocked by sandbox: outside every granted \
         directory) [code=outside-capability]"
    );
    let granted = format!("below {}", world.path("work").display());
    let hint = lines.next().unwrap();
    assert!(
        hint.starts_with("  granted: ") && hint.ends_with(&granted),
        "{hint}"
    );
    assert_eq!(lines.next(), None, "{}", ran.stderr);
}

#[test]
fn the_kernel_refuses_what_words_do_not_tell() {
    let world = World::new();
    let secret = world.path("home/diary.txt");
    let script = format!(
        "p=$(echo {}); cat \"$p\"; echo more > notes.txt",
        secret.display()
    );
    // Control: the same script, outside.
    let control = std::process::Command::new("sh")
        .args(["-c", &script.replace("notes.txt", "/dev/null")])
        .output();
    assert!(control.unwrap().stdout.starts_with(b"a secret"));
    let ran = world.run(["run", "--", "sh", "-c", &script]).expect(0);
    assert_eq!(ran.stdout, "");
    assert!(
        ran.stderr.contains("Permission denied") || ran.stderr.contains("No such file"),
        "{ran:?}"
    );
    assert_eq!(world.read("work/notes.txt"), "more\n");
}

#[test]
fn read_only_changes_nothing() {
    let world = World::new();
    let script = "f=$(echo notes.txt); n=$(echo new); \
                  echo more >> $f; chmod 777 $f; mv $f $n; touch $n; cat $f";
    let ran = world.run(["run", "--read-only", "--", "sh", "-c", script]);
    let ran = ran.expect(0);
    assert_eq!(ran.stdout, "buy milk\n");
    assert_eq!(world.read("work/notes.txt"), "buy milk\n");
    assert_eq!(std::fs::read_dir(world.path("work")).unwrap().count(), 1);
}

#[test]
fn each_way_to_end_has_its_exit_code() {
    let world = World::new();
    let code = |arguments: &[&str]| world.run(arguments).code;
    assert_eq!(code(&["run", "true"]), 0);
    assert_eq!(code(&["run", "sh", "-c", "exit 200"]), 200);
    assert_eq!(code(&["run", "sh", "-c", "kill -TERM $$"]), 128 + 15);
    assert_eq!(code(&["run", "--timeout", "0.2", "sleep", "10"]), 124);
    assert_eq!(code(&["run", "no-such-command"]), 127);
    assert_eq!(code(&["run", "./notes.txt"]), 126);
    assert_eq!(code(&["run", "--policy", "locked", "true"]), 126);
    assert_eq!(code(&["run", "--as", "mario", "true"]), 126);
}

#[test]
fn a_sandbox_that_cannot_be_had_ends_with_125_and_says_why() {
    let world = World::new();
    let policy = world.write(
        "future.toml",
        &std::fs::read_to_string("policies/workspace.toml")
            .unwrap()
            .replace(
                "minimum-landlock-abi = 1\n",
                "minimum-landlock-abi = 1000\n",
            )
            .replace("name = \"workspace\"", "name = \"future\""),
    );
    let policy = policy.to_str().unwrap();
    let ran = world.run(["run", "--policy", policy, "true"]).expect(125);
    assert!(
        ran.stderr.contains("code=sandbox-unavailable"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("landlock abi"), "{}", ran.stderr);
}

#[test]
fn without_a_record_nothing_runs() {
    let world = World::new();
    // A file where the audit log's directory should be.
    world.write("home/.local/state", "in the way");
    let ran = world.run(["run", "--", "sh", "-c", "echo ran > proof"]);
    assert_eq!(ran.code, 125, "{ran:?}");
    assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
    assert!(!world.path("work/proof").exists());
}

#[test]
fn the_report_is_the_last_line_of_stderr() {
    let world = World::new();
    let script = "printf out; printf no-newline >&2; exit 3";
    let ran = world
        .run(["run", "--json", "--", "sh", "-c", script])
        .expect(3);
    assert_eq!(ran.stdout, "out");
    assert!(ran.stderr.starts_with("no-newline\n"), "{}", ran.stderr);
    let report = ran.report();
    assert_eq!(report["status"], "ok");
    assert_eq!(report["result"]["exit_code"], 3);
    assert_eq!(report["denials"], serde_json::json!([]));
    for layer in [
        "mode", "landlock", "seccomp", "view", "witness", "limits", "weaker",
    ] {
        assert!(!report["enforced"][layer].is_null(), "{layer}: {report}");
    }
    let id = report["audit"].as_str().unwrap();
    assert!(
        world
            .records()
            .iter()
            .any(|record| record["metadata"]["uid"] == id)
    );
}

#[test]
fn a_denial_is_in_the_report_and_on_record() {
    let world = World::new();
    let ran = world
        .run(["run", "--json", "--", "cat", "/etc/shadow"])
        .expect(126);
    let report = ran.report();
    assert_eq!(report["status"], "denied");
    let denial = &report["denials"][0];
    assert_eq!(denial["code"], "outside-capability");
    assert_eq!(denial["op"], "exec.run");
    assert_eq!(denial["path"], "/etc/shadow");
    assert_eq!(denial["path_source"], "broker");
    assert_eq!(denial["count"], 1);
    assert!(denial["rule"]["name"].is_string());
    let recorded = world.records();
    let of_denial = |record: &&serde_json::Value| record["status_code"] == "outside-capability";
    assert_eq!(
        recorded.iter().filter(of_denial).count(),
        1,
        "{recorded:#?}"
    );
}

#[test]
fn what_goes_on_in_the_background_ends_and_is_mentioned() {
    let world = World::new();
    let ran = world.run(["run", "sh", "-c", "sleep 50 >/dev/null 2>&1 & echo started"]);
    let ran = ran.expect(0);
    assert_eq!(ran.stdout, "started\n");
    assert_eq!(
        ran.stderr,
        "note: a process that outlived the command was ended\n"
    );
}

#[test]
fn the_working_directory_is_kept_below_the_root() {
    let world = World::new();
    world.write("work/deep/er/file", "");
    let root = world.path("work");
    let ran = world
        .command(["run", "--root", root.to_str().unwrap(), "pwd"])
        .current_dir(world.path("work/deep"))
        .output();
    assert_eq!(
        ran.unwrap().stdout,
        format!("{}/deep\n", root.display()).into_bytes()
    );
    let elsewhere = world
        .command(["run", "--root", root.to_str().unwrap(), "pwd"])
        .current_dir(world.path("home"))
        .output();
    assert_eq!(
        elsewhere.unwrap().stdout,
        format!("{}\n", root.display()).into_bytes()
    );
}

#[test]
fn selectors_can_stand_in_the_environment() {
    let world = World::new();
    let ran = world
        .command(["run", "--", "sh", "-c", "f=$(echo new); touch $f; ls"])
        .env("LOBSTERPOT_READ_ONLY", "1")
        .output()
        .unwrap();
    assert_eq!(ran.stdout, b"notes.txt\n");
    for (name, value, code) in [
        ("LOBSTERPOT_READ_ONLY", "perhaps", 2),
        ("LOBSTERPOT_TIMEOUT", "never", 2),
        ("LOBSTERPOT_POLICY", "no-such-policy", 2),
        ("LOBSTERPOT_ROOT", "/no/such/root", 2),
        ("LOBSTERPOT_AS", "mario", 126),
    ] {
        let ran = world.command(["run", "true"]).env(name, value).output();
        assert_eq!(ran.unwrap().status.code(), Some(code), "{name}={value}");
    }
}

#[test]
fn variables_of_the_operator_stay_outside() {
    let world = World::new();
    let ran = world
        .command(["run", "env"])
        .env("AWS_SECRET_ACCESS_KEY", "hunter2")
        .output()
        .unwrap();
    let stdout = String::from_utf8(ran.stdout).unwrap();
    assert!(
        !stdout.contains("hunter2") && !stdout.contains("LOBSTERPOT"),
        "{stdout}"
    );
}

#[test]
fn what_a_name_hides_is_shown() {
    let world = World::new();
    let ran = world.run(["run", "--", "cat", "/etc/\u{1b}[2Jx\n\u{202e}y"]);
    let ran = ran.expect(126);
    assert!(
        ran.stderr.contains("/etc/\\u{1b}[2Jx\\u{a}\\u{202e}y"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains('\u{1b}'), "{}", ran.stderr);
}

const SKIPPED: &str = r#"
name = "skipped"
description = "A grant that is not there."
[[grant]]
name = "root"
path = "${root}"
rights = ["list", "read"]
reason = "a test"
[[grant]]
name = "notes"
path = "PATH"
rights = ["read"]
missing = "skip"
reason = "a test"
[commands]
run = "all"
reason = "a test"
[containment]
profiles = ["base"]
accept = [
  "outside-metadata", "command-exceptions", "outside-signals", "process-limit", "scratch-limit",
]
[tier.owner]
rights = ["list", "read"]
commands = "all"
grants = "all"
reason = "a test"
[tier.agent]
rights = ["list", "read"]
commands = "all"
grants = "all"
reason = "a test"
[principal]
"agent:main" = "agent"
"#;

#[test]
fn a_grant_that_is_skipped_keeps_no_command_from_running() {
    let world = World::new();
    let policy = world.write("home/skipped.toml", &SKIPPED.replace("PATH", "~/notes"));
    let words = [
        "run",
        "--policy",
        policy.to_str().unwrap(),
        "--",
        "cat",
        "notes.txt",
    ];
    assert_eq!(world.run(words).expect(0).stdout, "buy milk\n");
    world.write("home/notes/one", "x\n");
    let words = [
        "run",
        "--policy",
        policy.to_str().unwrap(),
        "--",
        "cat",
        "../home/notes/one",
    ];
    assert_eq!(world.run(words).expect(0).stdout, "x\n");
    // What would give more than it should, once a command has made it, is not skipped.
    world.write(
        "home/skipped.toml",
        &SKIPPED.replace("PATH", "${root}/inner"),
    );
    let words = [
        "run",
        "--policy",
        policy.to_str().unwrap(),
        "--",
        "cat",
        "notes.txt",
    ];
    world.run(words).expect(125);
}

/// In flat mode a directory with something hidden in it needs a handle for each name beside that.
#[test]
fn a_large_directory_needs_no_larger_limit_of_open_files() {
    const NAMES: usize = 300;
    let world = World::new();
    world.write("work/.env", "hidden");
    for number in 0..NAMES {
        world.write(&format!("work/{number}"), "");
    }
    let few = format!("ulimit -S -n {}; exec \"$0\" \"$@\"", NAMES / 2);
    let program = env!("CARGO_BIN_EXE_lobsterpot");
    let mut command = std::process::Command::new("/bin/sh");
    command.args(["-c", &few, program, "run", "--read-only", "--", "cat", "7"]);
    world.settle(&mut command);
    command.env("LOBSTERPOT_FORCE_FLAT", "1");
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
}
