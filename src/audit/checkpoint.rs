//! A checkpoint: the signed statement that the log has such a record at such a place.
//!
//! One line of JSON that ends with `,"signature":"<128 hex>"}`. What is signed is the text
//! [`DOMAIN`] and the bytes of the line from its `{` up to, and without, the comma before
//! `"signature"`. A checkpoint names the key of the next one, so that one key that is known
//! vouches for all that follow.

use serde::{Deserialize, Serialize};

use super::chain::Digest;
use super::files::Position;
use super::hex::{Hex, decode};
use super::key::{PublicKey, Secret};

/// What stands before the signed bytes, so that no other signature can be taken for this one.
const DOMAIN: &[u8] = b"lobsterpot audit checkpoint, version 1\n";

const SIGNATURE: &[u8] = b",\"signature\":\"";
/// From the comma before `signature` to the closing brace.
const SIGNATURE_PART: usize = SIGNATURE.len() + 128 + 2;

/// The longest line, with its line break.
pub(super) const LONGEST: usize = 1024;

/// A statement about the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Its number, counted from 0.
    #[serde(rename = "checkpoint")]
    pub number: u64,
    /// When it was made, in milliseconds since 1970.
    pub time: u64,
    /// The number of the last record; 0 before the first.
    pub sequence: u64,
    /// That record's hash.
    pub(super) hash: Digest,
    /// The number of the first record that the log still holds.
    pub begins: u64,
    /// The key that signs it.
    pub key: PublicKey,
    /// The key that signs the next one.
    pub next: PublicKey,
}

impl Checkpoint {
    /// The statement that the log ends here, to be signed by the one key and to name the other.
    pub(super) fn of(
        position: Position,
        (begins, time): (u64, u64),
        (secret, next): (&Secret, &Secret),
    ) -> Self {
        Self {
            number: secret.number(),
            time,
            sequence: position.sequence,
            hash: position.hash,
            begins,
            key: secret.public(),
            next: next.public(),
        }
    }

    /// The line, signed, with its line break.
    pub(super) fn seal(&self, secret: &Secret) -> Result<Vec<u8>, serde_json::Error> {
        let mut line = serde_json::to_vec(self)?;
        line.pop(); // the closing brace
        let signature = secret.sign(&[DOMAIN, &line].concat());
        line.extend_from_slice(SIGNATURE);
        line.extend_from_slice(Hex(&signature).to_string().as_bytes());
        line.extend_from_slice(b"\"}\n");
        Ok(line)
    }

    /// Reads a line, without its line break; none where it is no checkpoint, or is not signed
    /// by the key that it names.
    pub fn read(line: &[u8]) -> Option<Self> {
        let (covered, signature) = parts(line)?;
        let checkpoint = Self::claimed(line)?;
        let signed = [DOMAIN, covered].concat();
        checkpoint
            .key
            .signed(&signed, &signature)
            .then_some(checkpoint)
    }

    /// What a line says, whether or not it is signed.
    pub(super) fn claimed(line: &[u8]) -> Option<Self> {
        let (covered, _) = parts(line)?;
        serde_json::from_slice(&[covered, b"}"].concat()).ok()
    }
}

/// What is signed, and the signature.
fn parts(line: &[u8]) -> Option<(&[u8], [u8; 64])> {
    let (covered, rest) = line.split_at_checked(line.len().checked_sub(SIGNATURE_PART)?)?;
    let signature = rest.strip_prefix(SIGNATURE)?.strip_suffix(b"\"}")?;
    Some((covered, decode(signature)?))
}

#[cfg(test)]
mod tests {
    use super::{Checkpoint, Digest, Position, Secret};

    #[test]
    fn a_line_is_read_as_it_was_sealed_and_no_byte_can_be_changed() {
        let secret = Secret::fresh(3).unwrap();
        let position = Position {
            end: 0,
            sequence: 4711,
            hash: Digest::of(b"x"),
        };
        let checkpoint =
            Checkpoint::of(position, (1, 1_700_000_000_000), (&secret, &secret.next()));
        let mut line = checkpoint.seal(&secret).unwrap();
        assert_eq!(line.pop(), Some(b'\n'));
        assert!(line.len() < super::LONGEST);
        assert_eq!(Checkpoint::read(&line), Some(checkpoint));
        for at in 0..line.len() {
            let mut changed = line.clone();
            changed[at] ^= 1;
            assert_eq!(Checkpoint::read(&changed), None, "byte {at}");
        }
        assert_eq!(Checkpoint::read(b""), None);
    }
}
