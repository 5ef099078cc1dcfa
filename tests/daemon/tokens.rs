//! What a token allows, and that a narrowed one never allows more.

use serde_json::{Value, json};

use super::world::{World, code, token_in, wait_until};

fn read(token: &str) -> Value {
    json!({ "id": 1, "op": "file.read", "path": "notes.txt", "token": token })
}

#[test]
fn a_token_names_its_session_and_nothing_else_does() {
    let world = World::new();
    let daemon = world.serve(&[]);
    let mut client = daemon.client();
    std::fs::create_dir(world.path("other")).unwrap();
    std::fs::write(world.path("other/notes.txt"), "other\n").unwrap();
    let one = client.token(&world);
    let other = client.open(&world, json!({ "root": world.text("other") }));
    let other = token_in(&other);
    assert_eq!(one.len(), 64);
    assert_ne!(one, other);
    let content = |reply: &Value| reply["result"]["content"].clone();
    assert_eq!(content(&client.ask(read(&one))), "buy milk\n");
    assert_eq!(content(&client.ask(read(&other))), "other\n");
    for wrong in ["", "x", &one[..63], &one.to_uppercase(), &format!("{one}0")] {
        let reply = client.ask(read(wrong));
        assert_eq!(code(&reply), "principal-unknown", "{wrong}: {reply}");
        assert!(!reply["audit"].as_str().unwrap().is_empty());
    }
    for wrong in [json!(null), json!(1), json!([one])] {
        let mut request = read("");
        request["token"] = wrong;
        assert_eq!(code(&client.ask(request)), "principal-unknown");
    }
    assert_eq!(world.refusals("principal-unknown"), 8);
}

#[test]
fn replies_are_those_of_call_with_the_ids_of_the_caller() {
    let world = World::new();
    let daemon = world.serve(&[]);
    let mut client = daemon.client();
    let token = client.token(&world);
    for id in [
        json!("a \"quoted\" \u{1f99e}"),
        json!(-7),
        json!(1.5),
        json!(""),
    ] {
        let mut request = read(&token);
        request["id"] = id.clone();
        let reply = client.ask(request);
        assert_eq!(reply["id"], id);
        let keys: Vec<_> = reply.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            ["id", "status", "result", "denials", "enforced", "audit"]
        );
    }
    let reply = client.ask(json!({
        "id": 2, "op": "file.read", "path": "/etc/shadow", "token": token
    }));
    assert_eq!(code(&reply), "outside-capability");
    let reply = client.ask(json!({
        "id": 3, "op": "file.read", "path": "x", "follow": 1, "token": token
    }));
    assert_eq!(code(&reply), "bad-request");
}

#[test]
fn a_session_that_cannot_be_opened_says_why() {
    let world = World::new();
    let daemon = world.serve(&[]);
    let mut client = daemon.client();
    let mut open = |more: (&str, Value)| {
        let mut request = json!({ "id": 1, "op": "session.open", "root": world.text("work") });
        request[more.0] = more.1;
        client.ask(request)
    };
    let error = |reply: &Value| {
        reply["result"]["error"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let reply = open(("policy", json!("no-such-policy")));
    assert_eq!(reply["status"], "failed");
    assert!(error(&reply).contains("no-such-policy"), "{reply}");
    assert!(reply["result"]["hint"].is_string());
    let reply = open(("root", json!(world.text("missing"))));
    assert_eq!(reply["status"], "failed", "{reply}");
    for (key, value) in [
        ("root", json!("work")),
        ("root", json!(7)),
        ("policy", json!("./policy.toml")),
        ("timeout", json!("soon")),
        ("timeout", json!(0)),
        ("unknown", json!(true)),
        ("token", json!("x")),
    ] {
        let reply = open((key, value));
        assert_eq!(code(&reply), "bad-request", "{key}: {reply}");
    }
    assert!(world.path("work").read_dir().unwrap().count() == 1);
}

#[test]
fn narrowing_never_widens() {
    let world = World::new();
    let daemon = world.serve(&[]);
    let mut client = daemon.client();
    let full = client.token(&world);
    let less = client.narrow(
        &full,
        json!({ "read_only": true, "operations": ["file.*"], "timeout": 1 }),
    );
    assert_eq!(less["read_only"], true);
    assert_eq!(less["timeout"], 1.0);
    let wish = json!({
        "read_only": false, "operations": ["exec.run", "file.read", "file.write"], "timeout": "1h"
    });
    let least = client.narrow(&token_in(&less), wish);
    assert_eq!(least["read_only"], true);
    assert_eq!(least["timeout"], 1.0);
    assert_eq!(least["operations"], json!(["file.read", "file.write"]));
    // With the same terms it is the same session of the broker.
    assert_eq!(least["session"], less["session"]);
    let least = token_in(&least);
    let write = |token: &str| json!({ "id": 1, "op": "file.write", "path": "new", "content": "x", "token": token });
    let run = |token: &str| json!({ "id": 1, "op": "exec.run", "argv": ["true"], "token": token });
    assert_eq!(code(&client.ask(write(&least))), "read-only");
    assert_eq!(code(&client.ask(run(&least))), "right-not-granted");
    let list = json!({ "id": 1, "op": "file.list", "path": ".", "token": least });
    assert_eq!(code(&client.ask(list)), "right-not-granted");
    assert!(!world.path("work/new").exists());
    assert_eq!(client.ask(read(&least))["status"], "ok");
    let none = token_in(&client.narrow(&full, json!({ "operations": [] })));
    assert_eq!(code(&client.ask(read(&none))), "right-not-granted");
    // The token that they were made from is what it was.
    assert_eq!(client.ask(write(&full))["status"], "ok");
    assert_eq!(client.ask(run(&full))["status"], "ok");
    assert!(world.path("work/new").exists());
    assert_eq!(world.refusals("right-not-granted"), 3);
}

#[test]
fn a_narrowed_session_is_held_by_the_kernel() {
    let world = World::new();
    let daemon = world.serve(&[]);
    let mut client = daemon.client();
    let full = client.token(&world);
    let less = client.narrow(&full, json!({ "read_only": true, "timeout": "1s" }));
    let less = token_in(&less);
    let shell = |token: &str, line: &str| json!({ "id": 1, "op": "exec.run", "shell": line, "token": token });
    let overwrite = "python3 -c 'open(\"notes.txt\", \"w\")' 2>&1 || echo x >> notes.txt";
    let reply = client.ask(shell(&less, overwrite));
    assert!(matches!(
        reply["status"].as_str(),
        Some("ok" | "denied" | "timeout")
    ));
    let notes = || std::fs::read_to_string(world.path("work/notes.txt")).unwrap();
    assert_eq!(notes(), "buy milk\n");
    let reply = client.ask(shell(&less, "sleep 3600"));
    assert_eq!(reply["status"], "timeout");
    assert_eq!(
        client.ask(shell(&full, "echo x > notes.txt"))["status"],
        "ok"
    );
    assert_eq!(notes(), "x\n");
}

#[test]
fn what_narrowing_cannot_change_is_refused() {
    let world = World::new();
    let daemon = world.serve(&[]);
    let mut client = daemon.client();
    let token = client.token(&world);
    for (key, value) in [
        ("policy", json!("workspace")),
        ("root", json!("/")),
        ("as", json!("owner")),
        ("operations", json!(["file.fly"])),
        ("operations", json!(["*"])),
        ("operations", json!("file.*")),
        ("timeout", json!(-1)),
        ("read_only", json!("no")),
    ] {
        let mut request = json!({ "id": 1, "op": "session.narrow", "token": token });
        request[key] = value;
        let reply = client.ask(request);
        assert_eq!(code(&reply), "bad-request", "{key}: {reply}");
    }
}

#[test]
fn closing_takes_back_what_was_narrowed_from_it() {
    let world = World::new();
    let daemon = world.serve(&[]);
    let mut client = daemon.client();
    let full = client.token(&world);
    let files = token_in(&client.narrow(&full, json!({ "operations": ["file.*"] })));
    let safe = token_in(&client.narrow(&files, json!({ "read_only": true })));
    let beside = token_in(&client.narrow(&full, json!({ "operations": ["file.read"] })));
    let close = |token: &str| json!({ "id": 1, "op": "session.close", "token": token });
    let reply = client.ask(close(&files));
    // The session itself has other tokens; the read-only one was only for this.
    assert_eq!(reply["result"]["closed"].as_array().unwrap().len(), 1);
    for gone in [&files, &safe] {
        assert_eq!(code(&client.ask(read(gone))), "principal-unknown");
    }
    for there in [&full, &beside] {
        assert_eq!(client.ask(read(there))["status"], "ok");
    }
    assert_eq!(client.ask(close(&full))["status"], "ok");
    for gone in [&full, &beside] {
        assert_eq!(code(&client.ask(read(gone))), "principal-unknown");
    }
    let list = client.ask(json!({ "id": 1, "op": "session.list" }));
    assert_eq!(list["result"]["sessions"], json!([]));
}

#[test]
fn a_list_tells_everything_but_the_tokens() {
    let world = World::new();
    let daemon = world.serve(&[]);
    let mut client = daemon.client();
    let opened = client.open(&world, json!({ "as": "agent:main", "read_only": true }));
    let token = token_in(&opened);
    let list = client.ask(json!({ "id": 1, "op": "session.list" }));
    let sessions = list["result"]["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions[0]["session"], opened["session"]);
    assert_eq!(sessions[0]["root"], world.text("work"));
    assert_eq!(sessions[0]["read_only"], true);
    assert!(!list.to_string().contains(&token));
}

#[test]
fn a_session_ends_with_its_connection_unless_it_is_kept() {
    let world = World::new();
    let daemon = world.serve(&[]);
    let mut first = daemon.client();
    let ends = first.token(&world);
    let kept = token_in(&first.open(&world, json!({ "keep": true })));
    let narrowed = token_in(&first.narrow(&kept, json!({ "read_only": true })));
    let mut second = daemon.client();
    assert_eq!(second.ask(read(&ends))["status"], "ok");
    drop(first);
    wait_until("the session ends", || {
        code(&second.ask(read(&ends))) == "principal-unknown"
    });
    assert_eq!(second.ask(read(&kept))["status"], "ok");
    assert_eq!(second.ask(read(&narrowed))["status"], "ok");
}

#[test]
fn a_session_that_nobody_uses_ends() {
    let world = World::new();
    let daemon = world.serve(&["--idle", "1s"]);
    let mut client = daemon.client();
    let token = client.token(&world);
    // One that works is used, however long it takes.
    let reply = client.ask(json!({
        "id": 1, "op": "exec.run", "argv": ["sleep", "3"], "token": token
    }));
    assert_eq!(reply["status"], "ok", "{reply}");
    let list = json!({ "id": 1, "op": "session.list" });
    wait_until("the session ends", || {
        client.ask(list.clone())["result"]["sessions"] == json!([])
    });
    assert_eq!(code(&client.ask(read(&token))), "principal-unknown");
}

#[test]
fn what_was_replaced_is_not_narrowed() {
    let world = World::new();
    let policy = world.text("home/own.toml");
    let write = |from: &str| {
        let text = std::fs::read_to_string(format!("policies/{from}.toml")).unwrap();
        let named = text.replace(&format!("name = \"{from}\""), "name = \"own\"");
        std::fs::write(&policy, named).unwrap();
    };
    write("read-only");
    let daemon = world.serve(&[]);
    let mut client = daemon.client();
    let held = token_in(&client.open(&world, json!({ "policy": policy })));
    let full = client.token(&world);
    let mut narrow = |token: &str| {
        client.ask(json!({ "id": 1, "op": "session.narrow", "token": token, "read_only": true }))
    };
    assert_eq!(narrow(&held)["status"], "ok");

    write("workspace");
    assert_eq!(code(&narrow(&held)), "right-not-granted");

    std::fs::create_dir(world.path("other")).unwrap();
    std::fs::rename(world.path("work"), world.path("was")).unwrap();
    std::os::unix::fs::symlink(world.path("other"), world.path("work")).unwrap();
    assert_eq!(code(&narrow(&full)), "right-not-granted");
    std::fs::remove_file(world.path("work")).unwrap();
    std::fs::rename(world.path("other"), world.path("work")).unwrap();
    assert_eq!(code(&narrow(&full)), "right-not-granted");

    std::fs::rename(world.path("work"), world.path("other")).unwrap();
    std::fs::rename(world.path("was"), world.path("work")).unwrap();
    assert_eq!(narrow(&full)["status"], "ok");
}
