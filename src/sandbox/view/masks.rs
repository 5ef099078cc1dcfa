//! The exceptions of grants, as mounts: what is hidden is covered, what is protected is read-only.
//!
//! A mount covers what exists. What a pattern names and nothing has yet cannot be covered
//! without leaving a stub on the host, which never happens here: see `docs/sandbox.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::sys::stat::Mode;

use super::error::{ViewError, ViewStep};
use super::locate::Located;
use super::own::{attach_at, open_in};
use crate::policy::PatternSet;
use crate::sys::metadata::Identity;
use crate::sys::mount::{self, Attributes};
use crate::sys::search::{Found, Look, search};

/// Something that nobody can open, to be mounted over what is hidden.
#[derive(Debug)]
pub(super) struct Covers {
    pub file: OwnedFd,
    directory: OwnedFd,
    /// Names of the tripwire for what is hidden, which tell who tries to open it.
    told: BTreeMap<PathBuf, OwnedFd>,
}

/// What is to be covered.
#[derive(Debug, Clone)]
pub(super) struct Hidden {
    pub path: PathBuf,
    pub is_directory: bool,
}

impl Hidden {
    fn of(path: PathBuf, identity: &Identity) -> Self {
        Self {
            path,
            is_directory: identity.is_directory(),
        }
    }
}

/// Everything in a grant that is hidden, and exists now.
pub(super) fn hidden_in(grant: &Located<'_>) -> Result<Vec<Hidden>, ViewError> {
    let fault = ViewError::on(ViewStep::Mask, grant.path.as_path());
    let found = existing(grant.handle.as_fd(), &grant.rule.hide, |_| false).map_err(fault)?;
    let path = |relative: &Path| grant.path.as_path().join(relative);
    let hidden = found
        .iter()
        .map(|one| Hidden::of(path(&one.path), &one.identity));
    Ok(hidden.collect())
}

impl Covers {
    /// Makes the covers, at a place of the view that another mount will lie over.
    pub(super) fn make(root: BorrowedFd<'_>, place: &Path) -> Result<Self, ViewError> {
        let fault = || ViewError::at(ViewStep::Root);
        let options = [(c"size", Some(c"4096")), (c"mode", Some(c"0500"))];
        let nothing = Attributes::NOSUID
            .and(Attributes::NODEV)
            .and(Attributes::NOEXEC);
        let mount = mount::new_filesystem(c"tmpfs", &options, nothing).map_err(fault())?;
        attach_at(mount.as_fd(), root, place).map_err(fault())?;
        let flags = nix::fcntl::OFlag::O_CREAT | nix::fcntl::OFlag::O_CLOEXEC;
        nix::fcntl::openat(&mount, "file", flags, Mode::empty())
            .map_err(|errno| fault()(errno.into()))?;
        nix::sys::stat::mkdirat(&mount, "directory", Mode::empty())
            .map_err(|errno| fault()(errno.into()))?;
        let covers = Self {
            file: open_in(mount.as_fd(), Path::new("file")).map_err(fault())?,
            directory: open_in(mount.as_fd(), Path::new("directory")).map_err(fault())?,
            told: BTreeMap::new(),
        };
        mount::restrict(mount.as_fd(), nothing.and(Attributes::READ_ONLY)).map_err(fault())?;
        Ok(covers)
    }

    /// Takes the names that the tripwire has for what is hidden, before anything is mounted
    /// over them.
    pub(super) fn telling(
        self,
        root: BorrowedFd<'_>,
        hidden: &[Hidden],
    ) -> Result<Self, ViewError> {
        let name = |one: &Hidden| {
            let name = open_in(root, &one.path);
            let name = name.map_err(ViewError::on(ViewStep::Mask, one.path.as_path()))?;
            Ok((one.path.clone(), name))
        };
        Ok(Self {
            told: hidden.iter().map(name).collect::<Result<_, ViewError>>()?,
            ..self
        })
    }

    /// Covers what lies at a path of the view.
    pub(super) fn cover(&self, root: BorrowedFd<'_>, path: &Path) -> Result<(), ViewError> {
        let fault = || ViewError::on(ViewStep::Mask, path);
        let over = open_in(root, path).map_err(fault())?;
        let identity = Identity::of(over.as_fd()).map_err(fault())?;
        let fits = |name: &&OwnedFd| {
            let name = Identity::of(name.as_fd());
            name.is_ok_and(|name| name.is_directory() == identity.is_directory())
        };
        let cover = match self.told.get(path).filter(fits) {
            Some(name) => name,
            None if identity.is_directory() => &self.directory,
            None => &self.file,
        };
        let tree = mount::clone_tree(cover.as_fd()).map_err(fault())?;
        mount::attach(tree.as_fd(), over.as_fd()).map_err(fault())
    }
}

/// Makes every protected path of a grant read-only that exists now.
pub(super) fn protect_in(grant: &Located<'_>, root: BorrowedFd<'_>) -> Result<(), ViewError> {
    if !grant.rule.access.rights.change_something() {
        return Ok(());
    }
    let fault = ViewError::on(ViewStep::Mask, grant.path.as_path());
    let patterns = &grant.rule.protect;
    let leads_through = |path: &Path| patterns.lead_through(path);
    let found = existing(grant.handle.as_fd(), patterns, leads_through).map_err(fault)?;
    let mut mounted = BTreeSet::new();
    for one in found {
        protect(grant, root, &one.path, &mut mounted)?;
    }
    Ok(())
}

/// Makes a path read-only, and every directory between it and the grant a mount of its own:
/// a mount point cannot be renamed or removed, so nothing else can take the path's place.
fn protect(
    grant: &Located<'_>,
    root: BorrowedFd<'_>,
    relative: &Path,
    mounted: &mut BTreeSet<PathBuf>,
) -> Result<(), ViewError> {
    let mut above: Vec<_> = relative.ancestors().skip(1).collect();
    above.reverse();
    for directory in above
        .into_iter()
        .filter(|path| !path.as_os_str().is_empty())
    {
        if mounted.insert(directory.to_path_buf()) {
            remount(grant, root, directory, grant.attributes())?;
        }
    }
    let attributes = grant.attributes().and(Attributes::READ_ONLY);
    remount(grant, root, relative, attributes)
}

fn remount(
    grant: &Located<'_>,
    root: BorrowedFd<'_>,
    relative: &Path,
    attributes: Attributes,
) -> Result<(), ViewError> {
    let path = grant.path.as_path().join(relative);
    let fault = || ViewError::on(ViewStep::Mask, &path);
    let place = open_in(root, &path).map_err(fault())?;
    let tree = mount::clone_tree(place.as_fd()).map_err(fault())?;
    mount::restrict_tree(tree.as_fd(), attributes).map_err(fault())?;
    mount::attach(tree.as_fd(), place.as_fd()).map_err(fault())
}

/// The paths below a grant that the patterns cover, the uppermost ones only; and what
/// leads through to one by its name and is no directory.
///
/// Links are left out. What a link leads to has a name of its own, which the patterns cover
/// or do not.
fn existing(
    grant: BorrowedFd<'_>,
    patterns: &PatternSet,
    leads_through: impl Fn(&Path) -> bool,
) -> io::Result<Vec<Found>> {
    if patterns.is_empty() {
        return Ok(Vec::new());
    }
    let judge = |path: &Path| {
        if patterns.matches(path) {
            Look::Found
        } else if leads_through(path) {
            Look::Through
        } else if patterns.lead_below(path) {
            Look::Below
        } else {
            Look::Past
        }
    };
    let mut found = search(grant, &judge)?;
    found.retain(|one| !one.identity.is_link());
    Ok(found)
}
