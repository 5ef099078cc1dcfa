//! `file.glob`: the paths below a directory that match a pattern.
//!
//! Links are found, and not followed. `.git` is passed by unless the request speaks of it.

use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};
use serde::Serialize;

use super::error::{Problem, Refusal};
use super::name::{Shown, word};
use super::resolve::Last;
use super::table::Capabilities;
use super::walk::{Go, Visible, is_store};
use crate::model::FileGlob;
use crate::policy::{Limits, Permit};
use crate::sys::inode::Kind;

/// The longest pattern, in bytes.
const LONGEST: usize = 4096;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GlobResult {
    /// The paths, ordered name by name.
    pub paths: Vec<Found>,
    /// Whether more paths match, or could match, than are given.
    pub truncated: bool,
    /// Directories that the host did not let the search enter.
    #[serde(skip_serializing_if = "is_zero")]
    pub unreadable: u64,
}

/// One path that matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The path, as the request would write it.
    pub path: String,
    /// Whether the path is shown escaped, and no request can name it so.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub escaped: bool,
    /// `file`, `directory`, `link`, `fifo`, `socket` or `device`.
    pub kind: &'static str,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde calls"
)]
pub(super) fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Finds paths.
///
/// # Errors
/// A denial where the path leads to what is not granted; a failure where there is no such
/// directory, or the pattern is none.
pub fn glob(
    capabilities: &Capabilities,
    permit: Permit,
    ask: &FileGlob,
    limits: &Limits,
) -> Result<GlobResult, Refusal> {
    let pattern = ask.pattern.strip_prefix("./").unwrap_or(&ask.pattern);
    let matcher = matcher(pattern);
    let matcher = matcher.map_err(|text| Refusal::failed(&permit, Problem::BadArgument(text)))?;
    let most = ask.limit.unwrap_or(u64::MAX).min(limits.entries);
    let start = capabilities.pin(&permit, Last::Follow)?;
    let visible = Visible::below(&permit, &start.path);
    let beginning = Beginning::of(pattern);
    let mut paths = Vec::new();
    let mut truncated = false;
    let missed = capabilities.walk(&permit, &start, |path, kind| {
        if !visible.has(path) {
            return Ok(Go::Past);
        }
        let relative = path.strip_prefix(&start.path).unwrap_or(path);
        if matcher.is_match(relative) {
            if paths.len() as u64 >= most {
                truncated = true;
                return Ok(Go::Stop);
            }
            let Shown { text, escaped } = Shown::below(&permit, &start.path, path);
            paths.push(Found {
                path: text,
                escaped,
                kind: word(kind),
            });
        }
        let enters = kind == Kind::Directory
            && beginning.allows(relative)
            && !is_store(path, &[permit.subject(), pattern]);
        Ok(if enters { Go::On } else { Go::Past })
    })?;
    let truncated = truncated || missed.bounded;
    Ok(GlobResult {
        paths,
        truncated,
        unreadable: missed.unreadable,
    })
}

/// Reads a pattern; what is wrong with it, otherwise.
pub(super) fn matcher(pattern: &str) -> Result<GlobMatcher, String> {
    if pattern.is_empty() {
        return Err("the pattern is empty".into());
    }
    if pattern.len() > LONGEST {
        return Err(format!("the pattern is longer than {LONGEST} bytes"));
    }
    if pattern.starts_with('/') || pattern.split('/').any(|name| name == "..") {
        return Err("the pattern is relative to `path`, and holds no `..`".into());
    }
    let glob = GlobBuilder::new(pattern).literal_separator(true).build();
    Ok(glob
        .map_err(|error| error.kind().to_string())?
        .compile_matcher())
}

/// The directories that a pattern begins with: nothing else needs to be entered.
struct Beginning<'a> {
    names: Vec<&'a str>,
    /// How deep a match can lie; no bound for `**`.
    deepest: usize,
}

impl<'a> Beginning<'a> {
    fn of(pattern: &'a str) -> Self {
        let is_plain = |name: &&str| !name.contains(['*', '?', '[', ']', '{', '}', '\\']);
        let parts: Vec<&str> = pattern.split('/').collect();
        let has_depth = pattern.contains("**") || pattern.contains('{');
        let directories = &parts[..parts.len() - 1];
        Self {
            names: directories.iter().copied().take_while(is_plain).collect(),
            deepest: if has_depth { usize::MAX } else { parts.len() },
        }
    }

    /// Whether something below the directory could match.
    fn allows(&self, directory: &Path) -> bool {
        let mut depth = 0;
        for (at, name) in directory.iter().enumerate() {
            depth += 1;
            if self.names.get(at).is_some_and(|wanted| name != *wanted) {
                return false;
            }
        }
        depth < self.deepest
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Beginning, matcher};

    #[test]
    fn stars_stay_within_a_name() {
        let matches = |pattern: &str, path: &str| matcher(pattern).unwrap().is_match(path);
        assert!(matches("*.rs", "a.rs") && !matches("*.rs", "src/a.rs"));
        assert!(matches("**/*.rs", "a.rs") && matches("**/*.rs", "src/b/a.rs"));
        assert!(matches("src/{a,b}.rs", "src/b.rs"));
    }

    #[test]
    fn a_pattern_cannot_leave_its_directory() {
        for pattern in ["/etc/*", "../*", "a/../../b", "", "a["] {
            assert!(matcher(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn only_directories_that_can_hold_a_match_are_entered() {
        let allows = |pattern: &str, path: &str| Beginning::of(pattern).allows(Path::new(path));
        assert!(allows("src/**/*.rs", "src") && allows("src/**/*.rs", "src/a/b"));
        assert!(!allows("src/**/*.rs", "target"));
        assert!(allows("*/a", "x") && !allows("*/a", "x/y"));
        assert!(allows("{a,b/c}/d", "b/c"));
    }
}
