//! `file.stat`: the metadata of what stands at a path; a link's own, not its target's.

use serde::Serialize;

use super::error::Refusal;
use super::name::word;
use super::resolve::Last;
use super::table::Capabilities;
use crate::model::FileStat;
use crate::policy::Permit;

/// Metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatResult {
    /// `file`, `directory`, `link`, `fifo`, `socket` or `device`.
    pub kind: &'static str,
    /// Bytes.
    pub size: u64,
    /// The permission bits in octal: `0644`.
    pub mode: String,
    /// How many names it has.
    pub links: u64,
    /// When its content last changed, in seconds since 1970.
    pub modified: i64,
}

/// Looks at metadata.
///
/// # Errors
/// A denial where the path leads to what is not granted; a failure where nothing is there.
pub fn stat(
    capabilities: &Capabilities,
    permit: Permit,
    _ask: &FileStat,
) -> Result<StatResult, Refusal> {
    let inode = capabilities.pin(&permit, Last::Keep)?.inode;
    Ok(StatResult {
        kind: word(inode.kind),
        size: inode.size,
        mode: format!("{:04o}", inode.mode),
        links: inode.links,
        modified: inode.modified.0,
    })
}
