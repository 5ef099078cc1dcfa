//! Real tools that take their shell from us: what they start runs in the sandbox.

use std::process::{Command, Stdio};

use super::world::Shelled;
use crate::cli::world::Ran;
use crate::host::skip;

/// A command that works, that reads what is granted, and that shows where it ran: the home of
/// the sandbox is not the home of the operator.
const LINE: &str = "cat notes.txt && test ! -e \"$HOME/diary.txt\" && echo inside";

fn is_missing(tool: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", "command -v \"$1\"", "sh", tool])
        .output();
    let is_missing = !found.is_ok_and(|found| found.status.success());
    if is_missing {
        skip(&format!("{tool} is not installed"));
    }
    is_missing
}

/// The control: outside, with the same environment, the line fails at the operator's diary.
#[track_caller]
fn expect_inside(shelled: &Shelled, ran: &Ran) {
    let outside = shelled.command("sh").args(["-c", LINE]).output().unwrap();
    assert!(!outside.status.success() && outside.stdout == b"buy milk\n");
    assert!(ran.stdout.contains("buy milk"), "{ran:#?}");
    assert!(ran.stdout.contains("inside"), "{ran:#?}");
}

#[test]
fn make() {
    if is_missing("make") {
        return;
    }
    let shelled = Shelled::new();
    let recipe = LINE.replace('$', "$$");
    let shell = shelled.shell();
    let makefile = format!(
        "SHELL = {}\nall: made\n\t@{recipe}\nmade:\n\techo $(shell echo deep) 'a  b' > $@\n",
        shell.display()
    );
    shelled.world.write("work/Makefile", &makefile);
    let ran = Ran::of(shelled.command("make").output().unwrap()).expect(0);
    expect_inside(&shelled, &ran);
    assert_eq!(shelled.world.read("work/made"), "deep a  b\n");
    // A recipe that is refused fails the target.
    let outside = std::path::Path::new("/etc/made-by-make");
    let makefile = format!(
        "SHELL = {}\nall:\n\techo x > {}\n",
        shell.display(),
        outside.display()
    );
    shelled.world.write("work/Makefile", &makefile);
    let ran = Ran::of(shelled.command("make").output().unwrap()).expect(2);
    assert!(ran.stderr.contains("[code=outside-capability]"), "{ran:#?}");
    assert!(!outside.exists());
}

#[test]
fn python_subprocess() {
    if is_missing("python3") {
        return;
    }
    let shelled = Shelled::new();
    let script = "import os, subprocess, sys\n\
                  subprocess.run(sys.argv[1], shell=True, executable=os.environ['SHELL'], check=True)\n\
                  sys.exit(subprocess.run('exit 5', shell=True, executable=os.environ['SHELL']).returncode)";
    let ran = shelled
        .command("python3")
        .args(["-c", script, LINE])
        .output();
    let ran = Ran::of(ran.unwrap()).expect(5);
    expect_inside(&shelled, &ran);
}

#[test]
fn git_aliases_and_editors() {
    if is_missing("git") {
        return;
    }
    let shelled = Shelled::new();
    let git = |arguments: &[&str]| {
        let mut command = shelled.command("git");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "A Developer");
            command.env(format!("GIT_{role}_EMAIL"), "developer@example.org");
        }
        // Git starts its editor by a shell of its own, with the file as an argument.
        command.env("GIT_EDITOR", "lobsterpot-sh -c 'echo edited > \"$1\"' -");
        command.env("PATH", shelled.search_path());
        Ran::of(command.args(arguments).output().unwrap())
    };
    git(&["init", "-q", "."]).expect(0);
    let alias = format!("alias.look=!lobsterpot-sh -c '{LINE}'");
    expect_inside(&shelled, &git(&["-c", &alias, "look"]).expect(0));
    git(&["add", "notes.txt"]).expect(0);
    git(&["commit", "-q"]).expect(0);
    assert_eq!(git(&["log", "--format=%s"]).expect(0).stdout, "edited\n");
}

#[test]
fn script_and_xargs() {
    let shelled = Shelled::new();
    if !is_missing("script") {
        let ran = shelled
            .command("script")
            .args(["-qec", LINE, "/dev/null"])
            .output();
        expect_inside(&shelled, &Ran::of(ran.unwrap()).expect(0));
    }
    if !is_missing("xargs") {
        shelled.world.write("work/list", "one 'two  words' three\n");
        let ran = shelled
            .command("xargs")
            .args(["-a", "list"])
            .arg(shelled.shell())
            .args(["-c", &format!("printf '<%s>' \"$@\"; {LINE}"), "sh"])
            .output();
        let ran = Ran::of(ran.unwrap()).expect(0);
        assert!(
            ran.stdout.starts_with("<one><two  words><three>"),
            "{ran:?}"
        );
        expect_inside(&shelled, &ran);
    }
}

#[test]
fn vim() {
    if is_missing("vim") {
        return;
    }
    let shelled = Shelled::new();
    shelled.world.write("work/look.sh", LINE);
    let mut command = shelled.command("vim");
    command.args(["-u", "NONE", "-i", "NONE", "-es"]);
    // By a pipe: a file in /tmp would be another one in the sandbox.
    for line in ["set noshelltemp", "r !. ./look.sh", "w! by-filter", "q!"] {
        command.args(["-c", line]);
    }
    // At the end of its input it stops waiting for what it has started.
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let input = child.stdin.take();
    let status = child.wait().unwrap();
    drop(input);
    assert!(status.success(), "{status}");
    let by_filter = shelled.world.read("work/by-filter");
    assert!(by_filter.contains("buy milk\ninside"), "{by_filter}");
}

#[test]
fn npm() {
    if is_missing("npm") {
        return;
    }
    let shelled = Shelled::new();
    shelled.world.write("work/look.sh", LINE);
    let package = r#"{"name": "x", "version": "1.0.0", "scripts": {"look": ". ./look.sh"}}"#;
    shelled.world.write("work/package.json", package);
    let ran = shelled
        .command("npm")
        .arg("--script-shell")
        .arg(shelled.shell())
        .args(["--no-update-notifier", "run", "--silent", "look"])
        .output();
    expect_inside(&shelled, &Ran::of(ran.unwrap()).expect(0));
}

#[test]
fn tmux() {
    if is_missing("tmux") {
        return;
    }
    let shelled = Shelled::new();
    shelled
        .world
        .write("work/look.sh", &format!("({LINE}) > by-tmux"));
    let socket = shelled.world.path("tmux");
    let tmux = |arguments: &[&str]| {
        let mut command = shelled.command("tmux");
        command
            .env_remove("TMUX")
            .args(["-f", "/dev/null", "-S"])
            .arg(&socket);
        command.args(arguments).output().unwrap()
    };
    let begun = tmux(&["new-session", "-d", ". ./look.sh; sleep 600"]);
    assert!(begun.status.success(), "{begun:?}");
    let made = shelled.world.path("work/by-tmux");
    let done = |text: String| text.contains("inside");
    let mut seen = false;
    for _ in 0..600 {
        seen = std::fs::read_to_string(&made).is_ok_and(done);
        if seen {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    tmux(&["kill-server"]);
    assert!(seen);
}
