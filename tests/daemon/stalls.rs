//! Nobody stalls anybody else: slow commands, floods, garbage, readers that do not read.

use std::io::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::world::{World, code, lasting, mark, wait_for, wait_for_end, wait_until};

fn read(id: usize, token: &str) -> Value {
    json!({ "id": id, "op": "file.read", "path": "notes.txt", "token": token })
}

#[test]
fn a_slow_session_stalls_neither_another_nor_itself() {
    let world = World::new();
    let daemon = world.serve(&[]);
    let (mut slow, mut quick) = (daemon.client(), daemon.client());
    let (slow_token, quick_token) = (slow.token(&world), quick.token(&world));
    let mark = mark();
    slow.send(
        json!({ "id": "slow", "op": "exec.run", "shell": lasting(&mark), "token": slow_token }),
    );
    wait_for(&mark);
    for id in 0..50 {
        assert_eq!(quick.ask(read(id, &quick_token))["id"], id);
    }
    assert_eq!(slow.ask(read(1, &slow_token))["id"], 1);
    // Gone without a word: the command is ended, for nobody waits for it.
    drop(slow);
    wait_for_end(&mark);
    assert_eq!(quick.ask(read(1, &quick_token))["status"], "ok");
}

#[test]
fn thousands_of_requests_are_each_answered_once() {
    const EACH: usize = 1500;
    let world = World::new();
    let daemon = world.serve(&[]);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let (world, daemon) = (&world, &daemon);
            scope.spawn(move || {
                let mut client = daemon.client();
                let token = client.token(world);
                let mut sending = client.stream().try_clone().unwrap();
                let sender = scope.spawn(move || {
                    for id in 0..EACH {
                        let line = format!("{}\n", read(id, &token));
                        sending.write_all(line.as_bytes()).unwrap();
                    }
                });
                let mut answered = vec![false; EACH];
                for _ in 0..EACH {
                    let reply = client.receive();
                    assert_eq!(reply["result"]["content"], "buy milk\n", "{reply}");
                    let id = usize::try_from(reply["id"].as_u64().unwrap()).unwrap();
                    assert!(!std::mem::replace(&mut answered[id], true));
                }
                sender.join().unwrap();
            });
        }
    });
    assert!(daemon.resident() < 200, "{} MiB", daemon.resident());
}

#[test]
fn who_does_not_read_stalls_nobody_else_and_costs_little() {
    let world = World::new();
    std::fs::write(world.path("work/large"), "x".repeat(1_000_000)).unwrap();
    let daemon = world.serve(&[]);
    let (mut deaf, mut other) = (daemon.client(), daemon.client());
    let (deaf_token, other_token) = (deaf.token(&world), other.token(&world));
    deaf.stream()
        .set_write_timeout(Some(Duration::from_secs(1)))
        .unwrap();
    let request = json!({ "id": 1, "op": "file.read", "path": "large", "token": deaf_token });
    let line = format!("{request}\n");
    let mut sent = 0;
    while sent < 100_000 && deaf.stream().write_all(line.as_bytes()).is_ok() {
        sent += 1;
    }
    assert!((200..100_000).contains(&sent), "{sent} were taken");
    for id in 0..50 {
        assert_eq!(other.ask(read(id, &other_token))["id"], id);
    }
    assert!(daemon.resident() < 200, "{} MiB", daemon.resident());
    // In the end it loses its connection, and its session with that.
    wait_until("its session ends", || {
        let list = other.ask(json!({ "id": 1, "op": "session.list" }));
        list["result"]["sessions"].as_array().unwrap().len() == 1
    });
}

#[test]
fn garbage_is_answered_and_the_connection_goes_on() {
    let world = World::new();
    let daemon = world.serve(&[]);
    let mut client = daemon.client();
    let token = client.token(&world);
    let garbage: [&[u8]; 10] = [
        b"nonsense",
        b"",
        b"[]",
        b"\xff\xfe",
        b"{\"id\":7}",
        b"{\"id\":null,\"op\":\"file.read\"}",
        b"{\"op\":\"file.read\"}",
        b"{\"id\":8,\"op\":9}",
        b"{\"id\":9,\"op\":\"session.open\"}",
        b"\0\0\0\0",
    ];
    for line in garbage {
        client.send_raw(line);
        client.send_raw(b"\n");
        let reply = client.receive();
        assert_eq!(code(&reply), "bad-request", "{line:?}: {reply}");
    }
    let deep = format!(
        "{{\"id\":1,\"op\":\"file.read\",\"path\":{}1{},\"token\":\"{token}\"}}\n",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    client.send_raw(deep.as_bytes());
    assert_eq!(code(&client.receive()), "bad-request");
    assert_eq!(client.ask(read(1, &token))["status"], "ok");
    assert_eq!(world.refusals("bad-request"), garbage.len());
}

#[test]
fn a_line_has_a_longest_and_half_a_line_is_none() {
    let world = World::new();
    let daemon = world.serve(&[]);
    let mut client = daemon.client();
    let token = client.token(&world);
    let write = |content: &str| {
        let request = json!({ "id": 1, "op": "file.write", "path": "new", "content": content, "token": token });
        format!("{request}\n")
    };
    client.send_raw(write(&"x".repeat(17 << 20)).as_bytes());
    let reply = client.receive();
    assert_eq!(code(&reply), "bad-request", "{reply}");
    assert!(!world.path("work/new").exists());
    let long = "y".repeat(8 << 20);
    client.send_raw(write(&long).as_bytes());
    let reply = client.receive();
    assert_eq!(reply["status"], "ok", "{reply}");
    assert_eq!(world.path("work/new").metadata().unwrap().len(), 8 << 20);
    let mut other = daemon.client();
    other.send_raw(write("half").trim_end().as_bytes());
    other.stream().shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(other.next(), None);
    assert_eq!(world.path("work/new").metadata().unwrap().len(), 8 << 20);
}

#[test]
fn replies_come_also_when_nothing_more_is_asked() {
    let world = World::new();
    let daemon = world.serve(&[]);
    let mut client = daemon.client();
    let token = client.token(&world);
    client.send(json!({ "id": 1, "op": "exec.run", "argv": ["sleep", "0.5"], "token": token }));
    client.stream().shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(client.receive()["status"], "ok");
    assert_eq!(client.next(), None);
}
