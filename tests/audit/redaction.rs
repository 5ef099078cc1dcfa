//! Secrets are taken out of what is recorded, and harmless text stays: `redaction.txt`.

use lobsterpot::audit::{Event, RequestInfo, Target, Verdict};
use serde_json::Value;

use super::support::{Asker, World, rule};

/// What the log records of a command.
fn recorded(target: Target<'_>) -> String {
    let world = World::new();
    let id = Value::Null;
    let request = RequestInfo {
        id: &id,
        op: "exec.run",
        target,
        cwd: None,
    };
    let verdict = Verdict::Allowed(&rule());
    let event = Event::Decision { request, verdict };
    Asker::new("a", "s").append(&world.open(), event).unwrap();
    world.records()[0]["process"]["cmd_line"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn the_table_of_lines_holds() {
    let table = include_str!("redaction.txt").replace("«»", "");
    let mut wrong = Vec::new();
    let mut counts = (0, 0);
    for entry in table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (line, expected) = entry.split_once(" => ").unwrap_or((entry, entry));
        if line == expected {
            counts.1 += 1;
        } else {
            counts.0 += 1;
        }
        let found = recorded(Target::Shell(line));
        if found != expected {
            wrong.push(format!("{line}\n  expected {expected}\n  found    {found}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(counts.0 > 50 && counts.1 > 35, "{counts:?}");
}

#[test]
fn arguments_are_searched_as_lines_are() {
    let argv = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        recorded(Target::Argv(&words))
    };
    assert_eq!(
        argv(&["mysql", "-phunter2", "a b"]),
        "mysql -p[redacted] 'a b'"
    );
    assert_eq!(
        argv(&["curl", "-u", "alice:hunter2"]),
        "curl -u alice:[redacted]"
    );
    assert_eq!(
        argv(&["sh", "-c", "sshpass -p hunter2 ssh h"]),
        "sh -c 'sshpass -p [redacted] ssh h'"
    );
    assert_eq!(
        argv(&["git", "commit", "-m", "it's: fine"]),
        "git commit -m 'it'\\''s: fine'"
    );
    assert_eq!(
        argv(&["prog", "--token", "abc", "--token=abc"]),
        "prog --token [redacted] --token=[redacted]"
    );
}

#[test]
fn what_is_long_is_cut_with_a_word_on_it() {
    let long = format!("echo {}", "é".repeat(5000));
    let found = recorded(Target::Shell(&long));
    assert!(
        found.len() < 4200 && found.ends_with("more bytes]"),
        "{found}"
    );
    let many = vec!["word".to_string(); 10_000];
    let found = recorded(Target::Argv(&many));
    assert!(
        found.len() < 4200 && found.contains("… [4590"),
        "{}",
        &found[4000..]
    );
    // A secret that the cut goes through is not shown in part.
    let line = format!("{} ghp_{}", "x".repeat(4080), "0123456789".repeat(10));
    assert!(!recorded(Target::Shell(&line)).contains("ghp_"));
}
