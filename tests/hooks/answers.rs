//! What is answered to each call: never "allowed", the command rewritten, the rest denied.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::cli::world::{Ran, World};

const AGENTS: [&str; 3] = ["claude-code", "codex", "gemini"];

/// A recorded call, in this world.
pub(super) fn call(world: &World, name: &str) -> Value {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hooks/payloads");
    let text = std::fs::read_to_string(format!("{directory}/{name}.json")).unwrap();
    let work = world.path("work");
    serde_json::from_str(&text.replace("${work}", work.to_str().unwrap())).unwrap()
}

pub(super) fn agent_of(name: &str) -> &'static str {
    AGENTS
        .into_iter()
        .find(|agent| name.starts_with(agent))
        .unwrap()
}

/// Asks as an agent does.
pub(super) fn ask(world: &World, agent: &str, call: &Value, options: &[&str]) -> Ran {
    let root = world.path("work");
    let mut words = vec!["hook", agent, "--root", root.to_str().unwrap()];
    words.extend(options);
    world.feed(&words, call.to_string().as_bytes())
}

/// Asks a recorded call, with one argument changed perhaps.
pub(super) fn recorded(world: &World, name: &str, changed: Option<(&str, &str)>) -> Ran {
    let mut call = call(world, name);
    if let Some((key, value)) = changed {
        call["tool_input"][key] = json!(value);
    }
    ask(world, agent_of(name), &call, &[])
}

/// The reason of a denial, in the form that the agent reads.
#[track_caller]
pub(super) fn denied(ran: Ran, name: &str) -> String {
    let ran = ran.expect(0);
    let said: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    let reason = if agent_of(name) == "gemini" {
        assert_eq!(said["decision"], "deny");
        &said["reason"]
    } else {
        let said = &said["hookSpecificOutput"];
        assert_eq!(said["hookEventName"], "PreToolUse");
        assert_eq!(said["permissionDecision"], "deny");
        &said["permissionDecisionReason"]
    };
    reason.as_str().unwrap().to_owned()
}

#[track_caller]
pub(super) fn no_opinion(ran: Ran) {
    let ran = ran.expect(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
}

/// The arguments that the agent is to use instead.
#[track_caller]
pub(super) fn rewritten(ran: Ran, name: &str) -> Value {
    let ran = ran.expect(0);
    let said: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    let said = &said["hookSpecificOutput"];
    let agent = agent_of(name);
    // Codex takes new arguments with this word only; to the others it would be consent.
    let word = if agent == "codex" {
        json!("allow")
    } else {
        Value::Null
    };
    assert_eq!(said["permissionDecision"], word);
    let key = if agent == "gemini" {
        "tool_input"
    } else {
        "updatedInput"
    };
    said[key].clone()
}

const COMMANDS: [&str; 3] = ["claude-code-bash", "codex-bash", "gemini-shell"];

#[test]
fn a_command_is_made_to_run_in_the_sandbox() {
    let world = World::new();
    for name in COMMANDS {
        let input = rewritten(recorded(&world, name, None), name);
        let mut expected = call(&world, name)["tool_input"].clone();
        let command = input["command"].as_str().unwrap().to_owned();
        expected["command"] = json!(command);
        assert_eq!(input, expected, "{name}: the other arguments stay");
        // As the agent's own shell runs it: with the agent's rights, wherever the agent is.
        for shell in ["sh", "bash"] {
            let mut outer = Command::new(shell);
            world.settle(&mut outer);
            outer.stdin(Stdio::null());
            let ran = Ran::of(outer.args(["-c", &command]).output().unwrap()).expect(0);
            assert!(ran.stdout.starts_with("buy milk\nit's /"), "{ran:?}");
            let home = world.path("home");
            assert!(!ran.stdout.contains(home.to_str().unwrap()), "{ran:?}");
        }
    }
}

#[test]
fn a_command_that_can_only_be_refused_is_denied() {
    let world = World::new();
    for name in COMMANDS {
        let ran = recorded(&world, name, Some(("command", "cat /etc/shadow")));
        let reason = denied(ran, name);
        assert!(reason.contains("[code=outside-capability]"), "{reason}");
    }
    let denied = |record: &Value| record["status_code"] == "outside-capability";
    assert_eq!(world.records().iter().filter(|one| denied(one)).count(), 3);
}

#[test]
fn a_file_in_the_workspace_is_left_to_the_agent() {
    let world = World::new();
    for name in [
        "claude-code-read",
        "claude-code-write",
        "claude-code-edit",
        "claude-code-grep",
        "claude-code-todo",
        "codex-apply-patch",
        "gemini-read",
        "gemini-write",
        "gemini-replace",
        "gemini-list",
    ] {
        no_opinion(recorded(&world, name, None));
    }
    assert_eq!(world.read("work/notes.txt"), "buy milk\n");
    assert!(!world.path("work/new.txt").exists());
}

#[test]
fn a_file_elsewhere_is_denied() {
    let world = World::new();
    let secret = world.path("home/diary.txt");
    let secret = secret.to_str().unwrap();
    world.write("work/.env", "TOKEN=x\n");
    for (name, key) in [
        ("claude-code-read", "file_path"),
        ("claude-code-write", "file_path"),
        ("claude-code-edit", "file_path"),
        ("claude-code-grep", "path"),
        ("gemini-read", "file_path"),
        ("gemini-write", "file_path"),
        ("gemini-replace", "file_path"),
        ("gemini-list", "dir_path"),
    ] {
        for (path, code) in [
            (secret, "outside-capability"),
            ("/etc", "outside-capability"),
            ("~/diary.txt", "outside-capability"),
            ("../home/diary.txt", "outside-capability"),
            ("/no/such/file", "outside-capability"),
            (".env", "hidden-path"),
            (" /etc/shadow", "bad-request"),
        ] {
            let reason = denied(recorded(&world, name, Some((key, path))), name);
            let code = format!("[code={code}]");
            assert!(reason.contains(&code), "{name} {path}: {reason}");
        }
    }
    for line in [
        "Add File: ../x",
        "Delete File: /etc/passwd",
        "Move to: .git/config",
    ] {
        let patch = format!("*** Begin Patch\n*** Update File: a\n*** {line}\n*** End Patch");
        let name = "codex-apply-patch";
        denied(recorded(&world, name, Some(("command", &patch))), name);
    }
}

#[test]
fn a_link_out_of_the_workspace_is_denied() {
    let world = World::new();
    let link = |name: &str, to: &str| {
        std::os::unix::fs::symlink(world.path(to), world.path("work").join(name)).unwrap();
    };
    link("leak", "home/diary.txt");
    link("way", "home");
    link("inner", "work/notes.txt");
    for (name, key, path) in [
        ("claude-code-read", "file_path", "leak"),
        ("claude-code-write", "file_path", "leak"),
        ("claude-code-write", "file_path", "way/new.txt"),
        ("claude-code-grep", "path", "way"),
        ("gemini-read", "file_path", "way/diary.txt"),
        ("gemini-list", "dir_path", "way"),
    ] {
        denied(recorded(&world, name, Some((key, path))), name);
    }
    let inner = Some(("file_path", "inner"));
    no_opinion(recorded(&world, "claude-code-read", inner));
}

#[test]
fn the_policy_decides() {
    let world = World::new();
    for name in ["claude-code-write", "gemini-write", "codex-apply-patch"] {
        let ran = ask(
            &world,
            agent_of(name),
            &call(&world, name),
            &["--read-only"],
        );
        let reason = denied(ran, name);
        assert!(reason.contains("[code=read-only]"), "{reason}");
    }
    for name in ["claude-code-read", "codex-bash", "gemini-shell"] {
        let ran = ask(
            &world,
            agent_of(name),
            &call(&world, name),
            &["--policy", "locked"],
        );
        denied(ran, name);
    }
}

#[test]
fn while_everything_is_stopped_nothing_is_allowed_not_even_on_record() {
    let world = World::new();
    world.run(["stop"]).expect(0);
    for name in ["claude-code-read", "claude-code-write", "claude-code-bash"] {
        let reason = denied(recorded(&world, name, None), name);
        assert!(reason.contains("code=stopped"), "{reason}");
    }
    for op in ["file.read", "file.write", "exec.run"] {
        let codes: Vec<Value> = world
            .records()
            .iter()
            .filter(|record| record["unmapped"]["op"] == op)
            .map(|record| record["status_code"].clone())
            .collect();
        assert_eq!(codes, [json!("stopped")], "{op}");
    }
}

#[test]
fn the_network_and_what_nobody_knows_are_denied() {
    let world = World::new();
    for name in ["claude-code-webfetch", "gemini-web"] {
        let reason = denied(recorded(&world, name, None), name);
        assert!(reason.contains("[code=network-not-granted]"), "{reason}");
    }
    for name in ["claude-code-mcp", "codex-mcp", "gemini-mcp"] {
        let reason = denied(recorded(&world, name, None), name);
        assert!(reason.contains("[code=bad-request]"), "{reason}");
        let call = call(&world, name);
        let tool = call["tool_name"].as_str().unwrap();
        no_opinion(ask(&world, agent_of(name), &call, &["--leave-alone", tool]));
    }
}

/// Exit code 2 with a reason on standard error is what all three take for a refusal. Any other
/// failure lets the tool run.
#[test]
fn what_cannot_be_understood_is_refused() {
    let world = World::new();
    let root = world.path("work");
    let root = root.to_str().unwrap();
    for (agent, name) in AGENTS.into_iter().zip(COMMANDS) {
        let good = call(&world, name);
        let without = |key: &str| {
            let mut call = good.clone();
            call.as_object_mut().unwrap().remove(key);
            call.to_string()
        };
        let with = |key: &str, value: Value| {
            let mut call = good.clone();
            call[key] = value;
            call.to_string()
        };
        for odd in [
            String::new(),
            "{".into(),
            "[]".into(),
            good.to_string() + "x",
            without("hook_event_name"),
            without("tool_name"),
            without("tool_input"),
            without("cwd"),
            with("hook_event_name", json!("PostToolUse")),
            with("tool_input", json!("cat notes.txt")),
            with("tool_name", json!(["Bash"])),
            with("cwd", json!("work")),
            with("cwd", json!("/no/such/directory")),
        ] {
            let words = ["hook", agent, "--root", root];
            let ran = world.feed(&words, odd.as_bytes()).expect(2);
            assert!(
                ran.stdout.is_empty() && !ran.stderr.is_empty(),
                "{odd}: {ran:?}"
            );
        }
        // No workspace, a policy that is none, an option that is none.
        for options in [
            &[][..],
            &["--root", root, "--policy", "none"],
            &["--rot", root],
        ] {
            let words = [&["hook", agent][..], options].concat();
            let ran = world.feed(&words, good.to_string().as_bytes()).expect(2);
            assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{ran:?}");
        }
        // An argument of another kind is denied in the agent's own words.
        let odd = with("tool_input", json!({"command": ["cat", "notes.txt"]}));
        let ran = world.feed(&["hook", agent, "--root", root], odd.as_bytes());
        denied(ran, name);
    }
}

#[test]
fn the_agent_says_where_it_was_started() {
    let world = World::new();
    for (variable, name) in [
        ("CLAUDE_PROJECT_DIR", "claude-code-read"),
        ("GEMINI_PROJECT_DIR", "gemini-read"),
    ] {
        let call = world.write("call.json", &call(&world, name).to_string());
        let ran = world
            .command(["hook", agent_of(name)])
            .env(variable, world.path("work"))
            .stdin(std::fs::File::open(&call).unwrap())
            .output();
        no_opinion(Ran::of(ran.unwrap()));
    }
}

/// Then the agent's own rules see the command as it was.
#[test]
fn a_command_of_an_agent_with_our_shell_stays_as_it_is() {
    let world = World::new();
    let name = "claude-code-bash";
    let call = world.write("call.json", &call(&world, name).to_string());
    let program = world.path("lobsterpot-sh");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_lobsterpot"), &program).unwrap();
    let other = world.write("other/lobsterpot-sh", "#!/bin/sh\n");
    let work = world.path("work");
    let ask = |program: &std::path::Path, variable: &str, value: &std::path::Path| {
        let prefix = format!("{} -c", program.display());
        let ran = world
            .command(["hook", "claude-code"])
            .env("CLAUDE_PROJECT_DIR", &work)
            .env("CLAUDE_CODE_SHELL_PREFIX", prefix)
            .env(variable, value)
            .stdin(std::fs::File::open(&call).unwrap())
            .output();
        Ran::of(ran.unwrap())
    };
    no_opinion(ask(&program, "LOBSTERPOT_ROOT", &work));
    // Another program of that name, and a shell that would have another workspace.
    rewritten(ask(&other, "LOBSTERPOT_ROOT", &work), name);
    rewritten(ask(&program, "OTHER", &work), name);
}

#[test]
fn an_answer_that_nobody_can_read_is_a_refusal_by_the_exit_code() {
    let world = World::new();
    for name in COMMANDS {
        let asked = call(&world, name).to_string();
        let file = world.write("work/asked.json", &asked);
        for closed in [">&-", ">/dev/null"] {
            let mut shell = Command::new("sh");
            world.settle(&mut shell);
            let line = format!("exec \"$0\" hook \"$1\" --root \"$2\" <\"$3\" {closed}");
            let root = world.path("work");
            shell.args(["-c", &line, env!("CARGO_BIN_EXE_lobsterpot")]);
            shell.arg(agent_of(name)).arg(root).arg(&file);
            let ran = Ran::of(shell.output().unwrap()).expect(2);
            assert!(
                ran.stderr.contains("nobody reads"),
                "{name} {closed}: {ran:?}"
            );
        }
    }
}
