//! Background commands: started, looked after, stopped.

use serde_json::json;

use super::world::{World, mark, wait_for_processes};

#[test]
fn a_background_command_runs_beside_other_calls_and_tells_its_end() {
    let world = World::new();
    let mut client = world.serve(&[]);
    let command = "until test -e go; do sleep 0.1; done; echo gone; echo bad >&2; exit 4";
    let started = client.call("shell_start", json!({ "command": command }));
    let id = started.ok()["id"].as_str().unwrap().to_owned();
    assert_eq!(started.ok()["running"], true);
    assert_eq!(
        client.call("shell_output", json!({"id": id})).ok()["running"],
        true
    );
    // Other calls do not wait for it.
    client
        .call("write", json!({"path": "go", "content": ""}))
        .ok();
    let mut printed = (String::new(), String::new());
    let end = loop {
        let news = client.call("shell_output", json!({"id": id, "wait": 60}));
        printed.0 += news.ok()["stdout"].as_str().unwrap();
        printed.1 += news.ok()["stderr"].as_str().unwrap();
        if news.ok()["running"] == false {
            break news;
        }
    };
    assert_eq!(printed, ("gone\n".to_owned(), "bad\n".to_owned()));
    assert_eq!(end.ok()["exit_code"], 4);
    assert!(
        end.text().contains(&format!("{id} has ended\nexit code 4")),
        "{end:?}"
    );
    // What was told is not told again; that it has ended is.
    let again = client.call("shell_output", json!({"id": id}));
    assert_eq!(
        (&again.ok()["stdout"], &again.ok()["running"]),
        (&json!(""), &json!(false))
    );
}

#[test]
fn stopping_ends_everything_that_the_command_started() {
    let world = World::new();
    let mut client = world.serve(&[]);
    let mark = mark();
    let command = format!("setsid sleep {mark} & (sleep {mark} &) ; sleep {mark}");
    let started = client.call("shell_start", json!({ "command": command }));
    let id = started.ok()["id"].as_str().unwrap().to_owned();
    wait_for_processes(&mark, 3);
    let stopped = client.call("shell_stop", json!({ "id": id }));
    assert_eq!(
        stopped.structured()["result"]["running"],
        false,
        "{stopped:?}"
    );
    wait_for_processes(&mark, 0);
    let other = client.call("shell", json!({"command": "echo on"}));
    assert_eq!(other.ok()["stdout"], "on\n");
}

#[test]
fn a_background_command_that_is_refused_is_refused_at_once() {
    let world = World::new();
    let mut client = world.serve(&[]);
    let started = client.call("shell_start", json!({"command": "cat /etc/shadow"}));
    assert_eq!(started.denied(), "outside-capability");
}

#[test]
fn there_are_only_so_many_at_once() {
    let world = World::new();
    let mut client = world.serve(&[]);
    let mark = mark();
    let mut started = 0;
    let refused = loop {
        let command = format!("sleep {mark}");
        let call = client.call("shell_start", json!({ "command": command }));
        if call.is_error() {
            break call;
        }
        started += 1;
        assert!(started <= 16);
    };
    assert!(
        refused.text().contains("too many background commands"),
        "{refused:?}"
    );
    assert_eq!(started, 16);
    assert_eq!(client.leave(), Some(0));
    wait_for_processes(&mark, 0);
}
