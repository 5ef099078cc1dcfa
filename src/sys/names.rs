//! The names in a directory: reading, making, linking, renaming and removing them by handle.
//!
//! Every function takes an open directory and a single name in it, so that nothing
//! here can be led elsewhere by a path.

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{Gid, Uid, fchown, linkat};

use super::checked;
use super::inode::{Kind, OwnHandles};

/// Reads the names in a directory that was opened for reading, in the kernel's order and
/// without `.` and `..`, with what each one is where the file system says so.
///
/// # Errors
/// When the handle is no directory.
pub fn names(
    directory: File,
) -> io::Result<impl Iterator<Item = io::Result<(OsString, Option<Kind>)>>> {
    let entries = Dir::from_fd(OwnedFd::from(directory))?.into_iter();
    Ok(entries.filter_map(|entry| match entry {
        Ok(entry) => {
            let name = entry.file_name().to_bytes();
            let kind = entry.file_type().map(kind_of);
            (name != b"." && name != b"..").then(|| Ok((OsStr::from_bytes(name).to_owned(), kind)))
        }
        Err(errno) => Some(Err(errno.into())),
    }))
}

fn kind_of(kind: Type) -> Kind {
    match kind {
        Type::File => Kind::File,
        Type::Directory => Kind::Directory,
        Type::Symlink => Kind::Link,
        Type::Fifo => Kind::Fifo,
        Type::Socket => Kind::Socket,
        Type::CharacterDevice | Type::BlockDevice => Kind::Device,
    }
}

/// What becomes of something that already has the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and the call fails with `EEXIST`.
    Keep,
    /// It is replaced, in one step.
    Replace,
}

/// Renames, from directory to directory.
///
/// # Errors
/// `EEXIST` under [`Existing::Keep`] where the name is taken; `EXDEV` across file systems;
/// `EINVAL` where the file system cannot promise to keep what exists.
pub fn rename(
    from: (BorrowedFd<'_>, &OsStr),
    to: (BorrowedFd<'_>, &OsStr),
    existing: Existing,
) -> io::Result<()> {
    let flags = match existing {
        Existing::Keep => libc::RENAME_NOREPLACE,
        Existing::Replace => 0,
    };
    let (old, new) = (c_name(from.1)?, c_name(to.1)?);
    // SAFETY: both names are NUL-terminated and outlive the call; the descriptors are open.
    let result = unsafe {
        libc::syscall(
            libc::SYS_renameat2,
            from.0.as_raw_fd(),
            old.as_ptr(),
            to.0.as_raw_fd(),
            new.as_ptr(),
            flags,
        )
    };
    checked(result).map(drop)
}

/// Whether [`rename`] failed because the file system cannot promise to keep what exists.
pub fn cannot_promise(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::EINVAL as i32)
}

/// Makes a file without a name in the directory's file system; it is gone when it is closed.
///
/// # Errors
/// `EOPNOTSUPP`, `EISDIR` or `ENOENT` where the file system cannot ([`cannot_be_unnamed`] tells).
pub fn unnamed_file(directory: BorrowedFd<'_>, mode: u32) -> io::Result<File> {
    let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC;
    Ok(openat(directory, ".", flags, Mode::from_bits_truncate(mode))?.into())
}

/// Whether [`unnamed_file`] failed because the file system has no such files.
pub fn cannot_be_unnamed(error: &io::Error) -> bool {
    [
        Errno::EOPNOTSUPP,
        Errno::EISDIR,
        Errno::ENOENT,
        Errno::EINVAL,
    ]
    .into_iter()
    .any(|errno| error.raw_os_error() == Some(errno as i32))
}

/// Gives a name to a file that [`unnamed_file`] made; never replaces.
///
/// # Errors
/// `EEXIST` where the name is taken.
pub fn name_file(
    own: &OwnHandles,
    file: BorrowedFd<'_>,
    directory: BorrowedFd<'_>,
    name: &OsStr,
) -> io::Result<()> {
    let (table, entry) = own.entry(file);
    c_name(name)?;
    Ok(linkat(
        table,
        entry.as_str(),
        directory,
        name,
        AtFlags::AT_SYMLINK_FOLLOW,
    )?)
}

/// Gives a second name to what has one in the same directory; never replaces.
///
/// # Errors
/// `EEXIST` where the name is taken; `EPERM` where the file system has no such links.
pub fn add_name(directory: BorrowedFd<'_>, old: &OsStr, new: &OsStr) -> io::Result<()> {
    c_name(old)?;
    c_name(new)?;
    Ok(linkat(directory, old, directory, new, AtFlags::empty())?)
}

/// Makes a new file; never opens one that exists.
///
/// # Errors
/// `EEXIST` where the name is taken, also by a link.
pub fn new_file(directory: BorrowedFd<'_>, name: &OsStr, mode: u32) -> io::Result<File> {
    c_name(name)?;
    let flags =
        OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_RDWR | OFlag::O_CLOEXEC;
    Ok(openat(directory, name, flags, Mode::from_bits_truncate(mode))?.into())
}

/// Sets the permission bits.
///
/// # Errors
/// As `fchmod`.
pub fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    Ok(fchmod(file, Mode::from_bits_truncate(mode))?)
}

/// Sets owner and group, where they are given and differ.
///
/// # Errors
/// `EPERM` where this process may not give files away.
pub fn set_owner(file: &File, uid: Option<u32>, gid: Option<u32>) -> io::Result<()> {
    let now = file.metadata()?;
    let uid = uid.filter(|uid| *uid != now.uid());
    let gid = gid.filter(|gid| *gid != now.gid());
    if uid.is_none() && gid.is_none() {
        return Ok(());
    }
    Ok(fchown(
        file,
        uid.map(Uid::from_raw),
        gid.map(Gid::from_raw),
    )?)
}

/// A single name as the kernel takes it.
fn c_name(name: &OsStr) -> io::Result<CString> {
    if Path::new(name).file_name() != Some(name) {
        return Err(Errno::EINVAL.into());
    }
    CString::new(name.as_bytes()).map_err(|_| Errno::EINVAL.into())
}
