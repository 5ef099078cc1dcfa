//! `file.move`: another name, within a grant or from one to another; one step of the kernel.

use std::io;
use std::os::fd::AsFd as _;

use serde::Serialize;

use super::delete::must_not_be_root;
use super::error::{Problem, Refusal};
use super::open::must_be_changeable;
use super::resolve::{Last, Pinned, Spot};
use super::table::Capabilities;
use super::tree::End;
use crate::model::{FileMove, Right};
use crate::policy::Permit;
use crate::sys::beneath;
use crate::sys::inode::{Kind, inspect};
use crate::sys::names::{self, Existing};

/// What was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MoveResult {
    /// Whether it took the place of a file.
    pub replaced: bool,
}

/// Moves a file, a link itself, or a directory with everything in it.
///
/// # Errors
/// A denial where either path leads to what is not granted, or what is hidden or protected would
/// be taken from its place, or something put in it; a failure where nothing is there, something
/// stands at the new path and is not to be replaced, or the two lie on different file systems.
pub fn rename(
    capabilities: &Capabilities,
    (from, to): (Permit, Permit),
    ask: &FileMove,
) -> Result<MoveResult, Refusal> {
    must_not_be_root(&from)?;
    must_not_be_root(&to)?;
    let old = capabilities.spot(&from, Last::Keep)?;
    let Some(moved) = &old.found else {
        return Err(Refusal::failed(&from, Problem::NotFound));
    };
    let new = capabilities.spot(&to, Last::Keep)?;
    let existing = existing(&to, &new, ask)?;
    if moved.inode.kind == Kind::Directory {
        let ends = [
            End {
                permit: &from,
                path: &old.path,
            },
            End {
                permit: &to,
                path: &new.path,
            },
        ];
        must_not_hold_itself(&ends)?;
        from.admits_to(Right::List, &old.path)?;
        capabilities.may_take(moved, ends[0], Some(ends[1]))?;
    } else {
        from.admits_leaf(&old.path)?;
        to.admits_leaf(&new.path)?;
    }
    put(&old, &new, existing).map_err(|error| Refusal::host(&to, error))?;
    must_have_arrived(&to, moved, (&old, &new))?;
    Ok(MoveResult {
        replaced: existing == Existing::Replace,
    })
}

fn existing(to: &Permit, new: &Spot, ask: &FileMove) -> Result<Existing, Refusal> {
    let Some(found) = &new.found else {
        to.admits_to(Right::Create, &new.path)?;
        return Ok(Existing::Keep);
    };
    if !ask.replace {
        return Err(Refusal::failed(to, Problem::AlreadyExists));
    }
    if found.inode.kind != Kind::Link {
        must_be_changeable(to, &found.inode)?;
    }
    to.admits_to(Right::Write, &new.path)?;
    Ok(Existing::Replace)
}

fn put(old: &Spot, new: &Spot, existing: Existing) -> io::Result<()> {
    let from = (old.directory.as_fd(), old.name.as_os_str());
    names::rename(from, (new.directory.as_fd(), &new.name), existing)
}

fn must_not_hold_itself(ends: &[End<'_>; 2]) -> Result<(), Refusal> {
    let [from, to] = ends.map(|end| end.permit.grant().root.as_path().join(end.path));
    if to.starts_with(from) {
        return Err(Refusal::failed(ends[1].permit, Problem::IntoItself));
    }
    Ok(())
}

/// What was looked at is what must have arrived: something swapped in between, which could hold
/// anything, goes back to where it was.
fn must_have_arrived(
    to: &Permit,
    moved: &Pinned,
    (old, new): (&Spot, &Spot),
) -> Result<(), Refusal> {
    let arrived = beneath::pin_name(new.directory.as_fd(), &new.name);
    let arrived = arrived.and_then(|handle| inspect(handle.as_fd()));
    if arrived.is_ok_and(|inode| inode.identity == moved.inode.identity) {
        return Ok(());
    }
    // Where the old name is taken again, there is no way back that harms nobody.
    let _ = put(new, old, Existing::Keep);
    Err(Refusal::failed(to, Problem::Changed))
}
