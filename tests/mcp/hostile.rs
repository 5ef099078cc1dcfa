//! A client that means harm, or is broken.

use serde_json::{Value, json};

use super::world::{Client, World};

#[test]
fn garbage_is_passed_over_and_the_next_call_answered() {
    let world = World::new();
    let mut client = world.connect(&[]);
    client.write(b"\xff\xfe\n\n{\n[]\n{}\n\"\"\nnull\n{\"jsonrpc\":\"2.0\"}\n");
    client.initialize("2025-11-25", json!({}));
    for line in [
        &b"not json"[..],
        b"\x00\x01\x02",
        b"\xff\xff\xff",
        b"{\"jsonrpc\":\"2.0\",\"id\":",
        b"[{\"jsonrpc\":\"2.0\",\"id\":90,\"method\":\"ping\"}]",
        b"{\"jsonrpc\":\"1.0\",\"id\":91,\"method\":\"ping\"}",
        b"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}",
        b"{\"jsonrpc\":\"2.0\",\"id\":92,\"method\":7}",
        b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/fly\",\"params\":[]}",
        b"{\"jsonrpc\":\"2.0\",\"id\":93,\"result\":{}}",
        b"{\"jsonrpc\":\"2.0\",\"id\":94,\"error\":{\"code\":1,\"message\":\"x\"}}",
    ] {
        client.write(line);
        client.write(b"\n");
    }
    client.write("{\"a\":".repeat(100_000).as_bytes());
    client.write(b"\n");
    let read = client.call("read", json!({"path": "notes.txt"}));
    assert_eq!(read.text(), "buy milk\n");
    assert_eq!(client.leave(), Some(0));
}

#[test]
fn a_message_without_end_is_bounded() {
    let world = World::new();
    let mut client = world.serve(&[]);
    let part = vec![b'x'; 1 << 20];
    client.write(b"{\"jsonrpc\":\"2.0\",\"id\":\"huge\",\"method\":\"tools/call\",\"params\":\"");
    for _ in 0..100 {
        client.write(&part);
    }
    client.write(b"\"}\n");
    let refused = client.wait_for(|message| message["id"] == "huge");
    assert_eq!(refused["error"]["code"], -32600, "{refused}");
    let read = client.call("read", json!({"path": "notes.txt"}));
    assert_eq!(read.text(), "buy milk\n");
    let most = most_memory(&client);
    assert!(most < 80_000, "{most} kB");
    // The largest that is taken reaches the broker, which has bounds of its own.
    let content = "y".repeat(8 << 20);
    client
        .call("write", json!({"path": "large", "content": content}))
        .ok();
    assert_eq!(world.read("work/large").len(), 8 << 20);
}

/// Writes a line of 17 MiB, between these.
fn write_overlong(client: &mut Client, (first, last): (&str, &str)) {
    let part = vec![b'x'; 1 << 20];
    client.write(first.as_bytes());
    for _ in 0..17 {
        client.write(&part);
    }
    client.write(last.as_bytes());
    client.write(b"\n");
}

#[test]
fn a_message_that_is_too_long_is_answered_if_anybody_waits_for_an_answer() {
    let world = World::new();
    let mut client = world.connect(&[]);
    // Before the session has begun, too.
    let first = r#"{"jsonrpc":"2.0","id":"before","method":"ping","params":{"a":""#;
    write_overlong(&mut client, (first, "\"}}"));
    client.wait_for(|message| message["id"] == "before" && message.get("error").is_some());
    client.initialize("2025-11-25", json!({}));
    // As the clients of Python and TypeScript write it: the id comes last.
    let call = r#"{"method":"tools/call","params":{"id":"no","name":"read","arguments":{"path":""#;
    write_overlong(&mut client, (call, r#""}},"jsonrpc":"2.0","id":"late"}"#));
    let refused = client.wait_for(|message| message["id"] == "late");
    assert_eq!(refused["error"]["code"], -32600, "{refused}");
    let why = refused["error"]["message"].as_str().unwrap();
    assert!(why.contains("16 MiB"), "{why}");
    // Nobody waits for an answer to these.
    let notice = r#"{"jsonrpc":"2.0","method":"notifications/fly","params":{"id":"no","a":""#;
    write_overlong(&mut client, (notice, "\"}}"));
    let answer = r#"{"jsonrpc":"2.0","id":"no","result":{"method":""#;
    write_overlong(&mut client, (answer, "\"}}"));
    // And here no id can be told.
    write_overlong(&mut client, ("", ""));
    let refused = client.wait_for(|message| message.get("id").is_none_or(Value::is_null));
    assert_eq!(refused["error"]["code"], -32600, "{refused}");
    let read = client.call("read", json!({"path": "notes.txt"}));
    assert_eq!(read.text(), "buy milk\n");
    let kept: Vec<_> = client.kept().collect();
    assert!(kept.is_empty(), "{kept:?}");
    let most = most_memory(&client);
    assert!(most < 80_000, "{most} kB");
}

#[test]
fn the_last_word_is_answered_though_it_is_too_long() {
    let world = World::new();
    let mut client = world.serve(&[]);
    let call = r#"{"jsonrpc":"2.0","id":"last","method":"ping","params":{"a":""#;
    write_overlong(&mut client, (call, "\"}}"));
    client.say_no_more();
    client.wait_for(|message| message["id"] == "last" && message.get("error").is_some());
    assert_eq!(client.leave(), Some(0));
}

/// The most memory that the server has had, in kB.
fn most_memory(client: &Client) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", client.pid())).unwrap();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    most.unwrap().trim_end_matches("kB").trim().parse().unwrap()
}

#[test]
fn many_large_messages_wait_outside() {
    let world = World::new();
    let mut client = world.serve(&[]);
    let content = "y".repeat(15 << 20);
    let ids: Vec<u64> = (0..12)
        .map(|_| client.begin_call("write", json!({"path": "large", "content": content})))
        .collect();
    for id in ids {
        assert_eq!(client.result(id).ok()["bytes"], 15 << 20);
    }
    // All of them together are 190 MB, and each is there more than once.
    let most = most_memory(&client);
    assert!(most < 250_000, "{most} kB");
}

#[test]
fn methods_that_are_not_there_are_answered_as_such() {
    let world = World::new();
    let mut client = world.serve(&[]);
    for method in [
        "fly",
        "resources/list",
        "resources/read",
        "prompts/list",
        "completion/complete",
        "logging/setLevel",
        "tasks/get",
        "sampling/createMessage",
        "roots/list",
        "",
    ] {
        let response = client.ask(
            method,
            json!({"uri": "file:///etc/shadow", "level": "debug"}),
        );
        assert!(response["error"]["code"].is_i64(), "{method}: {response}");
    }
    assert_eq!(client.ask("ping", json!({}))["result"], json!({}));
}

#[test]
fn thousands_of_calls_are_all_answered() {
    let world = World::new();
    let mut client = world.serve(&[]);
    let calls = 3000;
    let ids: Vec<u64> = (0..calls)
        .map(|_| client.begin_call("stat", json!({"path": "notes.txt"})))
        .collect();
    for id in ids {
        assert_eq!(client.result(id).ok()["kind"], "file");
    }
    assert_eq!(client.leave(), Some(0));
}

#[test]
fn a_client_that_never_reads_is_not_read_from_for_ever() {
    let world = World::new();
    let mut command = world.command(["mcp"]);
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let (sender, written) = std::sync::mpsc::channel();
    let writer = std::thread::spawn(move || {
        use std::io::Write as _;
        let first = json!({
            "jsonrpc": "2.0", "id": 0, "method": "initialize",
            "params": {"protocolVersion": "2025-11-25", "capabilities": {},
                       "clientInfo": {"name": "t", "version": "1"}},
        });
        writeln!(stdin, "{first}").unwrap();
        for id in 1_u64.. {
            let call = json!({"jsonrpc": "2.0", "id": id, "method": "tools/list"});
            // In the end the server is gone.
            if writeln!(stdin, "{call}").is_err() || sender.send(id).is_err() {
                return;
            }
        }
    });
    let quiet = std::time::Duration::from_secs(5);
    let mut last = 0;
    while let Ok(id) = written.recv_timeout(quiet) {
        last = id;
        assert!(id < 100_000, "it reads on and on");
    }
    assert!(last > 100, "{last}");
    child.kill().unwrap();
    child.wait().unwrap();
    writer.join().unwrap();
}

#[test]
fn an_id_that_is_in_use_is_refused_and_the_first_call_answered() {
    let world = World::new();
    let mut client = world.serve(&[]);
    let call = |name: &str, arguments: Value| {
        json!({"jsonrpc": "2.0", "id": "same", "method": "tools/call",
               "params": {"name": name, "arguments": arguments}})
    };
    client.send(&call(
        "shell",
        json!({"command": "until test -e go; do sleep 0.1; done; echo 1"}),
    ));
    client.send(&call("read", json!({"path": "notes.txt"})));
    let refused = client.wait_for(|message| message["id"] == "same");
    let why = refused["error"]["message"].as_str().unwrap();
    assert!(why.contains("another request"), "{refused}");
    world.write("work/go", "");
    let first = client.wait_for(|message| message["id"] == "same");
    assert_eq!(
        first["result"]["structuredContent"]["result"]["stdout"],
        "1\n"
    );
    // Once it is answered, the id is free.
    client.send(&call("read", json!({"path": "notes.txt"})));
    let third = client.wait_for(|message| message["id"] == "same");
    assert_eq!(third["result"]["content"][0]["text"], "buy milk\n");
}

#[test]
fn cancelling_what_is_not_there_does_nothing() {
    let world = World::new();
    let mut client = world.serve(&[]);
    for id in [json!(99), json!("x"), json!(null), json!({})] {
        client.notify("notifications/cancelled", json!({"requestId": id}));
    }
    let read = client.call("read", json!({"path": "notes.txt"}));
    assert_eq!(read.text(), "buy milk\n");
}

#[test]
fn a_session_that_cannot_be_opened_is_told_before_there_is_a_client() {
    let world = World::new();
    let output = world.command(["mcp", "--root", "/"]).output().unwrap();
    assert_eq!(output.status.code(), Some(125), "{output:?}");
    assert_eq!(output.stdout, b"");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("grant-everything"), "{said}");
}
