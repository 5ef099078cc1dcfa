//! `file.copy`: the content of a file under another name.

use std::fs::File;
use std::io::{self, Read as _};

use super::error::{Problem, Refusal};
use super::resolve::Last;
use super::store::Stored;
use super::table::Capabilities;
use super::write::{WriteResult, must_fit};
use crate::model::FileCopy;
use crate::policy::{Limits, Permit};

/// Copies a file: at once or not at all. A new file gets the permission bits of the old one, less
/// the umask; a file that is replaced keeps its own.
///
/// # Errors
/// A denial where either path leads to what is not granted, or the second to a file with further
/// names; a failure where the first is no file, or something stands at the second and is not to
/// be replaced.
pub fn copy(
    capabilities: &Capabilities,
    (from, to): (Permit, Permit),
    ask: &FileCopy,
    limits: &Limits,
) -> Result<WriteResult, Refusal> {
    let source = capabilities.pin(&from, Last::Follow)?;
    let file = capabilities.open_to_read(&from, &source)?;
    must_fit(&to, limits, source.inode.size)?;
    let spot = capabilities.spot(&to, Last::Follow)?;
    if let Some(found) = &spot.found {
        if found.inode.identity == source.inode.identity {
            let text = "both paths lead to the same file".into();
            return Err(Refusal::failed(&to, Problem::BadArgument(text)));
        }
        if !ask.replace {
            return Err(Refusal::failed(&to, Problem::AlreadyExists));
        }
    }
    let most = limits.file_size.unwrap_or(u64::MAX);
    let mut bytes = 0;
    let stored = capabilities.store(&to, &spot, source.inode.mode & 0o777, |draft| {
        bytes = transfer(file, draft, most).map_err(|error| Refusal::host(&to, error))?;
        Ok(())
    })?;
    Ok(WriteResult {
        bytes,
        created: stored == Stored::Created,
    })
}

/// Copies at most as many bytes as a file may have; a file that grows meanwhile is cut there.
fn transfer(from: File, to: &mut File, most: u64) -> io::Result<u64> {
    io::copy(&mut from.take(most), to)
}
