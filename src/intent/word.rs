//! One word of a command: what text it will be, as far as that is known.

use super::scope::Value;

/// How much of a word is known before it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// All of it.
    Whole,
    /// What stands before a glob.
    UntilGlob,
    /// What stands before something unknown.
    UntilUnknown,
    /// It may become no word at all, or several.
    Several,
}

/// One word of a command.
#[derive(Debug, Clone)]
pub(super) struct Word {
    text: String,
    written: String,
    known: Known,
}

impl Word {
    /// A word that is exactly this text.
    pub(super) fn literal(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            written: text.to_owned(),
            known: Known::Whole,
        }
    }

    /// A word of which nothing is known.
    pub(super) fn unknown() -> Self {
        Self {
            known: Known::UntilUnknown,
            ..Self::literal("")
        }
    }

    /// Adds what comes next in the word.
    pub(super) fn push(&mut self, text: &str, written: &str) {
        if self.known == Known::Whole {
            self.text.push_str(text);
        }
        self.written.push_str(written);
    }

    /// Adds something after which the word is known no longer.
    pub(super) fn push_uncertain(&mut self, known: Known, written: &str) {
        self.known = match (self.known, known) {
            (Known::Whole, _) => known,
            (Known::UntilUnknown, Known::Several) => Known::Several,
            (earlier, _) => earlier,
        };
        self.written.push_str(written);
    }

    /// The whole text, where it is known.
    pub(super) fn whole(&self) -> Option<&str> {
        (self.known == Known::Whole).then_some(self.text.as_str())
    }

    /// The text up to where it is known.
    pub(super) fn beginning(&self) -> &str {
        &self.text
    }

    /// The word as the user wrote it, without its quotes.
    pub(super) fn written(&self) -> &str {
        &self.written
    }

    /// How much of the word is known.
    pub(super) fn known(&self) -> Known {
        self.known
    }

    /// Whether the shell lists a directory to expand the word: `/etc/*`, but not the
    /// question mark at the end of a sentence.
    pub(super) fn lists_a_directory(&self) -> bool {
        self.known == Known::UntilGlob && self.written.contains('*')
    }

    /// What follows a beginning of the word that is known literally.
    pub(super) fn after(&self, beginning: &str) -> Option<Self> {
        let text = self.text.strip_prefix(beginning)?;
        Some(Self {
            text: text.to_owned(),
            written: self.written.strip_prefix(beginning).unwrap_or(text).into(),
            known: self.known,
        })
    }

    /// The word as the value of a variable.
    pub(super) fn value(&self) -> Option<Value> {
        self.whole().map(|text| Value {
            text: text.to_owned(),
            written: self.written.clone(),
        })
    }
}
