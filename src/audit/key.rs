//! The key that signs checkpoints. Each checkpoint has a key of its own, made from the one
//! before, which is then overwritten.
//!
//! Whoever gets hold of the key can sign what comes, and nothing that came before: hashing
//! leads from a key to the next one, never back. So the log up to the newest checkpoint is
//! fixed even against someone who can read and write every file here.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

use super::hex::{Hex, decode};
use crate::sys::entropy;

/// What is hashed before a key, to make the next one.
const NEXT: &[u8] = b"lobsterpot audit key, the next one\n";

/// Every key file has the same length, so that it is replaced by one write.
const LENGTH: usize = 20 + 1 + 64 + 1;

/// The half of a key that checks signatures.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Reads 64 lower case hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        decode(text.as_bytes()).map(Self)
    }

    /// Whether the signature is one of these bytes by this key.
    pub(super) fn signed(&self, bytes: &[u8], signature: &[u8; 64]) -> bool {
        // Strictly: no second signature may be made from a valid one.
        VerifyingKey::from_bytes(&self.0).is_ok_and(|key| {
            key.verify_strict(bytes, &Signature::from_bytes(signature))
                .is_ok()
        })
    }
}

impl std::fmt::Display for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl serde::Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("not a public key"))
    }
}

/// The key of one checkpoint. It is overwritten in memory when it is dropped.
pub(super) struct Secret {
    /// The number of the checkpoint that it signs.
    number: u64,
    key: SigningKey,
}

impl Secret {
    /// A key that comes from no other.
    pub(super) fn fresh(number: u64) -> io::Result<Self> {
        let key = SigningKey::from_bytes(&entropy::random()?);
        Ok(Self { number, key })
    }

    /// The key of the next checkpoint.
    pub(super) fn next(&self) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(NEXT);
        hasher.update(self.key.as_bytes());
        let key = SigningKey::from_bytes(&hasher.finalize().into());
        let number = self.number.saturating_add(1);
        Self { number, key }
    }

    /// The number of the checkpoint that it signs.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn public(&self) -> PublicKey {
        PublicKey(self.key.verifying_key().to_bytes())
    }

    pub(super) fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.key.sign(bytes).to_bytes()
    }

    /// Reads the key; none where the file does not hold one.
    pub(super) fn read(file: &File) -> io::Result<Option<Self>> {
        let mut bytes = [0; LENGTH];
        match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => Ok(Self::parse(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn parse(bytes: &[u8; LENGTH]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
        let (number, secret) = text.split_once(' ')?;
        let number = number.parse().ok()?;
        let key = SigningKey::from_bytes(&decode(secret.as_bytes())?);
        Some(Self { number, key })
    }

    /// The number of the checkpoint that the key in the file signs, without a look at the key.
    pub(super) fn number_in(file: &File) -> io::Result<Option<u64>> {
        let mut bytes = [0; 20];
        match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => Ok(std::str::from_utf8(&bytes)
                .ok()
                .and_then(|text| text.parse().ok())),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts the key in the place of the one before.
    pub(super) fn write(&self, file: &File) -> io::Result<()> {
        let text = format!("{:020} {}\n", self.number, Hex(self.key.as_bytes()));
        file.write_all_at(text.as_bytes(), 0)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret({})", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::{PublicKey, Secret};

    #[test]
    fn a_key_is_read_as_it_was_written_and_leads_to_the_next() {
        let file = tempfile::tempfile().unwrap();
        assert!(Secret::read(&file).unwrap().is_none());
        let first = Secret::fresh(7).unwrap();
        first.write(&file).unwrap();
        let read = Secret::read(&file).unwrap().unwrap();
        assert_eq!((read.number(), read.public()), (7, first.public()));
        let next = read.next();
        assert_eq!((next.number(), next.public()), (8, first.next().public()));
        assert_ne!(next.public(), first.public());
        assert_ne!(Secret::fresh(7).unwrap().public(), first.public());
    }

    #[test]
    fn only_the_very_bytes_are_signed() {
        let key = Secret::fresh(0).unwrap();
        let mut signature = key.sign(b"x");
        assert!(key.public().signed(b"x", &signature));
        assert!(!key.public().signed(b"y", &signature));
        assert!(!key.next().public().signed(b"x", &signature));
        signature[10] ^= 1;
        assert!(!key.public().signed(b"x", &signature));
    }

    #[test]
    fn a_public_key_has_one_spelling() {
        let key = Secret::fresh(0).unwrap().public();
        assert_eq!(PublicKey::from_hex(&key.to_string()), Some(key));
        assert_eq!(PublicKey::from_hex(&key.to_string().to_uppercase()), None);
        assert_eq!(PublicKey::from_hex("00"), None);
    }
}
