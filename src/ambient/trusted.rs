//! The text of a file that only the operator or the administrator can have written.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 256 << 10;

/// Why a file is not read.
#[derive(Debug)]
pub(super) enum Distrust {
    /// The kernel refused.
    Unreadable(io::Error),
    /// Somebody else could have written it, or it is no file at all.
    Untrusted(&'static str),
}

/// Reads the file, which belongs to the user or to root, and which not everybody can change.
pub(super) fn text(path: &Path, uid: u32) -> Result<String, Distrust> {
    // Opening a FIFO must not wait for a writer.
    let flags = nix::fcntl::OFlag::O_NONBLOCK.bits();
    let file: File = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
        .map_err(Distrust::Unreadable)?;
    let metadata = file.metadata().map_err(Distrust::Unreadable)?;
    if !metadata.is_file() {
        return Err(Distrust::Untrusted("it is not a regular file"));
    }
    if metadata.uid() != 0 && metadata.uid() != uid {
        return Err(Distrust::Untrusted("it belongs to another user"));
    }
    if metadata.mode() & 0o002 != 0 {
        return Err(Distrust::Untrusted("every user can change it (chmod o-w)"));
    }
    let mut text = String::new();
    let read = file.take(LARGEST + 1).read_to_string(&mut text);
    read.map_err(Distrust::Unreadable)?;
    if text.len() as u64 > LARGEST {
        return Err(Distrust::Untrusted("it is larger than 256 KiB"));
    }
    Ok(text)
}
