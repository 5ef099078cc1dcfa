//! Opening a pinned file in earnest: regular files only, so that nothing blocks and no device acts.

use std::fs::File;

use super::error::{Problem, Refusal};
use super::name::word;
use super::resolve::Pinned;
use super::table::Capabilities;
use crate::model::RefusalCode;
use crate::policy::{HardLinks, Permit};
use crate::sys::inode::{Inode, Kind, Purpose};

impl Capabilities {
    /// Opens the very file that is pinned, to read it.
    pub(super) fn open_to_read(&self, permit: &Permit, pinned: &Pinned) -> Result<File, Refusal> {
        must_be_regular(permit, &pinned.inode)?;
        let file = self.own().reopen(pinned.handle(), Purpose::Read);
        file.map_err(|error| Refusal::host(permit, error))
    }

    /// Opens the very file that is pinned, to add to its end.
    pub(super) fn open_to_append(&self, permit: &Permit, pinned: &Pinned) -> Result<File, Refusal> {
        must_be_changeable(permit, &pinned.inode)?;
        let file = self.own().reopen(pinned.handle(), Purpose::Append);
        file.map_err(|error| Refusal::host(permit, error))
    }

    /// Opens the very directory that is pinned, to read the names in it.
    pub(super) fn open_directory(&self, permit: &Permit, pinned: &Pinned) -> Result<File, Refusal> {
        if pinned.inode.kind != Kind::Directory {
            return Err(Refusal::failed(permit, Problem::NotADirectory));
        }
        let directory = self.own().reopen(pinned.handle(), Purpose::Read);
        directory.map_err(|error| Refusal::host(permit, error))
    }
}

/// Fails for whatever is no regular file.
fn must_be_regular(permit: &Permit, inode: &Inode) -> Result<(), Refusal> {
    let problem = match inode.kind {
        Kind::File => return Ok(()),
        Kind::Directory => Problem::IsADirectory,
        kind => Problem::NotRegular(word(kind)),
    };
    Err(Refusal::failed(permit, problem))
}

/// Fails for whatever is no regular file, and refuses one that has further names: another name
/// may lie outside the grant, and the file with it. `protected-path` is the code.
pub(super) fn must_be_changeable(permit: &Permit, inode: &Inode) -> Result<(), Refusal> {
    must_be_regular(permit, inode)?;
    if inode.links > 1 && permit.grant().hard_links == HardLinks::Refuse {
        let hint = format!(
            "the file has {} names (hard links); copy it, and change the copy",
            inode.links
        );
        return Err(permit
            .refuse(RefusalCode::ProtectedPath)
            .with_hint(hint)
            .into());
    }
    Ok(())
}
