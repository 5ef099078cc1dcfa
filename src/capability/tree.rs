//! A directory with everything in it, as one thing to take away.
//!
//! Whether it may be taken is decided before anything is: one hidden or protected name
//! below, and all of it stays.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::Dir;

use super::error::{Problem, Refusal};
use super::resolve::Pinned;
use super::table::Capabilities;
use super::walk::{Go, MOST_LEVELS, MOST_VISITED, Missed};
use crate::policy::{Below, Permit};
use crate::sys::inode::Kind;
use crate::sys::names;

/// One of the places that a tree is taken from or put to.
#[derive(Debug, Clone, Copy)]
pub(super) struct End<'a> {
    /// The permit for it.
    pub(super) permit: &'a Permit,
    /// The path of the tree there, without links.
    pub(super) path: &'a Path,
}

impl Capabilities {
    /// Refuses unless the whole of the directory may be taken from, and put to, the given places.
    pub(super) fn may_take(
        &self,
        tree: &Pinned,
        from: End<'_>,
        to: Option<End<'_>>,
    ) -> Result<(), Refusal> {
        let mut asks = Vec::new();
        for end in [Some(from), to].into_iter().flatten() {
            if end.permit.admits_tree(end.path)? == Below::Possible {
                asks.push(end);
            }
        }
        if asks.is_empty() {
            return Ok(());
        }
        let missed = self.walk(from.permit, tree, |path, kind| {
            let relative = path.strip_prefix(&tree.path).unwrap_or(path);
            for end in &asks {
                let path = end.path.join(relative);
                match kind {
                    Kind::Directory => end.permit.admits(&path)?,
                    _ => end.permit.admits_leaf(&path)?,
                }
            }
            Ok(Go::On)
        })?;
        // What could not be looked at could hold anything.
        match missed {
            Missed { bounded: true, .. } => Err(too_much(from.permit)),
            Missed { unreadable: 0, .. } => Ok(()),
            Missed { .. } => Err(Refusal::failed(from.permit, Problem::PermissionDenied)),
        }
    }

    /// Removes everything in a directory that [`Capabilities::may_take`] allowed to take, asking
    /// about every name once more: it may be a new one.
    pub(super) fn empty(&self, permit: &Permit, tree: &Pinned) -> Result<u64, Refusal> {
        let mut removed = 0;
        let mut levels = vec![self.emptying(permit, tree.path.clone())?];
        while let Some(level) = levels.last_mut() {
            let Some(name) = level.ahead.pop() else {
                let done = levels.pop();
                if let (Some(done), Some(above)) = (done, levels.last()) {
                    let name = done.path.file_name().unwrap_or_default();
                    above
                        .directory
                        .remove_dir(name)
                        .or_else(gone)
                        .map_err(|error| Refusal::host(permit, error))?;
                    removed += 1;
                }
                continue;
            };
            let path = level.path.join(&name);
            permit.admits(&path)?;
            match level.directory.remove_file(&name) {
                Ok(()) => removed += 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    // A directory answers EISDIR or EPERM, depending on the file system.
                    let is_directory = self
                        .pin_below(permit, &path)
                        .is_ok_and(|pinned| pinned.inode.kind == Kind::Directory);
                    if !is_directory {
                        return Err(Refusal::host(permit, error));
                    }
                    if levels.len() >= MOST_LEVELS {
                        return Err(too_much(permit));
                    }
                    levels.push(self.emptying(permit, path)?);
                }
            }
        }
        Ok(removed)
    }

    fn emptying(&self, permit: &Permit, path: PathBuf) -> Result<Emptying, Refusal> {
        let host = |error| Refusal::host(permit, error);
        let pinned = self.pin_below(permit, &path).map_err(host)?;
        let opened = self.open_directory(permit, &pinned)?;
        let mut ahead = Vec::new();
        for entry in names::names(opened).map_err(host)? {
            ahead.push(entry.map_err(host)?.0);
            if ahead.len() as u64 > MOST_VISITED {
                return Err(too_much(permit));
            }
        }
        Ok(Emptying {
            path,
            directory: pinned.into_directory(),
            ahead,
        })
    }
}

/// A directory that is being emptied, and the names in it that are still ahead.
struct Emptying {
    path: PathBuf,
    directory: Dir,
    ahead: Vec<OsString>,
}

/// What somebody else removed meanwhile is removed.
fn gone(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    }
}

fn too_much(permit: &Permit) -> Refusal {
    let limit = format!("{MOST_LEVELS} levels, {MOST_VISITED} names");
    Refusal::failed(permit, Problem::TooMuchBelow { limit })
}
