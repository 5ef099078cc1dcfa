//! Looking at each path once. Every path of a home begins alike, and links lead the same way
//! again and again; what was seen first holds for the whole search.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{Disk, Seen};

/// A disk that is asked once about each path.
pub(super) struct Once<'a> {
    disk: &'a dyn Disk,
    seen: RefCell<BTreeMap<OsString, Option<Seen>>>,
}

impl<'a> Once<'a> {
    pub(super) fn new(disk: &'a dyn Disk) -> Self {
        Self {
            disk,
            seen: RefCell::default(),
        }
    }
}

impl Disk for Once<'_> {
    fn look(&self, path: &Path) -> Option<Seen> {
        if let Some(seen) = self.seen.borrow().get(path.as_os_str()) {
            return seen.clone();
        }
        let seen = self.disk.look(path);
        let known = (path.as_os_str().to_owned(), seen.clone());
        self.seen.borrow_mut().extend([known]);
        seen
    }

    fn names(&self, directory: &Path) -> Vec<OsString> {
        self.disk.names(directory)
    }

    fn links(&self, directory: &Path) -> Vec<(OsString, PathBuf)> {
        let links = self.disk.links(directory);
        let known = links.iter().map(|(name, text)| {
            let path = directory.join(name).into_os_string();
            (path, Some(Seen::Link(text.clone())))
        });
        self.seen.borrow_mut().extend(known);
        links
    }
}
