//! `file.write`: a file with a new content, in the place of the old one or where none was.

use std::io::Write as _;

use serde::Serialize;

use super::error::Refusal;
use super::resolve::Last;
use super::store::{NEW_FILE, Stored};
use super::table::Capabilities;
use crate::model::{FileWrite, RefusalCode};
use crate::policy::{Limits, Permit};

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WriteResult {
    /// The bytes that were written.
    pub bytes: u64,
    /// Whether the file is new.
    pub created: bool,
}

/// Writes a file: at once or not at all. Permission bits stay as they are; through a link that
/// stays in the grant, its target is written.
///
/// # Errors
/// A denial where the path leads to what is not granted, or to a file with further names; a
/// failure where the directory does not exist, or something other than a file stands there.
pub fn write(
    capabilities: &Capabilities,
    permit: Permit,
    ask: &FileWrite,
    limits: &Limits,
) -> Result<WriteResult, Refusal> {
    let bytes = ask.content.len() as u64;
    must_fit(&permit, limits, bytes)?;
    let spot = capabilities.spot(&permit, Last::Follow)?;
    let stored = capabilities.store(&permit, &spot, NEW_FILE, |file| {
        let written = file.write_all(ask.content.as_bytes());
        written.map_err(|error| Refusal::host(&permit, error))
    })?;
    Ok(WriteResult {
        bytes,
        created: stored == Stored::Created,
    })
}

/// Refuses to make a file larger than the policy allows.
pub(super) fn must_fit(permit: &Permit, limits: &Limits, size: u64) -> Result<(), Refusal> {
    match limits.file_size {
        Some(most) if size > most => {
            let hint = format!("a file may have {most} bytes");
            Err(permit
                .refuse(RefusalCode::LimitExceeded)
                .with_hint(hint)
                .into())
        }
        _ => Ok(()),
    }
}
