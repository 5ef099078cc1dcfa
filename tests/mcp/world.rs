//! The world of the command line, for its MCP server, and a client that speaks line by line.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub(super) use crate::cli::world::World;

/// How long anything may take on a loaded machine.
pub(super) const PATIENCE: Duration = Duration::from_mins(2);

impl World {
    /// A server with these further arguments, and a client that has begun a session with it.
    pub(super) fn serve(&self, arguments: &[&str]) -> Client {
        let mut client = self.connect(arguments);
        client.initialize("2025-11-25", json!({}));
        client
    }

    /// A server with these further arguments, and a client that has said nothing yet.
    pub(super) fn connect(&self, arguments: &[&str]) -> Client {
        let mut command = self.command(["mcp"]);
        command.args(arguments);
        Client::start(command)
    }
}

#[track_caller]
fn json_line(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// A client on the server's standard streams.
pub(super) struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    messages: Receiver<Value>,
    kept: VecDeque<Value>,
    last: u64,
}

impl Client {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines() {
                let Ok(line) = line else { return };
                // A client that is gone reads no more.
                if sender.send(json_line(&line)).is_err() {
                    return;
                }
            }
        });
        Self {
            stdin: child.stdin.take(),
            child,
            messages,
            kept: VecDeque::new(),
            last: 0,
        }
    }

    /// Begins a session, and gives what the server says of itself.
    pub(super) fn initialize(&mut self, version: &str, capabilities: Value) -> Value {
        let mut params = json!({
            "protocolVersion": version,
            "clientInfo": {"name": "a test", "version": "1"},
        });
        params["capabilities"] = capabilities;
        let result = self.ask("initialize", params)["result"].take();
        self.notify("notifications/initialized", json!({}));
        result
    }

    /// Writes bytes as they are. A server that is gone takes none.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        let _ = self.stdin.as_mut().unwrap().write_all(bytes);
    }

    /// Writes a message.
    pub(super) fn send(&mut self, message: &Value) {
        self.write(format!("{message}\n").as_bytes());
    }

    /// Sends a notification.
    pub(super) fn notify(&mut self, method: &str, params: Value) {
        let mut message = json!({"jsonrpc": "2.0", "method": method});
        message["params"] = params;
        self.send(&message);
    }

    /// Sends a request and gives its id.
    pub(super) fn begin(&mut self, method: &str, params: Value) -> u64 {
        self.last += 1;
        let id = self.last;
        let mut message = json!({"jsonrpc": "2.0", "id": id, "method": method});
        message["params"] = params;
        self.send(&message);
        id
    }

    /// The response to a request; other messages are kept.
    #[track_caller]
    pub(super) fn response(&mut self, id: u64) -> Value {
        self.wait_for(|message| message["id"] == id && message.get("method").is_none())
    }

    /// The next message of a kind; others are kept.
    #[track_caller]
    pub(super) fn wait_for(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.kept.iter().position(&is_it) {
            return self.kept.remove(at).unwrap();
        }
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.messages.recv_timeout(left) {
                Ok(message) if is_it(&message) => return message,
                Ok(message) => self.kept.push_back(message),
                Err(error) => panic!("no such message: {error}; there are {:?}", self.kept),
            }
        }
    }

    /// What came and was not asked for yet.
    pub(super) fn kept(&mut self) -> impl Iterator<Item = &Value> {
        self.kept.extend(self.messages.try_iter());
        self.kept.iter()
    }

    /// A request and its response.
    #[track_caller]
    pub(super) fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params);
        self.response(id)
    }

    /// The tools that are offered.
    #[track_caller]
    pub(super) fn tools(&mut self) -> Vec<Value> {
        let response = self.ask("tools/list", json!({}));
        response["result"]["tools"].as_array().unwrap().clone()
    }

    /// Begins a call, and gives its id.
    pub(super) fn begin_call(&mut self, tool: &str, arguments: Value) -> u64 {
        {
            let mut params = json!({"name": tool});
            params["arguments"] = arguments;
            self.begin("tools/call", params)
        }
    }

    /// Calls a tool and gives the result.
    #[track_caller]
    pub(super) fn call(&mut self, tool: &str, arguments: Value) -> Called {
        let id = self.begin_call(tool, arguments);
        self.result(id)
    }

    /// The result of a call.
    #[track_caller]
    pub(super) fn result(&mut self, id: u64) -> Called {
        let response = self.response(id);
        assert!(response.get("error").is_none(), "{response}");
        Called(response["result"].clone())
    }

    /// The server's process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Closes the way to the server; what it still says can be read.
    pub(super) fn say_no_more(&mut self) {
        drop(self.stdin.take());
    }

    /// Says no more, and waits for the server's end.
    pub(super) fn leave(mut self) -> Option<i32> {
        self.say_no_more();
        self.wait().code()
    }

    /// Kills the server itself, as no signal handler sees.
    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn wait(&mut self) -> std::process::ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "the server does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.stdin.take());
        if std::thread::panicking() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// The result of a call.
#[derive(Debug)]
pub(super) struct Called(pub(super) Value);

impl Called {
    /// Whether it is an error for the model.
    pub(super) fn is_error(&self) -> bool {
        self.0["isError"] == true
    }

    /// All text blocks.
    pub(super) fn text(&self) -> String {
        let blocks = self.0["content"].as_array().unwrap();
        let texts: Vec<&str> = blocks
            .iter()
            .map(|block| block["text"].as_str().unwrap())
            .collect();
        texts.join("\n")
    }

    /// The structured content.
    pub(super) fn structured(&self) -> &Value {
        &self.0["structuredContent"]
    }

    /// What was asked for.
    #[track_caller]
    pub(super) fn ok(&self) -> &Value {
        assert!(!self.is_error(), "{:#}", self.0);
        assert_eq!(self.structured()["status"], "ok", "{:#}", self.0);
        &self.structured()["result"]
    }

    /// The code of the first refusal.
    #[track_caller]
    pub(super) fn denied(&self) -> &str {
        assert!(self.is_error(), "{:#}", self.0);
        assert_eq!(self.structured()["status"], "denied", "{:#}", self.0);
        let text = self.text();
        assert!(text.contains("<sandbox_violations>\nsandbox: "), "{text}");
        self.structured()["denials"][0]["code"].as_str().unwrap()
    }
}

/// A number that no other process of this machine has among its arguments.
pub(super) fn mark() -> String {
    let nanoseconds = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .subsec_nanos();
    format!("7{:09}{}", nanoseconds, std::process::id())
}

/// How many processes have the mark among their arguments, as seen from outside.
pub(super) fn processes_with(mark: &str) -> usize {
    let entries = std::fs::read_dir("/proc").unwrap();
    entries
        .filter_map(|entry| {
            let line = std::fs::read(entry.ok()?.path().join("cmdline")).ok()?;
            let is_marked = line
                .split(|byte| *byte == 0)
                .any(|argument| argument == mark.as_bytes());
            is_marked.then_some(())
        })
        .count()
}

/// The children of a process.
pub(super) fn children(pid: u32) -> Vec<i32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = std::fs::read_to_string(path).unwrap();
    text.split_whitespace()
        .map(|child| child.parse().unwrap())
        .collect()
}

/// Waits until so many processes have the mark.
#[track_caller]
pub(super) fn wait_for_processes(mark: &str, count: usize) {
    wait_until(&format!("{count} processes with {mark}"), || {
        processes_with(mark) == count
    });
}

/// Waits until something is so.
#[track_caller]
pub(super) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "it never came to be: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
