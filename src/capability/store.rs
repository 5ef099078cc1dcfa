//! A new content takes its place under a name in one step.
//!
//! It is written to a file without a name (or, where the file system has none, with a
//! name of its own, removed again on failure), so that nobody sees it half-written and
//! nothing is left behind. It never writes through a hard link or into an open file.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::os::fd::AsFd as _;

use cap_std::fs::Dir;

use super::error::{Problem, Refusal};
use super::open::must_be_changeable;
use super::resolve::{Pinned, Spot};
use super::table::Capabilities;
use crate::model::Right;
use crate::policy::Permit;
use crate::sys::acl;
use crate::sys::inode::OwnHandles;
use crate::sys::names::{self, Existing};

/// What happened to a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    /// Nothing had it.
    Created,
    /// A file had it, and has been replaced.
    Replaced,
}

/// The permission bits of a new file, before the process's umask.
pub(super) const NEW_FILE: u32 = 0o666;

impl Capabilities {
    /// Fills a new file and puts it under the name of the spot; `mode` is for a name that nothing has.
    pub(super) fn store(
        &self,
        permit: &Permit,
        spot: &Spot,
        mode: u32,
        fill: impl FnOnce(&mut File) -> Result<(), Refusal>,
    ) -> Result<Stored, Refusal> {
        let host = |error| Refusal::host(permit, error);
        permit.admits_leaf(&spot.path)?;
        let Some(found) = &spot.found else {
            permit.admits_to(Right::Create, &spot.path)?;
            let mut draft = Draft::begin(self.own(), &spot.directory, mode).map_err(host)?;
            fill(&mut draft.file)?;
            return match draft.publish(&spot.name, Existing::Keep) {
                Ok(()) => Ok(Stored::Created),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    Err(Refusal::failed(permit, Problem::Changed))
                }
                Err(error) => Err(host(error)),
            };
        };
        must_be_changeable(permit, &found.inode)?;
        permit.admits_to(Right::Write, &spot.path)?;
        let mut draft = Draft::begin(self.own(), &spot.directory, 0o600).map_err(host)?;
        fill(&mut draft.file)?;
        resemble(&draft.file, found).map_err(host)?;
        draft.publish(&spot.name, Existing::Replace).map_err(host)?;
        Ok(Stored::Replaced)
    }
}

/// Gives a file the owner, the access control list and the permission bits of the one whose
/// place it takes, and never more access than that one gave.
fn resemble(file: &File, old: &Pinned) -> io::Result<()> {
    let inode = &old.inode;
    // A program that runs as its owner must not do so with content from somebody else.
    let mut mode = inode.mode & 0o777;
    match names::set_owner(file, Some(inode.uid), Some(inode.gid)) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            if names::set_owner(file, None, Some(inode.gid)).is_err() {
                mode &= !0o070;
            }
        }
        result => result?,
    }
    acl::copy(old.handle(), file)?;
    names::set_mode(file, mode)
}

/// A file on its way to a name.
struct Draft<'a> {
    own: &'a OwnHandles,
    directory: &'a Dir,
    file: File,
    /// Its own name, where it has one: removed unless it is published.
    name: Option<OsString>,
}

impl<'a> Draft<'a> {
    fn begin(own: &'a OwnHandles, directory: &'a Dir, mode: u32) -> io::Result<Self> {
        let (file, name) = match names::unnamed_file(directory.as_fd(), mode) {
            Ok(file) => (file, None),
            Err(error) if names::cannot_be_unnamed(&error) => {
                let name = own_name();
                (names::new_file(directory.as_fd(), &name, mode)?, Some(name))
            }
            Err(error) => return Err(error),
        };
        Ok(Self {
            own,
            directory,
            file,
            name,
        })
    }

    fn publish(mut self, name: &OsStr, existing: Existing) -> io::Result<()> {
        let directory = self.directory.as_fd();
        let own = match (&self.name, existing) {
            (None, Existing::Keep) => {
                return names::name_file(self.own, self.file.as_fd(), directory, name);
            }
            (None, Existing::Replace) => {
                let own = own_name();
                names::name_file(self.own, self.file.as_fd(), directory, &own)?;
                self.name.insert(own)
            }
            (Some(own), _) => own,
        };
        match names::rename((directory, own), (directory, name), existing) {
            // Some file systems cannot promise to keep what exists; a second name never replaces.
            Err(error) if existing == Existing::Keep && names::cannot_promise(&error) => {
                names::add_name(directory, own, name)
            }
            result => {
                result?;
                self.name = None;
                Ok(())
            }
        }
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            // Nothing more can be done about a name that cannot be removed.
            let _ = self.directory.remove_file(name);
        }
    }
}

/// A name that nothing else has. It need not be secret: the file is made only where nothing is.
fn own_name() -> OsString {
    format!(".lobsterpot-{:016x}", RandomState::new().hash_one("draft")).into()
}
