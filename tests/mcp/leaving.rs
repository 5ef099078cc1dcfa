//! Clients by HTTP that go away, and a server that does: what ran for them ends.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::http::{Request, Served, TOKEN, call, initialize};
use super::world::{
    PATIENCE, World, children, mark, processes_with, wait_for_processes, wait_until,
};

#[test]
fn a_background_command_ends_with_the_session_of_its_client() {
    let world = World::new();
    let served = Served::start(&world, &[], Some(TOKEN));
    let begun = served.exchange(&Request::post(&initialize()));
    let session = begun.header("mcp-session-id").unwrap().to_owned();
    let mark = mark();
    let command = format!("setsid sleep {mark} & sleep {mark}");
    let ask = call("shell_start", json!({ "command": command }));
    let started = served.exchange(&Request::post(&ask).with("Mcp-Session-Id", &session));
    assert_eq!(started.message()["result"]["isError"], false, "{started:?}");
    wait_for_processes(&mark, 2);
    let mut over = Request::post(&Value::Null).with("Mcp-Session-Id", &session);
    (over.method, over.body) = ("DELETE", String::new());
    let over = served.exchange(&over);
    assert!((200..300).contains(&over.status), "{over:?}");
    wait_for_processes(&mark, 0);
    // Its record is whole, and the server goes on.
    wait_until("the session's end is on record", || {
        let records = world.records();
        let mut ends = records.iter();
        ends.any(|record| record["unmapped"]["op"] == "session.close")
    });
    assert_eq!(served.exchange(&Request::post(&initialize())).status, 200);
}

#[test]
fn a_client_that_goes_away_ends_its_call_and_a_server_that_ends_all() {
    let world = World::new();
    let mut served = Served::start(&world, &[], Some(TOKEN));
    let begun = served.exchange(&Request::post(&initialize()));
    let session = begun.header("mcp-session-id").unwrap().to_owned();
    let mark = mark();
    let ask = call(
        "shell",
        json!({"command": format!("setsid sleep {mark} & sleep {mark}")}),
    );
    let mut request = Request::post(&ask).with("Mcp-Session-Id", &session);
    let mut stream = TcpStream::connect(("127.0.0.1", served.port)).unwrap();
    request.headers.push(("Connection", "close"));
    write!(
        stream,
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {TOKEN}\r\n\
         Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n\
         Mcp-Session-Id: {session}\r\nContent-Length: {}\r\n\r\n{}",
        served.port,
        request.body.len(),
        request.body
    )
    .unwrap();
    wait_for_processes(&mark, 2);
    // The session, with everything in it.
    let mut over = Request::post(&Value::Null).with("Mcp-Session-Id", &session);
    (over.method, over.body) = ("DELETE", String::new());
    let over = served.exchange(&over);
    assert!((200..300).contains(&over.status), "{over:?}");
    wait_for_processes(&mark, 0);

    let killed = std::process::Command::new("kill")
        .arg(served.child.id().to_string())
        .status();
    assert!(killed.unwrap().success());
    let until = std::time::Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = served.child.try_wait().unwrap() {
            break status;
        }
        assert!(std::time::Instant::now() < until, "it does not end");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_client_that_goes_away_without_a_word_leaves_nothing_when_its_time_is_up() {
    let world = World::new();
    let served = Served::start(&world, &["--timeout", "3", "--idle", "1"], Some(TOKEN));
    let pid = served.child.id();
    // The session of all requests that belong to none.
    assert_eq!(children(pid).len(), 1);
    let begun = served.exchange(&Request::post(&initialize()));
    let session = begun.header("mcp-session-id").unwrap().to_owned();
    // A client that listens and says nothing has gone away as well.
    let mut stream = TcpStream::connect(("127.0.0.1", served.port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "GET /mcp HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {TOKEN}\r\n\
         Accept: text/event-stream\r\nMcp-Session-Id: {session}\r\nConnection: close\r\n\r\n",
        served.port
    )
    .unwrap();
    let mark = mark();
    let command = format!("touch started; setsid sleep {mark} & sleep {mark}");
    let ask = call("shell_start", json!({ "command": command }));
    let ask = Request::post(&ask).with("Mcp-Session-Id", &session);
    let started = served.exchange(&ask);
    assert_eq!(started.message()["result"]["isError"], false, "{started:?}");
    wait_until("it runs", || world.path("work/started").exists());
    // That is all that it says.
    wait_until("its worker has ended", || children(pid).len() == 1);
    assert_eq!(processes_with(&mark), 0);
    wait_until("the session's end is on record", || {
        let records = world.records();
        let mut ends = records.iter();
        ends.any(|record| record["unmapped"]["op"] == "session.close")
    });
    let over = served.exchange(&ask);
    assert_eq!(over.status, 404, "{over:?}");
    // The stream that it listens on has ended, too.
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert!(rest.starts_with(b"HTTP/1.1 200"), "{rest:?}");
    assert_eq!(served.exchange(&Request::post(&initialize())).status, 200);
}
