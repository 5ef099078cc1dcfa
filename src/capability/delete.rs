//! `file.delete`: a name is removed; a link itself, never its target.
//!
//! A directory is removed with its content only on request, and only if nothing in it is
//! hidden or protected; it stays whole otherwise.

use serde::Serialize;

use super::error::{Problem, Refusal};
use super::resolve::Last;
use super::table::Capabilities;
use super::tree::End;
use crate::model::{FileDelete, RefusalCode};
use crate::policy::Permit;
use crate::sys::inode::Kind;

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DeleteResult {
    /// How many files, links and directories.
    pub removed: u64,
}

/// Removes a file, a link or a directory.
///
/// # Errors
/// A denial where the path leads to what is not granted, is the root of a grant, or holds what is
/// hidden or protected; a failure where nothing is there, or a directory is not empty.
pub fn delete(
    capabilities: &Capabilities,
    permit: Permit,
    ask: &FileDelete,
) -> Result<DeleteResult, Refusal> {
    let host = |error| Refusal::host(&permit, error);
    must_not_be_root(&permit)?;
    let spot = capabilities.spot(&permit, Last::Keep)?;
    let Some(found) = &spot.found else {
        return Err(Refusal::failed(&permit, Problem::NotFound));
    };
    if found.inode.kind != Kind::Directory {
        permit.admits_leaf(&spot.path)?;
        spot.directory.remove_file(&spot.name).map_err(host)?;
        return Ok(DeleteResult { removed: 1 });
    }
    capabilities.may_take(
        found,
        End {
            permit: &permit,
            path: &spot.path,
        },
        None,
    )?;
    let mut removed = 1;
    if ask.recursive {
        removed += capabilities.empty(&permit, found)?;
    }
    spot.directory.remove_dir(&spot.name).map_err(host)?;
    Ok(DeleteResult { removed })
}

/// Refuses to take the root of a grant away: its name lies in a directory that is not granted.
pub(super) fn must_not_be_root(permit: &Permit) -> Result<(), Refusal> {
    if permit.relative().as_os_str().is_empty() {
        return Err(permit.refuse(RefusalCode::ProtectedPath).into());
    }
    Ok(())
}
