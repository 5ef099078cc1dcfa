//! The socket: whose it is, who has it, and one that a service manager made.

use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use serde_json::json;

use super::world::{Client, Daemon, World};

fn mode(path: &std::path::Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

#[test]
fn it_is_for_this_user_alone() {
    let world = World::new();
    let socket = world.text("run/new/socket");
    let daemon = Daemon::of(
        world.command(&["serve", "--socket", &socket]),
        socket.as_ref(),
    );
    assert_eq!(mode(socket.as_ref()), 0o600);
    assert_eq!(mode(&world.path("run/new")), 0o700);
    drop(daemon);
}

#[test]
fn one_that_answers_is_never_taken_away() {
    let world = World::new();
    let daemon = world.serve(&[]);
    let mut client = daemon.client();
    let token = client.token(&world);
    let second = world.run(&["serve", "--socket", &world.text("run/socket")]);
    assert_eq!(second.status.code(), Some(2), "{second:?}");
    let text = String::from_utf8(second.stderr).unwrap();
    assert!(text.contains("a server answers there"), "{text}");
    let read = json!({ "id": 1, "op": "file.read", "path": "notes.txt", "token": token });
    assert_eq!(client.ask(read)["status"], "ok");
    daemon.client().token(&world);
}

#[test]
fn what_is_no_socket_of_ours_stays_and_so_does_what_others_could_write_to() {
    let world = World::new();
    std::fs::write(world.path("run/file"), "mine").unwrap();
    std::os::unix::fs::symlink("socket", world.path("run/link")).unwrap();
    std::fs::create_dir_all(world.path("open/ours")).unwrap();
    let mode = std::fs::Permissions::from_mode;
    std::fs::set_permissions(world.path("open"), mode(0o777)).unwrap();
    std::fs::set_permissions(world.path("open/ours"), mode(0o700)).unwrap();
    for (path, why) in [
        ("run/file", "no socket of ours"),
        ("run/link", "no socket of ours"),
        ("run", "no socket of ours"),
        ("open/socket", "others can write there"),
        // They could put another directory in its place.
        ("open/ours/socket", "others can write there"),
        ("work/no/such/socket", "cannot create"),
    ] {
        let ran = world.run(&["serve", "--socket", &world.text(path)]);
        assert_eq!(ran.status.code(), Some(2), "{path}: {ran:?}");
        let text = String::from_utf8(ran.stderr).unwrap();
        assert!(text.contains(why), "{path}: {text}");
    }
    let kept = std::fs::read_to_string(world.path("run/file")).unwrap();
    assert_eq!(kept, "mine");
    assert!(
        world
            .path("run/link")
            .symlink_metadata()
            .unwrap()
            .is_symlink()
    );
    assert!(!world.path("open/socket").exists());
}

/// A daemon that gets its socket as a service manager passes it.
pub(super) fn activated(world: &World, program: &str, before: &[&str]) -> Daemon {
    let socket = world.socket();
    let listener = UnixListener::bind(&socket).unwrap();
    let everyone = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(&socket, everyone.clone()).unwrap();
    std::fs::set_permissions(world.path("run"), everyone).unwrap();
    let script = "exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\"";
    let mut words = vec!["sh", "-c", script, "sh", program, "serve"];
    words.splice(0..0, before.iter().copied());
    let mut command = world.surround(Command::new(words[0]), &words[1..]);
    command.stdin(Stdio::from(OwnedFd::from(listener)));
    Daemon::started(command, &socket)
}

#[test]
fn a_service_manager_can_make_it() {
    let world = World::new();
    let daemon = activated(&world, env!("CARGO_BIN_EXE_lobsterpot"), &[]);
    let mut client = Client::to(&world.socket());
    let token = client.token(&world);
    let look =
        r#"env; for n in 3 4 5 6 7 8; do (eval ": <&$n") 2>/dev/null && echo "open $n"; done"#;
    let shell = json!({ "id": 1, "op": "exec.run", "shell": look, "token": token });
    let reply = client.ask(shell);
    assert_eq!(reply["status"], "ok", "{reply}");
    let output = reply["result"]["stdout"].as_str().unwrap();
    assert!(output.contains("HOME="), "{output}");
    assert!(!output.contains("LISTEN_"), "{output}");
    assert!(!output.contains("open "), "{output}");
    let ended = daemon.end_by(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(ended.code(), Some(0));
    // It is the service manager's.
    assert!(world.socket().exists());
}

#[test]
fn what_a_service_manager_passes_must_be_a_listening_unix_socket() {
    let world = World::new();
    for (inherited, count) in [("/dev/null", "1"), ("/dev/null", "2")] {
        let script =
            format!("exec 3<{inherited}; LISTEN_PID=$$ LISTEN_FDS={count} exec \"$@\" serve");
        let program = env!("CARGO_BIN_EXE_lobsterpot");
        let mut command = world.surround(Command::new("sh"), &["-c", &script, "sh", program]);
        let ran = command.output().unwrap();
        assert_eq!(ran.status.code(), Some(2), "{ran:?}");
    }
    let nothing = world.run(&["serve"]);
    assert_eq!(nothing.status.code(), Some(2), "{nothing:?}");
}
