//! `stop` and `resume`: everything ends at once, and nothing begins until it is resumed.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use super::world::{Held, World, code, lasting, mark, running, wait_for, wait_until};

fn denial(output: &[u8]) -> Value {
    let text = std::str::from_utf8(output).unwrap();
    let reply: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    json!(code(&reply))
}

#[test]
fn stop_ends_what_runs_and_refuses_what_comes_until_resume() {
    let world = World::new();
    let daemon = world.serve(&[]);
    let mut client = daemon.client();
    let token = client.token(&world);
    let (in_run, in_call, in_daemon) = (mark(), mark(), mark());
    let line = lasting(&in_run);
    let run = world.command(&["run", "--", "sh", "-c", &line]).spawn();
    let mut run = Held(run.unwrap());
    let mut call = world.command(&["call"]);
    let call = call.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut call = Held(call.spawn().unwrap());
    let request = json!({ "id": 1, "op": "exec.run", "shell": lasting(&in_call) });
    writeln!(call.0.stdin.as_ref().unwrap(), "{request}").unwrap();
    client.send(json!({ "id": 1, "op": "exec.run", "shell": lasting(&in_daemon), "token": token }));
    for mark in [&in_run, &in_call, &in_daemon] {
        wait_for(mark);
    }

    let stopped = world.run(&["stop", "--json"]);
    assert_eq!(stopped.status.code(), Some(0), "{stopped:?}");
    let report: Value = serde_json::from_slice(&stopped.stdout).unwrap();
    assert_eq!(report["ended"].as_array().unwrap().len(), 3, "{report}");
    assert_eq!(report["left"], json!([]));
    // It waited for them.
    for mark in [&in_run, &in_call, &in_daemon] {
        assert_eq!(running(mark), 0);
    }
    assert!(!run.wait());
    assert!(!call.wait());
    assert_eq!(code(&client.receive()), "stopped");

    let read = json!({ "id": 2, "op": "file.read", "path": "notes.txt", "token": token });
    let open = json!({ "id": 3, "op": "session.open", "root": world.text("work") });
    assert_eq!(code(&client.ask(read.clone())), "stopped");
    assert_eq!(code(&client.ask(open.clone())), "stopped");
    let ran = world.run(&["run", "--json", "--", "touch", "made"]);
    assert_eq!(ran.status.code(), Some(126));
    assert_eq!(denial(&ran.stderr), "stopped");
    let checked = world.run(&["check", "--json", "--read", "notes.txt"]);
    assert_eq!(checked.status.code(), Some(126));
    assert_eq!(denial(&checked.stdout), "stopped");
    assert!(!world.path("work/made").exists());
    // The same again is no error.
    assert_eq!(world.run(&["stop"]).status.code(), Some(0));

    assert_eq!(world.run(&["resume"]).status.code(), Some(0));
    let ran = world.run(&["run", "--", "touch", "made"]);
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    assert!(world.path("work/made").exists());
    assert_eq!(client.ask(open)["status"], "ok");
    // What was ended stays ended.
    assert_eq!(code(&client.ask(read)), "principal-unknown");
    let records = world.records();
    let told = |op: &str| {
        let is_it = |record: &&Value| record["api"]["operation"] == op;
        records.iter().filter(is_it).count()
    };
    assert_eq!((told("stop"), told("resume")), (2, 1));
    assert!(world.refusals("stopped") >= 3);
}

/// The kernel keeps locks in no order of their places.
#[test]
fn every_session_is_found_in_whatever_order_they_came() {
    const SESSIONS: usize = 12;
    let world = World::new();
    let calls: Vec<_> = (0..SESSIONS)
        .map(|_| {
            let mut call = world.command(&["call"]);
            let call = call.stdin(Stdio::piped()).stdout(Stdio::null());
            Held(call.spawn().unwrap())
        })
        .collect();
    let state = world.path("home/.local/state/lobsterpot/audit.jsonl");
    wait_until("the sessions are open", || {
        std::fs::read_to_string(&state).is_ok_and(|log| log.lines().count() >= SESSIONS)
    });
    let stopped = world.run(&["stop", "--json"]);
    let report: Value = serde_json::from_slice(&stopped.stdout).unwrap();
    let mut ended: Vec<u64> = report["ended"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pid| pid.as_u64().unwrap())
        .collect();
    let mut all: Vec<u64> = calls.iter().map(|call| call.0.id().into()).collect();
    ended.sort_unstable();
    all.sort_unstable();
    assert_eq!(ended, all);
}

#[test]
fn a_session_that_waits_is_ended_too() {
    let world = World::new();
    let mut call = world.command(&["call"]);
    let call = call.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut call = Held(call.spawn().unwrap());
    let roll = world.path("home/.local/state/lobsterpot/sessions.roll");
    wait_until("the session is open", || {
        roll.exists() && world.records().len() == 1
    });
    assert_eq!(world.run(&["stop"]).status.code(), Some(0));
    assert!(!call.wait());
}

#[test]
fn a_brake_that_cannot_be_read_counts_as_pulled() {
    let world = World::new();
    assert_eq!(world.run(&["run", "--", "true"]).status.code(), Some(0));
    let state = world.path("home/.local/state/lobsterpot");
    // Whatever has the name: what is there counts, not what it holds.
    std::fs::create_dir(state.join("stopped")).unwrap();
    assert_eq!(world.run(&["run", "--", "true"]).status.code(), Some(126));
    std::fs::remove_dir(state.join("stopped")).unwrap();
    assert_eq!(world.run(&["run", "--", "true"]).status.code(), Some(0));
}

#[test]
fn no_command_can_release_it() {
    let world = World::new();
    let state = world.text("home/.local/state");
    let mut command = world.command(&["run", "--root", &state, "--", "true"]);
    let refused = command.output().unwrap();
    assert_ne!(refused.status.code(), Some(0), "{refused:?}");
}
