//! The home of commands: a directory in scratch, with copies of a few files that tools need.
//!
//! A copy of what is absent, unreadable or large is left out: these files make tools
//! convenient, and none is needed for containment.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use super::plan::HomeCopy;

/// A configuration file is small; more is not read.
const LARGEST: u64 = 256 << 10;

/// Fills the home in a scratch directory.
pub(super) fn furnish(files: &[HomeCopy], home: &Path) {
    for file in files {
        let target = home.join(&file.to);
        if let Some(text) = read_small(file.from.as_path()) {
            place(&target, &text);
        }
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "the operator's own configuration, named by a profile"
)]
fn read_small(path: &Path) -> Option<Vec<u8>> {
    let file = fs::File::open(path).ok()?;
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return None;
    }
    let mut text = Vec::new();
    file.take(LARGEST).read_to_end(&mut text).ok()?;
    Some(text)
}

#[allow(
    clippy::disallowed_methods,
    reason = "inside the scratch directory that was just made"
)]
fn place(target: &Path, text: &[u8]) {
    let made = target.parent().map(fs::create_dir_all);
    if matches!(made, Some(Ok(()))) {
        let _ = fs::write(target, text);
    }
}
