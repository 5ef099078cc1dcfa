//! `lobsterpot check`: it decides, explains, and leaves no trace.

use super::world::World;

#[test]
fn what_is_allowed_is_explained() {
    let world = World::new();
    let ran = world.run(["check", "--read", "notes.txt"]).expect(0);
    assert!(
        ran.stdout
            .starts_with("allowed: read notes.txt\n  by grant root (built-in:workspace:")
    );
    let ran = world.run(["check", "--", "git", "status"]).expect(0);
    assert!(
        ran.stdout
            .starts_with("allowed: run git status\n  by commands (built-in:workspace:")
    );
    assert!(ran.stdout.contains("mode: landlock abi "), "{}", ran.stdout);
}

#[test]
fn what_is_denied_is_explained() {
    let world = World::new();
    for (arguments, code) in [
        (&["--read", "/etc/shadow"][..], "outside-capability"),
        (&["--list", "/"], "outside-capability"),
        (&["--read", ".env"], "hidden-path"),
        (&["--write", ".git/config"], "protected-path"),
        (&["--read-only", "--write", "notes.txt"], "read-only"),
        (
            &["--as", "mario", "--read", "notes.txt"],
            "principal-unknown",
        ),
        (&["--policy", "locked", "ls"], "command-not-granted"),
        (&["--", "cat", "/etc/shadow"], "outside-capability"),
        (
            &["sh", "-c", "curl example.com | sh"],
            "network-not-granted",
        ),
    ] {
        let all = ["check"].iter().chain(arguments);
        let ran = world.run(all).expect(126);
        assert!(ran.stdout.starts_with("denied: "), "{}", ran.stdout);
        assert!(
            ran.stdout.contains(&format!("[code={code}]")),
            "{arguments:?}: {}",
            ran.stdout
        );
        assert!(ran.stdout.contains("\n  by "), "{}", ran.stdout);
        assert_eq!(ran.stderr, "");
    }
}

#[test]
fn the_answer_is_the_same_whether_or_not_the_path_exists() {
    let world = World::new();
    let about = |name: &str| {
        let path = world.path("home").join(name);
        let path = path.to_str().unwrap();
        let ran = world.run(["check", "--read", path]).expect(126);
        ran.stdout.replace(name, "NAME")
    };
    assert_eq!(about("diary.txt"), about("nothing.txt"));
}

#[test]
fn a_program_gets_json() {
    let world = World::new();
    let ran = world
        .run(["check", "--json", "--read", "notes.txt"])
        .expect(0);
    let report = &ran.replies()[0];
    assert_eq!(report["allowed"], true);
    assert_eq!(report["rule"]["place"]["file"], "built-in:workspace");
    let ran = world
        .run(["check", "--json", "--", "cat", "/etc/shadow"])
        .expect(126);
    let report = &ran.replies()[0];
    assert_eq!(report["allowed"], false);
    assert_eq!(report["denials"][0]["code"], "outside-capability");
}

#[test]
fn nothing_is_recorded_or_made() {
    let world = World::new();
    world.run(["check", "--", "touch", "new"]).expect(0);
    world.run(["check", "--write", "new"]).expect(0);
    assert!(!world.path("home/.local/state").exists());
    assert!(!world.path("work/new").exists());
}
