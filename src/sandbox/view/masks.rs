//! The exceptions of grants, as mounts: what is hidden is covered, what is protected is read-only.
//!
//! A mount covers what exists. What a pattern names and nothing has yet cannot be covered
//! without leaving a stub on the host, which never happens here: see `docs/sandbox.md`.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::sys::stat::Mode;

use super::error::{ViewError, ViewStep};
use super::locate::Located;
use super::own::{attach_at, open_in};
use crate::policy::{Below, PatternSet};
use crate::sys::metadata::{self, Identity, LastLink, Resolution, pin};
use crate::sys::mount::{self, Attributes};

/// Something that nobody can open, to be mounted over what is hidden.
#[derive(Debug)]
pub(super) struct Covers {
    pub file: OwnedFd,
    directory: OwnedFd,
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
        };
        mount::restrict(mount.as_fd(), nothing.and(Attributes::READ_ONLY)).map_err(fault())?;
        Ok(covers)
    }

    /// Covers what lies at a path of the view.
    pub(super) fn cover(&self, root: BorrowedFd<'_>, path: &Path) -> Result<(), ViewError> {
        let fault = || ViewError::on(ViewStep::Mask, path);
        let over = open_in(root, path).map_err(fault())?;
        let identity = Identity::of(over.as_fd()).map_err(fault())?;
        let cover = if identity.is_directory() {
            &self.directory
        } else {
            &self.file
        };
        let tree = mount::clone_tree(cover.as_fd()).map_err(fault())?;
        mount::attach(tree.as_fd(), over.as_fd()).map_err(fault())
    }
}

/// Mounts over every exception of a grant that exists now.
pub(super) fn mask(
    grant: &Located<'_>,
    root: BorrowedFd<'_>,
    covers: &Covers,
) -> Result<(), ViewError> {
    let found = |patterns: &PatternSet| {
        existing(grant.handle.as_fd(), patterns).map_err(ViewError::on(ViewStep::Mask, &grant.path))
    };
    if grant.rule.access.rights.change_something() {
        let mut mounted = BTreeSet::new();
        for relative in found(&grant.rule.protect)? {
            protect(grant, root, &relative, &mut mounted)?;
        }
    }
    for relative in found(&grant.rule.hide)? {
        covers.cover(root, &grant.path.join(relative))?;
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
    let path = grant.path.join(relative);
    let fault = || ViewError::on(ViewStep::Mask, &path);
    let place = open_in(root, &path).map_err(fault())?;
    let tree = mount::clone_tree(place.as_fd()).map_err(fault())?;
    mount::restrict_tree(tree.as_fd(), attributes).map_err(fault())?;
    mount::attach(tree.as_fd(), place.as_fd()).map_err(fault())
}

/// More names than this are not looked at: a session must start in bounded time.
const MOST_NAMES: usize = 200_000;

/// The paths below a grant that the patterns cover, the uppermost ones only.
///
/// Links are left out. What a link leads to has a name of its own, which the patterns cover
/// or do not.
fn existing(grant: BorrowedFd<'_>, patterns: &PatternSet) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if patterns.is_empty() {
        return Ok(found);
    }
    let mut seen = 0;
    let mut levels = VecDeque::from([(PathBuf::new(), grant.try_clone_to_owned()?)]);
    while let Some((relative, directory)) = levels.pop_front() {
        for name in metadata::names_in(directory.as_fd())? {
            seen += 1;
            if seen > MOST_NAMES {
                return Err(nix::errno::Errno::E2BIG.into());
            }
            let path = relative.join(os_name(&name));
            let is_covered = patterns.matches(&path);
            if !is_covered && patterns.below(&path) == Below::Nothing {
                continue;
            }
            let Some((handle, identity)) = open_child(directory.as_fd(), &name)? else {
                continue;
            };
            if is_covered {
                found.push(path);
            } else if identity.is_directory() {
                levels.push_back((path, handle));
            }
        }
    }
    Ok(found)
}

/// None for links, and for what is gone again.
fn open_child(
    directory: BorrowedFd<'_>,
    name: &CString,
) -> io::Result<Option<(OwnedFd, Identity)>> {
    let resolution = Resolution::BeneathWithoutLinks;
    let Ok(handle) = pin(directory, name, resolution, LastLink::Keep) else {
        return Ok(None);
    };
    let identity = Identity::of(handle.as_fd())?;
    Ok((!identity.is_link()).then_some((handle, identity)))
}

fn os_name(name: &CString) -> &Path {
    use std::os::unix::ffi::OsStrExt as _;
    Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()))
}
