//! Quoting is exact: whatever the words, our shell and a real one see the same.

use std::process::{Command, Stdio};

use lobsterpot::shim::quoted_line;
use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::world::Shelled;
use crate::cli::world::Ran;

const SHELLS: [&str; 2] = ["bash", "dash"];

/// Anything a word can hold: no NUL byte.
fn word() -> impl Strategy<Value = String> {
    proptest::prop_oneof![
        "[^\\x00]{0,12}",
        "['\"\\\\$`!*?~#&;|<> \t\n(){}=\\-]{0,12}",
        any::<char>()
            .prop_filter("no NUL", |c| *c != '\0')
            .prop_map(String::from),
    ]
}

fn runner() -> TestRunner {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(Config::default(), rng)
}

/// Each word, and the end of it.
fn told(words: &[String]) -> String {
    words.iter().flat_map(|word| ["<", word, ">\n"]).collect()
}

const TELL: &str = "printf '<%s>\\n'";

#[test]
fn a_quoted_word_is_read_back_as_it_was() {
    let mut runner = runner();
    for round in 0..20 {
        let words = vec(word(), 100).new_tree(&mut runner).unwrap().current();
        let line = quoted_line(words.iter().map(String::as_str));
        for shell in SHELLS {
            let output = Command::new(shell)
                .args(["-c", &format!("{TELL} {line}")])
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let seen = String::from_utf8(output.stdout).unwrap();
            assert!(seen == told(&words), "{shell}, round {round}: {line}");
        }
    }
}

#[test]
fn parameters_arrive_as_they_were_given() {
    let shelled = Shelled::new();
    let mut runner = runner();
    for shell in SHELLS {
        for _ in 0..3 {
            let words = vec(word(), 100).new_tree(&mut runner).unwrap().current();
            let ran = Ran::of(
                shelled
                    .command(shelled.shell())
                    .env("LOBSTERPOT_SHELL", shell)
                    .args(["-c", &format!("{TELL} \"$0\" \"$@\"")])
                    .args(&words)
                    .output()
                    .unwrap(),
            );
            assert_eq!(ran.expect(0).stdout, told(&words), "{shell}");
        }
    }
}

/// The text of a command is the shell's to read, and nobody's before it.
#[test]
fn a_command_means_what_it_means_to_a_real_shell() {
    let shelled = Shelled::new();
    let mut runner = runner();
    // No writing, no background, no home, which is another one in the sandbox, and no numbers
    // of processes.
    let alphabet = "['\"\\\\$`*?#; \t\n(){}=ab!|-]{0,16}";
    let texts = alphabet.prop_filter("a process number", |text| !text.contains("$$"));
    let mut differing = 0;
    for _ in 0..25 {
        let text = texts.new_tree(&mut runner).unwrap().current();
        let line = format!("{TELL} {text}");
        for shell in SHELLS {
            let outside = shelled
                .command(shell)
                .args(["-c", &line])
                .env("HOME", shelled.world.path("work"))
                .output()
                .unwrap();
            let inside = shelled
                .command(shelled.shell())
                .env("LOBSTERPOT_SHELL", shell)
                .args(["-c", &line])
                .output()
                .unwrap();
            assert_eq!(inside.stdout, outside.stdout, "{shell}: {line}");
            assert_eq!(inside.status, outside.status, "{shell}: {line}");
            differing += usize::from(outside.status.success());
        }
    }
    assert!(differing > 5, "hardly any text was a command: {differing}");
}
