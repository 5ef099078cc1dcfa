//! `audit suggest`: what it suggests is loaded again, allows what was refused, and nothing else.

mod place;

use std::path::Path;
use std::process::Command;

use lobsterpot::audit::{Event, Verdict};
use lobsterpot::model::{Denial, Enforced, HostPath, RefusalCode, Right, Rule};
use lobsterpot::policy::Policy;
use serde_json::Value;

use super::asking::{ask, say};
use super::support::{Asker, World};
use place::{POLICY, Place, more};

#[test]
fn one_file_is_granted_and_nothing_else() {
    let place = Place::new();
    place.refused("agent:main", "openat", &place.data.join("a.csv"));
    place.refused("agent:main", "statx", &place.data.join("a.csv"));
    let text = say(&place.world, &["suggest"]);
    assert!(text.starts_with("# 1 grant for policy notes ("), "{text}");
    assert!(
        text.contains("/srv/data/a.csv: read, for 2 refusals"),
        "{text}"
    );
    assert!(
        text.contains("risk: it can be read, and repeated in replies"),
        "{text}"
    );
    assert!(
        text.contains("\n-grants = [\"root\"] # by name\n"),
        "{text}"
    );
    assert!(
        text.contains("\n+grants = [\"root\", \"suggested-1\"] # by name\n"),
        "{text}"
    );
    let whole = say(&place.world, &["suggest", "--whole"]);
    let mut expected = more(&["me"], &["srv/data/a.csv"], Right::Read);
    expected.extend(more(&["agent:main"], &["srv/data/a.csv"], Right::Read));
    assert_eq!(place.allowed_more(&whole), expected);
    assert!(whole.starts_with("# the project\n"), "comments stay");
}

#[test]
fn the_difference_is_what_patch_makes_of_the_policy() {
    let place = Place::new();
    place.refused("agent:main", "openat", &place.data.join("a.csv"));
    let file = place.world.beside("patched").join("notes.toml");
    std::fs::write(&file, POLICY).unwrap();
    let diff = file.with_extension("diff");
    std::fs::write(&diff, say(&place.world, &["suggest"])).unwrap();
    let patch = Command::new("patch")
        .arg("--silent")
        .arg(&file)
        .arg(&diff)
        .status();
    match patch {
        Ok(status) => assert!(status.success()),
        Err(error) => {
            let required = std::env::var_os("LOBSTERPOT_REQUIRE_ALL").is_some();
            assert!(!required, "no patch: {error}");
            println!("skipped: no patch here: {error}");
            return;
        }
    }
    let patched = std::fs::read_to_string(&file).unwrap();
    assert_eq!(patched, say(&place.world, &["suggest", "--whole"]));
}

#[test]
fn a_lower_tier_gets_it_only_together_with_those_above() {
    let place = Place::new();
    place.refused("+1555", "openat", &place.data.join("a.csv"));
    place.refused("+1555", "openat", &place.data);
    let json: Value = serde_json::from_str(&say(&place.world, &["suggest", "--json"])).unwrap();
    let suggestion = &json["suggestion"];
    assert_eq!(
        suggestion["not"][0]["why"], "tier",
        "a friend cannot list anywhere"
    );
    let text = suggestion["text"].as_str().unwrap();
    let who = ["me", "agent:main", "+1555"];
    assert_eq!(
        place.allowed_more(text),
        more(&who, &["srv/data/a.csv"], Right::Read)
    );
}

#[test]
fn many_files_of_a_directory_are_the_directory_where_that_is_most_of_it() {
    let place = Place::new();
    for name in ["a.csv", "b.csv", "c.csv"] {
        place.refused("agent:main", "openat", &place.data.join(name));
    }
    let three = say(&place.world, &["suggest"]);
    assert!(three.starts_with("# 3 grants "), "{three}");
    place.refused("agent:main", "openat", &place.data.join("d.csv"));
    let four = say(&place.world, &["suggest"]);
    assert!(four.starts_with("# 1 grant "), "{four}");
    assert!(
        four.contains("the directory, for 4 files in it; it has 5 entries"),
        "{four}"
    );
    for n in 0..10 {
        std::fs::write(place.data.join(format!("{n}")), "x").unwrap();
    }
    let few = say(&place.world, &["suggest"]);
    assert!(
        few.starts_with("# 4 grants "),
        "four of fifteen are not worth it: {few}"
    );
}

#[test]
fn what_is_inside_the_workspace_keeps_the_rights_that_it_has() {
    let place = Place::new();
    let file = place.root.join("main.c");
    place.refused_as("agent:main", (RefusalCode::ReadOnly, "chmod"), &file);
    place.refused_as(
        "agent:main",
        (RefusalCode::ReadOnly, "openat"),
        &place.root.join("new.c"),
    );
    let json: Value = serde_json::from_str(&say(&place.world, &["suggest", "--json"])).unwrap();
    let suggestion = &json["suggestion"];
    assert_eq!(suggestion["grants"][0]["path"], "${root}/main.c");
    assert_eq!(suggestion["not"][0]["why"], "whole-grant", "{json}");
    let mut expected = more(&["me"], &["work/project/main.c"], Right::Write);
    expected.extend(more(
        &["agent:main"],
        &["work/project/main.c"],
        Right::Write,
    ));
    assert_eq!(
        place.allowed_more(suggestion["text"].as_str().unwrap()),
        expected
    );
}

#[test]
fn what_must_not_be_granted_is_not_and_says_why() {
    let place = Place::new();
    let home = place.world.beside("home");
    place.refused("agent:main", "openat", &home.join(".ssh/id"));
    place.refused("agent:main", "openat", &home);
    place.refused("agent:main", "openat", &place.world.file("audit.jsonl"));
    place.refused("agent:main", "openat", Path::new("/"));
    place.refused("agent:main", "openat", Path::new("/proc/1/environ"));
    place.refused("agent:main", "openat", &place.data.join("not-there"));
    place.refused("nobody", "openat", &place.data.join("a.csv"));
    place.refused("agent:main", "mount", &place.data);
    place.refused_as(
        "agent:main",
        (RefusalCode::NetworkNotGranted, "connect"),
        Path::new("x:1"),
    );
    place.refused_as(
        "agent:main",
        (RefusalCode::HiddenPath, "openat"),
        &place.root.join(".env"),
    );
    place.refused("agent:main", "openat", &home.join(".aws/credentials"));
    let text = say(&place.world, &["suggest"]);
    for part in [
        "gives away the private keys in ~/.ssh",
        "this grants the home directory, with every key and secret in it",
        "this grants the audit log",
        "this grants the whole file system",
        "this grants the kernel's own files",
        "nothing is there",
        "the policy does not know the principal",
        "no policy can grant it",
        "no policy can grant the network",
        "this is an exception of grant root",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    // What is only risky is suggested with the risk, in the policy too.
    assert!(text.starts_with("# 1 grant "), "{text}");
    assert!(
        text.contains("+# risk: this gives away the credentials in ~/.aws"),
        "{text}"
    );
    let whole = say(&place.world, &["suggest", "--whole"]);
    let mut expected = more(&["me"], &["home/.aws/credentials"], Right::Read);
    expected.extend(more(
        &["agent:main"],
        &["home/.aws/credentials"],
        Right::Read,
    ));
    assert_eq!(place.allowed_more(&whole), expected);
}

#[test]
fn the_same_selectors_choose_what_is_looked_at() {
    let place = Place::new();
    place.refused("agent:main", "openat", &place.data.join("a.csv"));
    place.refused("agent:main", "openat", &place.data.join("b.csv"));
    let text = say(&place.world, &["suggest", "--path", "a.csv"]);
    assert!(text.contains("a.csv") && !text.contains("b.csv"), "{text}");
    assert_eq!(
        say(&place.world, &["suggest", "--until", "1h"]),
        "no refusal matches\n"
    );
    let (text, success) = ask(&place.world, &["suggest", "--policy", "notes"]);
    assert!(success && text.starts_with("# 2 grants "), "{text}");
}

#[test]
fn a_built_in_policy_is_printed_under_a_name_of_its_own() {
    let world = World::on_disk();
    world.beside("home");
    let data = world.beside("srv/data");
    std::fs::write(data.join("a.csv"), "x").unwrap();
    let log = world.open();
    let asker = Asker::new("agent:main", "session-1");
    let root = HostPath::absolute(world.beside("work")).unwrap();
    let enforced = Enforced::by_broker_alone();
    let opened = Event::SessionOpened {
        root: &root,
        enforced: &enforced,
    };
    asker.append(&log, opened).unwrap();
    let denial = Denial::by_broker(
        RefusalCode::OutsideCapability,
        "file.read",
        data.join("a.csv").to_str().unwrap(),
        Rule::default_deny(),
    );
    asker
        .decision(
            &log,
            data.join("a.csv").to_str().unwrap(),
            Verdict::Denied(&denial),
        )
        .unwrap();
    let text = say(&world, &["suggest"]);
    assert!(
        text.contains("--whole prints one to save as my-workspace.toml"),
        "{text}"
    );
    let whole = say(&world, &["suggest", "--whole"]);
    let policy = Policy::parse("my-workspace.toml", &whole).unwrap();
    assert_eq!(policy.name, "my-workspace");
    assert_eq!(policy.grants.len(), 2);
}
