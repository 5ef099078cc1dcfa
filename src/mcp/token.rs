//! The secret that every client of the HTTP server shows. It is never logged.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::sys::entropy;

/// The shortest token that is one.
const SHORTEST: usize = 16;

/// A token. Clones are the same one.
#[derive(Clone)]
pub struct Token(Arc<str>);

/// Why a text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It could be guessed.
    #[error("the token is shorter than 16 characters")]
    Short,
    /// No header can carry it.
    #[error("the token holds something else than letters, digits and marks")]
    Characters,
}

impl Token {
    /// Takes a token that the operator chose.
    ///
    /// # Errors
    /// When it is short, or no header can carry it.
    pub fn new(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        if text.len() < SHORTEST {
            return Err(TokenError::Short);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Characters);
        }
        Ok(Self(text.into()))
    }

    /// A new one, from the kernel's random numbers.
    ///
    /// # Errors
    /// When the kernel gives none.
    pub fn random() -> std::io::Result<Self> {
        let mut text = String::new();
        for byte in entropy::random::<32>()? {
            // Writing to a `String` cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Ok(Self(text.into()))
    }

    /// The token, to be shown to the operator.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the text is the token. How long it takes tells nothing about where they differ.
    pub(super) fn is(&self, text: &str) -> bool {
        let (one, other) = (self.0.as_bytes(), text.as_bytes());
        let pairs = one.iter().zip(other);
        let difference = pairs.fold(0, |all, (one, other)| all | (one ^ other));
        one.len() == other.len() && std::hint::black_box(difference) == 0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::{Token, TokenError};

    #[test]
    fn a_token_is_long_and_fits_a_header() {
        assert_eq!(Token::new("short").err(), Some(TokenError::Short));
        let spaced = Token::new("a token with spaces");
        assert_eq!(spaced.err(), Some(TokenError::Characters));
        assert!(
            Token::new("0123456789abcdef\n")
                .unwrap()
                .is("0123456789abcdef")
        );
        let random = Token::random().unwrap();
        assert_eq!(random.as_str().len(), 64);
        assert!(!random.is(Token::random().unwrap().as_str()));
        assert_eq!(format!("{random:?}"), "Token(…)");
    }
}
