//! The host's disk, as far as finding toolchains needs it.
//!
//! It only looks. What is granted is opened later, by the sandbox.

use std::ffi::OsString;
use std::fs::{self, DirEntry};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::{Disk, Seen, Writers};

/// The disk of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostDisk;

/// A directory of programs holds fewer; of a larger one only a part is looked at.
const MOST_NAMES: usize = 10_000;

#[allow(
    clippy::disallowed_methods,
    reason = "looks where the operator's own search path leads, before any command runs"
)]
impl Disk for HostDisk {
    fn look(&self, path: &Path) -> Option<Seen> {
        let metadata = fs::symlink_metadata(path).ok()?;
        let mode = metadata.permissions().mode();
        let kind = metadata.file_type();
        Some(if kind.is_symlink() {
            Seen::Link(fs::read_link(path).ok()?)
        } else if kind.is_dir() {
            Seen::Directory(if mode & 0o002 == 0 {
                Writers::Some
            } else {
                Writers::Everybody
            })
        } else if !kind.is_file() {
            Seen::Other
        } else if mode & 0o111 == 0 {
            Seen::File
        } else {
            Seen::Program
        })
    }

    fn names(&self, directory: &Path) -> Vec<OsString> {
        let Ok(entries) = fs::read_dir(directory) else {
            return Vec::new();
        };
        let names = entries.flatten().map(|entry| entry.file_name());
        let mut names: Vec<_> = names.take(MOST_NAMES).collect();
        names.sort();
        names
    }

    /// The directory itself tells which of its names are links, without a look at each.
    fn links(&self, directory: &Path) -> Vec<(OsString, PathBuf)> {
        let Ok(entries) = fs::read_dir(directory) else {
            return Vec::new();
        };
        let is_link = |entry: &DirEntry| entry.file_type().is_ok_and(|kind| kind.is_symlink());
        let entries = entries.flatten().take(MOST_NAMES).filter(is_link);
        let link = |entry: DirEntry| Some((entry.file_name(), fs::read_link(entry.path()).ok()?));
        let mut links: Vec<_> = entries.filter_map(link).collect();
        links.sort();
        links
    }
}

#[cfg(test)]
mod tests {
    use super::{Disk as _, HostDisk, Seen, Writers};
    use std::os::unix::fs::symlink;
    use std::path::Path;

    #[test]
    fn links_are_told_from_other_names() {
        let place = tempfile::tempdir().unwrap();
        let here = place.path();
        symlink("/nowhere", here.join("b")).unwrap();
        symlink("b", here.join("a")).unwrap();
        let inner = tempfile::tempdir_in(here).unwrap();
        let _file = tempfile::NamedTempFile::new_in(here).unwrap();
        let links = [("a".into(), "b".into()), ("b".into(), "/nowhere".into())];
        assert_eq!(HostDisk.links(here), links);
        assert_eq!(HostDisk.names(here).len(), 4);
        assert_eq!(HostDisk.look(&here.join("a")), Some(Seen::Link("b".into())));
        let directory = Some(Seen::Directory(Writers::Some));
        assert_eq!(HostDisk.look(inner.path()), directory);
        for nothing in ["c", "a/c"] {
            assert_eq!(HostDisk.look(&here.join(nothing)), None);
        }
        assert_eq!(HostDisk.links(Path::new("/nowhere")), []);
    }
}
