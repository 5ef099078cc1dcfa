//! Words for a shell, quoted so that it reads back exactly the same words.
//!
//! It must hold for every POSIX shell, whatever the word: nothing in it may be expanded.

use std::borrow::Cow;

/// The word as a shell must see it written. A word that cannot be misread stays as it is.
pub fn quoted(word: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./,:@%+".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.into();
    }
    // Between single quotes nothing is special but the single quote itself.
    format!("'{}'", word.replace('\'', r"'\''")).into()
}

/// Several words as one line.
pub fn quoted_line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.into_iter().map(quoted).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::{quoted, quoted_line};

    #[test]
    fn what_a_shell_could_misread_is_quoted() {
        for plain in ["a", "-lc", "/usr/bin/env", "a@b:c", "1,2", "50%"] {
            assert_eq!(quoted(plain), plain);
        }
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        // An assignment, a home, a comment, a brace, a glob.
        for special in ["A=b", "~", "#x", "{a,b}", "*", "é"] {
            assert_ne!(quoted(special), special);
        }
        assert_eq!(
            quoted_line(["sh", "-c", "echo $HOME"]),
            "sh -c 'echo $HOME'"
        );
    }
}
