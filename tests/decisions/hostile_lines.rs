//! Command lines that are made to hurt their reader: nothing may panic, overflow the stack, or take long.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::intent::{argv, line};

#[test]
fn hostile_lines_are_given_up_on_in_time() {
    let nested =
        |open: &str, close: &str, n: usize| format!("{}x{}", open.repeat(n), close.repeat(n));
    let hostile = [
        "(".repeat(60_000),
        "( ".repeat(30_000),
        "$(".repeat(30_000),
        "${".repeat(30_000),
        "`".repeat(60_001),
        "\"$(".repeat(20_000),
        "{".repeat(60_000),
        "{a,".repeat(20_000),
        "[".repeat(60_000),
        "if ".repeat(20_000),
        "! ".repeat(30_000),
        "<<".repeat(30_000),
        "<<a ".repeat(500),
        format!("cat <<'{}'\n{}", "a".repeat(30_000), "\n".repeat(30_000)),
        "coproc ".repeat(9_000),
        "env ".repeat(16_000),
        "a".repeat(65_536),
        "cat /etc/shadow;".repeat(4_000),
        format!(
            "for i in {}; do {}; done",
            "1 2 3 ".repeat(3),
            nested("for i in 1 2 3; do ", "; done", 20)
        ),
        nested("sh -c '", "'", 500),
        nested("[[ a =~ ( ", ")", 40),
        nested("case x in a) ", ";; esac", 20),
        format!("x{}1{}=", "[${a".repeat(6), "}]".repeat(6)),
        "x[${a[1]}]=2 ".repeat(5_000),
        "echo 99999999999999999999>x".into(),
        "x[~99999999999999999999999]=1".into(),
        "cat ~99999999999999999999999".into(),
        "echo {1..99999999999999999999999}".into(),
        "$( $(cat <<E)\nE\n".into(),
        "\0".into(),
    ];
    for text in &hostile {
        let start = Instant::now();
        line(text);
        argv(&["sh", "-c", text]);
        let name: String = text.chars().take(24).collect();
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{name}: {:?}",
            start.elapsed()
        );
    }
}

/// What shell lines are made of, so that random ones get past the tokenizer.
const PIECES: &str = "cat ls cd find git tar sh -c env for i in do done if then fi case esac while { } \
    ( ) (( )) [[ ]] $( ` ${ $(( \" ' \\ $' ; && || | & < > << <<< <<- <<'' <<E \
    E <( >& 2> &> EOF EOF ~ ~9 $HOME $X \
    X= x[ ]= /etc/shadow ../.. * ? [a] {a,b} - -- -C # ä \u{202e} 9 ! = [ ] : @( function f f() coproc";

fn shell_like() -> impl Strategy<Value = String> {
    let blanks = [" ", " ", " ", " ", " ", " ", "\n", "\n", "\n", "\t", "\\\n"];
    let pieces: Vec<&str> = PIECES.split_whitespace().chain(blanks).collect();
    prop::collection::vec(prop::sample::select(pieces), 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_can_be_read(text in "\\PC{0,200}") {
        line(&text);
    }

    #[test]
    fn any_line_can_be_read(text in shell_like()) {
        line(&text);
    }

    #[test]
    fn any_arguments_can_be_read(words in prop::collection::vec(shell_like(), 0..6)) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        argv(&words);
    }

    /// Text in single quotes is only text, whatever it says.
    #[test]
    fn quoted_text_is_never_refused(text in "[^'\0]{0,60}") {
        let denials = line(&format!("echo '{text}'"));
        prop_assert_eq!(denials, []);
    }
}
