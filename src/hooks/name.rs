//! Names that the agents' tools may take for others, and names inside patterns.
//!
//! A tool that changes a path before it uses it opens another file than was asked about. Such
//! paths are refused rather than changed alike: each tool has its own way.

use std::ops::RangeInclusive;

/// Why the path may be another one to the tool; none when every tool takes it as it is.
pub(super) fn doubt(path: &str) -> Option<&'static str> {
    if path.trim_matches(is_blank) != path {
        return Some("begins or ends with blanks");
    }
    if !path.chars().all(is_composed) {
        return Some("holds a letter that has another form");
    }
    None
}

/// What JavaScript cuts off; Unicode does not count the mark of the byte order.
fn is_blank(letter: char) -> bool {
    letter.is_whitespace() || letter == '\u{feff}'
}

/// Letters that stay what they are, beside whatever other ones of these, when a tool composes a
/// path (NFC). What is in no script listed here is refused: a list of what changes would have to
/// be whole.
fn is_composed(letter: char) -> bool {
    letter.is_ascii()
        || (COMPOSED.iter().any(|range| range.contains(&letter)) && !SINGLETONS.contains(&letter))
}

const COMPOSED: [RangeInclusive<char>; 14] = [
    '\u{80}'..='\u{2ff}',      // Latin
    '\u{370}'..='\u{3ff}',     // Greek
    '\u{400}'..='\u{482}',     // Cyrillic
    '\u{48a}'..='\u{58f}',     // Cyrillic, Armenian
    '\u{5d0}'..='\u{5ea}',     // Hebrew
    '\u{621}'..='\u{64a}',     // Arabic
    '\u{1e00}'..='\u{1eff}',   // Latin, Vietnamese among it
    '\u{2002}'..='\u{20cf}',   // punctuation, currencies
    '\u{3001}'..='\u{3029}',   // punctuation of East Asia
    '\u{3041}'..='\u{3096}',   // Hiragana
    '\u{309b}'..='\u{312f}',   // Katakana, Bopomofo
    '\u{3400}'..='\u{9fff}',   // Han
    '\u{ac00}'..='\u{d7a3}',   // Hangul
    '\u{1f300}'..='\u{1faff}', // emoji
];

/// Letters among them that become others.
const SINGLETONS: [char; 3] = ['\u{374}', '\u{37e}', '\u{387}'];

/// The directories with which a pattern begins, up to the first part that is a pattern; none
/// where it may lead up, or begin elsewhere than it seems to.
pub(super) fn leading(pattern: &str) -> Option<&str> {
    // What alternatives are put together to must not be `..`, and not begin at the top.
    const ODD: [&str; 12] = [
        "..", "\\", "{,", ",,", ",}", "{}", "{.", ",.", ".,", ".}", "{/", ",/",
    ];
    if ODD.iter().any(|odd| pattern.contains(odd)) {
        return None;
    }
    let Some(wild) = pattern.find(['*', '?', '[', '{', '(']) else {
        return Some(pattern);
    };
    match pattern[..wild].rfind('/') {
        None => Some(""),
        Some(0) => Some("/"),
        Some(slash) => Some(&pattern[..slash]),
    }
}

#[cfg(test)]
mod tests {
    use super::{doubt, leading};

    #[test]
    fn a_path_that_a_tool_changes_is_in_doubt() {
        for path in [
            " a",
            "a\n",
            "\u{feff}/etc/shadow",
            "a\u{feff}",
            "a\u{a0}",
            "e\u{301}",
            "\u{212a}ey",
            "\u{212b}",
            "\u{2126}",
            "\u{37e}",
            "\u{340}",
            "\u{1fef}",
            "\u{f900}",
            "\u{2f800}",
            "\u{1100}\u{1161}",
            "\u{ac00}\u{11a8}",
            "\u{304b}\u{3099}",
            "\u{2000}",
        ] {
            assert!(doubt(path).is_some(), "{path:?}");
        }
        for path in [
            "a b",
            "/tmp/ü",
            "naïve–1",
            "Ελλάδα",
            "日本語",
            "한국",
            "ガ",
            "🦞",
        ] {
            assert_eq!(doubt(path), None, "{path:?}");
        }
    }

    #[test]
    fn the_directories_of_a_pattern_are_found() {
        for (pattern, directories) in [
            ("**/*.rs", Some("")),
            ("*.{ts,tsx}", Some("")),
            ("src/*.rs", Some("src")),
            ("/etc/*", Some("/etc")),
            ("/*", Some("/")),
            ("/etc/shadow", Some("/etc/shadow")),
            ("a/b@(c|d)/e", Some("a")),
            ("../*", None),
            ("{.,}{.,}/*", None),
            (".{x,.}/*", None),
            ("{a/.,b}./*", None),
            ("\\.\\./*", None),
            ("{/etc,a}/*", None),
            ("{,}/etc/*", None),
        ] {
            assert_eq!(leading(pattern), directories, "{pattern}");
        }
    }
}
