//! Holes in an integration: each is found by its name, and an integration without one is clean.

use serde_json::{Value, json};

use crate::cli::world::World;

/// A policy that keeps an agent from its settings.
fn policy(world: &World) -> String {
    let ran = world.run(["policy", "show", "workspace"]).expect(0);
    let text = ran
        .stdout
        .replace("name = \"workspace\"", "name = \"kept\"");
    let kept = "protect = [\".claude\", \".codex\", \".gemini\", \".openclaw\", ";
    let text = text.replacen("protect = [", kept, 1);
    let path = world.write("home/kept.toml", &text);
    path.to_str().unwrap().to_owned()
}

/// The names of the holes that are found.
#[track_caller]
fn holes(world: &World, agent: &str, policy: &str) -> Vec<String> {
    let mut command = world.command(["doctor", "--agent", agent, "--json"]);
    command.env("LOBSTERPOT_POLICY", policy);
    let output = command.output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let found = report["holes"].as_array().unwrap();
    assert_eq!(output.status.code(), Some(i32::from(!found.is_empty())));
    let name = |hole: &Value| {
        assert!(hole["what"].is_string() && hole["remedy"].is_string());
        hole["name"].as_str().unwrap().to_owned()
    };
    found.iter().map(name).collect()
}

const CLAUDE_TOOLS: [&str; 10] = [
    "Read",
    "Write",
    "Edit",
    "MultiEdit",
    "NotebookEdit",
    "Glob",
    "Grep",
    "LS",
    "WebFetch",
    "WebSearch",
];

#[test]
fn an_agent_that_was_never_set_up_is_full_of_holes() {
    let world = World::new();
    for agent in ["claude-code", "codex", "gemini"] {
        let found = holes(&world, agent, "workspace");
        for name in ["no-hook", "own-tools", "settings-changeable"] {
            assert!(found.contains(&name.to_owned()), "{agent}: {found:?}");
        }
    }
    let text = world.run(["doctor", "--agent", "codex"]).expect(1);
    assert!(text.stdout.contains("no-hook: ") && text.stdout.contains("remedy: "));
    world.run(["doctor", "--agent", "nobody"]).expect(2);
}

#[test]
fn what_is_closed_is_not_told() {
    let world = World::new();
    let policy = policy(&world);
    let settings = json!({"permissions": {"deny": CLAUDE_TOOLS}});
    world.write("home/.claude/settings.json", &settings.to_string());
    world
        .run(["hook", "install", "claude-code", "--user", "--yes"])
        .expect(0);
    assert!(holes(&world, "claude-code", &policy).is_empty());
    let ran = world
        .command(["doctor", "--agent", "claude-code"])
        .env("LOBSTERPOT_POLICY", &policy)
        .output()
        .unwrap();
    assert!(String::from_utf8(ran.stdout).unwrap().contains("no hole"));
}

#[test]
fn each_hole_has_its_name() {
    let world = World::new();
    let policy = policy(&world);
    let file = "home/.claude/settings.json";
    let settings = json!({"permissions": {"deny": CLAUDE_TOOLS}});
    world.write(file, &settings.to_string());
    world
        .run(["hook", "install", "claude-code", "--user", "--yes"])
        .expect(0);
    let good: Value = serde_json::from_str(&world.read(file)).unwrap();
    let with = |pointer: &str, value: Value| {
        let mut settings = good.clone();
        *settings.pointer_mut(pointer).unwrap() = value;
        settings
    };
    let and = |name: &str, value: Value| {
        let mut settings = good.clone();
        settings[name] = value;
        settings
    };
    let handler = "/hooks/PreToolUse/0/hooks/0";
    let command = good
        .pointer(&format!("{handler}/command"))
        .unwrap()
        .as_str()
        .unwrap();
    let open = command.split(" || ").next().unwrap();
    let mut later = good.pointer(handler).unwrap().clone();
    later["async"] = json!(true);
    let other = json!([{"type": "command", "command": "other"}, good.pointer(handler).unwrap()]);
    for (settings, hole) in [
        (and("disableAllHooks", json!(true)), "hooks-off"),
        (with("/permissions/deny", json!(["Read"])), "own-tools"),
        (
            with("/hooks/PreToolUse/0/matcher", json!("Bash")),
            "hook-for-some-tools",
        ),
        (
            with(&format!("{handler}/command"), json!(open)),
            "hook-fails-open",
        ),
        (with(handler, later), "hook-fails-open"),
        (
            with(
                &format!("{handler}/command"),
                json!(command.replace(" ||", " --leave-alone x ||")),
            ),
            "tools-left-alone",
        ),
        (with("/hooks/PreToolUse/0/hooks", other), "other-hook"),
        (with("/hooks", json!({})), "no-hook"),
    ] {
        world.write(file, &settings.to_string());
        assert_eq!(holes(&world, "claude-code", &policy), [hole]);
    }
}

#[test]
fn settings_of_the_project_are_looked_at_too() {
    let world = World::new();
    let policy = policy(&world);
    let settings = json!({"permissions": {"deny": CLAUDE_TOOLS}});
    world.write("home/.claude/settings.json", &settings.to_string());
    world
        .run(["hook", "install", "claude-code", "--user", "--yes"])
        .expect(0);
    world.write("work/.claude/settings.json", "{");
    let found = holes(&world, "claude-code", &policy);
    assert_eq!(found, ["settings-unreadable"]);
    world.write("work/.claude/settings.json", "{}");
    assert!(holes(&world, "claude-code", &policy).is_empty());
    let found = holes(&world, "claude-code", "workspace");
    assert_eq!(found, ["settings-changeable"; 2]);
}

#[test]
fn gemini_can_turn_hooks_off_in_its_own_way() {
    let world = World::new();
    let policy = policy(&world);
    world
        .run(["hook", "install", "gemini", "--user", "--yes"])
        .expect(0);
    assert_eq!(holes(&world, "gemini", &policy), ["own-tools"]);
    let off = "{\n  // not today\n  \"hooksConfig\": {\"enabled\": false}\n}\n";
    world.write("work/.gemini/settings.json", off);
    assert_eq!(holes(&world, "gemini", &policy), ["hooks-off", "own-tools"]);
}

#[test]
fn openclaw_has_a_backend() {
    let world = World::new();
    let policy = policy(&world);
    assert_eq!(holes(&world, "openclaw", &policy), ["no-settings"]);
    let file = "home/.openclaw/openclaw.json";
    let ssh = json!({"command": "/usr/local/bin/lobsterpot-ssh", "target": "x@localhost"});
    let good = json!({
        "agents": {"defaults": {"sandbox": {"mode": "all", "backend": "ssh", "ssh": ssh}}},
        "tools": {"elevated": {"enabled": false}},
    });
    world.write(file, &good.to_string());
    assert!(holes(&world, "openclaw", &policy).is_empty());
    let with = |pointer: &str, value: Value| {
        let mut settings = good.clone();
        *settings.pointer_mut(pointer).unwrap() = value;
        settings
    };
    let sandbox = "/agents/defaults/sandbox";
    for (settings, hole) in [
        (
            with(&format!("{sandbox}/mode"), json!("off")),
            "sandbox-off",
        ),
        (
            with(&format!("{sandbox}/backend"), json!("docker")),
            "shell-not-replaced",
        ),
        (
            with(&format!("{sandbox}/ssh/command"), json!("ssh")),
            "shell-not-replaced",
        ),
        (with("/tools", json!({})), "elevated-tools"),
    ] {
        world.write(file, &settings.to_string());
        assert_eq!(holes(&world, "openclaw", &policy), [hole]);
    }
    let mut one = good.clone();
    one["agents"]["list"] = json!([{"id": "a"}, {"id": "b", "sandbox": {"mode": "off"}}]);
    world.write(file, &one.to_string());
    assert_eq!(holes(&world, "openclaw", &policy), ["sandbox-off"]);
    world.write(file, "{agents: {}}");
    assert_eq!(holes(&world, "openclaw", &policy), ["settings-unreadable"]);
}
