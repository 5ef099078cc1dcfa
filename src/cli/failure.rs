//! Why a command of ours did not do its work, told once, with what to do about it.
//!
//! A denial is no failure: it is an answer, and has its own place in replies.

use std::error::Error;
use std::fmt::Write as _;
use std::io;

use clap::builder::{BoolValueParser, TypedValueParser};
use serde::Serialize;

use super::output::{self, ERROR, HINT, styled};
use crate::ambient::{PolicyError, ProfileError};
use crate::broker::{NoSession, SessionError};
use crate::model::shown;
use crate::policy::{Diagnostic, Diagnostics};

/// How a command was asked to speak: the value of `--json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// For people.
    Text,
    /// For programs: one line.
    Json,
}

impl Format {
    /// Reads a `--json` that takes no value.
    pub(super) fn parser() -> impl TypedValueParser<Value = Self> {
        BoolValueParser::new().map(|json| if json { Self::Json } else { Self::Text })
    }
}

/// A command of ours that did not do its work.
#[derive(Debug)]
pub(super) struct Failure {
    code: u8,
    cause: Cause,
    hint: Option<String>,
}

#[derive(Debug)]
enum Cause {
    /// Whoever read our output has gone; there is nobody to tell.
    ReaderGone,
    /// An error with its sources.
    Error(Box<dyn Error + Send + Sync>),
    /// A policy or profile that cannot be used, and what is wrong with it.
    Findings(&'static str, Diagnostics),
}

/// The exit codes of a command that runs one, for its help.
macro_rules! exit_codes {
    ($usage:literal) => {
        concat!(
            "  the command's own; 128+n when signal n ended it\n  2    usage: ",
            $usage,
            "\n  124  the time was up\n",
            "  125  the policy cannot be used, or the sandbox not be prepared, so nothing ran\n",
            "  126  denied before it started\n",
            "  127  no such command",
        )
    };
}
pub(super) use exit_codes;

/// The usual failure of a command that runs nothing.
const GENERAL: u8 = 1;
/// An option cannot be used.
const USAGE: u8 = 2;
/// The sandbox could not be prepared.
pub(super) const UNAVAILABLE: u8 = 125;

impl Failure {
    fn new(code: u8, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            code,
            cause: Cause::Error(error.into()),
            hint: None,
        }
    }

    /// A command that runs nothing did not do its work.
    pub(super) fn general(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(GENERAL, error)
    }

    /// What the operator asked for cannot be meant.
    pub(super) fn usage(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(USAGE, error)
    }

    /// Nothing could be run, because it could not be contained or recorded.
    pub(super) fn unavailable(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(UNAVAILABLE, error)
    }

    /// No policy, or none that can be used.
    pub(super) fn of_policy(error: PolicyError) -> Self {
        match error {
            PolicyError::Invalid(findings) => Self::policy(findings),
            PolicyError::NotFound { .. } => Self::usage(error).with_hint(
                "`lobsterpot policy list` shows the names; a file has a `/` or ends with `.toml`",
            ),
            error => Self::unavailable(error),
        }
    }

    /// No session can be held, or none with commands.
    pub(super) fn of_session(error: SessionError) -> Self {
        if let SessionError::Profile(ProfileError::Invalid(findings)) = error {
            return Self::findings("the sandbox profile cannot be used", findings);
        }
        let hint = error.hint();
        Self {
            hint,
            ..Self::unavailable(error)
        }
    }

    /// No session can be opened with what was chosen.
    pub(super) fn of_no_session(error: NoSession) -> Self {
        match error {
            NoSession::Policy(error) => Self::of_policy(error),
            NoSession::Bound(findings) => Self::policy(findings),
            NoSession::Session(error) => Self::of_session(error),
            NoSession::Root(error) | NoSession::Environment(error) => Self::usage(error),
        }
    }

    /// The policy cannot be used.
    pub(super) fn policy(findings: Diagnostics) -> Self {
        Self::findings("the policy cannot be used", findings)
    }

    fn findings(consequence: &'static str, findings: Diagnostics) -> Self {
        Self {
            code: UNAVAILABLE,
            cause: Cause::Findings(consequence, findings),
            hint: None,
        }
    }

    /// Standard output did not take what was written.
    pub(super) fn output(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self {
                code: 0,
                cause: Cause::ReaderGone,
                hint: None,
            };
        }
        Self::general(WriteError(error))
    }

    /// The same failure with a word on what to do.
    #[must_use]
    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same failure of a command that runs nothing.
    #[must_use]
    pub(super) fn of_a_query(mut self) -> Self {
        if self.code == UNAVAILABLE {
            self.code = GENERAL;
        }
        self
    }

    /// Tells it on standard error, and gives the exit code.
    pub(super) fn report(&self, format: Format) -> u8 {
        match (&self.cause, format) {
            (Cause::ReaderGone, _) => {}
            (_, Format::Json) => output::say_raw(&output::json_line(&self.to_report())),
            (_, Format::Text) => output::say(&self.to_text()),
        }
        self.code
    }

    /// Writing to a `String` cannot fail.
    fn to_text(&self) -> String {
        let mut text = String::new();
        if let Cause::Findings(_, findings) = &self.cause {
            findings
                .iter()
                .for_each(|one| text.push_str(&output::finding(one)));
        }
        let error = styled(ERROR, "error");
        let _ = writeln!(text, "{error}: {}", self.message());
        for cause in self.causes() {
            let _ = writeln!(text, "{}: {cause}", styled(ERROR, "caused by"));
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "{}: {hint}", styled(HINT, "hint"));
        }
        text
    }

    fn message(&self) -> String {
        match &self.cause {
            Cause::ReaderGone => String::new(),
            Cause::Error(error) => shown(&error.to_string()).into_owned(),
            Cause::Findings(consequence, _) => (*consequence).into(),
        }
    }

    /// What lies behind the error, the nearest first; each once.
    fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        if let Cause::Error(error) = &self.cause {
            let mut next = error.source();
            while let Some(cause) = next {
                causes.push(without_number(&shown(&cause.to_string())));
                next = cause.source();
            }
        }
        causes
    }

    fn to_report(&self) -> Report<'_> {
        Report {
            error: self.message(),
            causes: self.causes(),
            hint: self.hint.as_deref(),
            findings: match &self.cause {
                Cause::Findings(_, findings) => findings.iter().collect(),
                _ => Vec::new(),
            },
        }
    }
}

/// The words of an operating system's error without its number, which tells nobody more.
fn without_number(text: &str) -> String {
    match text.rsplit_once(" (os error ") {
        Some((words, _)) => words.into(),
        None => text.into(),
    }
}

/// A failure as one line of JSON.
#[derive(Serialize)]
struct Report<'a> {
    error: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<&'a Diagnostic>,
}

/// Standard output did not take what was written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output")]
struct WriteError(#[source] io::Error);

#[cfg(test)]
mod tests {
    use super::Failure;
    use std::io;

    #[test]
    fn a_reader_that_left_is_no_failure() {
        let failure = Failure::output(io::ErrorKind::BrokenPipe.into());
        assert_eq!(failure.code, 0);
    }

    #[test]
    fn each_cause_is_told_once_and_made_safe_to_show() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot read \u{1b}[2J")]
        struct Outer(#[source] io::Error);
        let failure =
            Failure::general(Outer(io::Error::other("it is gone"))).with_hint("look elsewhere");
        assert_eq!(
            anstream::adapter::strip_str(&failure.to_text()).to_string(),
            "error: cannot read \\u{1b}[2J\ncaused by: it is gone\nhint: look elsewhere\n"
        );
    }
}
