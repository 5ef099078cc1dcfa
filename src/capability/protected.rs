//! What a command made in spite of its protection is set aside.
//!
//! A mount protects what exists. Where nothing has a protected name yet, nothing can be
//! mounted without leaving a stub on the host, so a command can make it, such as the first
//! `.git/config`. When the command has ended, what it made there gets another name, under
//! which no tool looks for it. It must never be deleted: the owner may have made it meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::table::Capabilities;
use crate::policy::{EffectiveGrant, GrantId};
use crate::sys::metadata::{LastLink, Resolution, c_path, pin};
use crate::sys::names::{Existing, rename};
use crate::sys::search::{Found, Look, search};

/// The exceptions of grants, hidden and protected names alike, that existed at one moment, and
/// what had each name. What stands on the way to a protected name and is no directory is one as
/// well.
///
/// Two are equal where the same objects had the same names. A mount covers an object: when the
/// owner puts another one in its place, as editors and git do, the new one is not covered.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Exceptions(BTreeMap<Exception, Object>);

/// The path in its grant, and where it leads, if it is a link: one that leads elsewhere is another.
type Exception = (GrantId, PathBuf, Option<OsString>);

/// Device and inode number.
type Object = (u64, u64);

/// Names without what has them, to be kept for other sessions. Bytes, for a name need not be text.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names(BTreeSet<(usize, OsString, Option<OsString>)>);

/// What counts as there before a command.
#[derive(Debug)]
pub struct Before {
    /// What existed when the first of the session's commands that run was started.
    pub own: Exceptions,
    /// The names that existed when the first of all commands that run in these grants was
    /// started, whichever session's it is.
    first: Names,
    /// Objects that others' commands may have made, held so that no later one has their number.
    #[expect(dead_code, reason = "held, and closed with the rest")]
    held: Vec<OwnedFd>,
}

impl Exceptions {
    /// The names alone.
    pub fn names(&self) -> Names {
        Names(self.0.keys().map(name_of).collect())
    }
}

fn name_of((grant, path, target): &Exception) -> (usize, OsString, Option<OsString>) {
    (
        grant.number(),
        path.clone().into_os_string(),
        target.clone(),
    )
}

impl Before {
    /// Whether a command that runs has made this, or could have.
    ///
    /// What another session's command made before is for that session to set aside; made once
    /// more it is ours.
    fn lets_be(&self, name: &Exception, object: Object) -> bool {
        match self.own.0.get(name) {
            None => false,
            Some(own) => *own == object || self.first.0.contains(&name_of(name)),
        }
    }
}

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
        let mut names = BTreeMap::new();
        for grant in reach {
            let Some(handle) = self.handle(grant.grant) else {
                continue;
            };
            let fault = |error| (grant.root.as_path().to_owned(), error);
            for one in exceptions_below(handle, grant).map_err(fault)? {
                let object = (one.identity.device, one.identity.inode);
                names.insert((grant.grant, one.path, one.target), object);
            }
        }
        Ok(Exceptions(names))
    }

    /// What is to be compared with, once the commands have ended.
    pub fn before(&self, own: Exceptions, first: Names) -> Before {
        let of_others = own
            .0
            .keys()
            .filter(|name| !first.0.contains(&name_of(name)));
        let held = of_others
            .filter_map(|(grant, path, _)| {
                let path = c_path(path).ok()?;
                let root = self.handle(*grant)?;
                pin(root, &path, Resolution::BeneathWithoutLinks, LastLink::Keep).ok()
            })
            .collect();
        Before { own, first, held }
    }

    /// Renames what has a protected name now and had none before.
    ///
    /// # Errors
    /// As [`Self::exceptions`].
    pub fn set_aside(
        &self,
        before: &Before,
        reach: &[EffectiveGrant],
    ) -> Result<Vec<SetAside>, (PathBuf, io::Error)> {
        let now = self.exceptions(reach)?;
        let mut set_aside = Vec::new();
        for (name, object) in &now.0 {
            if before.lets_be(name, *object) {
                continue;
            }
            let (grant, relative, _) = name;
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
