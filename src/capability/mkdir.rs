//! `file.mkdir`: a new directory, with the missing ones above it where that is asked for.

use std::io;
use std::path::Path;

use serde::Serialize;

use super::error::{Problem, Refusal};
use super::table::Capabilities;
use crate::model::FileMkdir;
use crate::policy::Permit;
use crate::sys::inode::Kind;

/// What was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MkdirResult {
    /// How many directories; none where, with `parents`, it exists already.
    pub created: u64,
}

/// Makes a directory.
///
/// # Errors
/// A denial where the path leads to what is not granted; a failure where the directory above does
/// not exist (without `parents`), or the name is taken.
pub fn mkdir(
    capabilities: &Capabilities,
    permit: Permit,
    ask: &FileMkdir,
) -> Result<MkdirResult, Refusal> {
    let fail = |problem| Refusal::failed(&permit, problem);
    let host = |error| Refusal::host(&permit, error);
    let (nearest, wanted) = capabilities.nearest(&permit)?;
    let is_missing = |path: &&Path| **path != *nearest.path;
    let mut missing: Vec<&Path> = wanted.ancestors().take_while(is_missing).collect();
    if missing.is_empty() && !(ask.parents && nearest.inode.kind == Kind::Directory) {
        return Err(fail(Problem::AlreadyExists));
    }
    if missing.len() > 1 && !ask.parents {
        return Err(fail(Problem::NotFound));
    }
    missing.reverse();
    let mut directory = nearest.into_directory();
    let mut created = 0;
    for path in missing {
        permit.admits(path)?;
        match directory.create_dir(path.file_name().unwrap_or_default()) {
            Ok(()) => created += 1,
            // Somebody else made it meanwhile: as good, where it is one of many.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && ask.parents => {}
            Err(error) => return Err(host(error)),
        }
        directory = capabilities
            .pin_below(&permit, path)
            .map_err(host)?
            .into_directory();
    }
    Ok(MkdirResult { created })
}
