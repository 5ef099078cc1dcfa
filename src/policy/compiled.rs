//! Texts that are part of the program, beside what reading them came to.
//!
//! Reading the built-in texts takes longer than starting a process, and every run needs them.
//! So what they say is kept beside them in a form that is only copied (`compiled/*.bin`). The
//! text stays the one source: what was made from another text is never used, and a test
//! reads every text again and compares.

use serde::Deserialize;

use super::diagnostic::Diagnostics;

/// A text that is part of the program.
#[derive(Debug)]
pub(crate) struct BuiltIn {
    /// The name that it is known by.
    pub(crate) name: &'static str,
    /// The text.
    pub(crate) text: &'static str,
    /// What reading it came to; empty where that is not known of this very text.
    value: &'static [u8],
}

/// How many bytes tell which text a value was made from.
const MARK: usize = 8;

impl BuiltIn {
    /// A text, and the file that keeps what it says.
    pub(crate) const fn new(
        name: &'static str,
        text: &'static str,
        compiled: &'static [u8],
    ) -> Self {
        let value: &[u8] = match compiled.split_first_chunk::<MARK>() {
            Some((mark, value)) if u64::from_le_bytes(*mark) == fingerprint(text) => value,
            _ => &[],
        };
        Self { name, text, value }
    }

    /// What messages call the text.
    pub(crate) fn source(&self) -> String {
        format!("built-in:{}", self.name)
    }

    /// What the text says; `parse` reads it where that is not known.
    ///
    /// # Panics
    /// Never: a test reads every text.
    pub(crate) fn read<T: Deserialize<'static>>(
        &self,
        parse: impl FnOnce(&str, &str) -> Result<T, Diagnostics>,
    ) -> T {
        // Empty bytes are no value of any type that is kept, and bytes that are left over belong
        // to a value of another shape.
        match postcard::take_from_bytes(self.value) {
            Ok((value, [])) => value,
            _ => parse(&self.source(), self.text).expect("built-in texts are read by a test"),
        }
    }
}

/// FNV-1a. It tells an old text from a new one, and protects from nobody.
const fn fingerprint(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x100_0000_01b3);
        at += 1;
    }
    hash
}

#[cfg(test)]
impl BuiltIn {
    /// Compares what is kept with what the text says; with `LOBSTERPOT_BLESS=1`, writes it anew.
    pub(crate) fn check<T>(&self, directory: &str, said: &T)
    where
        T: serde::Serialize + Deserialize<'static> + PartialEq + std::fmt::Debug,
    {
        let path = format!("{directory}/compiled/{}.bin", self.name);
        let mut compiled = fingerprint(self.text).to_le_bytes().to_vec();
        compiled.extend(postcard::to_stdvec(said).unwrap());
        let again: T = postcard::from_bytes(&compiled.clone().leak()[MARK..]).unwrap();
        assert_eq!(again, *said, "the form that is kept loses something");
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        #[allow(
            clippy::disallowed_methods,
            reason = "the test's own environment and files"
        )]
        if std::env::var_os("LOBSTERPOT_BLESS").is_some() {
            std::fs::write(&path, compiled).unwrap();
        } else {
            let kept = std::fs::read(&path).unwrap_or_default();
            assert!(
                kept == compiled,
                "{} is not what {} says: write it anew with LOBSTERPOT_BLESS=1 cargo test --lib",
                path.display(),
                self.source(),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BuiltIn, MARK, fingerprint};

    #[test]
    fn what_was_made_from_another_text_is_not_used() {
        const MADE: [u8; MARK + 2] = {
            let [a, b, c, d, e, f, g, h] = fingerprint("now").to_le_bytes();
            [a, b, c, d, e, f, g, h, 1, b'v']
        };
        let read = |text, made| -> String {
            BuiltIn::new("x", text, made).read(|_, text| Ok(format!("parsed {text}")))
        };
        assert_eq!(read("now", &MADE), "v");
        assert_eq!(read("then", &MADE), "parsed then");
        for cut in 0..MADE.len() {
            assert_eq!(read("now", &MADE[..cut]), "parsed now");
        }
    }
}
