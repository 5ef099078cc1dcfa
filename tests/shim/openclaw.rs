//! OpenClaw's ssh backend, with our program in the place of ssh: the calls that it makes, and
//! OpenClaw itself where it is installed.
//!
//! The second needs what only a network has: `npm install openclaw` in some directory, and Node
//! 24 or newer. `LOBSTERPOT_TEST_OPENCLAW` names the directory, `LOBSTERPOT_TEST_NODE` the node.

use std::path::Path;
use std::process::Command;

use lobsterpot::shim::SshCall;
use serde_json::Value;

use super::world::Shelled;
use crate::cli::world::Ran;

/// A word as OpenClaw quotes it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r#"'"'"'"#))
}

fn line(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
    words.join(" ")
}

/// One call of ssh, with its options as OpenClaw gives them, and with this input.
fn call(shelled: &Shelled, line: &str, input: &[u8]) -> Ran {
    let mut command = shelled.command(shelled.world.path("bin/lobsterpot-ssh"));
    command
        .args(["-F", "/no/such/config", "-T", "-o", "RequestTTY=no"])
        .args(["openclaw-sandbox", line]);
    Ran::fed(&mut command, input)
}

#[test]
fn words_arrive_as_they_were_quoted() {
    let shelled = Shelled::new();
    let words = ["printf", "<%s>", "a b", "it's", "$HOME", "", "é\n\\", "-x"];
    let ran = call(&shelled, &line(&words), b"").expect(0);
    assert_eq!(ran.stdout, "<a b><it's><$HOME><><é\n\\><-x>");
    let ran = call(
        &shelled,
        &line(&["/bin/sh", "-c", "cat; exit 4"]),
        b"in\0put",
    );
    assert_eq!(ran.expect(4).stdout, "in\0put");
}

#[test]
fn a_directory_is_uploaded_as_an_archive() {
    let shelled = Shelled::new();
    let archive = Command::new("tar")
        .args(["-cf", "-", "notes.txt"])
        .current_dir(shelled.world.path("work"))
        .output()
        .unwrap();
    let target = shelled.world.path("work/up");
    let target = target.to_str().unwrap();
    let unpack = "mkdir -p -- \"$1\" && tar -xf - -C \"$1\"";
    let words = line(&["/bin/sh", "-c", unpack, "upload", target]);
    call(&shelled, &words, &archive.stdout).expect(0);
    assert_eq!(shelled.world.read("work/up/notes.txt"), "buy milk\n");
}

/// A script is put into /tmp by one call, and run by the next one.
#[test]
fn a_script_for_one_command_is_found_by_the_next_call() {
    let shelled = Shelled::new();
    let place = "/tmp/openclaw-sandbox-exec-0b0f6a3e-3b0e-4c51-9d5e-0c1f5d1d2a77";
    let put = "umask 077 && mkdir -- \"$1\" && cat > \"$1/exec.sh\" && chmod 700 \"$1/exec.sh\"";
    let put = line(&["/bin/sh", "-c", put, "openclaw-sandbox-exec-stage", place]);
    let script = format!(
        "set -e\nrm -rf -- {}\nexport A='it'\"'\"'s'\nexec {}\n",
        quoted(place),
        line(&["/bin/sh", "-c", "echo $A; cat notes.txt; pwd"])
    );
    call(&shelled, &put, script.as_bytes()).expect(0);
    let run = line(&["/bin/sh", &format!("{place}/exec.sh")]);
    let ran = call(&shelled, &run, b"").expect(0);
    let root = shelled.world.path("work");
    assert_eq!(ran.stdout, format!("it's\nbuy milk\n{}\n", root.display()));
    let clean = [
        "/bin/sh",
        "-c",
        "rm -rf -- \"$1\"",
        "openclaw-sandbox-exec-cleanup",
        place,
    ];
    call(&shelled, &line(&clean), b"").expect(0);
    let left: Vec<_> = std::fs::read_dir(root).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(!Path::new(place).exists());
}

#[test]
fn no_other_place_is_reached() {
    let shelled = Shelled::new();
    let ran = call(&shelled, &line(&["/bin/sh", "-c", "cat /etc/shadow"]), b"");
    assert_ne!(ran.code, 0);
    assert!(ran.stdout.is_empty());
    let mut forward = shelled.command(shelled.world.path("bin/lobsterpot-ssh"));
    forward.args(["-L", "8080:localhost:80", "host", "ls"]);
    let ran = Ran::of(forward.output().unwrap()).expect(2);
    assert!(ran.stderr.contains("-L"), "{ran:?}");
    let mut nowhere = shelled.command(shelled.world.path("bin/lobsterpot-ssh"));
    nowhere.env_remove("LOBSTERPOT_ROOT").args(["host", "ls"]);
    Ran::of(nowhere.output().unwrap()).expect(2);
}

#[test]
fn a_terminal_is_the_callers_own() {
    let words = ["-F", "/x", "-tt", "-o", "RequestTTY=force", "host", "ls"];
    assert!(SshCall::read(words.map(str::to_owned)).is_ok());
}

#[test]
fn openclaw_itself() {
    let Some(installed) = std::env::var_os("LOBSTERPOT_TEST_OPENCLAW") else {
        eprintln!("SKIPPED: LOBSTERPOT_TEST_OPENCLAW names no directory with OpenClaw");
        return;
    };
    let shelled = Shelled::new();
    let node = std::env::var_os("LOBSTERPOT_TEST_NODE").unwrap_or_else(|| "node".into());
    let local = shelled.world.path("local");
    shelled.world.write("local/notes.txt", "buy milk\n");
    // Packages are looked for from where the script is.
    let script = Path::new(&installed).join("lobsterpot-test.mjs");
    std::fs::copy(
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shim/openclaw.mjs"),
        &script,
    )
    .unwrap();
    let output = shelled
        .command(node)
        .arg(&script)
        .arg(shelled.world.path("bin/lobsterpot-ssh"))
        .arg(shelled.world.path("work"))
        .arg(&local)
        .output()
        .unwrap();
    std::fs::remove_file(&script).unwrap();
    let ran = Ran::of(output).expect(0);
    let said: Value = serde_json::from_str(ran.stdout.trim()).unwrap_or_else(|_| panic!("{ran:?}"));
    let root = said["root"].as_str().unwrap();
    assert_eq!(said["plain"]["code"], 3, "{said:#}");
    assert_eq!(
        said["plain"]["stdout"],
        format!("buy milk\n{root}\nit's \"me\"\n")
    );
    assert_eq!(said["outside"]["stdout"], "");
    assert_ne!(said["outside"]["code"], 0);
    assert_eq!(said["workdir"], root);
    assert_eq!(said["read"], "buy milk\n");
    assert_eq!(said["reread"], "it's new\n");
    assert_eq!(said["stat"]["type"], "file");
    assert_eq!(said["gone"], Value::Null);
    assert_eq!(said["moved"], "it's new\n");
    assert_eq!(said["removed"], Value::Null);
}
