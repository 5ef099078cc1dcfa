//! `lobsterpot doctor`: readable, complete, and the same for people and programs.

use super::world::World;

#[test]
fn the_table_fits_a_terminal_and_names_what_counts() {
    let world = World::new();
    let ran = world.run(["doctor"]);
    assert!(ran.code == 0 || ran.code == 1, "{ran:?}");
    for word in [
        "kernel",
        "landlock",
        "system calls",
        "user namespaces",
        "fuse",
        "control groups",
        "mode",
        "locked",
        "read-only",
        "workspace",
    ] {
        assert!(ran.stdout.contains(word), "{word}: {}", ran.stdout);
    }
    for line in ran.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
        assert!(!line.contains('\u{1b}'), "{line}");
    }
}

#[test]
fn a_program_gets_the_same() {
    let world = World::new();
    let ran = world.run(["doctor", "--json"]);
    let report = &ran.replies()[0];
    assert_eq!(report["ok"], ran.code == 0);
    assert!(report["host"]["landlock_abi"].is_number());
    let names: Vec<&str> = report["policies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|policy| policy["policy"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["locked", "read-only", "workspace"]);
}

#[test]
fn it_leaves_no_trace_and_needs_no_home() {
    let world = World::new();
    world.run(["doctor"]);
    assert!(!world.path("home/.local/state").exists());
    let ran = world
        .command(["doctor"])
        .env("HOME", "relative")
        .output()
        .unwrap();
    assert!(ran.stderr.is_empty(), "{ran:?}");
}
