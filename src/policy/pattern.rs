//! Patterns of `hide` and `protect`: which paths below a grant they cover.
//!
//! A pattern is relative to the grant. `*` stands for any part of one name, `**`,
//! as a whole name, for any number of directories. Nothing else is a wildcard, and
//! the characters that are wildcards elsewhere are refused, so that nobody relies
//! on a meaning that is not there. A pattern covers what it matches and everything
//! below it. Upper and lower case ASCII letters are the same, because on a file
//! system that ignores case `.ENV` opens `.env`; an exception may take away more
//! than was meant, never less.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

/// One pattern, ready to match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    parts: Vec<Part>,
}

/// What stands between two slashes of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// `**`: any number of names, also none.
    AnyDepth,
    /// A name, cut at its `*`; one piece where it has none.
    Name(Vec<String>),
}

/// Why a text is not a pattern, or can match nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// The text is empty.
    #[error("the pattern is empty")]
    Empty,
    /// Patterns are relative to their grant.
    #[error("the pattern begins with `/` or `~`, but patterns are relative to their grant")]
    NotRelative,
    /// No path below a grant holds `.` or `..`.
    #[error("the pattern holds `.`, `..` or an empty name, which no path below a grant does")]
    Dots,
    /// `**` inside a name has no meaning.
    #[error("`**` must stand alone between slashes")]
    HalfDepth,
    /// A wildcard of another dialect.
    #[error("only `*` and `**` are wildcards; `{0}` has no meaning here")]
    Foreign(char),
    /// A NUL or line break, which no sane name holds.
    #[error("the pattern holds a control character")]
    Control,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When the text could match nothing, or holds a wildcard of another dialect.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.starts_with(['/', '~']) {
            return Err(PatternError::NotRelative);
        }
        if text.chars().any(char::is_control) {
            return Err(PatternError::Control);
        }
        let foreign = |character: &char| matches!(character, '?' | '[' | ']' | '{' | '}' | '\\');
        if let Some(found) = text.chars().find(foreign) {
            return Err(PatternError::Foreign(found));
        }
        if text.starts_with('!') {
            return Err(PatternError::Foreign('!'));
        }
        let mut parts = Vec::new();
        for name in text.strip_suffix('/').unwrap_or(text).split('/') {
            let part = match name {
                "" | "." | ".." => return Err(PatternError::Dots),
                "**" => Part::AnyDepth,
                _ if name.contains("**") => return Err(PatternError::HalfDepth),
                _ => Part::Name(name.split('*').map(str::to_owned).collect()),
            };
            if part != Part::AnyDepth || parts.last() != Some(&Part::AnyDepth) {
                parts.push(part);
            }
        }
        // What matches below `a/**` begins with a name in `a`, and covers all below it.
        if parts.last() == Some(&Part::AnyDepth) {
            parts.pop();
            parts.push(Part::Name(vec![String::new(), String::new()]));
        }
        Ok(Self {
            text: text.to_owned(),
            parts,
        })
    }

    /// The pattern as the policy writes it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The path that the pattern names, where it has no wildcard before a last `/**`.
    pub fn literal(&self) -> Option<PathBuf> {
        let text = self.text.strip_suffix('/').unwrap_or(&self.text);
        let text = text.strip_suffix("/**").unwrap_or(text);
        (!text.contains('*')).then(|| PathBuf::from(text))
    }

    /// Whether both patterns mean the same, however they are written.
    pub(super) fn same_as(&self, other: &Self) -> bool {
        self.parts == other.parts
    }

    /// Whether the pattern covers the path: matches it, or a directory above it.
    fn covers(&self, names: &[&[u8]]) -> bool {
        self.walk(names) == Reached::Covered
    }

    /// Whether something strictly below the path could be covered.
    fn leads_below(&self, names: &[&[u8]]) -> bool {
        self.walk(names) != Reached::Nothing
    }

    /// Whether the pattern names the path, letter by letter, on the way to what it covers.
    fn leads_through(&self, names: &[&[u8]]) -> bool {
        let Some((last, above)) = names.split_last() else {
            return false;
        };
        let (reached, states) = self.run(above);
        let is_named = self
            .parts
            .iter()
            .zip(states)
            .any(|(part, is_on)| match part {
                Part::Name(pieces) => is_on && pieces.len() == 1 && name_matches(pieces, last),
                Part::AnyDepth => false,
            });
        is_named && reached != Reached::Covered && self.walk(names) == Reached::Partly
    }

    /// What the pattern says of everything below a path: the same, as patterns that are relative
    /// to it.
    pub(super) fn below(&self, relative: &Path) -> Remaining {
        let Some(names) = names(relative) else {
            return Remaining::All;
        };
        let (reached, states) = self.run(&names);
        if reached == Reached::Covered {
            return Remaining::All;
        }
        let states = states.into_iter().enumerate().filter(|(_, is_on)| *is_on);
        let texts = states.map(|(at, _)| {
            let parts = self.parts[at..].iter().map(|part| match part {
                Part::AnyDepth => "**".to_owned(),
                Part::Name(pieces) => pieces.join("*"),
            });
            parts.collect::<Vec<_>>().join("/")
        });
        // Each is the end of a pattern, and so is one.
        Remaining::Patterns(texts.flat_map(|text| Self::parse(&text)).collect())
    }

    fn walk(&self, names: &[&[u8]]) -> Reached {
        self.run(names).0
    }

    /// Runs the names through the pattern, all ways at once, so that time stays linear; with the
    /// parts that can come next.
    fn run(&self, names: &[&[u8]]) -> (Reached, Vec<bool>) {
        let end = self.parts.len();
        let mut states = vec![false; end + 1];
        states[0] = true;
        self.skip_any_depth(&mut states);
        for name in names {
            let mut next = vec![false; end + 1];
            for (at, part) in self.parts.iter().enumerate() {
                match part {
                    _ if !states[at] => {}
                    Part::AnyDepth => next[at] = true,
                    Part::Name(pieces) => next[at + 1] |= name_matches(pieces, name),
                }
            }
            self.skip_any_depth(&mut next);
            if next[end] {
                return (Reached::Covered, next);
            }
            states = next;
        }
        let reached = if states.contains(&true) {
            Reached::Partly
        } else {
            Reached::Nothing
        };
        (reached, states)
    }

    fn skip_any_depth(&self, states: &mut [bool]) {
        for (at, part) in self.parts.iter().enumerate() {
            if *part == Part::AnyDepth && states[at] {
                states[at + 1] = true;
            }
        }
    }
}

/// What a pattern says of everything below a path.
#[derive(Debug)]
pub(super) enum Remaining {
    /// It covers the path, and so all of it.
    All,
    /// These cover what it covers there.
    Patterns(Vec<Pattern>),
}

/// How far a path leads into a pattern.
#[derive(PartialEq, Eq)]
enum Reached {
    /// Neither the path nor anything below it can match.
    Nothing,
    /// Something below the path could match.
    Partly,
    /// The path, or a directory above it, matches.
    Covered,
}

/// Whether the name is the pieces with anything between them, ASCII case ignored.
fn name_matches(pieces: &[String], name: &[u8]) -> bool {
    let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else {
        return false;
    };
    if pieces.len() == 1 {
        return name.eq_ignore_ascii_case(first.as_bytes());
    }
    let Some((head, rest)) = name.split_at_checked(first.len()) else {
        return false;
    };
    let Some(cut) = rest.len().checked_sub(last.len()) else {
        return false;
    };
    let (mut middle, tail) = rest.split_at(cut);
    if !head.eq_ignore_ascii_case(first.as_bytes()) || !tail.eq_ignore_ascii_case(last.as_bytes()) {
        return false;
    }
    for piece in &pieces[1..pieces.len() - 1] {
        let found = (0..=middle.len().saturating_sub(piece.len())).find(|at| {
            middle
                .get(*at..at + piece.len())
                .is_some_and(|part| part.eq_ignore_ascii_case(piece.as_bytes()))
        });
        match found {
            Some(at) => middle = &middle[at + piece.len()..],
            None => return false,
        }
    }
    true
}

/// What patterns say about everything below a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Below {
    /// None can match there.
    Nothing,
    /// A wildcard could match; only a walk can tell.
    Possible,
    /// One names a path that lies there, whether or not it exists.
    Named,
}

/// The patterns of one `hide` or `protect` list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PatternSet(Vec<Pattern>);

impl PatternSet {
    /// The set that covers what either covers.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.iter().chain(&other.0).cloned().collect())
    }

    /// Whether there is no pattern in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The patterns, in the order of the policy.
    pub fn iter(&self) -> impl Iterator<Item = &Pattern> {
        self.0.iter()
    }

    /// Whether a pattern covers the path, which is relative to the grant.
    ///
    /// A path that is not relative, or holds `..`, is covered by every set that holds anything.
    pub fn matches(&self, relative: &Path) -> bool {
        match names(relative) {
            Some(names) => self.0.iter().any(|pattern| pattern.covers(&names)),
            None => !self.is_empty(),
        }
    }

    /// What the patterns say about everything strictly below a path that none of them covers.
    ///
    /// A path that is not relative, or holds `..`, names something for every set that holds anything.
    pub fn below(&self, relative: &Path) -> Below {
        let Some(names) = names(relative) else {
            return if self.is_empty() {
                Below::Nothing
            } else {
                Below::Named
            };
        };
        let mut below = Below::Nothing;
        for pattern in self.0.iter().filter(|pattern| pattern.leads_below(&names)) {
            if pattern.literal().is_some() {
                return Below::Named;
            }
            below = Below::Possible;
        }
        below
    }

    /// Whether a pattern could match something strictly below such a path.
    pub fn lead_below(&self, relative: &Path) -> bool {
        self.below(relative) != Below::Nothing
    }

    /// Whether a pattern names the path on the way to what it covers: `.git` by `.git/config`.
    ///
    /// Only a directory may stand there. A link, or a file that names another directory as
    /// git's own do, would bring other content to what is covered.
    pub fn lead_through(&self, relative: &Path) -> bool {
        let names = names(relative);
        names.is_some_and(|names| self.0.iter().any(|pattern| pattern.leads_through(&names)))
    }

    /// The paths that the patterns name, when every one names a single path (or, by a last `/**`,
    /// what lies below it); `None` when any needs a walk of the grant.
    pub fn anchored(&self) -> Option<Vec<PathBuf>> {
        self.0.iter().map(Pattern::literal).collect()
    }
}

impl FromIterator<Pattern> for PatternSet {
    fn from_iter<I: IntoIterator<Item = Pattern>>(patterns: I) -> Self {
        Self(patterns.into_iter().collect())
    }
}

/// The names of a relative path; `None` when it is anything else.
fn names(relative: &Path) -> Option<Vec<&[u8]>> {
    let mut names = Vec::new();
    for component in relative.components() {
        match component {
            Component::Normal(name) => names.push(name.as_bytes()),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(names)
}
