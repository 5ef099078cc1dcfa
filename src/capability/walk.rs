//! A walk through a directory, name by name, in the order of the names.
//!
//! It never follows a link, opens every directory by its whole path from the grant's
//! root, so that nothing moved meanwhile leads it elsewhere, and is bounded in depth and
//! in the number of names. Whether a name may be seen is the visitor's to ask.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::error::Refusal;
use super::resolve::Pinned;
use super::table::Capabilities;
use crate::policy::{Below, Permit};
use crate::sys::inode::Kind;
use crate::sys::names;

/// How deep a walk goes below its start.
pub(super) const MOST_LEVELS: usize = 128;

/// How many names a walk meets.
pub(super) const MOST_VISITED: u64 = 1_000_000;

/// How a walk goes on after a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Go {
    /// On, and into the directory if it is one.
    On,
    /// On, but not into it.
    Past,
    /// No further.
    Stop,
}

/// What a walk could not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Missed {
    /// Whether it ended, or turned round, at a bound of its own.
    pub(super) bounded: bool,
    /// Directories that the host did not let it read.
    pub(super) unreadable: u64,
}

/// A directory on the way, and the names in it that are still ahead, the next one last.
struct Level {
    path: PathBuf,
    ahead: Vec<(OsString, Option<Kind>)>,
}

impl Capabilities {
    /// Walks through what is in a directory; the directory itself is not visited.
    pub(super) fn walk(
        &self,
        permit: &Permit,
        start: &Pinned,
        mut visit: impl FnMut(&Path, Kind) -> Result<Go, Refusal>,
    ) -> Result<Missed, Refusal> {
        let mut missed = Missed::default();
        let mut left = MOST_VISITED;
        let mut levels = vec![self.level(permit, start, &mut left)?];
        while let Some(level) = levels.last_mut() {
            let Some((name, kind)) = level.ahead.pop() else {
                levels.pop();
                continue;
            };
            let path = level.path.join(name);
            let Some(kind) = kind.or_else(|| Some(self.pin_below(permit, &path).ok()?.inode.kind))
            else {
                continue;
            };
            match visit(&path, kind)? {
                Go::Stop => return Ok(missed),
                Go::On if kind == Kind::Directory && levels.len() < MOST_LEVELS => {}
                Go::On if kind == Kind::Directory => {
                    missed.bounded = true;
                    continue;
                }
                Go::On | Go::Past => continue,
            }
            let entered = self.pin_below(permit, &path).ok();
            match entered.map(|pinned| self.level(permit, &pinned, &mut left)) {
                Some(Ok(level)) => levels.push(level),
                Some(Err(_)) | None => missed.unreadable += 1,
            }
        }
        missed.bounded |= left == 0;
        Ok(missed)
    }

    fn level(&self, permit: &Permit, pinned: &Pinned, left: &mut u64) -> Result<Level, Refusal> {
        let opened = self.open_directory(permit, pinned)?;
        let mut ahead = Vec::new();
        for entry in names::names(opened).map_err(|error| Refusal::host(permit, error))? {
            if *left == 0 {
                break;
            }
            *left -= 1;
            ahead.push(entry.map_err(|error| Refusal::host(permit, error))?);
        }
        ahead.sort_unstable_by(|one, other| other.0.cmp(&one.0));
        Ok(Level {
            path: pinned.path.clone(),
            ahead,
        })
    }
}

/// Which names below a directory the permit lets be seen.
pub(super) struct Visible<'a> {
    permit: &'a Permit,
    /// Whether any name below could be taken away by a rule.
    ask: bool,
}

impl<'a> Visible<'a> {
    pub(super) fn below(permit: &'a Permit, start: &Path) -> Self {
        let ask = !matches!(permit.admits_tree(start), Ok(Below::Nothing));
        Self { permit, ask }
    }

    pub(super) fn has(&self, path: &Path) -> bool {
        !self.ask || self.permit.admits(path).is_ok()
    }
}

/// Whether a search passes by a directory: git's own store, unless the search speaks of it.
pub(super) fn is_store(path: &Path, search: &[&str]) -> bool {
    path.file_name().is_some_and(|name| name == ".git")
        && !search.iter().any(|text| text.contains(".git"))
}
