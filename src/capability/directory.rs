//! Opening a granted directory for a command to start in. Nothing is read or changed here.

use std::os::fd::OwnedFd;

use super::error::Refusal;
use super::resolve::Last;
use super::table::Capabilities;
use crate::policy::Permit;

/// The very directory that the permit leads to, as a handle.
///
/// # Errors
/// When it is not allowed, is no directory, or cannot be opened.
pub fn directory(capabilities: &Capabilities, permit: Permit) -> Result<OwnedFd, Refusal> {
    let pinned = capabilities.pin(&permit, Last::Follow)?;
    Ok(capabilities.open_directory(&permit, &pinned)?.into())
}
