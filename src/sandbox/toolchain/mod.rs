//! Toolchains: where the operator's search path leads, and what of it commands may use.
//!
//! Compilers and interpreters often live below the home, which is never granted. What is
//! found here is granted by name and piece by piece. Never granted, whatever the search
//! path says: a home or a directory around one, a place that a profile calls secret, a
//! directory that every user can write to. Nothing is looked at inside a grant, because
//! what lies there may have been made by a command.

mod disk;
mod find;
mod links;
mod once;

pub use disk::HostDisk;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::profile::{Profile, ViewPath};
use crate::model::HostPath;

/// The operator's world, as far as toolchains depend on it.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The search path, entry by entry.
    pub search_path: &'a [PathBuf],
    /// The operator's home.
    pub home: &'a HostPath,
    /// The operator's environment.
    pub variables: &'a BTreeMap<String, String>,
    /// Directories of the broker itself, which are never granted.
    pub never: &'a [HostPath],
    /// What is granted already.
    pub granted: &'a [HostPath],
}

/// What a path is on a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A directory.
    Directory(Writers),
    /// A file that can be executed.
    Program,
    /// Another file.
    File,
    /// A symbolic link, and its text.
    Link(PathBuf),
    /// A device, a socket, a pipe.
    Other,
}

/// Who can put something into a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writers {
    /// Its owner and perhaps a group.
    Some,
    /// Every user of the machine.
    Everybody,
}

/// A look at a disk.
pub trait Disk {
    /// What a path is, without following a link at its end; `None` where nothing can be seen.
    fn look(&self, path: &Path) -> Option<Seen>;
    /// The names in a directory; none where it cannot be listed.
    fn names(&self, directory: &Path) -> Vec<OsString>;
    /// The symbolic links among them, with their texts.
    fn links(&self, directory: &Path) -> Vec<(OsString, PathBuf)>;
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Toolchains {
    /// What is granted.
    pub paths: Vec<ViewPath>,
    /// Variables that make it work with another home.
    pub environment: Vec<(String, String)>,
    /// The entries of the search path that commands can use, in order.
    pub search_path: Vec<HostPath>,
    /// Where the search path leads and nothing is granted.
    pub left_out: Vec<LeftOut>,
}

/// A place that is not granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The place.
    pub path: PathBuf,
    /// Why.
    pub why: String,
}

/// Finds the toolchains of these profiles.
pub fn discover(
    profiles: &[Profile],
    surroundings: Surroundings<'_>,
    disk: &dyn Disk,
) -> Toolchains {
    find::Finder::new(profiles, surroundings, disk).find()
}
