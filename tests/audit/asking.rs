//! What the log answers: `audit tail|query|show|verify|summary`, as people and scripts see it.

use clap::Parser;
use lobsterpot::audit::{Event, SessionTotals, Verdict};
use lobsterpot::cli::audit::{AuditArguments, run};
use lobsterpot::model::{Denial, Enforced, HostPath};
use serde_json::Value;

use super::support::{Asker, World, outside};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    audit: AuditArguments,
}

/// What a command says, without styles, and whether it ends with 0.
pub(super) fn ask(world: &World, arguments: &[&str]) -> (String, bool) {
    let line = Line::try_parse_from([&["audit"], arguments].concat()).unwrap();
    let mut out = anstream::StripStream::new(Vec::new());
    let code = run(&line.audit, &world.operator(), &mut out).unwrap();
    let text = String::from_utf8(out.into_inner()).unwrap();
    (text, code == 0)
}

pub(super) fn say(world: &World, arguments: &[&str]) -> String {
    let (text, success) = ask(world, arguments);
    assert!(success, "{text}");
    text
}

fn usage(arguments: &[&str]) -> i32 {
    let error = Line::try_parse_from([&["audit"], arguments].concat()).err();
    error.expect("a usage error").exit_code()
}

/// Two sessions: an agent at work, and a friend who looks around.
fn two_sessions() -> World {
    let world = World::new();
    let log = world.open();
    let agent = Asker::new("agent:main", "0193c7a2-1111-7000-8000-00000000aaaa");
    let friend = Asker::new("+15555550123", "0193c7a2-2222-7000-8000-00000000bbbb");
    let root = HostPath::absolute("/work").unwrap();
    let enforced = Enforced::by_broker_alone();
    for asker in [&agent, &friend] {
        let opened = Event::SessionOpened {
            root: &root,
            enforced: &enforced,
        };
        asker.append(&log, opened).unwrap();
    }
    agent.allowed(&log, "src/main.rs");
    agent.command(&log, &["cat", "a", "b"], &["/etc/shadow"]);
    for n in 0..12 {
        friend.denied(&log, &format!("/home/other/{n}"));
    }
    friend.denied(&log, "/tmp/\u{1b}[2J\u{202e}evil\nline");
    let totals = SessionTotals {
        requests: 13,
        denials: 13,
        ..SessionTotals::default()
    };
    friend.append(&log, Event::SessionClosed(totals)).unwrap();
    world
}

#[test]
fn a_log_that_is_empty_or_missing_says_so() {
    let world = World::new();
    for arguments in [["tail"], ["query"], ["verify"], ["summary"]] {
        let text = say(&world, &arguments);
        assert!(text.starts_with("nothing is on record yet in "), "{text}");
        assert!(text.contains(world.state().to_str().unwrap()), "{text}");
    }
    assert_eq!(say(&world, &["query", "--json"]), "");
    assert!(!ask(&world, &["show", "abcdef"]).1);
    assert!(!world.state().exists(), "looking makes nothing");
    drop(world.open());
    assert!(say(&world, &["tail"]).starts_with("nothing is on record yet"));
}

#[test]
fn the_tail_is_readable_at_80_columns() {
    let world = two_sessions();
    let text = say(&world, &["tail", "-n", "100"]);
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
    assert!(
        text.contains("outside-capability  file.read     /home/other/3"),
        "{text}"
    );
    assert!(
        text.contains("outside-capability  openat        /etc/shadow"),
        "{text}"
    );
    assert!(
        text.contains("exit 1              exec.run      cat a b"),
        "{text}"
    );
    assert!(
        text.contains("session 0000aaaa  agent:main (agent)  policy workspace"),
        "{text}"
    );
    assert!(text.contains("\\u{1b}[2J\\u{202e}evil\\u{a}line"), "{text}");
    assert_eq!(
        say(&world, &["tail", "-n", "2"]).lines().count(),
        3,
        "a heading and two"
    );
    let wide = say(&world, &["tail", "-n", "100", "--wide"]);
    assert!(wide.contains("/etc/shadow by cat[4711]"), "{wide}");
}

#[test]
fn a_query_gives_what_matches() {
    let world = two_sessions();
    let count = |arguments: &[&str]| {
        let arguments = [&["query", "--json"], arguments].concat();
        let text = say(&world, &arguments);
        for line in text.lines() {
            serde_json::from_str::<Value>(line).unwrap();
        }
        text.lines().count()
    };
    assert_eq!(count(&[]), 20);
    assert_eq!(count(&["--limit", "0"]), 20);
    assert_eq!(count(&["--limit", "5"]), 5);
    assert_eq!(count(&["--denied"]), 14);
    assert_eq!(count(&["--principal", "agent:main"]), 5);
    assert_eq!(count(&["--session", "00aaaa"]), 5);
    assert_eq!(count(&["--code", "outside-capability"]), 14);
    assert_eq!(count(&["--path", "/home/**"]), 12);
    assert_eq!(count(&["--path", "shadow"]), 1);
    assert_eq!(count(&["--op", "file.*", "--denied"]), 13);
    assert_eq!(count(&["--since", "1h"]), 20);
    assert_eq!(count(&["--until", "1h"]), 0);
    assert_eq!(
        say(&world, &["query", "--until", "1h"]),
        "no record matches\n"
    );
    let cut = say(&world, &["query", "--limit", "5"]);
    assert!(
        cut.ends_with("these are the newest 5; --limit 0 shows all\n"),
        "{cut}"
    );
}

#[test]
fn what_cannot_be_meant_is_a_usage_error() {
    for arguments in [
        &["query", "--since", "soon"][..],
        &["query", "--code", "no-such-code"],
        &["query", "--path", "a[b"],
        &["tail", "-n", "x"],
        &["tail", "--json", "--wide"],
        &["show", "a", "b"],
        &["report", "--session"],
        &["nonsense"],
    ] {
        assert_eq!(usage(arguments), 2, "{arguments:?}");
    }
}

#[test]
fn a_session_is_shown_with_its_refusals_first() {
    let world = two_sessions();
    let text = say(&world, &["show", "00aaaa"]);
    let (refused, in_order) = text.split_once("In order").unwrap();
    assert!(
        refused.contains("/etc/shadow") && !refused.contains("src/main.rs"),
        "{text}"
    );
    assert!(
        in_order.contains("src/main.rs") && !in_order.contains("/home/other"),
        "{text}"
    );
    let json = say(&world, &["show", "00aaaa", "--json"]);
    assert_eq!(json.lines().count(), 5);
}

#[test]
fn a_record_is_shown_with_all_it_holds() {
    let world = two_sessions();
    let record = world
        .records()
        .into_iter()
        .find(|r| r["unmapped"]["phase"] == "denial")
        .unwrap();
    let id = record["metadata"]["uid"].as_str().unwrap();
    for id in [id, &id[id.len() - 8..]] {
        let text = say(&world, &["show", id]);
        for part in [
            "outcome    outside-capability\n",
            "path       /etc/shadow\n",
            "seen by    tracee-memory\n",
            "process    cat [4711]: cat a b\n",
            "rule       default\n",
            "principal  agent:main (agent)\n",
            "policy     workspace (built-in:workspace)\n",
        ] {
            assert!(text.contains(part), "{part}{text}");
        }
        let (_, same) = text.split_once("The same request").unwrap();
        assert_eq!(
            same.matches("exec.run").count(),
            2,
            "decision and effect: {text}"
        );
    }
    let (text, success) = ask(&world, &["show", "ffffffffff"]);
    assert!(
        !success && text.starts_with("no session and no record has the id"),
        "{text}"
    );
}

#[test]
fn verify_says_sound_or_where_it_is_broken() {
    let world = two_sessions();
    let text = say(&world, &["verify"]);
    assert!(
        text.starts_with("sound: records 1 to 20 in 1 file, "),
        "{text}"
    );
    let sound: Value = serde_json::from_str(&say(&world, &["verify", "--json"])).unwrap();
    assert_eq!(
        (&sound["sound"], &sound["records"]),
        (&true.into(), &20.into())
    );

    assert!(
        text.ends_with("vouched for by 2 checkpoints, all of it\n"),
        "{text}"
    );

    let changed =
        String::from_utf8(world.bytes())
            .unwrap()
            .replacen("/home/other/3", "/home/other/x", 1);
    world.set_bytes(changed.as_bytes());
    let (text, success) = ask(&world, &["verify"]);
    assert!(
        !success && text.contains("audit.jsonl, line 10 (byte "),
        "{text}"
    );
    let (json, success) = ask(&world, &["verify", "--json"]);
    let broken: Value = serde_json::from_str(&json).unwrap();
    assert!(!success);
    assert_eq!(broken["sound"], false);
    assert_eq!(
        (&broken["broken"]["line"], &broken["broken"]["problem"]),
        (&10.into(), &"changed".into())
    );
}

#[test]
fn a_checkpoint_is_printed_and_verified_against() {
    let world = two_sessions();
    let elsewhere = tempfile::tempdir().unwrap();
    let keep = |name: &str, text: &str| {
        let path = elsewhere.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let checkpoint = keep("checkpoint", &say(&world, &["checkpoint"]));
    let key = keep("key", &say(&world, &["checkpoint", "--public-key"]));
    let arguments = [
        "verify",
        "--since-checkpoint",
        &checkpoint,
        "--public-key",
        &key,
    ];
    assert!(say(&world, &arguments).starts_with("sound: "));
    let other = two_sessions();
    let (text, success) = ask(&other, &arguments);
    assert!(!success);
    assert_eq!(
        text,
        "not vouched for: no checkpoint is signed by the key that was given\n"
    );
    let nonsense = keep("nonsense", "{}");
    let line = Line::try_parse_from(["audit", "verify", "--since-checkpoint", &nonsense]).unwrap();
    let error = run(&line.audit, &world.operator(), &mut Vec::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{nonsense} holds no checkpoint as it was signed")
    );
    let empty = World::new();
    assert!(!ask(&empty, &["checkpoint"]).1);
}

#[test]
fn noise_at_start_up_is_counted_apart_and_is_no_probing() {
    let world = World::new();
    let log = world.open();
    let asker = Asker::new("agent:main", "0193c7a2-3333-7000-8000-00000000cccc");
    asker.denied(&log, "/etc/shadow");
    for n in 0..20 {
        let denial = Denial {
            noise: Some("every program looks there"),
            count: 2,
            ..outside("openat", &format!("/etc/settings/{n}"))
        };
        let verdict = Verdict::Denied(&denial);
        asker.decision(&log, "x", verdict).unwrap();
    }
    let text = say(&world, &["summary"]);
    for told in [
        "41 refusals in all",
        "40 of the refusals are known noise at start-up, and counted apart",
        "       1  outside-capability  agent:main",
        "Known noise at start-up\n      40  every program looks there",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert!(!text.contains("/etc/settings"), "{text}");
    assert!(!text.contains("Probing"), "{text}");
    let json: Value = serde_json::from_str(&say(&world, &["summary", "--json"])).unwrap();
    assert_eq!((&json["denials"], &json["noise"]), (&41.into(), &40.into()));
}

#[test]
fn the_summary_counts_and_finds_the_one_who_went_probing() {
    let world = two_sessions();
    let text = say(&world, &["summary"]);
    assert!(
        text.contains("15 requests, 13 of them refused; 14 refusals in all"),
        "{text}"
    );
    assert!(
        text.contains("      13  outside-capability  +15555550123"),
        "{text}"
    );
    assert!(
        text.contains("session 0000bbbb\n    13 paths, 13 refusals in 0 s"),
        "{text}"
    );
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert!(
        !text.contains("session 0000aaaa"),
        "one refusal is no burst: {text}"
    );
    let json: Value = serde_json::from_str(&say(&world, &["summary", "--json"])).unwrap();
    assert_eq!(json["by_principal"][0]["count"], 13);
    assert_eq!(json["bursts"].as_array().unwrap().len(), 1);
    let none = say(&world, &["summary", "--principal", "nobody"]);
    assert_eq!(none, "no record matches\n");
}
