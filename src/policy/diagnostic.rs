//! What is wrong with a policy, where, and what to do about it.
//!
//! Plain values with a `Display`; colour and streams belong to the command line.

use std::fmt;
use std::ops::Range;

use crate::model::{Place, shown};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The policy works, and does something its author should know.
    Warning,
    /// The policy is not used.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of finding it is, such as `grant-home-directory`; never renamed.
    pub name: &'static str,
    /// One line on what is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Where it is.
    #[serde(flatten)]
    pub spot: Spot,
}

/// A place in a policy's text, with the line it stands on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Spot {
    /// The file and line.
    #[serde(flatten)]
    pub place: Place,
    /// The column, counted in characters from 1.
    pub column: u32,
    /// The line, made safe to show.
    #[serde(skip)]
    excerpt: String,
    /// How many columns of the excerpt stand before the marker.
    #[serde(skip)]
    indent: usize,
    /// How long the marker is.
    #[serde(skip)]
    marked: usize,
}

impl Spot {
    /// The line, made safe to show.
    pub fn excerpt(&self) -> &str {
        &self.excerpt
    }

    /// The marker that stands under the words of the excerpt.
    pub fn marker(&self) -> String {
        let Self { indent, marked, .. } = self;
        format!("{:indent$}{:^<marked$}", "", "")
    }
}

/// A policy's text under the name that messages give it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    /// The file's path, or `built-in:NAME`.
    pub(crate) file: &'a str,
    /// The whole text.
    pub(crate) text: &'a str,
}

impl Source<'_> {
    /// The file and line in which the span begins.
    pub(crate) fn place(self, span: &Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let breaks = before.bytes().filter(|byte| *byte == b'\n').count();
        Place {
            file: self.file.to_owned().into(),
            line: u32::try_from(breaks + 1).unwrap_or(u32::MAX),
        }
    }

    /// The place of the span together with its line and a marker under it.
    pub(crate) fn spot(self, span: &Range<usize>) -> Spot {
        let start = self.text.floor_char_boundary(span.start);
        let end = self.text.floor_char_boundary(span.end.max(start));
        let from = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let to = self.text[from..]
            .find('\n')
            .map_or(self.text.len(), |at| from + at);
        let start = start.min(to);
        // Of a very long line, what is around the place.
        let left = from.max(self.text.floor_char_boundary(start.saturating_sub(WIDTH)));
        let right = to.min(self.text.floor_char_boundary(start + WIDTH));
        let marked = visible(&self.text[start..end.clamp(start, right)]);
        Spot {
            place: self.place(span),
            column: u32::try_from(self.text[from..start].chars().count() + 1).unwrap_or(u32::MAX),
            excerpt: visible(self.text[left..right].trim_end()),
            indent: visible(&self.text[left..start]).chars().count(),
            marked: marked.trim_end().chars().count().max(1),
        }
    }
}

/// How many bytes of a line are shown at most on either side of the beginning of a finding.
const WIDTH: usize = 160;

/// A line as a message shows it: tabs one column wide, nothing deceptive.
fn visible(line: &str) -> String {
    shown(&line.replace(['\t', '\r'], " ")).into_owned()
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Spot { place, column, .. } = &self.spot;
        let Self {
            severity,
            name,
            message,
            ..
        } = self;
        writeln!(f, "{place}:{column}: {severity}: {message} [{name}]")?;
        writeln!(f, "  {}", self.spot.excerpt())?;
        write!(f, "  {}", self.spot.marker())?;
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

/// Everything that was found in one policy, in the order of its text.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether anything found keeps the policy from being used.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|one| one.severity == Severity::Error)
    }

    /// The findings, in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// Adds an error.
    pub(super) fn error(&mut self, name: &'static str, spot: Spot, message: impl Into<String>) {
        self.add(Severity::Error, name, spot, &message.into());
    }

    /// Adds a warning.
    pub(super) fn warning(&mut self, name: &'static str, spot: Spot, message: impl Into<String>) {
        self.add(Severity::Warning, name, spot, &message.into());
    }

    fn add(&mut self, severity: Severity, name: &'static str, spot: Spot, message: &str) {
        self.0.push(Diagnostic {
            severity,
            name,
            message: shown(message).into_owned(),
            help: None,
            spot,
        });
    }

    /// Says what to do about the finding that was added last.
    pub(crate) fn help(&mut self, help: impl Into<String>) {
        if let Some(last) = self.0.last_mut() {
            last.help = Some(shown(&help.into()).into_owned());
        }
    }

    /// Puts the findings into the order of the text.
    pub(crate) fn sort(&mut self) {
        self.0
            .sort_by_key(|one| (one.spot.place.line, one.spot.column));
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, one) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{one}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests {
    use super::{Diagnostics, Source};

    #[test]
    fn the_marker_stands_under_the_words() {
        let source = Source {
            file: "p.toml",
            text: "a = 1\n\tpth = \"é\u{202e}x\"\n",
        };
        let start = source.text.find("pth").unwrap();
        let mut found = Diagnostics::default();
        let spot = source.spot(&(start..start + 3));
        found.error("unknown-key", spot, "unknown key `pth`");
        found.help("did you mean `path`?");
        assert_eq!(
            found.to_string(),
            "p.toml:2:2: error: unknown key `pth` [unknown-key]\n   \
             pth = \"é\\u{202e}x\"\n   \
             ^^^\n  \
             help: did you mean `path`?"
        );
    }

    #[test]
    fn a_span_past_the_end_or_inside_a_character_is_no_panic() {
        let source = Source {
            file: "p.toml",
            text: "é",
        };
        for span in [0..1, 1..2, 2..9, 7..9] {
            assert_eq!(source.spot(&span).place.line, 1);
        }
        let empty = Source {
            file: "p.toml",
            text: "",
        };
        assert_eq!(empty.spot(&(0..0)).column, 1);
    }
}
