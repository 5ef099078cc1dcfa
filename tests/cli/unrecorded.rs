//! What cannot be put on record does not happen.
//!
//! The log is on a small disk in a mount namespace of the program's own, which is filled while
//! the session goes on. Where user namespaces are not to be had, this is skipped, and said so.

use std::process::Command;

use serde_json::Value;

use super::world::{Ran, World};

/// Mounts the disk, asks, fills the disk, and asks again, of one session.
const SCRIPT: &str = r#"
mkdir -p "$XDG_STATE_HOME" && mount -t tmpfs -o size=256k,mode=700 none "$XDG_STATE_HOME" || exit 97
ask() {
    echo '{"id":"run '$1'","op":"exec.run","argv":["touch","ran-'$1'"]}'
    echo '{"id":"write '$1'","op":"file.write","path":"written-'$1'","content":"x"}'
}
{
    ask before
    until test -e written-before; do sleep 0.05; done
    head -c 1M /dev/zero > "$XDG_STATE_HOME/filler" 2> /dev/null
    # The last page of the log has room for a few records more.
    for number in 1 2 3 4 5 6 7 8; do ask $number; done
} | "$1" call
"#;

#[test]
fn what_cannot_be_put_on_record_does_not_happen() {
    let world = World::new();
    let mut command = Command::new("unshare");
    command.args([
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        SCRIPT,
        "sh",
    ]);
    command.arg(env!("CARGO_BIN_EXE_lobsterpot"));
    world.settle(&mut command);
    let ran = Ran::of(command.output().unwrap());
    if ran.stderr.contains("unshare:") || ran.code == 97 {
        assert!(
            std::env::var_os("LOBSTERPOT_REQUIRE_ALL").is_none(),
            "no user namespace with a tmpfs: {}",
            ran.stderr
        );
        eprintln!("SKIPPED: a full disk: {}", ran.stderr);
        return;
    }
    let replies = ran.expect(0).replies();
    assert_eq!(replies.len(), 18);
    for reply in &replies {
        let id = reply["id"].as_str().unwrap();
        let (op, name) = id.split_once(' ').unwrap();
        let file = if op == "run" { "ran" } else { "written" };
        let happened = world.path("work").join(format!("{file}-{name}")).exists();
        assert_eq!(reply["status"] == "ok", happened, "{reply}");
        if !happened {
            assert_eq!(code(reply), "audit-unavailable", "{reply}");
        }
    }
    let before = replies[..2].iter().all(|reply| reply["status"] == "ok");
    assert!(before, "no control: {:?}", &replies[..2]);
    for reply in &replies[14..] {
        assert_eq!(code(reply), "audit-unavailable", "{reply}");
    }
}

fn code(reply: &Value) -> &str {
    reply["denials"][0]["code"].as_str().unwrap_or_default()
}
