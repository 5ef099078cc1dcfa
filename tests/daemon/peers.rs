//! Who may connect, by what the kernel says of them: this user and root, and nobody else.

use std::process::Command;

use serde_json::{Value, json};

use super::sockets::activated;
use super::world::{Client, World, code};
use crate::host::skip;
use crate::programs;

const NOBODY: &str = "65534";

/// Sends lines over a socket and prints what comes back.
const CLIENT: &str = "use Socket; $SIG{PIPE} = 'IGNORE'; socket(S, PF_UNIX, SOCK_STREAM, 0) or die;
connect(S, sockaddr_un(shift)) or die \"connect: $!\";
syswrite(S, join('', map { \"$_\\n\" } @ARGV)); shutdown(S, 1); print while <S>";

/// What another user is answered, line by line.
fn as_nobody(world: &World, lines: &[&str]) -> Vec<Value> {
    let ids = ["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"];
    let mut command = Command::new("setpriv");
    command
        .args(ids)
        .args(["perl", "-e", CLIENT])
        .arg(world.socket())
        .args(lines);
    let output = command.current_dir("/").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let line = |line| serde_json::from_str(line).unwrap();
    text.lines().map(line).collect()
}

/// Connects, becomes another user where a uid is given, and only then speaks.
const PASSED_ON: &str =
    "use Socket; use POSIX; $SIG{PIPE} = 'IGNORE'; socket(S, PF_UNIX, SOCK_STREAM, 0) or die;
connect(S, sockaddr_un(shift)) or die \"connect: $!\"; my $uid = shift;
if ($uid) { POSIX::setgid($uid); POSIX::setuid($uid); die if $< != $uid; }
syswrite(S, join('', map { \"$_\\n\" } @ARGV)); shutdown(S, 1); print while <S>";

#[test]
fn a_connection_that_is_passed_on_is_of_no_use() {
    if !can_be_others() {
        return;
    }
    let world = World::new();
    let daemon = world.serve(&[]);
    let mut client = daemon.client();
    let token = client.token(&world);
    let write = json!({
        "id": 1, "op": "file.append", "path": "log", "content": "x", "token": token
    });
    let speak = |uid: &str| {
        let mut command = Command::new("perl");
        command.args(["-e", PASSED_ON]).arg(world.socket()).arg(uid);
        let output = command.arg(write.to_string()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(speak("0").contains("\"ok\""));
    assert_eq!(speak(NOBODY), "");
    let log = || std::fs::read_to_string(world.path("work/log")).unwrap();
    assert_eq!(log(), "x");
    let told = |record: &Value| {
        record
            .to_string()
            .contains("uid 65534 on a connection of uid 0")
    };
    super::world::wait_until("it is on record", || world.records().iter().any(told));
    assert!(speak("0").contains("\"ok\""));
    assert_eq!(log(), "xx");
}

fn can_be_others() -> bool {
    let is_root = nix::unistd::geteuid().is_root();
    let has_perl = Command::new("perl").arg("-v").output().is_ok();
    if !is_root || !has_perl {
        skip("peers with another uid: needs root and perl");
    }
    is_root && has_perl
}

/// A world that other users can enter.
fn open_world() -> World {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let everyone = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(world.path(""), everyone).unwrap();
    world
}

#[test]
fn another_user_can_do_nothing_even_with_a_token() {
    if !can_be_others() {
        return;
    }
    let world = open_world();
    let _daemon = activated(&world, env!("CARGO_BIN_EXE_lobsterpot"), &[]);
    let mut client = Client::to(&world.socket());
    let token = client.token(&world);
    let read = json!({ "id": 1, "op": "file.read", "path": "notes.txt", "token": token });
    let open = json!({ "id": 2, "op": "session.open", "root": world.text("work") });
    let replies = as_nobody(&world, &[&read.to_string(), &open.to_string()]);
    assert_eq!(replies.len(), 1, "{replies:?}");
    assert_eq!(code(&replies[0]), "principal-unknown");
    assert_eq!(replies[0]["id"], Value::Null);
    // The same lines from the user whose daemon it is.
    assert_eq!(client.ask(read)["status"], "ok");
    assert_eq!(client.ask(open)["status"], "ok");
    let records = world.records();
    let refused = records.iter().filter(|record| {
        record["status_code"] == "principal-unknown" && record.to_string().contains("uid 65534")
    });
    assert_eq!(refused.count(), 1);
}

#[test]
fn a_token_is_of_no_use_to_another_uid_not_even_to_root() {
    if !can_be_others() {
        return;
    }
    let world = open_world();
    let program = world.text("lobsterpot");
    programs::copy(env!("CARGO_BIN_EXE_lobsterpot"), &program);
    for directory in ["work", "home"] {
        let nobody = Some(65534);
        std::os::unix::fs::chown(world.path(directory), nobody, nobody).unwrap();
    }
    let ids = [
        "setpriv",
        "--reuid",
        NOBODY,
        "--regid",
        NOBODY,
        "--clear-groups",
    ];
    let _daemon = activated(&world, &program, &ids);
    let open = json!({ "id": 1, "op": "session.open", "root": world.text("work"), "keep": true });
    let replies = as_nobody(&world, &[&open.to_string()]);
    let token = replies[0]["result"]["token"].as_str().unwrap();
    let read = json!({ "id": 2, "op": "file.read", "path": "notes.txt", "token": token });
    // To the one that it was given to, also by another connection.
    assert_eq!(as_nobody(&world, &[&read.to_string()])[0]["status"], "ok");
    let mut root = Client::to(&world.socket());
    assert_eq!(code(&root.ask(read.clone())), "principal-unknown");
    let close = json!({ "id": 3, "op": "session.close", "token": token });
    assert_eq!(code(&root.ask(close)), "principal-unknown");
    let list = root.ask(json!({ "id": 4, "op": "session.list" }));
    assert_eq!(list["result"]["sessions"], json!([]));
    // Root may open sessions of its own there.
    root.token(&world);
    assert_eq!(as_nobody(&world, &[&read.to_string()])[0]["status"], "ok");
}
