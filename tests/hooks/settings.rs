//! Settings of agents: the hook goes in and comes out, and all else stays byte for byte.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::cli::world::{Ran, World};

const AGENTS: [(&str, &str, &str); 3] = [
    ("claude-code", "settings.json", "PreToolUse"),
    ("codex", "hooks.json", "PreToolUse"),
    ("gemini", "settings.json", "BeforeTool"),
];

fn place(agent: &str, file: &str) -> String {
    format!(".{}/{file}", agent.trim_end_matches("-code"))
}

fn run(world: &World, what: &str, agent: &str) -> Ran {
    world.run(["hook", what, agent, "--user", "--yes"])
}

/// Settings that users have: with other hooks, in other forms, with other blanks.
fn examples(event: &str) -> Vec<String> {
    let other = json!({"matcher": "Bash", "hooks": [{"type": "command", "command": "mine"}]});
    vec![
        "{}".into(),
        "{}\n".into(),
        "{ }".into(),
        "{\n}\n".into(),
        "{\n\n  }".into(),
        "{\"model\": \"x\"}".into(),
        "{\n  \"model\": \"x\"\n}\n".into(),
        "{\n\t\"model\": \"x\",\n\t\"b\": [1, 2]\n}".into(),
        "{\n    \"hooks\": {},\n    \"z\": 1\n}\n".into(),
        json!({"hooks": {event: []}, "z": null}).to_string(),
        json!({"hooks": {event: [other]}}).to_string(),
        serde_json::to_string_pretty(&json!({"z": 1, "hooks": {event: [other], "Stop": []}}))
            .unwrap(),
        serde_json::to_string_pretty(&json!({"hooks": {"Stop": [other]}, "a": {}})).unwrap(),
        "{\"a\":\"\\u00e9 \\\"}\",\r\n\"b\":1}".into(),
    ]
}

#[test]
fn what_goes_in_comes_out_exactly() {
    let world = World::new();
    for (agent, file, event) in AGENTS {
        let name = format!("home/{}", place(agent, file));
        let mut examples = examples(event);
        if agent == "gemini" {
            examples.push("// mine\n{\n  /* a */ \"a\": 1 // one\n  // end\n}\n// more\n".into());
            examples.push("{\n  // nothing\n}\n".into());
        }
        for before in examples {
            let path = world.write(&name, &before);
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
            let ran = run(&world, "install", agent).expect(0);
            assert!(ran.stdout.contains('+'), "{ran:?}");
            let after = world.read(&name);
            expect_hook(&before, &after, event);
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o640);
            // Once is enough.
            let again = run(&world, "install", agent).expect(0);
            assert!(again.stdout.contains("installed already"), "{again:?}");
            assert_eq!(world.read(&name), after);
            run(&world, "uninstall", agent).expect(0);
            assert_eq!(world.read(&name), before, "{agent}");
        }
        // A file that was not there is not there again.
        std::fs::remove_file(world.path(&name)).unwrap();
        run(&world, "install", agent).expect(0);
        run(&world, "uninstall", agent).expect(0);
        assert!(!world.path(&name).exists());
        let again = run(&world, "uninstall", agent).expect(0);
        assert!(again.stdout.contains("not installed"));
    }
}

/// The settings as a value, and what has come to them.
#[track_caller]
fn expect_hook(before: &str, after: &str, event: &str) {
    // Comments stand in lines of their own or at their ends in these examples.
    let plain = |text: &str| -> Value {
        let comment = regex::Regex::new(r"(?m)//.*$|/\*.*?\*/").unwrap();
        serde_json::from_str(&comment.replace_all(text, "")).unwrap_or_else(|_| panic!("{text}"))
    };
    let (mut before, after) = (plain(before), plain(after));
    let mut events = before["hooks"][event]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let added = after["hooks"][event]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone();
    let command = added["hooks"][0]["command"].as_str().unwrap();
    assert!(command.ends_with("; exit 2; }"), "{command}");
    assert_ne!(added["matcher"], "Bash");
    events.push(added);
    before["hooks"][event] = Value::Array(events);
    assert_eq!(before, after);
}

#[test]
fn uninstalling_keeps_what_came_later() {
    let world = World::new();
    for (agent, file, event) in AGENTS {
        let name = format!("home/{}", place(agent, file));
        world.write(&name, "{\n  \"a\": 1\n}\n");
        run(&world, "install", agent).expect(0);
        let mut settings: Value = serde_json::from_str(&world.read(&name)).unwrap();
        let later = json!({"matcher": "x", "hooks": []});
        settings["hooks"][event]
            .as_array_mut()
            .unwrap()
            .push(later.clone());
        settings["b"] = json!(2);
        world.write(&name, &settings.to_string());
        run(&world, "uninstall", agent).expect(0);
        let left: Value = serde_json::from_str(&world.read(&name)).unwrap();
        assert_eq!(left, json!({"a": 1, "hooks": {event: [later]}, "b": 2}));
    }
}

#[test]
fn settings_that_cannot_be_read_are_not_touched() {
    let world = World::new();
    for (agent, file, event) in AGENTS {
        let name = format!("home/{}", place(agent, file));
        for odd in [
            "",
            "{",
            "[]",
            "{\"a\": 1,}",
            "{\"hooks\": []}",
            "{\"hooks\": {}, \"hooks\": {}}",
            &json!({"hooks": {event: {}}}).to_string(),
        ] {
            world.write(&name, odd);
            let ran = run(&world, "install", agent).expect(1);
            assert!(!ran.stderr.is_empty());
            run(&world, "uninstall", agent);
            assert_eq!(world.read(&name), odd);
        }
        let real = world.write("home/real.json", "{}");
        let path = world.path(&name);
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(&real, &path).unwrap();
        run(&world, "install", agent).expect(1);
        assert_eq!(world.read("home/real.json"), "{}");
    }
}

#[test]
fn nothing_changes_without_a_yes() {
    let world = World::new();
    let ran = world
        .run(["hook", "install", "claude-code", "--user"])
        .expect(1);
    assert!(ran.stdout.contains("\"matcher\": \"*\""), "{ran:?}");
    assert!(!world.path("home/.claude").exists());
    world
        .run(["hook", "install", "claude-code", "--yes"])
        .expect(2);
    let odd = [
        "hook", "install", "gemini", "--user", "--yes", "--", "--rot", "x",
    ];
    world.run(odd).expect(2);
}

/// The command in the settings, run as the agent runs it.
#[test]
fn the_command_in_the_settings_answers_and_fails_closed() {
    let world = World::new();
    world
        .run([
            "hook",
            "install",
            "codex",
            "--project",
            "--yes",
            "--",
            "--read-only",
        ])
        .expect(0);
    let settings: Value = serde_json::from_str(&world.read("work/.codex/hooks.json")).unwrap();
    let command = settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"]
        .as_str()
        .unwrap();
    let run = |command: &str, input: &str| {
        let input = world.write("input", input);
        let mut shell = std::process::Command::new("sh");
        world.settle(&mut shell);
        let output = shell
            .args(["-c", command])
            .stdin(std::fs::File::open(input).unwrap())
            .output();
        Ran::of(output.unwrap())
    };
    let call = json!({
        "hook_event_name": "PreToolUse", "cwd": world.path("work"), "tool_name": "apply_patch",
        "tool_input": {"command": "*** Begin Patch\n*** Add File: x\n+y\n*** End Patch"},
    });
    for said in [
        "--policy workspace",
        "--as agent:main",
        "--read-only",
        "--root ",
    ] {
        assert!(command.contains(said), "{command}");
    }
    let ran = run(command, &call.to_string()).expect(0);
    assert!(ran.stdout.contains("[code=read-only]"), "{ran:?}");
    run(command, "{").expect(2);
    // A program that is gone refuses, too.
    let program = env!("CARGO_BIN_EXE_lobsterpot");
    assert!(command.contains(program));
    let ran = run(
        &command.replace(program, "/no/such/lobsterpot"),
        &call.to_string(),
    );
    assert!(ran.expect(2).stderr.contains("could not decide"));
}
