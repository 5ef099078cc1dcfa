//! Names and paths of a grant as replies show them.

use std::path::Path;

use crate::model::shown_path;
use crate::policy::Permit;
use crate::sys::inode::Kind;

/// A name or path made safe to show, and whether it differs from what it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) text: String,
    pub(super) escaped: bool,
}

impl Shown {
    pub(super) fn new(path: &Path) -> Self {
        let text = shown_path(path);
        let escaped = path.as_os_str() != text.as_str();
        Self { text, escaped }
    }

    /// A path that was found below `start`, where the permit's path leads, as the principal
    /// would write it.
    pub(super) fn below(permit: &Permit, start: &Path, found: &Path) -> Self {
        let rest = found.strip_prefix(start).unwrap_or(found);
        let written = Path::new(permit.subject());
        if rest.as_os_str().is_empty() {
            return Self::new(written);
        }
        Self::new(&written.strip_prefix(".").unwrap_or(written).join(rest))
    }
}

/// The kind of an inode as replies write it.
pub(super) const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "file",
        Kind::Directory => "directory",
        Kind::Link => "link",
        Kind::Fifo => "fifo",
        Kind::Socket => "socket",
        Kind::Device => "device",
    }
}
