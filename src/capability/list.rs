//! `file.list`: the names in one directory.
//!
//! What a rule takes away is left out as if it were not there. Memory is bounded by the
//! number of entries in the reply, not by the directory.

use std::collections::BinaryHeap;
use std::ffi::OsString;
use std::path::Path;

use serde::Serialize;

use super::error::Refusal;
use super::name::{Shown, word};
use super::resolve::{Last, Pinned};
use super::table::Capabilities;
use crate::model::FileList;
use crate::policy::{Limits, Permit};
use crate::sys::inode::Kind;
use crate::sys::names;

/// The most names that are looked at in one directory.
pub(super) const MOST_NAMES: u64 = 1_000_000;

/// What was listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListResult {
    /// The entries, ordered by the bytes of their names.
    pub entries: Vec<Entry>,
    /// Whether entries are left out, for the limit.
    pub truncated: bool,
    /// How many entries there are; at least, where the directory is too large to be read to its end.
    pub total: u64,
}

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// Whether the name is shown escaped: it holds bytes that are no text, or characters that
    /// deceive a reader, and no request can name it by what is shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub escaped: bool,
    /// `file`, `directory`, `link`, `fifo`, `socket` or `device`.
    pub kind: &'static str,
    /// Bytes, for a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// Lists a directory.
///
/// # Errors
/// A denial where the path leads to what is not granted; a failure where there is no such directory.
pub fn list(
    capabilities: &Capabilities,
    permit: Permit,
    ask: &FileList,
    limits: &Limits,
) -> Result<ListResult, Refusal> {
    let pinned = capabilities.pin(&permit, Last::Follow)?;
    let most = ask.limit.unwrap_or(u64::MAX).min(limits.entries);
    let first = first_names(capabilities, &permit, &pinned, most)?;
    let entries = first.names.into_iter();
    let entries = entries.filter_map(|name| entry(capabilities, &permit, &pinned.path.join(name)));
    Ok(ListResult {
        entries: entries.collect(),
        truncated: first.total > most,
        total: first.total,
    })
}

/// The first names of a directory, of those that may be seen.
struct FirstNames {
    names: Vec<OsString>,
    total: u64,
}

fn first_names(
    capabilities: &Capabilities,
    permit: &Permit,
    directory: &Pinned,
    most: u64,
) -> Result<FirstNames, Refusal> {
    let host = |error| Refusal::host(permit, error);
    let opened = capabilities.open_directory(permit, directory)?;
    // The largest on top, so that it makes room for a smaller one.
    let mut first = BinaryHeap::new();
    let (mut looked_at, mut total) = (0, 0);
    for entry in names::names(opened).map_err(host)? {
        let (name, _) = entry.map_err(host)?;
        looked_at += 1;
        if permit.admits(&directory.path.join(&name)).is_ok() {
            total += 1;
            first.push(name);
            if first.len() as u64 > most {
                first.pop();
            }
        }
        if looked_at == MOST_NAMES {
            break;
        }
    }
    Ok(FirstNames {
        names: first.into_sorted_vec(),
        total,
    })
}

/// The entry; `None` where it has gone meanwhile.
fn entry(capabilities: &Capabilities, permit: &Permit, path: &Path) -> Option<Entry> {
    let pinned = capabilities.pin_below(permit, path).ok()?;
    let kind = pinned.inode.kind;
    let name = Shown::new(Path::new(path.file_name()?));
    Some(Entry {
        name: name.text,
        escaped: name.escaped,
        kind: word(kind),
        size: (kind == Kind::File).then_some(pinned.inode.size),
    })
}
