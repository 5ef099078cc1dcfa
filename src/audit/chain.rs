//! The chain: each record names the hash of the one before it, and carries its own.
//!
//! Canonical form, so that any tool can check it: a record is one line that ends with
//! `,"prev":"<64 hex>","hash":"<64 hex>"}`. The hash is SHA-256 over the bytes of the line
//! from its `{` up to, and without, the comma before `"hash"`. Nothing is parsed, sorted or
//! re-encoded, so nothing can be read in two ways. The first record of all has the hash of
//! [`GENESIS`] as `prev`; the first of a later file has the hash of the last before it.

use sha2::{Digest as _, Sha256};

use super::hex::decode;

/// What the first record of a log names as the one before it, as text to be hashed.
const GENESIS: &[u8] = b"lobsterpot audit log, version 1";

const PREV: &[u8] = b",\"prev\":\"";
const HASH: &[u8] = b",\"hash\":\"";
const HEX: usize = 64;
/// From the comma before `prev` to its closing quote.
const PREV_PART: usize = PREV.len() + HEX + 1;
/// From the comma before `hash` to the closing brace.
const HASH_PART: usize = HASH.len() + HEX + 2;

/// A SHA-256 hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    /// The hash of the bytes.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// What the first record of a log names as `prev`.
    pub(super) fn genesis() -> Self {
        Self::of(GENESIS)
    }

    /// Reads 64 lower case hexadecimal digits, and nothing else.
    pub(super) fn from_hex(text: &[u8]) -> Option<Self> {
        decode(text).map(Self)
    }

    /// The hash as 64 lower case hexadecimal digits.
    fn to_hex(self) -> [u8; HEX] {
        let mut text = [0; HEX];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
            pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
        }
        text
    }
}

impl From<Sha256> for Digest {
    fn from(hasher: Sha256) -> Self {
        Self(hasher.finalize().into())
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.to_hex()
            .iter()
            .try_for_each(|digit| std::fmt::Write::write_char(f, char::from(*digit)))
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::from_hex(text.as_bytes()).ok_or_else(|| serde::de::Error::custom("not a hash"))
    }
}

/// What a line says of its place in the chain. The line may lie; [`Link::holds`] tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    /// The hash of the record before it.
    pub(super) prev: Digest,
    /// Its own hash.
    pub(super) hash: Digest,
}

impl Link {
    /// Reads the end of a line (without its line break); none where it has not the form.
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        let (covered, hash_part) = line.split_at_checked(line.len().checked_sub(HASH_PART)?)?;
        let hash = hash_part.strip_prefix(HASH)?.strip_suffix(b"\"}")?;
        let (object, prev_part) =
            covered.split_at_checked(covered.len().checked_sub(PREV_PART)?)?;
        let prev = prev_part.strip_prefix(PREV)?.strip_suffix(b"\"")?;
        if !object.starts_with(b"{") {
            return None;
        }
        Some(Self {
            prev: Digest::from_hex(prev)?,
            hash: Digest::from_hex(hash)?,
        })
    }

    /// Whether the line's hash is the hash of the line, which must be the one the link is of.
    pub(super) fn holds(&self, line: &[u8]) -> bool {
        line.len()
            .checked_sub(HASH_PART)
            .and_then(|covered| line.get(..covered))
            .is_some_and(|covered| Digest::of(covered) == self.hash)
    }
}

/// Closes a record: takes its JSON object, adds both hashes and the line break.
///
/// Gives the record's own hash.
pub(super) fn seal(line: &mut Vec<u8>, prev: Digest) -> Digest {
    debug_assert!(
        line.len() > 2 && line.ends_with(b"}"),
        "an object with members"
    );
    line.pop();
    line.extend_from_slice(PREV);
    line.extend_from_slice(&prev.to_hex());
    line.push(b'"');
    let hash = Digest::of(line);
    line.extend_from_slice(HASH);
    line.extend_from_slice(&hash.to_hex());
    line.extend_from_slice(b"\"}\n");
    hash
}

#[cfg(test)]
mod tests {
    use super::{Digest, Link, seal};

    fn sealed() -> Vec<u8> {
        let mut line = br#"{"a":1}"#.to_vec();
        seal(&mut line, Digest::genesis());
        assert_eq!(line.pop(), Some(b'\n'));
        line
    }

    #[test]
    fn a_sealed_line_holds_and_is_json() {
        let record = sealed();
        let link = Link::of(&record).unwrap();
        assert_eq!(link.prev, Digest::genesis());
        assert!(link.holds(&record));
        assert!(serde_json::from_slice::<serde_json::Value>(&record).is_ok());
    }

    #[test]
    fn no_byte_can_be_changed() {
        let line = sealed();
        for at in 0..line.len() {
            for bit in 0..8 {
                let mut changed = line.clone();
                changed[at] ^= 1 << bit;
                let holds = Link::of(&changed).is_some_and(|link| link.holds(&changed));
                assert!(!holds, "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn hashes_are_written_in_one_way_only() {
        let hash = Digest::of(b"x");
        assert_eq!(Digest::from_hex(&hash.to_hex()), Some(hash));
        assert_eq!(
            Digest::from_hex(hash.to_string().to_uppercase().as_bytes()),
            None
        );
        assert_eq!(Digest::from_hex(b"00"), None);
        assert_eq!(
            Digest::of(b"").to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
