//! `file.grep`: the lines that match a regular expression, found by ripgrep's own engine.
//!
//! Binary files are left at their first NUL byte. `.git` is passed by unless the request
//! speaks of it. Lines, their length and the bytes searched are bounded.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use globset::GlobMatcher;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkFinish, SinkMatch};
use serde::Serialize;

use super::error::{Problem, Refusal};
use super::glob::{is_zero, matcher};
use super::name::Shown;
use super::resolve::{Last, Pinned};
use super::table::Capabilities;
use super::walk::{Go, Visible, is_store};
use crate::model::{FileGrep, Right};
use crate::policy::{Limits, Permit};
use crate::sys::inode::Kind;

/// The most bytes of a line that are given.
const LONGEST_LINE: usize = 1000;

/// The most bytes that one request searches.
const MOST_BYTES: u64 = 4 << 30;

/// The most bytes that the engine holds of one file: a longer line cannot be searched.
const MOST_HELD: usize = 8 << 20;

/// The longest expression, and the largest compiled form of it, in bytes.
const LONGEST_EXPRESSION: usize = 16 << 10;
const LARGEST_COMPILED: usize = 8 << 20;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrepResult {
    /// The lines, by path and number.
    pub matches: Vec<Match>,
    /// Whether there are, or could be, more than are given.
    pub truncated: bool,
    /// How many files were searched.
    pub files: u64,
    /// Files that were left because they are binary, or have lines too long to search.
    #[serde(skip_serializing_if = "is_zero")]
    pub skipped: u64,
    /// Files and directories that the host did not let the search read.
    #[serde(skip_serializing_if = "is_zero")]
    pub unreadable: u64,
}

/// One line that matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Match {
    /// The file's path, as the request would write it.
    pub path: String,
    /// Whether the path is shown escaped, and no request can name it so.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub escaped: bool,
    /// The number of the line, counted from 1.
    pub line: u64,
    /// The line, without its end; what is not UTF-8 is replaced by U+FFFD.
    pub text: String,
    /// Whether the line is longer than what is given.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

/// Searches.
///
/// # Errors
/// A denial where the path leads to what is not granted; a failure where nothing is there, or
/// an expression is none.
pub fn grep(
    capabilities: &Capabilities,
    permit: Permit,
    ask: &FileGrep,
    limits: &Limits,
) -> Result<GrepResult, Refusal> {
    let bad = |text| Refusal::failed(&permit, Problem::BadArgument(text));
    let filter = Filter::of(ask.glob.as_deref()).map_err(bad)?;
    let most = ask.limit.unwrap_or(u64::MAX).min(limits.entries);
    let mut search = Search::new(expression(ask).map_err(bad)?, most);
    let start = capabilities.pin(&permit, Last::Follow)?;
    if start.inode.kind != Kind::Directory {
        let file = capabilities.open_to_read(&permit, &start)?;
        search.file(file, &Shown::below(&permit, &start.path, &start.path));
        return Ok(search.result);
    }
    permit.admits_to(Right::List, &start.path)?;
    let visible = Visible::below(&permit, &start.path);
    let speaks_of = [permit.subject(), ask.glob.as_deref().unwrap_or("")];
    let missed = capabilities.walk(&permit, &start, |path, kind| {
        if !visible.has(path) || (kind == Kind::Directory && is_store(path, &speaks_of)) {
            return Ok(Go::Past);
        }
        let relative = path.strip_prefix(&start.path).unwrap_or(path);
        if kind != Kind::File || !filter.passes(relative) {
            return Ok(Go::On);
        }
        let pinned = capabilities.pin_below(&permit, path).ok();
        match pinned.map(|pinned: Pinned| capabilities.open_to_read(&permit, &pinned)) {
            Some(Ok(file)) => search.file(file, &Shown::below(&permit, &start.path, path)),
            Some(Err(_)) | None => search.result.unreadable += 1,
        }
        Ok(if search.result.truncated {
            Go::Stop
        } else {
            Go::On
        })
    })?;
    search.result.truncated |= missed.bounded;
    search.result.unreadable += missed.unreadable;
    Ok(search.result)
}

fn expression(ask: &FileGrep) -> Result<RegexMatcher, String> {
    if ask.pattern.len() > LONGEST_EXPRESSION {
        return Err(format!(
            "the expression is longer than {LONGEST_EXPRESSION} bytes"
        ));
    }
    let built = RegexMatcherBuilder::new()
        .case_insensitive(ask.ignore_case)
        .multi_line(true)
        .line_terminator(Some(b'\n'))
        .size_limit(LARGEST_COMPILED)
        .dfa_size_limit(LARGEST_COMPILED)
        .build(&ask.pattern);
    built.map_err(|error| error.to_string())
}

/// Which files are searched.
struct Filter(Option<(GlobMatcher, bool)>);

impl Filter {
    /// A pattern without a slash is about names, in whatever directory; as ripgrep's `-g`.
    fn of(pattern: Option<&str>) -> Result<Self, String> {
        let Some(pattern) = pattern else {
            return Ok(Self(None));
        };
        Ok(Self(Some((matcher(pattern)?, pattern.contains('/')))))
    }

    fn passes(&self, relative: &Path) -> bool {
        match &self.0 {
            None => true,
            Some((matcher, true)) => matcher.is_match(relative),
            Some((matcher, false)) => matcher.is_match(relative.file_name().unwrap_or_default()),
        }
    }
}

/// A search on its way through files.
struct Search {
    matcher: RegexMatcher,
    searcher: Searcher,
    most: u64,
    bytes_left: u64,
    result: GrepResult,
}

impl Search {
    fn new(matcher: RegexMatcher, most: u64) -> Self {
        let searcher = SearcherBuilder::new()
            .binary_detection(BinaryDetection::quit(0))
            .heap_limit(Some(MOST_HELD))
            .line_number(true)
            .build();
        let result = GrepResult {
            matches: Vec::new(),
            truncated: false,
            files: 0,
            skipped: 0,
            unreadable: 0,
        };
        Self {
            matcher,
            searcher,
            most,
            bytes_left: MOST_BYTES,
            result,
        }
    }

    fn file(&mut self, file: File, path: &Shown) {
        self.result.files += 1;
        let mut lines = Lines {
            path,
            most: self.most,
            result: &mut self.result,
        };
        let metered = Metered {
            file,
            left: &mut self.bytes_left,
        };
        let searched = self
            .searcher
            .search_reader(&self.matcher, metered, &mut lines);
        if searched.is_err() {
            self.result.skipped += 1;
        }
        self.result.truncated |= self.bytes_left == 0;
    }
}

/// A file of which no more is read than the whole search may.
struct Metered<'a> {
    file: File,
    left: &'a mut u64,
}

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (&mut self.file).take(*self.left).read(buffer)?;
        *self.left -= count as u64;
        Ok(count)
    }
}

/// Where a line is cut: not within a character.
fn cut_at(line: &[u8]) -> usize {
    let is_within = |at: usize| line.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    let mut at = line.len().min(LONGEST_LINE);
    while is_within(at) && at > LONGEST_LINE - 4 {
        at -= 1;
    }
    at
}

/// Takes the lines of one file.
struct Lines<'a> {
    path: &'a Shown,
    most: u64,
    result: &'a mut GrepResult,
}

impl Sink for Lines<'_> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> io::Result<bool> {
        if self.result.matches.len() as u64 >= self.most {
            self.result.truncated = true;
            return Ok(false);
        }
        let line = found.bytes();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = String::from_utf8_lossy(&line[..cut_at(line)]).into_owned();
        self.result.matches.push(Match {
            path: self.path.text.clone(),
            escaped: self.path.escaped,
            line: found.line_number().unwrap_or(0),
            text,
            cut: line.len() > LONGEST_LINE,
        });
        Ok(true)
    }

    fn finish(&mut self, _: &Searcher, end: &SinkFinish) -> io::Result<()> {
        if end.binary_byte_offset().is_some() {
            self.result.skipped += 1;
        }
        Ok(())
    }
}
