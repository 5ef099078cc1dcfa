//! What is offered: by which versions of the protocol, and to whom.

use serde_json::{Value, json};

use super::world::World;

fn names(tools: &[Value]) -> Vec<&str> {
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect()
}

const ALL: [&str; 16] = [
    "shell",
    "shell_start",
    "shell_output",
    "shell_stop",
    "read",
    "write",
    "append",
    "edit",
    "list",
    "glob",
    "grep",
    "stat",
    "mkdir",
    "move",
    "copy",
    "delete",
];

#[test]
fn a_session_can_begin_by_each_version_with_a_handshake() {
    let world = World::new();
    for version in ["2025-11-25", "2025-06-18"] {
        let mut client = world.connect(&[]);
        let info = client.initialize(version, json!({}));
        assert_eq!(info["protocolVersion"], version);
        assert_eq!(info["serverInfo"]["name"], "lobsterpot");
        assert_eq!(names(&client.tools()), ALL);
        assert_eq!(client.leave(), Some(0));
    }
}

#[test]
fn a_version_that_nobody_knows_is_answered_with_one_that_is_spoken() {
    let world = World::new();
    let mut client = world.connect(&[]);
    let info = client.initialize("1999-01-01", json!({}));
    assert_eq!(info["protocolVersion"], "2025-11-25");
    assert_eq!(client.leave(), Some(0));
}

/// What each request of the current version carries instead of a handshake.
fn current() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "a test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

#[test]
fn the_current_version_needs_no_handshake() {
    let world = World::new();
    let mut client = world.connect(&[]);
    let found = client.ask("server/discover", json!({"_meta": current()}));
    let versions = found["result"]["supportedVersions"].as_array().unwrap();
    assert!(versions.contains(&json!("2026-07-28")), "{found}");
    assert!(versions.contains(&json!("2025-11-25")), "{found}");
    let listed = client.ask("tools/list", json!({"_meta": current()}));
    let tools = listed["result"]["tools"].as_array().unwrap();
    assert_eq!(names(tools), ALL);
    let read = client.ask(
        "tools/call",
        json!({"name": "read", "arguments": {"path": "notes.txt"}, "_meta": current()}),
    );
    assert_eq!(read["result"]["content"][0]["text"], "buy milk\n");
    assert_eq!(client.leave(), Some(0));
}

#[test]
fn every_tool_has_a_schema_and_says_what_it_does_to_the_world() {
    let world = World::new();
    let mut client = world.serve(&[]);
    let tools = client.tools();
    assert_eq!(tools.len(), 16);
    for tool in tools {
        let name = tool["name"].as_str().unwrap();
        let input = &tool["inputSchema"];
        assert_eq!(input["additionalProperties"], false, "{name}");
        for property in input["properties"].as_object().unwrap().values() {
            assert!(property["type"].is_string(), "{name}: {property}");
        }
        assert_eq!(tool["outputSchema"]["type"], "object", "{name}");
        let hints = &tool["annotations"];
        let looks = ["shell_output", "read", "list", "glob", "grep", "stat"].contains(&name);
        assert_eq!(hints["readOnlyHint"], looks, "{name}");
        let adds = ["append", "mkdir"].contains(&name);
        assert_eq!(hints["destructiveHint"], !looks && !adds, "{name}");
        assert!(hints["idempotentHint"].is_boolean(), "{name}");
        assert_eq!(hints["openWorldHint"], false, "{name}");
    }
}

#[test]
fn under_a_read_only_policy_nothing_that_changes_is_offered_and_a_call_of_it_is_refused() {
    let world = World::new();
    for arguments in [&["--read-only"][..], &["--policy", "read-only"]] {
        let mut client = world.serve(arguments);
        let tools = client.tools();
        let offered = names(&tools);
        let shells = ["shell", "shell_start", "shell_output", "shell_stop"];
        let looks = ["read", "list", "glob", "grep", "stat"];
        assert_eq!(offered, [&shells[..], &looks].concat());
        for tool in &tools {
            assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
            assert_eq!(tool["annotations"]["destructiveHint"], false, "{tool}");
        }
        for (tool, arguments) in [
            ("write", json!({"path": "notes.txt", "content": "x"})),
            ("append", json!({"path": "notes.txt", "content": "x"})),
            (
                "edit",
                json!({"path": "notes.txt", "old_text": "milk", "new_text": "x"}),
            ),
            ("mkdir", json!({"path": "new"})),
            ("move", json!({"source": "notes.txt", "destination": "b"})),
            ("copy", json!({"source": "notes.txt", "destination": "b"})),
            ("delete", json!({"path": "notes.txt"})),
        ] {
            assert_eq!(client.call(tool, arguments).denied(), "read-only", "{tool}");
        }
        let tried = client.call("shell", json!({"command": "echo x > notes.txt; touch b"}));
        assert_ne!(tried.structured()["result"]["exit_code"], 0, "{tried:?}");
        let command = "python3 -c 'open(\"notes.txt\", \"w\")' || echo x >> ./no*s.txt";
        client.call("shell", json!({"command": command}));
        assert_eq!(world.read("work/notes.txt"), "buy milk\n");
        let entries = std::fs::read_dir(world.path("work")).unwrap();
        assert_eq!(entries.count(), 1);
        assert_eq!(client.leave(), Some(0));
    }
    let refused = world
        .records()
        .iter()
        .filter(|record| record["unmapped"]["phase"] == "decision" && record["action_id"] == 2)
        .count();
    assert!(refused >= 14, "{refused}");
}

#[test]
fn a_policy_without_commands_offers_no_shell_and_a_locked_one_nothing() {
    let world = World::new();
    let policy = "\
name = \"files\"
description = \"Files only.\"
[[grant]]
name = \"root\"
path = \"${root}\"
rights = [\"list\", \"read\", \"create\"]
reason = \"a test\"
[tier.agent]
rights = [\"list\", \"read\", \"create\"]
commands = \"none\"
grants = \"all\"
reason = \"a test\"
[tier.owner]
rights = [\"list\", \"read\", \"create\"]
commands = \"none\"
grants = \"all\"
reason = \"a test\"
[principal]
\"agent:main\" = \"agent\"
";
    let file = world.write("home/files.toml", policy);
    let mut client = world.serve(&["--policy", file.to_str().unwrap()]);
    let creating = [
        "read", "write", "append", "list", "glob", "grep", "stat", "mkdir", "copy",
    ];
    assert_eq!(names(&client.tools()), creating);
    let denied = client.call("shell", json!({"command": "true"}));
    assert_eq!(denied.denied(), "command-not-granted");
    let denied = client.call("shell_start", json!({"command": "true"}));
    assert_eq!(denied.denied(), "command-not-granted");

    let mut client = world.serve(&["--policy", "locked"]);
    assert_eq!(client.tools(), Vec::<Value>::new());
    let denied = client.call("read", json!({"path": "notes.txt"}));
    assert_eq!(denied.denied(), "outside-capability");
    let mut client = world.serve(&["--as", "a stranger"]);
    assert_eq!(client.tools(), Vec::<Value>::new());
    let denied = client.call("read", json!({"path": "notes.txt"}));
    assert_eq!(denied.denied(), "principal-unknown");
}
