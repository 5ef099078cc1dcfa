//! Questions to the log: which records match.
//!
//! The newest matches are found from the end, so that a question about the last hour does
//! not read last year. Lines that are no records are counted, never shown: whether they were
//! changed is the verifier's question.

use std::ops::ControlFlow;

use globset::{GlobBuilder, GlobMatcher};

use super::read::{Line, LogReader};
use super::{AuditError, RecordView};

/// How far a clock may have been set back without a question missing a record, in milliseconds.
const CLOCK_SLACK: i64 = 60 * 60 * 1000;

/// The fewest characters that stand for a whole id.
const SHORT_ID: usize = 6;

/// Which records are wanted. What is not set is not asked.
#[derive(Debug, Default)]
pub struct Filter {
    /// At this time or later, in milliseconds since 1970.
    pub since: Option<i64>,
    /// Before this time, in milliseconds since 1970.
    pub until: Option<i64>,
    /// Of this session: its id, or the last characters of it.
    pub session: Option<String>,
    /// Of this principal.
    pub principal: Option<String>,
    /// With this refusal code.
    pub code: Option<String>,
    /// About a path that matches.
    pub path: Option<Pattern>,
    /// About an operation that matches.
    pub op: Option<Pattern>,
    /// Whether only refusals are wanted.
    pub outcome: Wanted,
}

/// What is wanted of what was decided.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// What was allowed and what was refused.
    #[default]
    Everything,
    /// What was refused.
    Denied,
}

/// A pattern for a whole text: `*` and `?` stop at `/`, `**` does not.
#[derive(Debug, Clone)]
pub struct Pattern(GlobMatcher);

/// Why a text is no pattern.
#[derive(Debug, thiserror::Error)]
#[error("not a pattern")]
pub struct PatternError(#[from] globset::Error);

impl Pattern {
    /// Reads a pattern for paths. One that does not begin with `/` may match at any depth.
    ///
    /// # Errors
    /// When the text is no pattern.
    pub fn path(text: &str) -> Result<Self, PatternError> {
        let anchored = text.starts_with(['/', '~']) || text.starts_with("**");
        let text = if anchored {
            text.to_owned()
        } else {
            format!("**/{text}")
        };
        Self::whole(&text)
    }

    /// Reads a pattern for names.
    ///
    /// # Errors
    /// When the text is no pattern.
    pub fn whole(text: &str) -> Result<Self, PatternError> {
        let glob = GlobBuilder::new(text).literal_separator(true).build()?;
        Ok(Self(glob.compile_matcher()))
    }

    fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl Filter {
    /// Whether the record is wanted.
    pub fn matches(&self, record: &RecordView<'_>) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|w| w == found);
        self.since.is_none_or(|since| record.time >= since)
            && self.until.is_none_or(|until| record.time < until)
            && (self.outcome == Wanted::Everything || record.denied)
            && is(&self.principal, &record.principal)
            && is(&self.code, &record.code)
            && self
                .session
                .as_ref()
                .is_none_or(|wanted| names(wanted, &record.session))
            && self.op.as_ref().is_none_or(|op| op.matches(&record.op))
            && self
                .path
                .as_ref()
                .is_none_or(|path| record.paths().any(|found| path.matches(found)))
    }

    /// Whether everything before the record is too old.
    fn is_past(&self, record: &RecordView<'_>) -> bool {
        self.since
            .is_some_and(|since| record.time < since - CLOCK_SLACK)
    }
}

/// Whether a text names an id: the id itself, or its last characters.
pub fn names(text: &str, id: &str) -> bool {
    let is_whole = id == text && !text.is_empty();
    is_whole || (text.len() >= SHORT_ID && id.ends_with(text))
}

/// What a question came to.
#[derive(Debug, Default)]
pub struct Answer {
    /// The lines that match, oldest first.
    pub lines: Vec<Vec<u8>>,
    /// Whether older ones match too.
    pub more: bool,
    /// How many lines were no records.
    pub unreadable: u64,
}

/// The newest matches, at most so many.
///
/// # Errors
/// When the log cannot be read.
pub fn newest(reader: &LogReader, filter: &Filter, most: usize) -> Result<Answer, AuditError> {
    let mut answer = Answer::default();
    reader.backward(&mut |line| {
        let Some(record) = RecordView::of(line.bytes) else {
            answer.unreadable += 1;
            return Ok(ControlFlow::Continue(()));
        };
        if filter.is_past(&record) {
            return Ok(ControlFlow::Break(()));
        }
        if filter.matches(&record) {
            if answer.lines.len() == most {
                answer.more = true;
                return Ok(ControlFlow::Break(()));
            }
            answer.lines.push(line.bytes.to_vec());
        }
        Ok(ControlFlow::Continue(()))
    })?;
    answer.lines.reverse();
    Ok(answer)
}

/// What is done with each match.
pub type VisitRecord<'a> =
    dyn FnMut(Line<'_>, &RecordView<'_>) -> Result<ControlFlow<()>, AuditError> + 'a;

/// Visits all matches, oldest first, and says how many lines were no records.
///
/// # Errors
/// When the log cannot be read, or as `visit` does.
pub fn each(
    reader: &LogReader,
    filter: &Filter,
    visit: &mut VisitRecord<'_>,
) -> Result<u64, AuditError> {
    let mut unreadable = 0;
    reader.forward(&mut |line| match RecordView::of(line.bytes) {
        Some(record) if filter.matches(&record) => visit(line, &record),
        Some(_) => Ok(ControlFlow::Continue(())),
        None => {
            unreadable += 1;
            Ok(ControlFlow::Continue(()))
        }
    })?;
    Ok(unreadable)
}

#[cfg(test)]
mod tests {
    use super::{Pattern, names};

    #[test]
    fn path_patterns_match_whole_paths() {
        let matches = |pattern, path| Pattern::path(pattern).unwrap().matches(path);
        assert!(matches("/etc/*", "/etc/shadow"));
        assert!(!matches("/etc/*", "/etc/ssh/key"));
        assert!(matches("/etc/**", "/etc/ssh/key"));
        assert!(matches("*.pem", "/work/a/b.pem"));
        assert!(matches("shadow", "/etc/shadow"));
        assert!(!matches("shadow", "/etc/shadow-"));
    }

    #[test]
    fn the_end_of_an_id_stands_for_it() {
        assert!(names("s-1", "s-1") && !names("1", "s-1"));
        assert!(names("89abcdef", "0193-89abcdef") && !names("", "x"));
    }
}
