//! Profiles of the operator's own: what they give to commands, and what is said of them.

use std::os::unix::fs::symlink;

use super::world::World;

const FROB: &str = r#"
name = "frob"
about = "a test"
[[set]]
name = "FROB"
value = "found"
reason = "to be seen"
"#;

/// A world with a policy that names the profile.
fn world(profile: &str) -> World {
    let world = World::new();
    let text = std::fs::read_to_string("policies/workspace.toml").unwrap();
    let text = text.replace("name = \"workspace\"", "name = \"mine\"");
    let with = format!("profiles = [\"{profile}\", ");
    let text = text.replacen("profiles = [", &with, 1);
    world.write("home/.config/lobsterpot/policies/mine.toml", &text);
    world
}

const SAY: [&str; 7] = ["run", "--policy", "mine", "--", "sh", "-c", "echo $FROB"];

#[test]
fn commands_get_what_a_profile_of_the_operator_gives() {
    let world = world("frob");
    let path = world.write("home/.config/lobsterpot/profiles/frob.toml", FROB);
    assert_eq!(world.run(SAY).expect(0).stdout, "found\n");
    let explained = world.run(["policy", "explain", "mine"]).expect(0);
    let words = format!("profiles from files\n  frob: {}\n", path.display());
    assert!(explained.stdout.contains(&words), "{}", explained.stdout);
    // Control: the built-in ones need no word.
    let explained = world.run(["policy", "explain", "workspace"]).expect(0);
    assert!(
        !explained.stdout.contains("from files"),
        "{}",
        explained.stdout
    );
}

#[test]
fn a_profile_that_is_missing_or_broken_is_told_with_its_place() {
    let world = world("frob");
    let ran = world.run(SAY).expect(125);
    assert!(
        ran.stderr.contains("find sandbox profile `frob`"),
        "{ran:?}"
    );

    let text = format!("{FROB}raeson = \"x\"\n");
    let path = world.write("home/.config/lobsterpot/profiles/frob.toml", &text);
    let place = format!("{}:8:1", path.display());
    let ran = world.run(SAY).expect(125);
    assert_eq!(ran.stdout, "");
    assert!(
        ran.stderr.contains(&place) && ran.stderr.contains("`raeson`"),
        "{ran:?}"
    );
    let ran = world.run(["policy", "explain", "mine"]).expect(1);
    assert!(ran.stderr.contains(&place), "{ran:?}");
    assert!(
        ran.stderr.contains("the sandbox profile cannot be used"),
        "{ran:?}"
    );
    // File requests need no profile.
    let read = br#"{"id": 1, "op": "file.read", "path": "notes.txt"}"#;
    world.write("work/notes.txt", "notes");
    let ran = world.feed(&["call", "--policy", "mine"], read).expect(0);
    assert_eq!(ran.replies()[0]["status"], "ok", "{ran:?}");
}

#[test]
fn a_replaced_profile_is_said_openly() {
    let world = world("frob");
    world.write("home/.config/lobsterpot/profiles/frob.toml", FROB);
    let git = "name = \"git\"\nabout = \"mine\"\nreplaces-built-in = true\n";
    let path = world.write("home/.config/lobsterpot/profiles/git.toml", git);
    let explained = world.run(["policy", "explain", "mine"]).expect(0).stdout;
    assert!(
        explained.contains("in place of the built-in profile"),
        "{explained}"
    );
    let report = world.run(["policy", "explain", "mine", "--json"]).expect(0);
    let profiles = &report.replies()[0]["plan"]["profiles"];
    let of = |name: &str| {
        let mut all = profiles.as_array().unwrap().iter();
        all.find(|one| one["name"] == name).unwrap().clone()
    };
    assert_eq!(of("git")["source"], path.display().to_string());
    assert_eq!(of("git")["replaces_built_in"], true);
    assert_eq!(of("base")["source"], "built-in:base");
    assert_eq!(of("base")["replaces_built_in"], false);
}

#[test]
fn a_profile_that_commands_could_change_is_refused() {
    let world = world("frob");
    let inside = world.write("work/frob.toml", FROB);
    let place = world.write("home/.config/lobsterpot/profiles/other", "");
    symlink(inside, place.with_file_name("frob.toml")).unwrap();
    let ran = world.run(SAY).expect(125);
    assert!(ran.stderr.contains("lets commands change it"), "{ran:?}");
    // Control: nothing can be changed under a read-only policy.
    let ran = world
        .run([&SAY[..1], &["--read-only"], &SAY[1..]].concat())
        .expect(0);
    assert_eq!(ran.stdout, "found\n");
}
