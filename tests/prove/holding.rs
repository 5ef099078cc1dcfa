//! Every policy holds on this host, in both modes, as root and as an ordinary user.

use serde_json::Value;

use super::world::{Mode, User, World, rows, skip};

/// The fewest attacks that a proof makes.
const FEWEST: u64 = 120;

/// Proves a policy in both modes, for everybody that this process can be.
fn holds(policy: &str) {
    for user in User::all() {
        for mode in [Mode::Best, Mode::Flat] {
            let world = World::new(*user);
            let (proof, code) = world.prove(mode, &["--policy", policy]);
            let about = format!("{policy} {user:?} {mode:?}");
            assert_eq!(rows(&proof, "broken"), [""; 0], "{about}: {proof}");
            assert_eq!(code, 0, "{about}: {proof}");
            assert_eq!(proof["ok"], true, "{about}");
            assert!(
                proof["counts"]["attacks"].as_u64() >= Some(FEWEST),
                "{about}"
            );
            has_controls(&proof, &about);
            match (mode, proof["mode"].as_str()) {
                (Mode::Best, Some("view")) => assert_eq!(rows(&proof, "weaker"), [""; 0]),
                (Mode::Best, _) => skip("a view: this host gives none"),
                (Mode::Flat, told) => {
                    assert_eq!(told, Some("flat"), "{about}");
                    is_declared(&proof, &about);
                }
            }
            assert_eq!(world.left(), Vec::<std::path::PathBuf>::new(), "{about}");
        }
    }
}

/// A row without a control proves nothing: most must have one, and nearly every group.
fn has_controls(proof: &Value, about: &str) {
    let all = proof["counts"]["rows"].as_u64().unwrap();
    let idle = rows(proof, "not-applicable");
    assert!((idle.len() as u64) < all / 5, "{about}: {idle:?}");
    for group in [
        "read",
        "list",
        "learn",
        "run",
        "change",
        "network",
        "processes",
        "privileges",
        "survival",
        "use",
    ] {
        let is_in = |row: &&String| row.starts_with(&format!("{group}/"));
        let proven = rows(proof, "held")
            .iter()
            .chain(&rows(proof, "weaker"))
            .filter(is_in)
            .count();
        assert!(proven >= 5, "{about}: {group}: {proven}");
    }
}

/// What is weaker in flat mode is what replies say is weaker.
fn is_declared(proof: &Value, about: &str) {
    let declared = proof["enforced"]["weaker"].as_array().unwrap();
    for row in proof["rows"].as_array().unwrap() {
        if row["verdict"] == "weaker" {
            assert!(declared.contains(&row["weaker"]), "{about}: {row}");
        }
    }
    let learnt = rows(proof, "weaker").iter().any(|row| row == "learn/statx");
    assert!(
        learnt,
        "{about}: flat mode hides what exists, or nobody looked"
    );
}

#[test]
fn the_workspace_policy_holds() {
    holds("workspace");
}

#[test]
fn the_read_only_policy_holds() {
    holds("read-only");
}

/// What is expected follows from the rights, not from the name of the policy.
#[test]
fn a_policy_with_some_rights_holds() {
    let world = World::new(User::Current);
    let all = r#"rights = ["list", "read", "write", "create", "delete", "execute"]
# Where projects"#;
    let some = r#"rights = ["list", "read", "create", "execute"]
# Where projects"#;
    let policy = world.policy("workspace", &[(all, some)]);
    let (proof, code) = world.prove(Mode::Flat, &["--policy", &policy]);
    assert_eq!((rows(&proof, "broken"), code), (Vec::new(), 0), "{proof}");
    let held = rows(&proof, "held");
    for row in [
        "use/mkdirat",
        "rights/write",
        "rights/unlinkat",
        "rights/fchmodat",
    ] {
        assert!(held.iter().any(|held| held == row), "{row}: {held:?}");
    }
    assert!(!held.iter().any(|row| row == "use/write"), "{held:?}");
}

/// And where the place for temporary files is granted, the world of the proof lies in another.
#[test]
fn a_policy_that_grants_no_root_is_attacked_too() {
    let world = World::new(User::Current);
    let elsewhere = format!("path = \"{}\"", world.path("tmp").display());
    let changes = [
        ("path = \"${root}\"", elsewhere.as_str()),
        ("hide = [\".env\", \".env.local\"]", ""),
    ];
    let policy = world.policy("read-only", &changes);
    let (proof, code) = world.prove(Mode::Best, &["--policy", &policy]);
    assert_eq!((rows(&proof, "broken"), code), (Vec::new(), 0), "{proof}");
    assert!(!proof["notes"].as_array().unwrap().is_empty(), "{proof}");
    let held = rows(&proof, "held");
    assert!(held.iter().any(|row| row == "rights/openat"), "{held:?}");
}

#[test]
fn processes_that_may_stay_for_the_session_end_with_it() {
    let world = World::new(User::Current);
    let background = "mode = \"auto\"\nbackground = \"until-session-end\"";
    let policy = world.policy("workspace", &[("mode = \"auto\"", background)]);
    let (proof, code) = world.prove(Mode::Best, &["--policy", &policy]);
    assert_eq!((rows(&proof, "broken"), code), (Vec::new(), 0), "{proof}");
    assert!(
        rows(&proof, "held")
            .iter()
            .any(|row| row == "survival/daemon")
    );
}

#[test]
fn where_no_command_may_run_that_is_proven() {
    for arguments in [["--policy", "locked"], ["--as", "a stranger"]] {
        let world = World::new(User::Current);
        let (proof, code) = world.prove(Mode::Best, &arguments);
        assert_eq!(code, 0, "{proof}");
        assert_eq!(rows(&proof, "held"), ["start/command"]);
        let notes = proof["notes"].to_string();
        assert!(notes.contains("no command"), "{notes}");
        assert_eq!(world.left(), Vec::<std::path::PathBuf>::new());
    }
}

#[test]
fn the_table_is_for_people() {
    let world = World::new(User::Current);
    let output = world.run(Mode::Flat, &["--read-only", "--all"]);
    let text = String::from_utf8(output.stdout).unwrap();
    for word in [
        "flat mode",
        "landlock",
        "outside-metadata",
        "held openat2-in-root: openat2(RESOLVE_IN_ROOT)",
        "everything held",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
        assert!(!line.contains('\u{1b}'), "{line}");
    }
}
