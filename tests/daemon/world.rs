//! A daemon with a home, a workspace and a socket of its own, and clients of it.
//!
//! What is still running when a test ends is ended by its process id.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cli::world::settle;

/// Longer than anything takes, also on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(2);

/// A place in which daemons run.
pub(super) struct World {
    directory: TempDir,
}

impl World {
    /// A workspace with `notes.txt` in it, and a directory for sockets.
    pub(super) fn new() -> Self {
        let world = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        for name in ["work", "home", "run"] {
            std::fs::create_dir(world.path(name)).unwrap();
        }
        let private = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(world.path("run"), private).unwrap();
        std::fs::write(world.path("work/notes.txt"), "buy milk\n").unwrap();
        world
    }

    /// A path of the world, links resolved.
    pub(super) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        let base = std::fs::canonicalize(self.directory.path()).unwrap();
        base.join(name)
    }

    /// The same as a text.
    pub(super) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// The socket of the daemons here.
    pub(super) fn socket(&self) -> PathBuf {
        self.path("run/socket")
    }

    /// The program, in the workspace.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        self.surround(Command::new(env!("CARGO_BIN_EXE_lobsterpot")), arguments)
    }

    /// Any program, with the environment of the world.
    pub(super) fn surround(&self, mut command: Command, arguments: &[&str]) -> Command {
        command.args(arguments);
        settle(&mut command, &self.path(""));
        command
    }

    /// Runs the program to its end.
    pub(super) fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// A daemon that serves the socket.
    pub(super) fn serve(&self, more: &[&str]) -> Daemon {
        let socket = self.text("run/socket");
        let arguments = [&["serve", "--socket", &socket], more].concat();
        Daemon::of(self.command(&arguments), &self.socket())
    }

    /// The records of the audit log, which must be sound.
    pub(super) fn records(&self) -> Vec<Value> {
        let verified = self.run(&["audit", "verify"]);
        assert!(verified.status.success(), "{verified:?}");
        let log = self.path("home/.local/state/lobsterpot/audit.jsonl");
        let text = std::fs::read_to_string(log).unwrap();
        let line = |line| serde_json::from_str(line).unwrap();
        text.lines().map(line).collect()
    }

    /// How many records have this refusal code.
    pub(super) fn refusals(&self, code: &str) -> usize {
        let records = self.records();
        let refused = records.iter().filter(|one| one["status_code"] == code);
        refused.count()
    }
}

/// A daemon.
pub(super) struct Daemon {
    child: Child,
    socket: PathBuf,
}

impl Daemon {
    /// Starts it, and waits until it answers.
    pub(super) fn of(mut command: Command, socket: &Path) -> Self {
        command.stdin(Stdio::null());
        Self::started(command, socket)
    }

    /// The same, with a standard input of its own.
    pub(super) fn started(mut command: Command, socket: &Path) -> Self {
        let child = command.spawn().unwrap();
        let mut daemon = Self {
            child,
            socket: socket.to_owned(),
        };
        wait_until("the daemon answers", || {
            let ended = daemon.child.try_wait().unwrap();
            assert!(ended.is_none(), "the daemon ended: {ended:?}");
            UnixStream::connect(socket).is_ok()
        });
        daemon
    }

    /// A connection to it.
    pub(super) fn client(&self) -> Client {
        Client::to(&self.socket)
    }

    /// Its process id.
    pub(super) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// Sends it a signal, and waits for its end.
    pub(super) fn end_by(mut self, signal: nix::sys::signal::Signal) -> ExitStatus {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.pid()), signal).unwrap();
        let mut ended = None;
        wait_until("the daemon ends", || {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        });
        ended.unwrap()
    }

    /// How much memory it has, in MiB.
    pub(super) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kibibytes: u64 = line
            .unwrap()
            .split_whitespace()
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        kibibytes / 1024
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It is ours, and was not waited for, so the number is still its own.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process that is ended with the test, however that ends.
pub(super) struct Held(pub(super) Child);

impl Held {
    /// Waits for its end; whether it went well.
    pub(super) fn wait(&mut self) -> bool {
        self.0.wait().unwrap().success()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // One that was waited for is not signalled any more.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A connection.
pub(super) struct Client {
    reader: BufReader<UnixStream>,
}

impl Client {
    pub(super) fn to(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self {
            reader: BufReader::new(stream),
        }
    }

    /// The socket itself.
    pub(super) fn stream(&self) -> &UnixStream {
        self.reader.get_ref()
    }

    /// Sends bytes as they are.
    pub(super) fn send_raw(&self, bytes: &[u8]) {
        self.stream().write_all(bytes).unwrap();
    }

    /// Sends a request.
    #[allow(clippy::needless_pass_by_value, reason = "it is made for this call")]
    pub(super) fn send(&self, request: Value) {
        self.send_raw(format!("{request}\n").as_bytes());
    }

    /// The next line; none when the connection is over.
    pub(super) fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_str(&line).unwrap()),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// The next line.
    pub(super) fn receive(&mut self) -> Value {
        self.next().expect("a reply")
    }

    /// Sends a request and gives the reply.
    pub(super) fn ask(&mut self, request: Value) -> Value {
        self.send(request);
        self.receive()
    }

    /// Opens a session and gives the whole result.
    #[track_caller]
    pub(super) fn open(&mut self, world: &World, more: Value) -> Value {
        let mut request = json!({ "id": "open", "op": "session.open", "root": world.text("work") });
        merge(&mut request, more);
        let reply = self.ask(request);
        assert_eq!(reply["status"], "ok", "{reply}");
        reply["result"].clone()
    }

    /// Opens a session with the default policy and gives its token.
    #[track_caller]
    pub(super) fn token(&mut self, world: &World) -> String {
        token_in(&self.open(world, json!({})))
    }

    /// Narrows a token and gives the result.
    #[track_caller]
    pub(super) fn narrow(&mut self, token: &str, less: Value) -> Value {
        let mut request = json!({ "id": "narrow", "op": "session.narrow", "token": token });
        merge(&mut request, less);
        let reply = self.ask(request);
        assert_eq!(reply["status"], "ok", "{reply}");
        reply["result"].clone()
    }
}

fn merge(into: &mut Value, more: Value) {
    let Value::Object(more) = more else { panic!() };
    into.as_object_mut().unwrap().extend(more);
}

/// The token of a result.
pub(super) fn token_in(result: &Value) -> String {
    result["token"].as_str().unwrap().to_owned()
}

/// The code of a reply's first denial.
pub(super) fn code(reply: &Value) -> &str {
    reply["denials"][0]["code"].as_str().unwrap_or_default()
}

/// A shell line that runs two processes, one of them in a session of its own, until it is ended.
pub(super) fn lasting(mark: &str) -> String {
    format!("setsid sleep 3600.{mark} & sleep 3600.{mark}")
}

/// A mark that no other test has.
pub(super) fn mark() -> String {
    uuid::Uuid::now_v7().as_u128().to_string()
}

/// How many processes of [`lasting`] there are.
pub(super) fn running(mark: &str) -> usize {
    let wanted = format!("sleep\03600.{mark}\0");
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let is_one = |entry: &std::fs::DirEntry| {
        std::fs::read_to_string(entry.path().join("cmdline")).is_ok_and(|line| line == wanted)
    };
    processes.filter(is_one).count()
}

/// Waits until both processes of [`lasting`] are there.
pub(super) fn wait_for(mark: &str) {
    wait_until("the command runs", || running(mark) == 2);
}

/// Waits until none of them is.
pub(super) fn wait_for_end(mark: &str) {
    wait_until("the command ends", || running(mark) == 0);
}

/// Waits for a condition, however long it takes on a busy machine.
pub(super) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl World {
    /// The worker of the session that was opened first.
    pub(super) fn oldest_worker(daemon: &Daemon) -> i32 {
        let pid = daemon.pid();
        let children = format!("/proc/{pid}/task/{pid}/children");
        let text = std::fs::read_to_string(children).unwrap();
        text.split_whitespace().next().unwrap().parse().unwrap()
    }
}
