//! JSON that is safe to look at: what could deceive the reader of a terminal is escaped.
//!
//! The values are the same as with any JSON encoder; only their spelling differs.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::model::shown;

/// Writes a value as one line of JSON, without a line break.
pub(super) fn encode<T: Serialize>(value: &T, line: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    value.serialize(&mut Serializer::with_formatter(line, Plain))
}

/// Compact JSON with control, direction and zero-width characters as `\uXXXX`.
struct Plain;

impl Formatter for Plain {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if fragment.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut buffer = [0; 4];
        for character in fragment.chars() {
            let text: &str = character.encode_utf8(&mut buffer);
            if shown(text) == text {
                writer.write_all(text.as_bytes())?;
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn deceptive_characters_are_spelled_out_and_come_back() {
        let name = "Müller \u{202e}\u{7f}\u{9b}\u{e0041}\u{1b}\"日本";
        let mut line = Vec::new();
        encode(&name, &mut line).unwrap();
        let text = String::from_utf8(line).unwrap();
        assert_eq!(
            text,
            "\"Müller \\u202e\\u007f\\u009b\\udb40\\udc41\\u001b\\\"日本\""
        );
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), name);
    }
}
