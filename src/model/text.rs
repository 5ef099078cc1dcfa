//! Names from outside, made safe to show.
//!
//! A file name can hold anything but `/` and NUL: terminal escapes, line breaks
//! that forge a log line, direction marks that make `exe.txt` look like another
//! name. Nothing that was not written by us is shown without passing through here.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

/// The text with control, direction and zero-width characters escaped.
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_deceptive) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_deceptive(character) {
            // Writing to a String cannot fail.
            let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// A path made safe to show; bytes that are not UTF-8 become `\xNN`.
pub fn shown_path(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text.push_str(&shown(chunk.valid()));
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// The text in at most so many characters, with the middle left out where it is longer.
pub fn fit(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let Some(kept) = width.checked_sub(1) else {
        return String::new();
    };
    let (front, back) = (kept - kept / 2, kept / 2);
    let mut short: String = text.chars().take(front).collect();
    short.push('…');
    short.extend(text.chars().skip(length - back));
    short
}

fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' // zero width, direction marks
            | '\u{2028}'..='\u{202e}' // line and paragraph separators, direction embeddings
            | '\u{2060}'..='\u{206f}' // word joiner, invisible operators, direction isolates
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}') // tags, which can carry hidden instructions
}

#[cfg(test)]
mod tests {
    use super::{fit, shown, shown_path};
    use std::path::Path;

    #[test]
    fn ordinary_names_are_left_alone() {
        assert_eq!(shown("Müller/日本語.txt"), "Müller/日本語.txt");
    }

    #[test]
    fn what_deceives_a_reader_is_escaped() {
        assert_eq!(shown("a\u{1b}[2Jb\nc"), "a\\u{1b}[2Jb\\u{a}c");
        assert_eq!(shown("cod\u{202e}txt.exe"), "cod\\u{202e}txt.exe");
        assert_eq!(shown("\u{e0041}"), "\\u{e0041}");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_bytes() {
        use std::os::unix::ffi::OsStrExt as _;
        let name = std::ffi::OsStr::from_bytes(b"a\xffb");
        assert_eq!(shown_path(Path::new(name)), "a\\xffb");
    }

    #[test]
    fn what_is_too_long_loses_its_middle() {
        assert_eq!(fit("abcdef", 6), "abcdef");
        assert_eq!(fit("abcdefg", 6), "abc…fg");
        assert_eq!(fit("ab", 1), "…");
        assert_eq!(fit("ab", 0), "");
    }
}
