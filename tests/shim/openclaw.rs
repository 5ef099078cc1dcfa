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

const PLACE: &str = "/tmp/openclaw-sandbox-exec-0b0f6a3e-3b0e-4c51-9d5e-0c1f5d1d2a77";
const STAGE: &str =
    "umask 077 && mkdir -- \"$1\" && cat > \"$1/exec.sh\" && chmod 700 \"$1/exec.sh\"";

/// The call that puts a script into /tmp.
fn stage(shelled: &Shelled, command: &[&str]) -> Ran {
    let script = format!(
        "#!/bin/sh\nset -e\nrm -rf -- {}\nexport A='it'\"'\"'s'\nexec {}\n",
        quoted(PLACE),
        line(command)
    );
    let put = ["/bin/sh", "-c", STAGE, "openclaw-sandbox-exec-stage", PLACE];
    call(shelled, &line(&put), script.as_bytes())
}

/// The call that runs it.
fn run_staged(shelled: &Shelled, input: &[u8]) -> Ran {
    call(
        shelled,
        &line(&["/bin/sh", &format!("{PLACE}/exec.sh")]),
        input,
    )
}

fn clean(shelled: &Shelled) -> Ran {
    let clean = "rm -rf -- \"$1\"";
    let words = [
        "/bin/sh",
        "-c",
        clean,
        "openclaw-sandbox-exec-cleanup",
        PLACE,
    ];
    call(shelled, &line(&words), b"")
}

/// What waits for a later call.
fn waiting(shelled: &Shelled) -> usize {
    let kept = shelled.world.path("home/.local/state/lobsterpot/ssh");
    std::fs::read_dir(kept).unwrap().count()
}

/// A script is put into /tmp by one call, and run by the next one, whatever may be written.
#[test]
fn a_script_for_one_command_is_found_by_the_next_call() {
    for (policy, mode) in [
        ("workspace", "auto"),
        ("read-only", "auto"),
        ("workspace", "flat"),
        ("read-only", "flat"),
    ] {
        let shelled = Shelled::new().under(policy);
        let shelled = if mode == "flat" {
            shelled.in_flat_mode()
        } else {
            shelled
        };
        let command = ["/bin/sh", "-c", "echo $A; cat notes.txt; pwd; cat; exit 5"];
        stage(&shelled, &command).expect(0);
        assert_eq!(waiting(&shelled), 1);
        let ran = run_staged(&shelled, b"in\0put").expect(5);
        let root = shelled.world.path("work");
        let expected = format!("it's\nbuy milk\n{}\nin\0put", root.display());
        assert_eq!(ran.stdout, expected, "{policy} {mode}");
        // It runs once.
        assert_eq!(waiting(&shelled), 0);
        let again = run_staged(&shelled, b"").expect(125);
        assert!(again.stderr.contains("no script waits"), "{again:?}");
        clean(&shelled).expect(0);
        let left: Vec<_> = std::fs::read_dir(&root).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
        assert!(!Path::new(PLACE).exists());
        // What it may do is what any command may.
        stage(&shelled, &["/bin/sh", "-c", "echo x > made"]).expect(0);
        let wrote = run_staged(&shelled, b"");
        assert_eq!(wrote.code == 0, policy == "workspace", "{wrote:?}");
        assert_eq!(root.join("made").exists(), policy == "workspace");
        stage(&shelled, &["/bin/sh", "-c", "cat ../home/diary.txt"]).expect(0);
        let read = run_staged(&shelled, b"");
        assert!(read.code != 0 && read.stdout.is_empty(), "{read:?}");
    }
}

#[test]
fn a_script_that_waits_is_bounded_private_and_out_of_reach() {
    let shelled = Shelled::new();
    stage(&shelled, &["cat", "notes.txt"]).expect(0);
    // Nobody puts another one in its place.
    stage(&shelled, &["echo", "other"]).expect(125);
    let kept = shelled.world.path("home/.local/state/lobsterpot/ssh");
    for path in std::fs::read_dir(&kept).unwrap() {
        use std::os::unix::fs::PermissionsExt as _;
        let path = path.unwrap().path();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // Commands neither read nor list it.
        let ran = call(&shelled, &line(&["cat", path.to_str().unwrap()]), b"");
        assert!(ran.code != 0 && ran.stdout.is_empty(), "{ran:?}");
    }
    assert_eq!(run_staged(&shelled, b"").expect(0).stdout, "buy milk\n");
    let long = "x".repeat(1 << 20);
    let ran = stage(&shelled, &["echo", &long]).expect(125);
    assert!(ran.stderr.contains("longer than 1 MiB"), "{ran:?}");
    assert_eq!(waiting(&shelled), 0);
    // One that is not wanted any more is forgotten.
    stage(&shelled, &["true"]).expect(0);
    clean(&shelled).expect(0);
    assert_eq!(waiting(&shelled), 0);
    // Where nothing may run, no script does.
    let shelled = shelled.under("locked");
    stage(&shelled, &["true"]).expect(0);
    let refused = run_staged(&shelled, b"").expect(126);
    assert!(
        refused.stderr.contains("command-not-granted"),
        "{refused:?}"
    );
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
    shelled.world.write("local/notes.txt", "buy milk\n");
    let said = told_by_openclaw(&shelled, Path::new(&installed));
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
    // The workspace is there now, and need not be made.
    let shelled = shelled.under("read-only");
    let said = told_by_openclaw(&shelled, Path::new(&installed));
    assert_eq!(said["plain"]["code"], 3, "{said:#}");
    let plain = format!("buy milk\n{root}\nit's \"me\"\n");
    assert_eq!(said["plain"]["stdout"], plain);
    assert_eq!(said["outside"]["stdout"], "");
    assert_eq!(said["read"], "buy milk\n");
    assert!(said["write"]["error"].is_string(), "{said:#}");
    assert!(said["mkdir"]["error"].is_string(), "{said:#}");
    assert_eq!(waiting(&shelled), 0);
}

/// What came of each step of OpenClaw's own backend.
fn told_by_openclaw(shelled: &Shelled, installed: &Path) -> Value {
    let node = std::env::var_os("LOBSTERPOT_TEST_NODE").unwrap_or_else(|| "node".into());
    // Packages are looked for from where the script is.
    let script = installed.join("lobsterpot-test.mjs");
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
        .arg(shelled.world.path("local"))
        .output()
        .unwrap();
    std::fs::remove_file(&script).unwrap();
    let ran = Ran::of(output).expect(0);
    serde_json::from_str(ran.stdout.trim()).unwrap_or_else(|_| panic!("{ran:?}"))
}
