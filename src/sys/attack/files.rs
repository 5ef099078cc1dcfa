//! Steps that many attacks share: opening, reading to the end, listing.

use std::ffi::{CStr, CString};

use nix::errno::Errno;

use super::call::{call, structure};
use super::{Outcome, number, text};

/// More than this is not brought back: every secret is short.
const MOST: usize = 64 << 10;

/// Opens a path, from the working directory.
pub(super) fn open(path: &CStr, flags: i32) -> Result<i64, Errno> {
    open_from(libc::AT_FDCWD.into(), path, flags)
}

/// Opens a path, from a directory.
pub(super) fn open_from(directory: i64, path: &CStr, flags: i32) -> Result<i64, Errno> {
    call!(libc::SYS_openat, directory, path, flags, 0o600)
}

/// Opens a path by openat2(2).
pub(super) fn open2(directory: i64, path: &CStr, flags: i32, resolve: u64) -> Result<i64, Errno> {
    let how = structure![i64::from(flags), 0u64, resolve];
    call!(number::OPENAT2, directory, path, &how, 24)
}

/// A handle that can be neither read nor written.
pub(super) fn handle(path: &CStr) -> Result<i64, Errno> {
    open(path, libc::O_PATH)
}

/// The magic link to one of the attacker's own descriptors.
pub(super) fn link_of(descriptor: i64) -> CString {
    text(&format!("/proc/self/fd/{descriptor}"))
}

/// Everything that can be read from a descriptor.
pub(super) fn contents(descriptor: i64) -> Outcome {
    let mut all = Vec::new();
    let mut chunk = [0u8; 4096];
    while all.len() < MOST {
        let count = call!(libc::SYS_read, descriptor, &mut chunk[..], 4096)?;
        match usize::try_from(count) {
            Ok(count @ 1..) => all.extend_from_slice(&chunk[..count]),
            _ => break,
        }
    }
    Ok(all)
}

/// The names in a directory that is open.
pub(super) fn names(descriptor: i64) -> Outcome {
    let mut all = Vec::new();
    let mut chunk = vec![0u8; 32 << 10];
    while all.len() < MOST {
        let count = call!(libc::SYS_getdents64, descriptor, &mut chunk[..], 32 << 10)?;
        let Ok(count @ 1..) = usize::try_from(count) else {
            break;
        };
        let mut at = 0;
        // Inode, offset, length, type, name.
        while at + 19 <= count {
            let length = usize::from(u16::from_ne_bytes([chunk[at + 16], chunk[at + 17]]));
            let name = &chunk[at + 19..(at + length.max(19)).min(count)];
            let end = name
                .iter()
                .position(|byte| *byte == 0)
                .unwrap_or(name.len());
            all.extend_from_slice(&name[..end]);
            all.push(b'\n');
            at += length.max(19);
        }
    }
    Ok(all)
}

/// Writes a little into a descriptor.
pub(super) fn write(descriptor: i64, bytes: &[u8]) -> Result<i64, Errno> {
    let length = i64::try_from(bytes.len()).unwrap_or(0);
    call!(libc::SYS_write, descriptor, bytes, length)
}

/// A pipe: the end to read, the end to write.
pub(super) fn pipe() -> Result<(i64, i64), Errno> {
    let mut ends = [0u8; 8];
    call!(libc::SYS_pipe2, &mut ends[..], libc::O_CLOEXEC)?;
    Ok(both(ends))
}

/// Two descriptors that the kernel wrote one after the other.
pub(super) fn both(ends: [u8; 8]) -> (i64, i64) {
    let number = |at: usize| {
        let bytes = ends.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        i64::from(i32::from_ne_bytes(bytes.unwrap_or([0xff; 4])))
    };
    (number(0), number(4))
}
