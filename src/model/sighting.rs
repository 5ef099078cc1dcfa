//! What a witness saw: one operation that was refused inside a command.
//!
//! A sighting is evidence, never a decision: whatever is refused was refused already.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{PathSource, RefusalCode};

/// One refused operation inside a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting<'a> {
    /// Why it was refused.
    pub code: RefusalCode,
    /// The operation: a system call's name, or `lookup` where only the path is known.
    pub op: &'a str,
    /// The path, or the address of a peer; none where neither was involved.
    pub path: Option<&'a Path>,
    /// What the operation would have done.
    pub intent: Intent,
    /// The process outside the sandbox's numbering; 0 where it is not known.
    pub pid: u32,
    /// Its arguments, the program first; empty where they could not be read.
    pub process: &'a [String],
    /// Who saw the path.
    pub source: PathSource,
    /// The part of the path that the kernel itself looked up, where that is not all of it.
    pub looked_up: Option<&'a Path>,
    /// The path as the process wrote it, where it leads there by a link; a hint.
    pub written: Option<&'a str>,
}

/// Whether an operation only looks at what a path names. An open may be for writing: its intent
/// says.
pub fn only_looks(op: &str) -> bool {
    matches!(
        op,
        "lookup"
            | "open"
            | "openat"
            | "openat2"
            | "stat"
            | "lstat"
            | "newfstatat"
            | "statx"
            | "statfs"
            | "access"
            | "faccessat"
            | "faccessat2"
            | "readlink"
            | "readlinkat"
            | "getxattr"
            | "lgetxattr"
            | "listxattr"
            | "llistxattr"
            | "chdir"
    )
}

/// What an operation would have done, as far as the witness could tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Intent {
    /// It would have looked: a lookup, a stat, an open for reading.
    Look,
    /// It would have changed something, or left the machine.
    Change,
    /// The witness could not tell.
    #[default]
    Unknown,
}
