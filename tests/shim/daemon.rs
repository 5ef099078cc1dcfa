//! The shell by a running daemon: in a session of its own, in one that lasts, or not at all.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::world::Shelled;
use crate::cli::world::Ran;

/// A daemon, ended with the test.
struct Served {
    shelled: Shelled,
    socket: PathBuf,
    daemon: Child,
}

impl Drop for Served {
    fn drop(&mut self) {
        let pid = Pid::from_raw(self.daemon.id().cast_signed());
        let _ = kill(pid, Signal::SIGTERM);
        let _ = self.daemon.wait();
    }
}

impl Served {
    fn new() -> Self {
        let shelled = Shelled::new();
        let socket = shelled.world.path("run/socket");
        let daemon = shelled
            .world
            .command(["serve", "--socket", socket.to_str().unwrap()])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_mins(1);
        while UnixStream::connect(&socket).is_err() {
            assert!(Instant::now() < until, "the daemon does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self {
            shelled,
            socket,
            daemon,
        }
    }

    fn run(&self, words: &[&str], input: &str, token: Option<&str>) -> Ran {
        let mut command = self.shelled.command(self.shelled.shell());
        command
            .env("LOBSTERPOT_SOCKET", &self.socket)
            .envs(token.map(|token| ("LOBSTERPOT_TOKEN", token)))
            .args(words);
        Ran::fed(&mut command, input.as_bytes())
    }
}

#[test]
fn a_command_runs_in_a_session_of_the_daemon() {
    let served = Served::new();
    let line = "cat; cat notes.txt; pwd; echo $HOME; echo oops >&2; exit 3";
    let ran = served.run(&["-c", line], "in\n", None).expect(3);
    let work = served.shelled.world.path("work");
    let begin = format!("in\nbuy milk\n{}\n", work.display());
    assert!(ran.stdout.starts_with(&begin), "{ran:?}");
    let home = served.shelled.world.path("home");
    assert!(!ran.stdout.contains(home.to_str().unwrap()), "{ran:?}");
    assert_eq!(ran.stderr, "oops\n");
    served
        .run(&["-c", "kill -KILL $$"], "", None)
        .expect(128 + 9);
    served.run(&["no-such-file"], "", None).expect(127);
    let ran = served.run(&["-c", "cat /etc/shadow"], "", None).expect(126);
    assert!(ran.stderr.starts_with("<sandbox_violations>\n"), "{ran:?}");
    served
        .run(&["-c", "printf 'a%.0s' $(seq 100000)"], "", None)
        .expect(0);
}

#[test]
fn a_session_that_lasts_keeps_its_private_directory() {
    let served = Served::new();
    let mut owner = UnixStream::connect(&served.socket).unwrap();
    let root = served.shelled.world.path("work");
    let open = json!({"id": 1, "op": "session.open", "root": root, "policy": "workspace"});
    writeln!(owner, "{open}").unwrap();
    let mut line = String::new();
    BufReader::new(&owner).read_line(&mut line).unwrap();
    let reply: Value = serde_json::from_str(&line).unwrap();
    let token = reply["result"]["token"].as_str().unwrap();
    served
        .run(&["-c", "echo kept > $TMPDIR/x"], "", Some(token))
        .expect(0);
    let ran = served
        .run(&["-c", "cat $TMPDIR/x"], "", Some(token))
        .expect(0);
    assert_eq!(ran.stdout, "kept\n");
    served
        .run(&["-c", "true"], "", Some("no-token"))
        .expect(126);
}

#[test]
fn without_the_daemon_nothing_runs() {
    let shelled = Shelled::new();
    let mut command = shelled.command(shelled.shell());
    command.env("LOBSTERPOT_SOCKET", shelled.world.path("run/socket"));
    command.args(["-c", "echo x > made"]);
    let ran = Ran::of(command.output().unwrap()).expect(125);
    assert!(ran.stderr.contains("cannot connect to"), "{ran:?}");
    assert!(!shelled.world.path("work/made").exists());
}

#[test]
fn what_would_not_be_in_force_is_refused() {
    let served = Served::new();
    let run = |variables: &[(&str, &str)], options: &[&str]| {
        let mut command = served.shelled.world.command(["sh"]);
        command
            .env("LOBSTERPOT_ROOT", served.shelled.world.path("work"))
            .env("LOBSTERPOT_SOCKET", &served.socket)
            .envs(variables.iter().copied())
            .args(options)
            .args(["-c", "echo x > made"])
            .stdin(Stdio::null());
        let ran = Ran::of(command.output().unwrap()).expect(2);
        assert!(!served.shelled.world.path("work/made").exists());
        ran.stderr
    };
    let token = [("LOBSTERPOT_TOKEN", "some-token")];
    for options in [&["--read-only"][..], &["--timeout=5"], &["--within=."]] {
        let told = run(&token, options);
        assert!(told.contains("session.narrow"), "{told}");
    }
    assert!(run(&[], &["--within=."]).contains("--within"));
    assert!(run(&[("LOBSTERPOT_SOCKET", "")], &[]).contains("LOBSTERPOT_SOCKET"));
    assert!(run(&[("LOBSTERPOT_TOKEN", "")], &[]).contains("LOBSTERPOT_TOKEN"));
}
