//! What an agent is told that it may do: the words, and that each of them is true.

use serde_json::Value;

use super::world::World;

/// The text for a policy, with the workspace in its place.
fn told(world: &World, options: &[&str]) -> String {
    let ran = world.run([&["prompt"], options].concat()).expect(0);
    assert_eq!(ran.stderr, "");
    ran.stdout
        .replace(world.path("work").to_str().unwrap(), "WORK")
}

#[test]
fn the_words_for_each_built_in_policy() {
    let world = World::new();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/prompts");
    for policy in ["locked", "read-only", "workspace"] {
        let expected = std::fs::read_to_string(format!("{golden}/{policy}.txt")).unwrap();
        assert_eq!(told(&world, &["--policy", policy]), expected);
    }
    assert_eq!(
        told(&world, &["--read-only"]),
        std::fs::read_to_string(format!("{golden}/tightened.txt")).unwrap()
    );
    // Whom the policy does not know may do nothing.
    assert_eq!(
        told(&world, &["--as", "a stranger"]),
        told(&world, &["--policy", "locked"])
    );
}

const POLICY: &str = r#"
name = "mixed"
description = "Several grants, and a hole."
[[grant]]
name = "root"
path = "${root}"
rights = ["list", "read", "write", "create", "delete"]
hide = ["secret"]
protect = ["fixed"]
reason = "a test"
[[grant]]
name = "notes"
path = "~/notes"
rights = ["read"]
reason = "a test"
[[deny]]
path = "${root}/closed"
reason = "a test"
[commands]
run = "all"
reason = "a test"
[containment]
profiles = ["base"]
accept = ["outside-metadata", "command-exceptions", "outside-signals"]
[tier.owner]
rights = ["list", "read", "write", "create", "delete"]
commands = "all"
grants = "all"
reason = "a test"
[tier.agent]
rights = ["list", "read", "write", "create", "delete"]
commands = "all"
grants = "all"
reason = "a test"
[tier.friend]
rights = ["read"]
commands = "none"
grants = ["notes"]
reason = "a test"
[principal]
"agent:main" = "agent"
friend = "friend"
"#;

/// Each right that is claimed is granted, and each that is not is refused.
#[test]
fn every_word_is_true() {
    let world = World::new();
    std::fs::create_dir(world.path("home/notes")).unwrap();
    let policy = world.write("home/mixed.toml", POLICY);
    let policy = policy.to_str().unwrap();
    for options in [
        &["--policy", "locked"][..],
        &["--policy", "read-only"],
        &["--policy", "workspace"],
        &["--read-only"],
        &["--policy", policy],
        &["--policy", policy, "--read-only"],
        &["--policy", policy, "--as", "friend"],
    ] {
        let ran = world
            .run([&["prompt", "--json"], options].concat())
            .expect(0);
        let reach: Value = serde_json::from_str(&ran.stdout).unwrap();
        let check = |words: &[&str]| {
            let ran = world.run([&["check"], options, words].concat());
            assert!([0, 126].contains(&ran.code), "{ran:?}");
            ran.code == 0
        };
        for files in reach["files"].as_array().unwrap() {
            let path = files["path"].as_str().unwrap();
            let rights = files["rights"].as_array().unwrap();
            let has = |right: &str| rights.iter().any(|one| one == right);
            let inside = |name: &str| format!("{path}/{name}");
            assert_eq!(check(&["--read", &inside("x")]), has("read"), "{files}");
            assert_eq!(check(&["--list", path]), has("list"), "{files}");
            let changes = has("write") && has("create");
            assert_eq!(check(&["--write", &inside("x")]), changes, "{files}");
            for hidden in files["hide"].as_array().unwrap() {
                assert!(!check(&["--read", &inside(hidden.as_str().unwrap())]));
            }
            for fixed in files["protect"].as_array().unwrap() {
                assert!(!check(&["--write", &inside(fixed.as_str().unwrap())]));
            }
        }
        assert_eq!(check(&["--", "true"]), reach["commands"] == true);
        assert!(!check(&["--read", "/etc/shadow"]));
        assert!(!check(&["--list", world.path("home").to_str().unwrap()]));
        assert_eq!(reach["network"], false);
        // Nothing of what lies outside is told.
        let text = told(&world, options);
        assert!(!text.contains("mixed") && !text.contains("/etc"), "{text}");
    }
}
