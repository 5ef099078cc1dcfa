//! Terminals and standard streams: a terminal is no keyboard, is as before when everything is
//! over, and streams that are not there do no harm.

use std::fs;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rexpect::session::{PtySession, spawn_command};

use super::world::{Mode, User, World, wait_until};

fn in_terminal(mut command: Command) -> PtySession {
    // The terminal is the test's own, so neither the harness's streams nor its session matter.
    command.stdin(Stdio::inherit());
    spawn_command(command, Some(60_000)).unwrap()
}

/// Typing, the console's selection, a line discipline, the console's output; and the first once
/// more with bits that the kernel does not look at.
const CALLS: [&str; 5] = ["0x5412", "0x541c", "0x5423", "0x541d", "0x100005412"];

#[test]
fn a_terminal_is_no_keyboard() {
    if User::Current.is_root() {
        // Elsewhere newer kernels refuse it to ordinary users.
        let world = World::new(User::Current);
        let mut control = in_terminal(world.bare_command("typing", [""; 0]));
        let told = control.exp_eof().unwrap();
        assert!(told.contains("errno=0"), "no control: {told}");
    }
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        for call in CALLS {
            let mut command = world.program();
            command.args(["run", "--", "./attacker", "terminal-call", call]);
            let told = in_terminal(command).exp_eof().unwrap();
            assert!(
                told.contains("errno=1\r"),
                "{user:?} {mode:?} {call}: {told}"
            );
        }
    }
}

/// The caller's own terminal is not the command's, by whatever name.
#[test]
fn the_callers_terminal_is_out_of_reach() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        fs::write(
            world.workspace().join("script"),
            "(echo typed > /dev/tty) 2>/dev/null && echo has-one; tty",
        )
        .unwrap();
        let through = |options: &str| {
            let mut command = world.command("/bin/sh".as_ref());
            let line = format!("tty; \"$0\" run -- sh script {options}");
            command.args(["-c", &line]).arg(world.program_path());
            in_terminal(command).exp_eof().unwrap()
        };
        let told = through("");
        let terminals: Vec<&str> = told
            .lines()
            .filter(|line| line.starts_with("/dev/pts/"))
            .collect();
        assert!(told.contains("typed") && told.contains("has-one"), "{told}");
        assert_eq!(terminals.len(), 2, "{told}");
        // In a view it is the first of its own.
        if mode == Mode::View {
            assert_eq!(terminals[1].trim(), "/dev/pts/0", "{told}");
        }
        // Output that goes elsewhere: then there is none.
        let told = through("| cat");
        assert!(
            !told.contains("has-one") && !told.contains("typed"),
            "{told}"
        );
        assert!(told.contains("not a tty"), "{told}");
    }
}

fn settings(terminal: &str) -> String {
    let output = Command::new("stty")
        .args(["-g", "-F", terminal])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A command runs in a terminal of the given shell when the broker gets the signal.
fn settings_after(world: &World, signal: Signal) -> (String, String, String) {
    let ready = world.workspace().join("ready");
    let _ = fs::remove_file(&ready);
    let mut command = world.command("/bin/sh".as_ref());
    // The shell is no interactive one: it would mend the terminal itself. And the command is one
    // process from the moment it is ready: a shell that waits for another goes on after SIGINT.
    let line = "tty; read go; \"$0\" run -- sh -c ': > ready; exec sleep 600'; echo over; read end";
    command.args(["-c", line]).arg(world.program_path());
    let mut terminal = in_terminal(command);
    let name = terminal.exp_regex("/dev/pts/[0-9]+").unwrap().1;
    let before = settings(&name);
    terminal.send_line("").unwrap();
    wait_until("it runs", || ready.exists());
    let meanwhile = settings(&name);
    kill(broker_of(world, &name), signal).unwrap();
    terminal.exp_string("over").unwrap();
    (before, meanwhile, settings(&name))
}

/// Of the program's processes the broker alone has the caller's terminal.
fn broker_of(world: &World, terminal: &str) -> Pid {
    let program = world.program_path().as_os_str().as_encoded_bytes();
    let is_broker = |entry: &fs::DirEntry| {
        let path = |name: &str| fs::read_link(entry.path().join(name)).unwrap_or_default();
        let arguments = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        arguments.starts_with(program)
            && path("cwd") == world.workspace()
            && path("fd/0").as_os_str() == terminal
    };
    let brokers: Vec<i32> = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(is_broker)
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    assert_eq!(brokers.len(), 1, "{brokers:?}");
    Pid::from_raw(brokers[0])
}

#[test]
fn a_terminal_is_as_before_whatever_ends_the_broker() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        for signal in [
            Signal::SIGTERM,
            Signal::SIGHUP,
            Signal::SIGINT,
            Signal::SIGQUIT,
        ] {
            let (before, meanwhile, after) = settings_after(&world, signal);
            assert_ne!(before, meanwhile, "no control");
            assert_eq!(before, after, "{user:?} {mode:?} {signal}");
        }
        // What cannot be caught leaves it as it was meanwhile: the others are no accident.
        let (_, meanwhile, after) = settings_after(&world, Signal::SIGKILL);
        assert_eq!(meanwhile, after, "no control");
    }
}

/// A job that does not read is not stopped for having a terminal.
#[test]
fn a_job_in_the_background_goes_on() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        let mut command = world.command("/bin/sh".as_ref());
        let line = "set -m; \"$0\" run -- sh -c 'echo new > made' & wait $!; echo over $?";
        command.args(["-c", line]).arg(world.program_path());
        let told = in_terminal(command).exp_eof().unwrap();
        assert!(told.contains("over 0"), "{user:?} {mode:?}: {told}");
        assert!(world.workspace().join("made").exists());
    }
}

#[test]
fn streams_that_are_closed_do_no_harm() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        for closed in ["<&-", ">&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"] {
            let made = world.workspace().join("made");
            let _ = fs::remove_file(&made);
            let mut command = world.command("/bin/sh".as_ref());
            let inner = "./attacker inherited > made; cat > copied; echo out; echo err >&2; exit 3";
            let line = format!("exec \"$0\" run -- sh -c '{inner}' {closed}");
            command.args(["-c", &line]).arg(world.program_path());
            let output = command.output().unwrap();
            let about = format!("{user:?} {mode:?} {closed}: {output:?}");
            assert_eq!(output.status.code(), Some(3), "{about}");
            // Only its own output is a file, and nothing beyond the three is open.
            let inside = fs::read_to_string(&made).unwrap();
            assert_eq!(inside.trim(), "regular 1\n\nerrno=0", "{about}");
            assert_eq!(
                fs::read(world.workspace().join("copied")).unwrap(),
                b"",
                "{about}"
            );
            let stays = |number| !closed.split(' ').any(|one| one == number);
            let out = if stays(">&-") { "out\n" } else { "" };
            let err = if stays("2>&-") { "err\n" } else { "" };
            assert_eq!(String::from_utf8_lossy(&output.stdout), out, "{about}");
            assert_eq!(String::from_utf8_lossy(&output.stderr), err, "{about}");
        }
        let verified = world.program().args(["audit", "verify"]).output().unwrap();
        assert!(verified.status.success(), "{verified:?}");
    }
}
