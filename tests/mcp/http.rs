//! The server by HTTP: the token first, then the name by which it is called, then the protocol.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use super::world::{PATIENCE, World};

pub(super) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A server, ended with the test.
pub(super) struct Served {
    pub(super) child: Child,
    pub(super) port: u16,
    said: Vec<String>,
}

impl Served {
    pub(super) fn start(world: &World, arguments: &[&str], token: Option<&str>) -> Self {
        let mut command = world.command(["mcp", "--http", "127.0.0.1:0"]);
        command.args(arguments);
        if let Some(token) = token {
            command.env("LOBSTERPOT_TOKEN", token);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = Vec::new();
        let port = loop {
            let mut line = String::new();
            assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "{said:?}");
            said.push(line.trim_end().to_owned());
            if let Some((_, rest)) = line.split_once("listening on http://127.0.0.1:") {
                break rest.trim_end_matches("/mcp\n").parse().unwrap();
            }
        };
        Self { child, port, said }
    }

    pub(super) fn exchange(&self, request: &Request<'_>) -> Response {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let host = request
            .host
            .map_or_else(|| format!("127.0.0.1:{}", self.port), str::to_owned);
        let mut text = format!(
            "{} {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n",
            request.method,
            request.path,
            request.body.len()
        );
        for (name, value) in &request.headers {
            text = format!("{text}{name}: {value}\r\n");
        }
        write!(stream, "{text}\r\n{}", request.body).unwrap();
        Response::read(stream)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    path: &'a str,
    host: Option<&'a str>,
    pub(super) headers: Vec<(&'a str, &'a str)>,
    pub(super) body: String,
}

impl<'a> Request<'a> {
    pub(super) fn post(body: &Value) -> Self {
        Self {
            method: "POST",
            path: "/mcp",
            host: None,
            headers: vec![(
                "Authorization",
                const { "Bearer 0123456789abcdef0123456789abcdef" },
            )],
            body: body.to_string(),
        }
    }

    pub(super) fn with(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }
}

#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Response {
    fn read(stream: TcpStream) -> Self {
        let mut stream = BufReader::new(stream);
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            head.push(line.trim_end().to_owned());
        }
        let status = head[0].split(' ').nth(1).unwrap().parse().unwrap();
        let headers = head[1..]
            .iter()
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut body = String::new();
        let _ = stream.read_to_string(&mut body);
        Self {
            status,
            headers,
            body,
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(one, _)| one == name)
            .map(|(_, value)| &**value)
    }

    /// The message in a body of JSON, or the last one in a stream of events.
    #[track_caller]
    pub(super) fn message(&self) -> Value {
        let events = self
            .body
            .lines()
            .filter_map(|line| line.strip_prefix("data:"));
        let last = events.map(str::trim).rfind(|data| data.starts_with('{'));
        let text = last.unwrap_or(&self.body);
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

pub(super) fn initialize() -> Value {
    json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": {"protocolVersion": "2025-11-25", "capabilities": {},
                   "clientInfo": {"name": "a test", "version": "1"}},
    })
}

pub(super) fn call(tool: &str, arguments: Value) -> Value {
    let mut call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call"});
    call["params"] = json!({"name": tool});
    call["params"]["arguments"] = arguments;
    call
}

#[test]
fn a_client_with_the_token_has_a_session_of_its_own() {
    let world = World::new();
    let served = Served::start(&world, &[], Some(TOKEN));
    assert!(!served.said.iter().any(|line| line.contains(TOKEN)));
    let session = |served: &Served| {
        let begun = served.exchange(&Request::post(&initialize()));
        assert_eq!(begun.status, 200, "{begun:?}");
        assert_eq!(begun.message()["result"]["protocolVersion"], "2025-11-25");
        begun.header("mcp-session-id").unwrap().to_owned()
    };
    let sessions = [session(&served), session(&served)];
    let homes = sessions.each_ref().map(|session| {
        let ask = call("shell", json!({"command": "echo kept > $TMPDIR/x"}));
        let ran = served.exchange(&Request::post(&ask).with("Mcp-Session-Id", session));
        assert_eq!(ran.status, 200, "{ran:?}");
        assert_eq!(ran.message()["result"]["isError"], false, "{ran:?}");
        let ask = call("shell", json!({"command": "cat $TMPDIR/x"}));
        let ran = served.exchange(&Request::post(&ask).with("Mcp-Session-Id", session));
        ran.message()["result"]["content"][0]["text"].clone()
    });
    assert_eq!(homes, ["kept\n", "kept\n"]);
    // Each is a session of the broker's, beside the one that none belongs to.
    let opened = world
        .records()
        .iter()
        .filter(|record| record["unmapped"]["op"] == "session.open")
        .count();
    assert_eq!(opened, 3);
    let unknown = Request::post(&call("read", json!({"path": "notes.txt"})));
    let unknown = served.exchange(&unknown.with("Mcp-Session-Id", "another"));
    assert_eq!(unknown.status, 404, "{unknown:?}");
}

#[test]
fn requests_of_the_current_version_share_a_session() {
    let world = World::new();
    let served = Served::start(&world, &[], Some(TOKEN));
    for command in ["echo kept > $TMPDIR/x", "cat $TMPDIR/x"] {
        let mut ask = call("shell", json!({ "command": command }));
        ask["params"]["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "a test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let request = Request::post(&ask)
            .with("MCP-Protocol-Version", "2026-07-28")
            .with("Mcp-Method", "tools/call")
            .with("Mcp-Name", "shell");
        let ran = served.exchange(&request);
        assert_eq!(ran.status, 200, "{ran:?}");
        let stdout = &ran.message()["result"]["structuredContent"]["result"]["stdout"];
        assert!(command.starts_with("echo") || stdout == "kept\n", "{ran:?}");
    }
}

#[test]
fn nobody_without_the_token_is_answered() {
    let world = World::new();
    let served = Served::start(&world, &[], Some(TOKEN));
    for header in [
        None,
        Some("Bearer 0123456789abcdef0123456789abcdee"),
        Some("Bearer 0123456789abcdef0123456789abcde"),
        Some("Bearer"),
        Some("Basic 0123456789abcdef0123456789abcdef"),
    ] {
        for (method, path) in [
            ("POST", "/mcp"),
            ("GET", "/mcp"),
            ("DELETE", "/mcp"),
            ("GET", "/"),
        ] {
            let mut request = Request::post(&initialize());
            (request.method, request.path) = (method, path);
            request.headers = header
                .map(|value| ("Authorization", value))
                .into_iter()
                .collect();
            let refused = served.exchange(&request);
            assert_eq!(refused.status, 401, "{header:?} {refused:?}");
            assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
        }
    }
    let query = format!("/mcp?token={TOKEN}");
    let mut request = Request::post(&initialize());
    (request.path, request.headers) = (&query, Vec::new());
    assert_eq!(served.exchange(&request).status, 401);
}

#[test]
fn nobody_who_calls_it_by_another_name_is_answered_and_no_page() {
    let world = World::new();
    let served = Served::start(&world, &[], Some(TOKEN));
    let other_port = format!("127.0.0.1:{}", served.port.wrapping_add(1));
    let good = format!("localhost:{}", served.port);
    for (host, status) in [
        (good.as_str(), 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        (other_port.as_str(), 403),
        ("0.0.0.0", 403),
        ("", 400),
    ] {
        let mut request = Request::post(&initialize());
        request.host = Some(host);
        let answered = served.exchange(&request);
        assert_eq!(answered.status, status, "{host}: {answered:?}");
    }
    let own = format!("http://{good}");
    for origin in ["http://evil.example", "null", "http://localhost", &own] {
        let request = Request::post(&initialize());
        let refused = served.exchange(&request.with("Origin", origin));
        assert_eq!(refused.status, 403, "{origin}: {refused:?}");
    }
}

#[test]
fn a_server_that_is_named_twice_is_not_believed_to_be_this_one() {
    let world = World::new();
    let served = Served::start(&world, &[], Some(TOKEN));
    let own = format!("127.0.0.1:{}", served.port);
    for second in [own.as_str(), "evil.example"] {
        let request = Request::post(&initialize()).with("Host", second);
        assert_eq!(served.exchange(&request).status, 400, "{second}");
    }
    for name in [own.as_str(), "evil.example"] {
        let path = format!("http://{name}/mcp");
        let mut request = Request::post(&initialize());
        request.path = &path;
        assert_eq!(served.exchange(&request).status, 400, "{path}");
    }
    let bearer = format!("Bearer {TOKEN}");
    let request = Request::post(&initialize()).with("Authorization", &bearer);
    assert_eq!(served.exchange(&request).status, 401);
}

#[test]
fn those_who_show_no_token_are_the_first_to_go() {
    let world = World::new();
    let served = Served::start(&world, &[], Some(TOKEN));
    let address = ("127.0.0.1", served.port);
    // One that has shown it, and keeps its connection.
    let mut known = TcpStream::connect(address).unwrap();
    known.set_read_timeout(Some(PATIENCE)).unwrap();
    let get = format!(
        "GET /elsewhere HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n",
        served.port
    );
    let mut first = [0; 12];
    known.write_all(get.as_bytes()).unwrap();
    known.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 404");
    let silent: Vec<TcpStream> = (0..300)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    assert_eq!(served.exchange(&Request::post(&initialize())).status, 200);
    // The oldest of them is gone, the newest waits to be heard.
    let mut oldest = &silent[0];
    oldest.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(matches!(oldest.read(&mut [0]), Ok(0) | Err(_)));
    let newest = silent.last().unwrap();
    newest.set_nonblocking(true).unwrap();
    let waits = newest.peek(&mut [0]).unwrap_err();
    assert_eq!(waits.kind(), std::io::ErrorKind::WouldBlock);
    known.write_all(get.as_bytes()).unwrap();
    assert_ne!(known.read(&mut [0; 512]).unwrap(), 0);
}

#[test]
fn what_is_no_request_is_refused_and_the_next_one_answered() {
    let world = World::new();
    let served = Served::start(&world, &[], Some(TOKEN));
    for body in ["", "garbage", "[]", "{}", "\u{0}"] {
        let mut request = Request::post(&Value::Null);
        request.body = body.into();
        let refused = served.exchange(&request);
        assert!((400..500).contains(&refused.status), "{body}: {refused:?}");
    }
    let mut elsewhere = Request::post(&initialize());
    elsewhere.path = "/elsewhere";
    assert_eq!(served.exchange(&elsewhere).status, 404);
    let mut stream = TcpStream::connect(("127.0.0.1", served.port)).unwrap();
    stream.write_all(b"\x00\xffgarbage\r\n\r\n").unwrap();
    drop(stream);
    // Connections that say nothing keep nobody out.
    let silent: Vec<TcpStream> = (0..100)
        .map(|_| TcpStream::connect(("127.0.0.1", served.port)).unwrap())
        .collect();
    assert_eq!(served.exchange(&Request::post(&initialize())).status, 200);
    drop(silent);
}

#[test]
fn only_so_many_sessions_are_open_at_once() {
    let world = World::new();
    let served = Served::start(&world, &[], Some(TOKEN));
    let refused = (0..100).find_map(|_| {
        let begun = served.exchange(&Request::post(&initialize()));
        (begun.status != 200).then_some(begun)
    });
    assert_eq!(refused.unwrap().status, 500);
}

#[test]
fn a_token_is_made_where_none_is_given_and_one_that_others_know_is_none() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let served = Served::start(&world, &[], None);
    let token = served
        .said
        .iter()
        .find_map(|line| line.strip_prefix("token: "));
    let header = format!("Bearer {}", token.unwrap());
    let mut request = Request::post(&initialize());
    request.headers = vec![("Authorization", &header)];
    assert_eq!(served.exchange(&request).status, 200);
    drop(served);

    let file = world.write("home/token", &format!("{TOKEN}\n"));
    let path = file.to_str().unwrap();
    let run = |world: &World, arguments: &[&str]| {
        let mut command = world.command(["mcp"]);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let open = run(&world, &["--http", "127.0.0.1:0", "--token-file", path]);
    assert_eq!(open.status.code(), Some(2), "{open:?}");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let served = Served::start(&world, &["--token-file", path], None);
    assert_eq!(served.exchange(&Request::post(&initialize())).status, 200);
    drop(served);
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let public = run(&world, &["--http", address]);
        assert_eq!(public.status.code(), Some(2), "{public:?}");
        let said = String::from_utf8(public.stderr).unwrap();
        assert!(said.contains("not on loopback"), "{said}");
    }
}

#[test]
fn another_server_is_wrapped_for_all_clients() {
    let world = World::new();
    world.write("work/server.py", include_str!("server.py"));
    let arguments = ["--wrap", "--", "python3", "server.py"];
    let served = Served::start(&world, &arguments, Some(TOKEN));
    for _ in 0..2 {
        let begun = served.exchange(&Request::post(&initialize()));
        let session = begun.header("mcp-session-id").unwrap();
        let ask = call("read_file", json!({"path": "notes.txt"}));
        let read = served.exchange(&Request::post(&ask).with("Mcp-Session-Id", session));
        let result = &read.message()["result"];
        assert_eq!(result["content"][0]["text"], "buy milk\n", "{read:?}");
    }
}
