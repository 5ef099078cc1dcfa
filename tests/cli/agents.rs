//! Policies for whole agents: each is clean, and gives the agent its state and not its settings.

use std::path::Path;

use super::world::World;

const AGENTS: [(&str, &str, &str, &str); 4] = [
    (
        "claude-code",
        "CLAUDE_CONFIG_DIR",
        "settings.json",
        ".claude/settings.json",
    ),
    ("codex", "CODEX_HOME", "config.toml", ".codex/config.toml"),
    (
        "gemini",
        "GEMINI_CLI_HOME",
        ".gemini/settings.json",
        ".gemini/settings.json",
    ),
    (
        "openclaw",
        "OPENCLAW_STATE_DIR",
        "openclaw.json",
        ".openclaw/openclaw.json",
    ),
];

#[test]
fn every_file_is_clean() {
    let world = World::new();
    for (name, ..) in AGENTS {
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("policies/agents/{name}.toml"));
        let ran = world
            .run(["policy", "lint", file.to_str().unwrap()])
            .expect(0);
        assert!(ran.stderr.contains("0 warnings"), "{ran:?}");
        let shown = world
            .run(["policy", "show", &format!("agents/{name}")])
            .expect(0);
        assert_eq!(shown.stdout, std::fs::read_to_string(file).unwrap());
    }
    world.run(["policy", "show", "agents/none"]).expect(1);
}

#[test]
fn an_agent_has_its_state_and_cannot_change_what_it_obeys() {
    for (name, variable, setting, of_project) in AGENTS {
        let world = World::new();
        let state = format!("home/.local/share/lobsterpot/{name}");
        world.write(&format!("{state}/{setting}"), "{}\n");
        world.write(&format!("work/{of_project}"), "{}\n");
        let script = format!(
            "set -e; echo session > \"${variable}\"/session; cat \"${variable}\"/{setting}
             echo x > made; ! cat ~/diary.txt; exit 0"
        );
        let policy = format!("agents/{name}");
        let run = |script: &str| {
            let words = [
                "run", "--policy", &policy, "--json", "--", "sh", "-c", script,
            ];
            let mut command = world.command(words);
            let ran = command.env(variable, world.path(&state)).output().unwrap();
            super::world::Ran::of(ran)
        };
        let ran = run(&script).expect(0);
        assert_eq!(world.read(&format!("{state}/session")), "session\n");
        assert_eq!(world.read("work/made"), "x\n");
        // Where commands cannot be kept from it, the reply says so.
        let weaker = &ran.report()["enforced"]["weaker"];
        let is_told = weaker
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one == "command-exceptions"));
        if is_told {
            continue;
        }
        run(&format!(
            "f=\"${variable}\"/{setting}; echo y 2>&- > \"$f\"; echo y 2>&- > {of_project}"
        ));
        assert_eq!(world.read(&format!("{state}/{setting}")), "{}\n", "{name}");
        assert_eq!(world.read(&format!("work/{of_project}")), "{}\n", "{name}");
    }
}
