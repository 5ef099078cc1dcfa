//! What commands write, as text while it comes: a character may come in two pieces.

use crate::sandbox::Way;

/// The beginnings of characters whose rest has not come, of each stream of a command.
#[derive(Debug, Default)]
pub(super) struct Texts {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Texts {
    /// Takes a piece; gives what is complete of it.
    pub(super) fn add(&mut self, way: Way, piece: &[u8]) -> String {
        let pending = match way {
            Way::Error => &mut self.stderr,
            Way::In | Way::Out => &mut self.stdout,
        };
        pending.extend_from_slice(piece);
        let complete = pending.len() - unfinished(pending);
        let rest = pending.split_off(complete);
        let text = String::from_utf8_lossy(pending).into_owned();
        *pending = rest;
        text
    }

    /// What never became complete.
    pub(super) fn finish(&mut self) -> [(Way, String); 2] {
        let lossy = |bytes: &mut Vec<u8>| {
            let bytes = std::mem::take(bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        };
        [
            (Way::Out, lossy(&mut self.stdout)),
            (Way::Error, lossy(&mut self.stderr)),
        ]
    }
}

/// How many bytes at the end are the beginning of a character.
fn unfinished(bytes: &[u8]) -> usize {
    let last = bytes.utf8_chunks().last();
    let tail = last.map_or(&[][..], |chunk| chunk.invalid());
    match std::str::from_utf8(tail) {
        Err(error) if error.error_len().is_none() => tail.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{Texts, Way};

    #[test]
    fn however_it_is_cut_the_text_is_the_same() {
        let bytes = "a\u{e9}\u{20ac}\u{1f99e}\n".as_bytes();
        let bytes = [bytes, b"\xff\xc3(\xe2\x82"].concat();
        for size in 1..=bytes.len() {
            let mut texts = Texts::default();
            let mut text: String = bytes
                .chunks(size)
                .map(|piece| texts.add(Way::Out, piece))
                .collect();
            text.extend(texts.finish().map(|(_, rest)| rest));
            assert_eq!(text, String::from_utf8_lossy(&bytes), "{size}");
        }
    }

    #[test]
    fn streams_do_not_mix() {
        let mut texts = Texts::default();
        assert_eq!(texts.add(Way::Out, b"\xc3"), "");
        assert_eq!(texts.add(Way::Error, b"\xa9"), "\u{fffd}");
        assert_eq!(texts.add(Way::Out, b"\xa9"), "\u{e9}");
    }
}
