//! Files that may hold a secret, by their names, and that a principal may read.
//!
//! For the operator, who wants to know what to change. It looks at names alone: no file is
//! opened, no link followed, and a hidden name is none.

use std::path::PathBuf;

use super::error::Refusal;
use super::resolve::Last;
use super::table::Capabilities;
use super::walk::{Go, Visible};
use crate::model::{SecretFile, secret_file, shown_path};
use crate::policy::Permit;
use crate::sys::inode::Kind;

/// What a walk found.
#[derive(Debug, Default)]
pub struct ExposedFiles {
    /// The files, from the root of the host, and what they may hold.
    pub files: Vec<(PathBuf, &'static SecretFile)>,
    /// How many names it met.
    pub looked_at: u64,
    /// Whether it ended at a bound.
    pub is_cut_off: bool,
    /// Directories that the host did not let it read.
    pub unreadable: u64,
}

/// Walks through what the permit lets be read, and meets so many names at most.
///
/// # Errors
/// A denial where the permit's path leads to what is not granted; a failure where nothing is
/// there, or it cannot be looked into.
pub fn exposed_files(
    capabilities: &Capabilities,
    permit: Permit,
    most: u64,
) -> Result<ExposedFiles, Refusal> {
    let start = capabilities.pin(&permit, Last::Keep)?;
    let root = permit.grant().root.as_path().to_owned();
    let mut found = ExposedFiles::default();
    if start.inode.kind == Kind::File {
        found.looked_at = 1;
        if let Some(kind) = secret_file(&shown_path(&root)) {
            found.files.push((root, kind));
        }
        return Ok(found);
    }
    let visible = Visible::below(&permit, &start.path);
    let missed = capabilities.walk(&permit, &start, |path, kind| {
        if found.looked_at == most {
            found.is_cut_off = true;
            return Ok(Go::Stop);
        }
        found.looked_at += 1;
        if !visible.has(path) {
            return Ok(Go::Past);
        }
        if kind == Kind::File {
            let whole = root.join(path);
            if let Some(kind) = secret_file(&shown_path(&whole)) {
                found.files.push((whole, kind));
            }
        }
        Ok(Go::On)
    })?;
    found.is_cut_off |= missed.bounded;
    found.unreadable = missed.unreadable;
    Ok(found)
}
