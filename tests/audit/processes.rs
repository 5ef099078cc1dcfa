//! Several processes append at once, and are killed at any moment.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lobsterpot::audit::AuditLog;

use super::support::{Asker, World};

const INSIDE: &str = "LOBSTERPOT_TEST_APPEND";

/// Starts this test again as a process of its own that appends to the world's log.
fn appender(world: &World, test: &str, records: u32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("audit::processes::{test}"), "--quiet"])
        .env(INSIDE, format!("{records} {}", world.state().display()))
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// What the processes do: append so many records, each with a number of its own.
fn append_as_told(told: &str) {
    let (records, state) = told.split_once(' ').unwrap();
    let log = AuditLog::open(state.as_ref()).unwrap();
    let asker = Asker::new("a", &std::process::id().to_string());
    for n in 0..records.parse::<u32>().unwrap() {
        asker.allowed(&log, &format!("/{n}"));
    }
}

#[test]
fn processes_append_at_once() {
    if let Ok(told) = std::env::var(INSIDE) {
        return append_as_told(&told);
    }
    let world = World::new();
    let mut children: Vec<_> = (0..4)
        .map(|_| appender(&world, "processes_append_at_once", 100))
        .collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let verification = world.verify();
    assert!(verification.is_sound(), "{verification:?}");
    assert_eq!((verification.records, verification.repairs), (400, 0));
    // Each process's records are there, each once, in the order in which it wrote them.
    let records = world.records();
    for child in &children {
        let session = child.id().to_string();
        let paths: Vec<_> = records
            .iter()
            .filter(|record| record["actor"]["session"]["uid"] == session.as_str())
            .map(|record| record["file"]["path"].as_str().unwrap())
            .collect();
        let expected: Vec<_> = (0..100).map(|n| format!("/{n}")).collect();
        assert_eq!(paths, expected);
    }
}

#[test]
fn a_process_may_be_killed_at_any_moment() {
    if let Ok(told) = std::env::var(INSIDE) {
        return append_as_told(&told);
    }
    let world = World::new();
    let mut written = Vec::new();
    for round in 0..12 {
        let mut children: Vec<_> = (0..2)
            .map(|_| appender(&world, "a_process_may_be_killed_at_any_moment", 1_000_000))
            .collect();
        std::thread::sleep(Duration::from_millis(60 + round * 7));
        for child in &mut children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        // What was whole before is still there, byte by byte, and the log goes on.
        Asker::new("a", "after").allowed(&world.open(), "/after");
        let bytes = world.bytes();
        assert!(bytes.starts_with(&written), "round {round}");
        let verification = world.verify();
        assert!(verification.is_sound(), "round {round}: {verification:?}");
        written = bytes;
    }
    assert!(world.verify().records > 24, "the processes did append");
}
