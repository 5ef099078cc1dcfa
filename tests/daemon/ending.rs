//! How the daemon ends, and that nothing stays behind.

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::world::{World, lasting, mark, wait_for, wait_for_end};

/// What stands at the end of each session in the log.
fn last_words(records: &[Value]) -> Vec<(String, String)> {
    let mut last: Vec<(String, String)> = Vec::new();
    for record in records {
        let Some(session) = record["actor"]["session"]["uid"].as_str() else {
            continue;
        };
        let operation = record["api"]["operation"].as_str().unwrap_or_default();
        last.retain(|(one, _)| one != session);
        last.push((session.to_owned(), operation.to_owned()));
    }
    last
}

#[test]
fn told_to_end_it_closes_every_session_and_leaves_nothing() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let world = World::new();
        let daemon = world.serve(&[]);
        let mut client = daemon.client();
        let opened = client.open(&world, json!({}));
        let kept = client.open(&world, json!({ "keep": true }));
        let mark = mark();
        client.send(json!({
            "id": 1, "op": "exec.run", "shell": lasting(&mark), "token": opened["token"]
        }));
        wait_for(&mark);
        let ended = daemon.end_by(signal);
        assert_eq!(ended.code(), Some(0));
        wait_for_end(&mark);
        assert!(!world.socket().exists());
        let last = last_words(&world.records());
        for session in [&opened["session"], &kept["session"]] {
            let found = last.iter().find(|(one, _)| one == session);
            assert_eq!(found.unwrap().1, "session.close", "{last:?}");
        }
    }
}

#[test]
fn killed_it_leaves_no_process_and_a_sound_log() {
    let world = World::new();
    let daemon = world.serve(&[]);
    let mut client = daemon.client();
    let token = client.token(&world);
    let mark = mark();
    client.send(json!({ "id": 1, "op": "exec.run", "shell": lasting(&mark), "token": token }));
    wait_for(&mark);
    daemon.end_by(Signal::SIGKILL);
    wait_for_end(&mark);
    assert!(client.next().is_none());
    assert!(!world.records().is_empty());
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(&world.text("")));
    // The socket is still there, and the next daemon sees that nobody answers.
    assert!(world.socket().exists());
    let next = world.serve(&[]);
    let mut client = next.client();
    client.token(&world);
}

#[test]
fn a_worker_that_dies_ends_its_session_alone() {
    let world = World::new();
    let daemon = world.serve(&[]);
    let (mut one, mut other) = (daemon.client(), daemon.client());
    let (token, safe) = (one.token(&world), other.token(&world));
    let mark = mark();
    let shell = lasting(&mark);
    one.send(json!({ "id": 1, "op": "exec.run", "shell": shell, "token": token }));
    wait_for(&mark);
    let worker = World::oldest_worker(&daemon);
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(worker), Signal::SIGKILL).unwrap();
    let reply = one.receive();
    assert_eq!(reply["status"], "failed", "{reply}");
    let error = reply["result"]["error"].as_str().unwrap();
    assert!(error.contains("the session has ended"), "{error}");
    wait_for_end(&mark);
    let read = json!({ "id": 2, "op": "file.read", "path": "notes.txt", "token": safe });
    assert_eq!(other.ask(read)["status"], "ok");
}
