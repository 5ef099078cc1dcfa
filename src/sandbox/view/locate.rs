//! Finding the paths of a plan again, in the mount namespace that the view is built in.
//!
//! The kernel clones only what was opened in the same mount namespace, so the broker's own
//! handles cannot be mounted. Each grant is opened once more and compared with the broker's
//! handle: a directory that was swapped meanwhile is never mounted by mistake.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use super::error::{ViewError, ViewStep};
use crate::model::{HostPath, Right, Rights};
use crate::sandbox::plan::{Origin, PathRule};
use crate::sandbox::prepare::Handles;
use crate::sys::metadata::{Identity, LastLink, Resolution, c_path, path_of, pin, pin_host_path};
use crate::sys::mount::Attributes;

/// A path of the plan that exists, opened.
#[derive(Debug)]
pub(super) struct Located<'a> {
    pub rule: &'a PathRule,
    /// Its path without links, which is where it is mounted.
    pub path: HostPath,
    /// Opened in this mount namespace.
    pub handle: OwnedFd,
    pub is_directory: bool,
    /// Links of the host that lead to it.
    pub links: Vec<Link>,
}

/// A symbolic link of the host, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub path: HostPath,
    pub text: PathBuf,
}

/// The paths of a plan, as the host has them.
#[derive(Debug)]
pub(super) struct Found<'a> {
    /// What exists, those above before those below.
    pub located: Vec<Located<'a>>,
    /// What profiles name and this host or this user does not have.
    pub missing: Vec<&'a HostPath>,
}

/// Opens what of the plan exists.
///
/// # Errors
/// When a grant is not the directory any more that the broker opened.
pub(super) fn locate<'a>(
    rules: &'a [PathRule],
    handles: &dyn Handles,
) -> Result<Found<'a>, ViewError> {
    let top = pin_host_path(Path::new("/")).map_err(ViewError::at(ViewStep::Open))?;
    let mut located = Vec::with_capacity(rules.len());
    let mut missing = Vec::new();
    for rule in rules {
        let one = match &rule.origin {
            Origin::Grant(grant) => Some(locate_grant(rule, handles.handle(*grant))?),
            Origin::System(_) => locate_system(rule, top.as_fd())?,
        };
        match one {
            Some(one) => located.push(one),
            None => missing.push(&rule.path),
        }
    }
    located.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(Found { located, missing })
}

/// A grant, where it is now: the very object that the broker opened.
fn locate_grant<'a>(
    rule: &'a PathRule,
    opened: Option<BorrowedFd<'_>>,
) -> Result<Located<'a>, ViewError> {
    let written = rule.path.as_path();
    let fault = || ViewError::on(ViewStep::Compare, written);
    let opened = opened.ok_or_else(|| fault()(nix::errno::Errno::EBADF.into()))?;
    let wanted = Identity::of(opened).map_err(fault())?;
    let handle = find_again(written, &wanted, opened)?;
    through_links(rule, handle)
}

/// A path of the system, where it exists.
fn locate_system<'a>(
    rule: &'a PathRule,
    top: BorrowedFd<'_>,
) -> Result<Option<Located<'a>>, ViewError> {
    let written = rule.path.as_path();
    let fault = || ViewError::on(ViewStep::Open, written);
    let below = c_path(written.strip_prefix("/").unwrap_or(written)).map_err(fault())?;
    // Most lead through no link, and then where they lead need not be asked.
    let resolution = Resolution::BeneathWithoutLinks;
    let found = match pin(top, &below, resolution, LastLink::Follow) {
        Ok(handle) => located(rule, rule.path.clone(), handle, Vec::new()).map(Some),
        Err(error) if error.raw_os_error() == Some(nix::errno::Errno::ELOOP as i32) => {
            match pin_host_path(written) {
                Ok(handle) => return through_links(rule, handle).map(Some),
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    };
    match found {
        // A path of the system that this host or this user does not have is left out.
        Err(error) if is_absent(&error) => Ok(None),
        found => found.map_err(fault()),
    }
}

/// What was opened by a path that may lead through links.
fn through_links(rule: &PathRule, handle: OwnedFd) -> Result<Located<'_>, ViewError> {
    let written = rule.path.as_path();
    let fault = || ViewError::on(ViewStep::Open, written);
    let path = path_of(handle.as_fd()).map_err(fault())?;
    let links = if path == written {
        Vec::new()
    } else {
        links_on_the_way(written)
    };
    let path = HostPath::absolute(path).map_err(|error| fault()(io::Error::other(error)))?;
    located(rule, path, handle, links).map_err(fault())
}

fn located(
    rule: &PathRule,
    path: HostPath,
    handle: OwnedFd,
    links: Vec<Link>,
) -> io::Result<Located<'_>> {
    let is_directory = Identity::of(handle.as_fd())?.is_directory();
    Ok(Located {
        rule,
        path,
        handle,
        is_directory,
        links,
    })
}

/// Where the policy named it or, should it have been renamed meanwhile, where it is now.
fn find_again(
    written: &Path,
    wanted: &Identity,
    opened: BorrowedFd<'_>,
) -> Result<OwnedFd, ViewError> {
    let now = path_of(opened).unwrap_or_else(|_| written.to_path_buf());
    for path in [written, &now] {
        if let Ok(handle) = pin_host_path(path)
            && Identity::of(handle.as_fd()).is_ok_and(|found| found.is_same_object(wanted))
        {
            return Ok(handle);
        }
    }
    Err(ViewError::on(ViewStep::Compare, written)(
        nix::errno::Errno::ESTALE.into(),
    ))
}

fn is_absent(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    matches!(error.kind(), NotFound | NotADirectory | PermissionDenied)
}

/// As the kernel's own limit on links in one lookup.
const MOST_LINKS: usize = 40;

/// The links that a lookup of the path goes through, in order.
fn links_on_the_way(path: &Path) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    let mut rest: Vec<_> = names_of(path);
    let mut at = PathBuf::from("/");
    while let Some(name) = rest.pop() {
        if name == ".." {
            at.pop();
            continue;
        }
        at.push(&name);
        let Ok(text) = nix::fcntl::readlink(&at) else {
            continue;
        };
        let text = PathBuf::from(text);
        if links.len() == MOST_LINKS {
            return links;
        }
        if let Ok(path) = HostPath::absolute(&at) {
            links.push(Link {
                path,
                text: text.clone(),
            });
        }
        at.pop();
        if text.is_absolute() {
            at = PathBuf::from("/");
        }
        rest.extend(names_of(&text));
    }
    links
}

/// The names of a path, the last one first.
fn names_of(path: &Path) -> Vec<std::ffi::OsString> {
    let name = |part: Component<'_>| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    };
    let mut names: Vec<_> = path.components().filter_map(name).collect();
    names.reverse();
    names
}

impl Located<'_> {
    /// What its mount does not let through.
    pub(super) fn attributes(&self) -> Attributes {
        let rights = self.rule.access.rights;
        let mut attributes = Attributes::NOSUID;
        if self.is_device() {
            // A device is written to on a read-only mount as well; its inode is not changed.
            return attributes.and(Attributes::READ_ONLY);
        }
        attributes = attributes.and(Attributes::NODEV);
        if !rights.change_something() {
            attributes = attributes.and(Attributes::READ_ONLY);
        }
        if !rights.has(Right::Execute) {
            attributes = attributes.and(Attributes::NOEXEC);
        }
        attributes
    }

    /// Whether nothing may be done there: a hole in what is around it.
    pub(super) fn is_hole(&self) -> bool {
        self.rule.access.rights == Rights::NONE
    }

    fn is_device(&self) -> bool {
        self.path.as_path().starts_with("/dev")
    }
}

#[cfg(test)]
mod tests {
    use super::{HostPath, Link, links_on_the_way};
    use std::os::unix::fs::symlink;
    use std::path::Path;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a test makes its world")]
    fn every_link_on_the_way_is_named() {
        let world = tempfile::tempdir().unwrap();
        let top = world.path().canonicalize().unwrap();
        std::fs::create_dir_all(top.join("real/inner")).unwrap();
        symlink("real", top.join("first")).unwrap();
        symlink("../first/inner", top.join("real/second")).unwrap();
        let links = links_on_the_way(&top.join("first/second"));
        let link = |path: &str, text: &str| Link {
            path: HostPath::absolute(top.join(path)).unwrap(),
            text: Path::new(text).into(),
        };
        assert_eq!(
            links,
            [
                link("first", "real"),
                link("real/second", "../first/inner"),
                link("first", "real"),
            ]
        );
    }
}
