//! Leaving something out of a grant with a layer that can only add.
//!
//! Landlock allows a directory with everything below it. What is hidden in a grant that
//! cannot be changed is left out by allowing its neighbours one by one, at every level on
//! the way to it. Names stay visible where their directory may be listed; contents do not.
//! What the host adds later at those levels is not allowed either: closed, not open.

use std::collections::VecDeque;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use super::plan::PathRule;
use super::profile::Access;
use crate::model::{Right, Rights};
use crate::sys::metadata::{self, Identity, LastLink, Resolution, pin};

/// A neighbour that may be reached.
#[derive(Debug)]
pub(super) struct Part {
    pub path: PathBuf,
    pub handle: OwnedFd,
    pub access: Access,
}

/// More levels than this are not taken apart: a session must start in bounded time.
const MOST_PARTS: usize = 20_000;

/// Everything below the rule's directory but its holes.
///
/// # Errors
/// When a directory on the way cannot be read, or there is too much to take apart.
pub(super) fn around(
    root: BorrowedFd<'_>,
    rule: &PathRule,
    all: &[PathRule],
) -> io::Result<Vec<Part>> {
    let holes = Holes { rule, all };
    let mut parts = Vec::new();
    let mut levels = VecDeque::from([(PathBuf::new(), root.try_clone_to_owned()?)]);
    while let Some((relative, directory)) = levels.pop_front() {
        for name in metadata::names_in(directory.as_fd())? {
            let Some(found) = open_child(directory.as_fd(), &name)? else {
                continue;
            };
            let path = relative.join(os_name(&name));
            if holes.hold(&path) {
                continue;
            }
            if found.1.is_directory() && holes.lie_below(&path) {
                levels.push_back((path, found.0));
            } else {
                parts.push(Part {
                    path,
                    handle: found.0,
                    access: rule.access,
                });
            }
            if parts.len() + levels.len() > MOST_PARTS {
                return Err(io::Error::other("too many files lie around what is hidden"));
            }
        }
        let access = Access {
            rights: rule.access.rights.intersection(LIST),
            ..rule.access
        };
        parts.push(Part {
            path: relative,
            handle: directory,
            access,
        });
    }
    Ok(parts)
}

const LIST: Rights = Rights::only(Right::List);

/// `None` for what is gone again, and for links, which are never themselves reached.
fn open_child(
    directory: BorrowedFd<'_>,
    name: &CString,
) -> io::Result<Option<(OwnedFd, Identity)>> {
    match pin(
        directory,
        name,
        Resolution::BeneathWithoutLinks,
        LastLink::Keep,
    ) {
        Ok(handle) => {
            let identity = Identity::of(handle.as_fd())?;
            Ok(Some((handle, identity)))
        }
        Err(_) => Ok(None),
    }
}

fn os_name(name: &CString) -> &Path {
    use std::os::unix::ffi::OsStrExt as _;
    Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()))
}

struct Holes<'a> {
    rule: &'a PathRule,
    all: &'a [PathRule],
}

impl Holes<'_> {
    fn hold(&self, relative: &Path) -> bool {
        self.rule.hide.matches(relative) || self.inner().any(|inner| inner == relative)
    }

    fn lie_below(&self, relative: &Path) -> bool {
        self.rule.hide.lead_below(relative) || self.inner().any(|inner| inner.starts_with(relative))
    }

    /// The lesser grants and holes inside this one, which have rules of their own or none.
    fn inner(&self) -> impl Iterator<Item = &Path> {
        self.all
            .iter()
            .filter(|other| !other.access.rights.covers(self.rule.access.rights))
            .filter_map(|other| other.path.beneath(&self.rule.path))
            .filter(|relative| !relative.as_os_str().is_empty())
    }
}
