//! How the audit log is kept, as `audit.toml` says. A file that is there and cannot be used is
//! an error: a log that is kept otherwise than it was said is not kept.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;
use toml::de::DeValue;

use super::Operator;
use super::trusted::{Distrust, is_absent};
use crate::model::shown_path;
use crate::policy::{Diagnostics, Reader, Source, duration, size};

/// The name of the file.
const NAME: &str = "audit.toml";

/// The smallest size of a file: below it, the log would be more files than records.
const SMALLEST: u64 = 64 << 10;

/// What the operator says of the audit log; what is not said stays as it is by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogRules {
    /// The size at which a new file is begun.
    pub file_size: Option<u64>,
    /// The age at which a new file is begun.
    pub file_age: Option<Duration>,
    /// The size of the whole log above which its oldest files are removed.
    pub keep_size: Option<u64>,
    /// The age at which files are removed.
    pub keep_age: Option<Duration>,
}

/// Why the rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogRulesError {
    /// The file is there, and cannot be read.
    #[error("read {}", shown_path(.path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file could have been written by somebody else, or is no file at all.
    #[error("trust {}: {reason}", shown_path(.path))]
    Untrusted {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: &'static str,
    },
    /// The file has errors.
    #[error("{}", first(.0))]
    Invalid(Diagnostics),
}

/// The first thing that is wrong, in one line.
fn first(found: &Diagnostics) -> String {
    let Some(one) = found.iter().next() else {
        return String::new();
    };
    let help = one.help.as_deref().map(|help| format!(" ({help})"));
    let (place, message) = (&one.spot.place, &one.message);
    format!("{place}: {message}{}", help.unwrap_or_default())
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Document {
    file_size: Option<Spanned<String>>,
    file_age: Option<Spanned<String>>,
    keep_size: Option<Spanned<String>>,
    keep_age: Option<Spanned<String>>,
}

impl Operator {
    /// How the audit log is kept: by the operator's own file, or else the administrator's.
    ///
    /// # Errors
    /// When the file is there, and cannot be read, trusted or understood.
    pub fn log_rules(&self) -> Result<LogRules, LogRulesError> {
        for directory in [self.config.as_path(), &self.system] {
            let path = directory.join(NAME);
            match self.read_trusted(&path) {
                Ok(text) => return LogRules::parse(&shown_path(&path), &text),
                Err(Distrust::Unreadable(_)) if is_absent(&path) => {}
                Err(Distrust::Unreadable(source)) => {
                    return Err(LogRulesError::Unreadable { path, source });
                }
                Err(Distrust::Untrusted(reason)) => {
                    return Err(LogRulesError::Untrusted { path, reason });
                }
            }
        }
        Ok(LogRules::default())
    }
}

impl LogRules {
    /// Reads the rules from their text; `source` is what messages call it.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(source: &str, text: &str) -> Result<Self, LogRulesError> {
        Self::read(Source { file: source, text }).map_err(LogRulesError::Invalid)
    }

    fn read(source: Source<'_>) -> Result<Self, Diagnostics> {
        let (mut reader, table) = Reader::open(source)?;
        let span = table.span();
        let value = Spanned::new(span, DeValue::Table(table.into_inner()));
        let document: Option<Document> = reader.take(value);
        let Some(document) = document else {
            return Err(reader.found);
        };
        let rules = Self {
            file_size: read(&mut reader, document.file_size, file_size),
            file_age: read(&mut reader, document.file_age, age),
            keep_size: read(&mut reader, document.keep_size, size),
            keep_age: read(&mut reader, document.keep_age, age),
        };
        if reader.found.has_errors() {
            return Err(reader.found);
        }
        Ok(rules)
    }
}

fn read<T>(
    reader: &mut Reader<'_>,
    written: Option<Spanned<String>>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Option<T> {
    let written = written?;
    match parse(written.get_ref()) {
        Ok(value) => Some(value),
        Err(message) => {
            reader.error("quantity", &written.span(), message);
            None
        }
    }
}

fn file_size(text: &str) -> Result<u64, String> {
    match size(text)? {
        bytes if bytes < SMALLEST => Err("a file has at least 64KiB".into()),
        bytes => Ok(bytes),
    }
}

/// Whole days, or hours and smaller.
fn age(text: &str) -> Result<Duration, String> {
    const LONGEST: u64 = 100 * 366;
    let days = text.trim().strip_suffix('d').map(str::parse::<u64>);
    let age = match days {
        Some(Ok(days)) if days <= LONGEST => Duration::from_hours(24 * days),
        Some(_) => return Err(format!("`{text}` is no number of days, such as `90d`")),
        None => duration(text)?,
    };
    if age.is_zero() {
        return Err("nothing would be kept".into());
    }
    Ok(age)
}

#[cfg(test)]
mod tests {
    use super::LogRules;
    use std::time::Duration;

    fn error(text: &str) -> String {
        LogRules::parse("audit.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn rules_are_read_as_they_are_written() {
        let text =
            "file-size = \"64MiB\"\nfile-age = \"7d\"\nkeep-size = \"4GiB\"\nkeep-age = \"365d\"\n";
        let rules = LogRules::parse("audit.toml", text).unwrap();
        assert_eq!(rules.file_size, Some(64 << 20));
        assert_eq!(rules.file_age, Some(Duration::from_hours(7 * 24)));
        assert_eq!(rules.keep_size, Some(4 << 30));
        assert_eq!(rules.keep_age, Some(Duration::from_hours(365 * 24)));
        assert_eq!(
            LogRules::parse("audit.toml", "").unwrap(),
            LogRules::default()
        );
    }

    #[test]
    fn what_is_not_understood_is_an_error_that_names_its_line() {
        assert_eq!(
            error("\nkeep-sise = \"4GiB\"\n"),
            "audit.toml:2: unknown key `keep-sise` (did you mean `keep-size`?)"
        );
        assert!(error("keep-age = \"soon\"").starts_with("audit.toml:1: "));
        assert!(error("keep-age = \"0d\"").contains("nothing would be kept"));
        assert!(error("file-size = \"1KiB\"").contains("at least 64KiB"));
        assert!(error("keep-size = 4").starts_with("audit.toml:1: "));
        assert!(error("keep-size = ").starts_with("audit.toml:1: "));
    }
}
