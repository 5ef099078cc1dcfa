//! Completions and manual pages: the shells and man take them without complaint.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::world::World;

/// Feeds a text to a program, where it is installed; a printed skip where it is not.
fn accepted_by(program: &str, arguments: &[&str], text: &str) {
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("SKIPPED: {program} is not installed");
        return;
    };
    let mut stdin = child.stdin.take().unwrap();
    let text = text.to_owned();
    let feeder = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let _ = feeder.join().unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{program}: {output:?}"
    );
}

#[test]
fn the_shells_read_their_completions() {
    let world = World::new();
    for (shell, check) in [
        ("bash", &["-n", "/dev/stdin"][..]),
        ("zsh", &["-n", "/dev/stdin"]),
        ("fish", &["--no-execute", "/dev/stdin"]),
    ] {
        let script = world.run(["completions", shell]).expect(0).stdout;
        for word in ["read-only", "doctor", "explain"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        accepted_by(shell, check, &script);
    }
}

#[test]
fn bash_completes_a_command_and_an_option() {
    let world = World::new();
    let script = world.run(["completions", "bash"]).expect(0).stdout;
    let script = format!(
        "{script}\nCOMP_WORDS=(lobsterpot run --read); COMP_CWORD=2\n\
         _lobsterpot lobsterpot --read run\necho \"${{COMPREPLY[@]}}\"\n"
    );
    let output = Command::new("bash")
        .args(["--norc", "-c", &script])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "--read-only\n");
}

#[test]
fn every_manual_page_renders() {
    let world = World::new();
    for path in world.commands_from(&[]) {
        let words = ["man"].into_iter().chain(path.iter().map(String::as_str));
        let page = world.run(words).expect(0).stdout;
        assert!(
            page.contains(".SH NAME") && page.contains(".TH "),
            "{path:?}"
        );
        assert!(!page.contains("EXTRA"), "{path:?}");
        accepted_by("man", &["--warnings", "-E", "UTF-8", "-l", "-"], &page);
    }
}
