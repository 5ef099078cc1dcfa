//! What a command made in spite of its protection is set aside.
//!
//! A mount protects what exists. Where nothing has a protected name yet, nothing can be
//! mounted without leaving a stub on the host, so a command can make it, such as the first
//! `.git/config`. When the command has ended, what it made there gets another name, under
//! which no tool looks for it. It must never be deleted: the owner may have made it meanwhile.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use super::table::Capabilities;
use crate::policy::{EffectiveGrant, GrantId};
use crate::sys::metadata::{LastLink, Resolution, c_path, pin};
use crate::sys::names::{Existing, rename};
use crate::sys::search::{Found, Look, search};

/// The exceptions of grants, hidden and protected names alike, that existed at one moment. What
/// stands on the way to a protected name and is no directory is one as well.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Exceptions(BTreeSet<Exception>);

/// The path in its grant, and where it leads, if it is a link: one that leads elsewhere is another.
type Exception = (GrantId, PathBuf, Option<OsString>);

/// Something that was made under a protected name.
#[derive(Debug)]
pub struct SetAside {
    /// The protected path.
    pub path: PathBuf,
    /// Its new name; an error where it could not be renamed, so that it is still there.
    pub now: Result<PathBuf, io::Error>,
}

impl Capabilities {
    /// The exceptions below the grants that exist now.
    ///
    /// # Errors
    /// When a grant cannot be looked through; the path is that of the grant.
    pub fn exceptions(&self, reach: &[EffectiveGrant]) -> Result<Exceptions, (PathBuf, io::Error)> {
        let mut names = BTreeSet::new();
        for grant in reach {
            let Some(handle) = self.handle(grant.grant) else {
                continue;
            };
            let fault = |error| (grant.root.as_path().to_owned(), error);
            for one in exceptions_below(handle, grant).map_err(fault)? {
                names.insert((grant.grant, one.path, one.target));
            }
        }
        Ok(Exceptions(names))
    }

    /// Renames what has a protected name now and had none before.
    ///
    /// # Errors
    /// As [`Self::exceptions`].
    pub fn set_aside(
        &self,
        before: &Exceptions,
        reach: &[EffectiveGrant],
    ) -> Result<Vec<SetAside>, (PathBuf, io::Error)> {
        let now = self.exceptions(reach)?;
        let mut set_aside = Vec::new();
        for (grant, relative, _) in now.0.difference(&before.0) {
            let root = reach.iter().find(|one| one.grant == *grant);
            let (Some(root), Some(handle)) = (root, self.handle(*grant)) else {
                continue;
            };
            // What is hidden and was not there holds nothing that the command did not know.
            let is_protected =
                root.protect.matches(relative) || root.protect.lead_through(relative);
            if !is_protected || !root.rights.change_something() {
                continue;
            }
            let root = root.root.as_path();
            set_aside.push(SetAside {
                path: root.join(relative),
                now: put_away(handle, relative).map(|name| root.join(name)),
            });
        }
        Ok(set_aside)
    }
}

fn exceptions_below(handle: BorrowedFd<'_>, grant: &EffectiveGrant) -> io::Result<Vec<Found>> {
    let patterns = grant.protect.union(&grant.hide);
    if patterns.is_empty() {
        return Ok(Vec::new());
    }
    let judge = |path: &Path| {
        if patterns.matches(path) {
            Look::Found
        } else if grant.protect.lead_through(path) {
            Look::Through
        } else if patterns.lead_below(path) {
            Look::Below
        } else {
            Look::Past
        }
    };
    match search(handle, &judge) {
        Ok(found) => Ok(found),
        // A granted file.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// More names than this are taken by nobody but somebody who wants them to be.
const MOST_TRIES: u32 = 100;

fn put_away(root: BorrowedFd<'_>, relative: &Path) -> io::Result<PathBuf> {
    let above = relative.parent().unwrap_or(Path::new(""));
    let name = relative.file_name().unwrap_or_default();
    let directory: OwnedFd = pin(
        root,
        &c_path(above)?,
        Resolution::BeneathWithoutLinks,
        LastLink::Keep,
    )?;
    for turn in 0..MOST_TRIES {
        let mut other: OsString = name.to_owned();
        other.push(".refused");
        if turn > 0 {
            other.push(format!("-{turn}"));
        }
        let (from, to) = ((directory.as_fd(), name), (directory.as_fd(), &*other));
        match rename(from, to, Existing::Keep) {
            Ok(()) => return Ok(above.join(other)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
