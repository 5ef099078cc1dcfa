//! `file.append`: more at the end of a file; a file that does not exist is made.

use std::fs::File;
use std::io::{self, Write as _};

use super::error::Refusal;
use super::open::must_be_changeable;
use super::resolve::{Last, Pinned};
use super::store::{NEW_FILE, Stored};
use super::table::Capabilities;
use super::write::{WriteResult, must_fit};
use crate::model::{FileAppend, Right};
use crate::policy::{Limits, Permit};
use crate::sys::names;

/// Adds to a file. Where it fails half-way, what it added is taken back.
///
/// # Errors
/// A denial where the path leads to what is not granted, or to a file with further names; a
/// failure where the directory does not exist, or something other than a file stands there.
pub fn append(
    capabilities: &Capabilities,
    permit: Permit,
    ask: &FileAppend,
    limits: &Limits,
) -> Result<WriteResult, Refusal> {
    let host = |error| Refusal::host(&permit, error);
    let bytes = ask.content.len() as u64;
    let spot = capabilities.spot(&permit, Last::Follow)?;
    let Some(found) = &spot.found else {
        must_fit(&permit, limits, bytes)?;
        let stored = capabilities.store(&permit, &spot, NEW_FILE, |file| {
            file.write_all(ask.content.as_bytes()).map_err(host)
        })?;
        return Ok(WriteResult {
            bytes,
            created: stored == Stored::Created,
        });
    };
    must_be_changeable(&permit, &found.inode)?;
    permit.admits_to(Right::Write, &spot.path)?;
    permit.admits_leaf(&spot.path)?;
    must_fit(&permit, limits, found.inode.size.saturating_add(bytes))?;
    let file = capabilities.open_to_append(&permit, found)?;
    add(&file, found, ask.content.as_bytes()).map_err(host)?;
    Ok(WriteResult {
        bytes,
        created: false,
    })
}

fn add(mut file: &File, found: &Pinned, content: &[u8]) -> io::Result<()> {
    let mode = found.inode.mode;
    if mode & 0o6000 != 0 {
        // A program that runs as its owner must not do so with content from somebody else.
        names::set_mode(file, mode & 0o777)?;
    }
    let before = file.metadata()?.len();
    file.write_all(content).inspect_err(|_| {
        // Where this fails too, the first failure is what the principal has to know.
        let _ = file.set_len(before);
    })
}
