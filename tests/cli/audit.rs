//! The audit log of real sessions: how it is kept, and what vouches for it.

use super::world::World;

const RULES: &str = "home/.config/lobsterpot/audit.toml";

#[test]
fn a_session_ends_with_a_checkpoint() {
    let world = World::new();
    world.run(["run", "--", "true"]).expect(0);
    world.run(["run", "--", "true"]).expect(0);
    let verified = world.run(["audit", "verify"]).expect(0);
    assert!(
        verified
            .stdout
            .ends_with("vouched for by 3 checkpoints, all of it\n"),
        "{verified:?}"
    );
}

#[test]
fn rules_that_cannot_be_understood_keep_everything_from_running() {
    let world = World::new();
    let command = ["run", "--", "sh", "-c", "echo ran > proof"];
    for (rules, why) in [
        (
            "keep-sise = \"4GiB\"\n",
            "unknown key `keep-sise` (did you mean `keep-size`?)",
        ),
        ("\nkeep-age = \"soon\"\n", "audit.toml:2: "),
    ] {
        world.write(RULES, rules);
        let ran = world.run(command).expect(125);
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
        assert!(!world.path("work/proof").exists());
    }
    world.write(RULES, "file-age = \"7d\"\nkeep-age = \"90d\"\n");
    world.run(command).expect(0);
    assert!(world.path("work/proof").exists());
}

/// By no policy and from no command is the key in reach.
#[test]
fn the_key_of_the_log_is_out_of_reach() {
    let world = World::new();
    world.run(["run", "--", "true"]).expect(0);
    let key = world.path("home/.local/state/lobsterpot/audit.key");
    let before = std::fs::read(&key).unwrap();
    let path = key.to_str().unwrap();
    let script = format!("cat '{path}' || exit 7");
    // Spelt so that reading the command line does not refuse it beforehand.
    let hidden = script.replace("audit.key", "audit.k''ey");
    let ran = world.run(["run", "--", "sh", "-c", &hidden]);
    assert!(ran.code == 7 || ran.code == 126, "{ran:?}");
    assert_eq!(ran.stdout, "");
    assert_ne!(
        std::fs::read(&key).unwrap(),
        before,
        "it has moved on with the session"
    );
}
