//! Bytes as lower case hexadecimal digits: one spelling each, and nothing else is read.

use std::fmt;

/// Bytes that are shown as digits.
#[derive(Clone, Copy)]
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Reads exactly as many digits as make the bytes.
pub(super) fn decode<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Hex, decode};

    #[test]
    fn there_is_one_spelling() {
        assert_eq!(Hex(&[0, 0xaf]).to_string(), "00af");
        assert_eq!(decode::<2>(b"00af"), Some([0, 0xaf]));
        for wrong in ["00AF", "00a", "00aff", "0 af", "+0af"] {
            assert_eq!(decode::<2>(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
