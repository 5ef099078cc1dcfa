//! What a policy lets outlive its command is supervised as before, and told of.

use std::process::Stdio;

use serde_json::{Value, json};

use super::super::world::World;
use super::is_told;

/// What a command left behind goes on asking the supervisor, which answers as ever.
#[test]
fn what_outlives_its_command_can_do_what_it_could_before() {
    let text = std::fs::read_to_string("policies/workspace.toml").unwrap();
    let text = text
        .replace("name = \"workspace\"", "name = \"own\"")
        .replacen(
            "mode = \"auto\"",
            "mode = \"auto\"\nbackground = \"until-session-end\"",
            1,
        );
    for flat in ["0", "1"] {
        let world = World::new();
        let policy = world.write("home/own.toml", &text);
        world.write(
            "work/left",
            "until [ -e go ]; do sleep 0.1; done
            mkdir made && echo x > made/file && chmod 600 made/file && cat made/file > copy
            echo x > /usr/made; echo done > end",
        );
        let start = "sh left > out 2>&1 < /dev/null & exit 0";
        let wait = "echo x > go; until [ -e end ]; do sleep 0.1; done";
        let lines = [start, wait, "true"].map(|shell| {
            let request = json!({"id": "1", "op": "exec.run", "shell": shell, "timeout": "60s"});
            format!("{request}\n")
        });
        let mut command = world.command(["call", "--policy", policy.to_str().unwrap()]);
        command
            .env("LOBSTERPOT_FORCE_FLAT", flat)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), lines.concat().as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let replies: Vec<Value> = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(replies.len(), 3, "{replies:?}");
        let said = world.read("work/out");
        assert!(!said.contains("not implemented"), "{said}");
        assert_eq!(world.read("work/copy"), "x\n", "{said} {replies:?}");
        let told = |reply: &&Value| is_told(reply, "/usr/made", "read-only");
        assert_eq!(replies.iter().filter(told).count(), 1, "{replies:?}");
    }
}
