//! Calls that name a file in a way that only the agent's tool understands.

use serde_json::{Value, json};

use super::answers::{agent_of, ask, call, denied, no_opinion, recorded, rewritten};
use crate::cli::world::{Ran, World};

/// Asks a recorded call with another tool and other arguments.
fn with(world: &World, name: &str, tool: &str, input: Value) -> Ran {
    let mut call = call(world, name);
    call["tool_name"] = json!(tool);
    call["tool_input"] = input;
    ask(world, agent_of(name), &call, &[])
}

#[test]
fn a_path_that_the_tool_would_change_is_denied() {
    let world = World::new();
    for path in [
        "\u{feff}/etc/shadow",
        "notes.txt\u{feff}",
        "\u{a0}/etc/shadow",
        "\u{212a}ey",
        "e\u{301}",
    ] {
        for (name, key) in [
            ("claude-code-read", "file_path"),
            ("claude-code-write", "file_path"),
            ("claude-code-grep", "path"),
            ("gemini-read", "file_path"),
        ] {
            let reason = denied(recorded(&world, name, Some((key, path))), name);
            assert!(
                reason.contains("[code=bad-request]"),
                "{name} {path:?}: {reason}"
            );
        }
    }
    world.write("work/naïve–日本.txt", "x\n");
    let plain = Some(("file_path", "naïve–日本.txt"));
    no_opinion(recorded(&world, "claude-code-read", plain));
}

#[test]
fn the_directories_in_a_pattern_are_decided_on() {
    let world = World::new();
    let home = world.path("home");
    let home = home.to_str().unwrap();
    let work = world.path("work");
    let work = work.to_str().unwrap();
    std::os::unix::fs::symlink(home, world.path("work/way")).unwrap();
    let outside = format!("{home}/*");
    let file = format!("{home}/diary.txt");
    let up = format!("{work}/../home/*");
    for pattern in [
        &outside,
        &file,
        &up,
        "/**",
        "~/*",
        "../*",
        "{.,}{.,}/*",
        "way/*",
    ] {
        let input = json!({ "pattern": pattern });
        for (name, tool) in [("claude-code-grep", "Glob"), ("gemini-list", "glob")] {
            denied(with(&world, name, tool, input.clone()), name);
        }
        let name = "gemini-list";
        let input = json!({"pattern": "x", "include_pattern": pattern});
        denied(with(&world, name, "grep_search", input), name);
    }
    let inside = format!("{work}/**/*.txt");
    for pattern in [&inside, "**/*.{rs,txt}", "src/*", "notes.txt"] {
        let input = json!({ "pattern": pattern });
        no_opinion(with(&world, "claude-code-grep", "Glob", input.clone()));
        no_opinion(with(&world, "gemini-list", "glob", input));
    }
    // What is searched for is no pattern of paths.
    let input = json!({"pattern": "../*", "glob": "*.txt", "-n": true});
    no_opinion(with(&world, "claude-code-grep", "Grep", input));
}

#[test]
fn an_argument_that_is_not_known_is_denied() {
    let world = World::new();
    for (name, tool, input) in [
        ("gemini-list", "list_directory", json!({"path": "/etc"})),
        (
            "gemini-list",
            "search_file_content",
            json!({"pattern": "x", "path": "/etc"}),
        ),
        ("gemini-list", "glob", json!({"pattern": "*", "path": "."})),
        (
            "gemini-read",
            "read_file",
            json!({"file_path": "notes.txt", "absolute_path": "/etc/shadow"}),
        ),
        (
            "claude-code-grep",
            "Glob",
            json!({"pattern": "*", "paths": ["/etc"]}),
        ),
        (
            "claude-code-read",
            "Read",
            json!({"file_path": "notes.txt", "path": {"of": "/etc"}}),
        ),
    ] {
        let reason = denied(with(&world, name, tool, input), name);
        assert!(reason.contains("is not known here"), "{tool}: {reason}");
    }
    let input = json!({"dir_path": ".", "ignore": ["x"], "wait_for_previous": true});
    no_opinion(with(&world, "gemini-list", "list_directory", input));
}

#[test]
fn a_command_is_narrowed_as_the_hook_is() {
    let world = World::new();
    let within = world.path("work/src");
    std::fs::create_dir_all(&within).unwrap();
    let within = within.to_str().unwrap();
    let name = "claude-code-bash";
    let mut asked = call(&world, name);
    asked["cwd"] = json!(within);
    asked["tool_input"]["command"] = json!("true");
    let input = rewritten(
        ask(&world, agent_of(name), &asked, &["--within", within]),
        name,
    );
    let command = input["command"].as_str().unwrap();
    let option = format!("--within {within} ");
    assert!(command.replace('\'', "").contains(&option), "{command}");
    // Relative to what, nobody could say.
    let words = ["hook", "claude-code", "--root", "/", "--within", "src"];
    world.feed(&words, asked.to_string().as_bytes()).expect(2);
}
