//! The host's disk, as far as finding toolchains needs it.
//!
//! It only looks. What is granted is opened later, by the sandbox.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

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
}
