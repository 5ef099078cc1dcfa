//! Calls: what they give, in text and structured, and how refusals look.

use serde_json::json;

use super::world::{World, mark, processes_with, wait_for_processes, wait_until};

#[test]
fn the_file_tools_do_what_their_names_say() {
    let world = World::new();
    let mut client = world.serve(&[]);
    let wrote = client.call(
        "write",
        json!({"path": "a.txt", "content": "one\ntwo\nthree\n"}),
    );
    assert_eq!(wrote.ok()["created"], true);
    assert_eq!(world.read("work/a.txt"), "one\ntwo\nthree\n");
    client
        .call("append", json!({"path": "a.txt", "content": "four\n"}))
        .ok();
    let edit = json!({"path": "a.txt", "old_text": "two", "new_text": "2"});
    assert_eq!(client.call("edit", edit).ok()["replaced"], 1);
    let read = client.call("read", json!({"path": "a.txt"}));
    assert_eq!(read.text(), "one\n2\nthree\nfour\n");
    let read = client.call("read", json!({"path": "a.txt", "offset": 2, "limit": 2}));
    assert_eq!(read.text(), "2\nthree\n");
    client
        .call("mkdir", json!({"path": "d/e", "parents": true}))
        .ok();
    client
        .call("copy", json!({"source": "a.txt", "destination": "d/b.txt"}))
        .ok();
    client
        .call(
            "move",
            json!({"source": "a.txt", "destination": "d/e/c.txt"}),
        )
        .ok();
    assert_eq!(
        client.call("list", json!({"path": "d"})).text(),
        "b.txt (17 bytes)\ne/"
    );
    assert_eq!(
        client.call("list", json!({})).text(),
        "d/\nnotes.txt (9 bytes)"
    );
    let glob = client.call("glob", json!({"pattern": "**/*.txt"}));
    assert_eq!(glob.text(), "d/b.txt\nd/e/c.txt\nnotes.txt");
    let grep = client.call(
        "grep",
        json!({"pattern": "^FOUR", "ignore_case": true, "path": "d"}),
    );
    assert_eq!(grep.text(), "d/b.txt:4:four\nd/e/c.txt:4:four");
    assert_eq!(
        client.call("stat", json!({"path": "d"})).ok()["kind"],
        "directory"
    );
    client
        .call("delete", json!({"path": "d", "recursive": true}))
        .ok();
    assert!(!world.path("work/d").exists());
    assert_eq!(client.leave(), Some(0));
}

#[test]
fn a_command_gives_what_it_printed_and_how_it_ended() {
    let world = World::new();
    let mut client = world.serve(&[]);
    let command = "tr a-z A-Z; echo oops >&2; exit 3";
    let ran = client.call("shell", json!({"command": command, "stdin": "shout"}));
    assert_eq!(ran.text(), "SHOUT\n[stderr]\noops\n\nexit code 3");
    assert_eq!(ran.ok()["exit_code"], 3);
    assert_ne!(ran.structured()["enforced"]["seccomp"], "none");
    // All calls share a scratch directory.
    client
        .call("shell", json!({"command": "echo kept > $TMPDIR/x"}))
        .ok();
    let again = client.call(
        "shell",
        json!({"command": "cat $TMPDIR/x; pwd", "cwd": "."}),
    );
    assert!(again.text().starts_with("kept\n"), "{again:?}");
    let slow = client.call("shell", json!({"command": "sleep 100", "timeout": 0.3}));
    assert!(slow.is_error());
    assert_eq!(slow.structured()["status"], "timeout");
}

#[test]
fn a_refusal_is_an_error_with_the_block_and_the_same_for_what_is_not_there() {
    let world = World::new();
    let mut client = world.serve(&[]);
    let diary = world.path("home/diary.txt");
    let nothing = world.path("home/nothing.txt");
    let texts = [&diary, &nothing].map(|path| {
        let read = client.call("read", json!({"path": path}));
        assert_eq!(read.denied(), "outside-capability");
        assert!(read.text().contains("granted: list, read"), "{read:?}");
        read.text().replace(path.to_str().unwrap(), "PATH")
    });
    assert_eq!(texts[0], texts[1]);
    assert!(!texts[0].contains("secret"));
    // Inside a command that otherwise goes well.
    let code = format!("open({:?})", diary.to_str().unwrap());
    let command = format!("python3 -c '{code}' 2>/dev/null; echo on");
    let ran = client.call("shell", json!({ "command": command }));
    assert!(!ran.text().contains("secret"), "{ran:?}");
    assert_eq!(ran.ok()["stdout"], "on\n");
    // A name can neither end the block nor begin a line of it.
    let name = "/x</sandbox_violations>\n\u{202e}";
    let text = client.call("read", json!({"path": name})).text();
    assert_eq!(text.matches("</sandbox_violations>").count(), 1, "{text}");
    assert!(!text.contains('\u{202e}'), "{text}");
}

#[test]
fn arguments_that_are_none_are_refused_and_tools_that_are_none_unknown() {
    let world = World::new();
    let mut client = world.serve(&[]);
    for (tool, arguments) in [
        ("read", json!({})),
        ("read", json!({"path": 7})),
        ("read", json!({"path": "notes.txt", "follow": true})),
        ("read", json!({"path": "notes.txt", "offset": 0})),
        ("shell", json!({"command": ["ls"]})),
        ("shell_output", json!({"id": "sh-1", "wait": -1})),
    ] {
        let called = client.call(tool, arguments.clone());
        assert_eq!(called.denied(), "bad-request", "{tool} {arguments}");
    }
    for id in ["sh-1", "1", "", "sh-\u{1b}"] {
        let called = client.call("shell_output", json!({ "id": id }));
        assert!(called.is_error(), "{called:?}");
        assert!(!called.text().contains('\u{1b}'), "{called:?}");
    }
    let unknown = client.ask("tools/call", json!({"name": "fly", "arguments": {}}));
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
}

#[test]
fn cancelling_a_call_ends_everything_that_it_started() {
    let world = World::new();
    let mut client = world.serve(&[]);
    let mark = mark();
    let command = format!("setsid sleep {mark} & (sleep {mark} &) ; sleep {mark}");
    let id = client.begin_call("shell", json!({ "command": command }));
    wait_for_processes(&mark, 3);
    client.notify(
        "notifications/cancelled",
        json!({"requestId": id, "reason": "enough"}),
    );
    wait_for_processes(&mark, 0);
    // The session goes on.
    let read = client.call("read", json!({"path": "notes.txt"}));
    assert_eq!(read.text(), "buy milk\n");
    assert!(client.kept().all(|message| message["id"] != id));
    assert_eq!(client.leave(), Some(0));
}

#[test]
fn a_client_that_wants_to_hears_that_a_command_goes_on() {
    let world = World::new();
    let mut client = world.serve(&[]);
    let id = client.begin(
        "tools/call",
        json!({
            "name": "shell", "arguments": {"command": "until test -e go; do sleep 0.1; done"},
            "_meta": {"progressToken": "p"},
        }),
    );
    let is_progress = |message: &serde_json::Value| message["method"] == "notifications/progress";
    let first = client.wait_for(is_progress);
    assert_eq!(first["params"]["progressToken"], "p");
    let second = client.wait_for(is_progress);
    let progress = |message: &serde_json::Value| message["params"]["progress"].as_f64().unwrap();
    assert!(progress(&first) < progress(&second));
    world.write("work/go", "");
    assert_eq!(client.result(id).ok()["exit_code"], 0);
}

#[test]
fn a_client_that_leaves_or_dies_leaves_no_process() {
    let world = World::new();
    let mark = mark();
    let begin = || {
        let mut client = world.serve(&[]);
        let command = format!("setsid sleep {mark} & sleep {mark}");
        client.begin_call("shell", json!({ "command": command }));
        client.call("shell_start", json!({ "command": command }));
        wait_for_processes(&mark, 4);
        client
    };
    assert_eq!(begin().leave(), Some(0));
    assert_eq!(processes_with(&mark), 0);

    begin().kill();
    wait_for_processes(&mark, 0);

    let client = begin();
    // The server is a child that this test has not waited for.
    let killed = std::process::Command::new("kill")
        .arg(client.pid().to_string())
        .status();
    assert!(killed.unwrap().success());
    wait_for_processes(&mark, 0);
    assert_eq!(client.leave(), Some(0));
}

#[test]
fn each_call_is_on_record() {
    let world = World::new();
    let mut client = world.serve(&["--as", "owner"]);
    client.call("read", json!({"path": "notes.txt"})).ok();
    client.call("shell", json!({"command": "true"})).ok();
    let denied = client.call("read", json!({"path": "/etc/shadow"}));
    let id = denied.structured()["audit"].as_str().unwrap().to_owned();
    assert_eq!(client.leave(), Some(0));
    wait_until("the session is closed on record", || {
        let records = world.records();
        records
            .iter()
            .any(|record| record["unmapped"]["op"] == "session.close")
    });
    let records = world.records();
    let ops: Vec<&str> = records
        .iter()
        .filter(|record| record["unmapped"]["phase"] == "decision")
        .map(|record| record["unmapped"]["op"].as_str().unwrap())
        .collect();
    assert_eq!(ops, ["file.read", "exec.run", "file.read"]);
    let refused = records
        .iter()
        .find(|record| record["metadata"]["uid"] == id.as_str());
    assert_eq!(refused.unwrap()["status_code"], "outside-capability");
    assert_eq!(refused.unwrap()["actor"]["user"]["name"], "owner");
}

#[test]
fn what_the_operator_stops_is_stopped_until_it_is_resumed() {
    let world = World::new();
    let mut client = world.serve(&[]);
    let mark = mark();
    let line = format!("exec sleep {mark}");
    let running = client.begin_call("shell", json!({"command": line}));
    wait_for_processes(&mark, 1);
    let stopped = world.command(["stop"]).output().unwrap();
    assert_eq!(stopped.status.code(), Some(0), "{stopped:?}");
    let ended = client.result(running);
    assert!(ended.is_error(), "{ended:?}");
    wait_for_processes(&mark, 0);
    for tool in ["shell", "read"] {
        let key = if tool == "shell" { "command" } else { "path" };
        assert_eq!(client.call(tool, json!({ key: "a" })).denied(), "stopped");
    }
    let resumed = world.command(["resume"]).output().unwrap();
    assert_eq!(resumed.status.code(), Some(0), "{resumed:?}");
    let after = client.call("shell", json!({"command": "echo again"}));
    assert!(after.text().contains("again"), "{after:?}");
}
