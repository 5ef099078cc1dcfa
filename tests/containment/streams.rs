//! Standard streams pass through byte-exact, exit codes too, and a terminal works.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::process::{Command, Stdio};

use super::world::{Place, Policy, User, World, skip};

/// Bytes without a pattern that a lost or doubled block would keep.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_ne_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[test]
fn a_hundred_megabytes_pass_through_unchanged() {
    let world = World::new(User::Current);
    let sent = noise(100 << 20);
    let mut command = world.run(Policy::Workspace);
    command
        .arg("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut received = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            input.write_all(&sent).unwrap();
            drop(input);
        });
        child
            .stdout
            .take()
            .unwrap()
            .read_to_end(&mut received)
            .unwrap();
    });
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(
        received == sent,
        "{} bytes of {}",
        received.len(),
        sent.len()
    );
}

#[test]
fn input_comes_from_files_and_output_goes_to_them() {
    let world = World::new(User::Current);
    let sent = noise(1 << 20);
    let (from, to) = (world.path("outside/from"), world.path("outside/to"));
    fs::write(&from, &sent).unwrap();
    let mut command = world.run(Policy::ReadOnly);
    command.arg("cat").stdin(fs::File::open(&from).unwrap());
    let status = command
        .stdout(fs::File::create(&to).unwrap())
        .status()
        .unwrap();
    assert!(status.success());
    assert!(fs::read(&to).unwrap() == sent);
}

/// The caller's file is written to, and nothing else can be done to it.
#[test]
fn a_file_as_output_is_out_of_reach() {
    let world = World::new(User::Current);
    let prey = world.prey(Place::Outside, "prey").join("file");
    for (script, is_control) in [
        ("import os; os.fchmod(1, 0o777); os.ftruncate(1, 0)", false),
        ("import os; os.fchmod(1, 0o777); os.ftruncate(1, 0)", true),
    ] {
        let file = fs::OpenOptions::new().append(true).open(&prey).unwrap();
        let before = fs::metadata(&prey).unwrap();
        let mut command = if is_control {
            Command::new("python3")
        } else {
            let mut command = world.run(Policy::Workspace);
            command.arg("/usr/bin/python3");
            command
        };
        command
            .args(["-c", script])
            .stdout(file)
            .stderr(Stdio::null())
            .status()
            .unwrap();
        let after = fs::metadata(&prey).unwrap();
        let is_same = (before.mode(), before.len()) == (after.mode(), after.len());
        assert_eq!(is_same, !is_control);
    }
}

/// `/dev/null` is a file of the host as well, and root owns it.
#[test]
fn a_null_stream_is_out_of_reach() {
    let changed = || {
        let null = fs::metadata("/dev/null").unwrap();
        (null.ctime(), null.ctime_nsec())
    };
    let script = "
import os
for fd in (0, 1, 2):
    for change in (lambda: os.fchmod(fd, 0o666), lambda: os.utime(fd), lambda: os.fchown(fd, 0, 0)):
        try: change()
        except OSError: pass
";
    let nothing = |command: &mut Command| {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let status = command.args(["-c", script]).stderr(Stdio::null()).status();
        assert!(status.unwrap().success());
    };
    if !User::Current.is_root() {
        return skip("only root can change /dev/null");
    }
    for world in World::in_modes(User::Current) {
        let before = changed();
        nothing(&mut Command::new("python3"));
        assert_ne!(changed(), before, "no control");
        for policy in [Policy::Workspace, Policy::ReadOnly] {
            let before = changed();
            nothing(world.run(policy).arg("/usr/bin/python3"));
            assert_eq!(changed(), before, "{:?} {policy:?}", world.mode);
            // A directory is no stream, and a command gets `/dev/null` for it.
            let mut command = world.run(policy);
            command.args(["/usr/bin/python3", "-c", script]);
            command.stdin(fs::File::open("/").unwrap());
            assert!(command.status().unwrap().success());
            assert_eq!(changed(), before, "{:?} {policy:?}", world.mode);
        }
    }
}

/// What a command writes to may read from the terminal, as a pager does.
#[test]
fn a_terminal_is_left_to_the_reader_of_the_output() {
    let world = World::new(User::Current);
    let mut command = Command::new("sh");
    let line = format!(
        "{} run -- sh -c 'cat; echo the end' | {{ cat; read line < /dev/tty; echo got $line; }}",
        env!("CARGO_BIN_EXE_lobsterpot")
    );
    command.args(["-c", &line]).current_dir(world.workspace());
    command.env("XDG_STATE_HOME", world.path("state"));
    command.stdin(Stdio::inherit());
    let mut terminal = rexpect::session::spawn_command(command, Some(60_000)).unwrap();
    terminal.exp_string("the end").unwrap();
    terminal.send_line("keys").unwrap();
    terminal.exp_string("got keys").unwrap();
}

#[test]
fn exit_codes_are_the_commands_own() {
    let world = World::new(User::Current);
    for (words, code) in [
        (&["true"][..], 0),
        (&["false"], 1),
        (&["sh", "-c", "exit 42"], 42),
        (&["sh", "-c", "kill -SEGV $$"], 128 + 11),
        (&["no-such-command"], 127),
        (&["./no-such-command"], 127),
        (&["./mine"], 126),
    ] {
        let status = world
            .run(Policy::Workspace)
            .args(words)
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(code), "{words:?}");
    }
}

#[test]
fn output_and_errors_stay_apart() {
    let world = World::new(User::Current);
    let mut command = world.program();
    command.args(["run", "--", "sh", "-c", "echo out; echo err >&2"]);
    let output = command.output().unwrap();
    assert_eq!(output.stdout, b"out\n");
    assert_eq!(output.stderr, b"err\n");
}

/// A reader that goes away ends the command as it would without a sandbox.
#[test]
fn a_closed_reader_ends_the_command() {
    let world = World::new(User::Current);
    let mut command = world.run(Policy::Workspace);
    command
        .arg("yes")
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    child
        .stdout
        .take()
        .unwrap()
        .read_exact(&mut [0; 10])
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(128 + 13));
}

#[test]
fn an_interactive_shell_works_in_a_terminal() {
    let world = World::new(User::Current);
    let mut command = world.program();
    command
        .args(["run", "--", "sh", "-i"])
        .env("PS1", "ready> ")
        .env("TERM", "dumb");
    // The terminal is the test's own, so neither the harness's streams nor its session matter.
    command.stdin(Stdio::inherit());
    let mut terminal = rexpect::session::spawn_command(command, Some(60_000)).unwrap();
    terminal.send_line("tty; echo $((6*7))").unwrap();
    terminal.exp_string("/dev/pts/").unwrap();
    terminal.exp_string("42").unwrap();
    // A terminal must not become a keyboard.
    terminal.send_line("./attacker typing").unwrap();
    terminal.exp_string("errno=1").unwrap();
    // The key that interrupts reaches the job, not the shell.
    terminal.send_line("sleep 600").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(500));
    terminal.send_control('c').unwrap();
    terminal.send_line("echo still $((1+1)) here").unwrap();
    terminal.exp_string("still 2 here").unwrap();
    terminal.send_line("exit 5").unwrap();
    let status = terminal.process().wait().unwrap();
    let status = format!("{status:?}");
    assert!(
        status.starts_with("Exited(") && status.ends_with(", 5)"),
        "{status}"
    );
}
