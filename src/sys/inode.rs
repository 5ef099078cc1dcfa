//! What a handle refers to: its kind, its identity, its metadata, and ways to open it in earnest.
//!
//! Works on handles alone. The one path in it is this process's own `/proc/self/fd`,
//! opened once, through which a pinned inode is opened without a second lookup.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};
use nix::sys::statfs::{PROC_SUPER_MAGIC, fstatfs};

/// What kind of thing an inode is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A named pipe.
    Fifo,
    /// A unix socket.
    Socket,
    /// A block or character device.
    Device,
}

/// An inode's metadata at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inode {
    /// What it is.
    pub kind: Kind,
    /// Device and inode number: the same pair is the same inode, while it is held open.
    pub identity: (u64, u64),
    /// The permission bits, with set-uid, set-gid and sticky.
    pub mode: u32,
    /// How many names it has.
    pub links: u64,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Bytes.
    pub size: u64,
    /// When its content last changed: seconds since 1970, and nanoseconds.
    pub modified: (i64, i64),
}

#[allow(
    clippy::useless_conversion,
    reason = "the number of links has 32 bits on some architectures"
)]
impl From<FileStat> for Inode {
    fn from(stat: FileStat) -> Self {
        Self {
            kind: kind_of(stat.st_mode),
            identity: (stat.st_dev, stat.st_ino),
            mode: stat.st_mode & 0o7777,
            links: stat.st_nlink.into(),
            uid: stat.st_uid,
            gid: stat.st_gid,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: (stat.st_mtime, stat.st_mtime_nsec),
        }
    }
}

impl Inode {
    /// Whether it is the same inode, with the same content as far as its metadata tell.
    pub fn is_as(&self, other: &Self) -> bool {
        let content = |inode: &Self| (inode.identity, inode.size, inode.modified);
        content(self) == content(other)
    }
}

fn kind_of(mode: u32) -> Kind {
    match SFlag::from_bits_truncate(mode) & SFlag::S_IFMT {
        SFlag::S_IFREG => Kind::File,
        SFlag::S_IFDIR => Kind::Directory,
        SFlag::S_IFLNK => Kind::Link,
        SFlag::S_IFIFO => Kind::Fifo,
        SFlag::S_IFSOCK => Kind::Socket,
        _ => Kind::Device,
    }
}

/// Looks at what a handle refers to.
///
/// # Errors
/// As `fstat`.
pub fn inspect(handle: BorrowedFd<'_>) -> io::Result<Inode> {
    Ok(fstat(handle)?.into())
}

/// Reads the text of a pinned symbolic link.
///
/// # Errors
/// `ENOENT` when the handle is no link.
pub fn link_text(link: BorrowedFd<'_>) -> io::Result<OsString> {
    Ok(readlinkat(link, "")?)
}

/// For what a pinned inode is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To read its content, or the names in it, without a trace in its access time where
    /// the kernel lets this process ask for that (as owner, or privileged).
    Read,
    /// To add to its end.
    Append,
}

/// This process's own descriptors, as a directory of links to what they refer to.
#[derive(Debug)]
pub struct OwnHandles(OwnedFd);

impl OwnHandles {
    /// Opens `/proc/self/fd`.
    ///
    /// # Errors
    /// When `/proc` is not there, or is something else.
    pub fn open() -> io::Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let directory = open("/proc/self/fd", flags, Mode::empty())?;
        if fstatfs(&directory)?.filesystem_type() != PROC_SUPER_MAGIC {
            return Err(Errno::EMEDIUMTYPE.into());
        }
        Ok(Self(directory))
    }

    /// Opens the very inode that is pinned, whatever its path leads to by now. Never blocks.
    ///
    /// The caller has looked at its kind: opening a device can have effects.
    ///
    /// # Errors
    /// `EACCES` where the host's permissions do not allow it, `EAGAIN` where someone holds a lease.
    pub fn reopen(&self, pinned: BorrowedFd<'_>, purpose: Purpose) -> io::Result<File> {
        let common = OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let with = |flags| {
            openat(
                &self.0,
                entry(pinned).as_str(),
                common | flags,
                Mode::empty(),
            )
        };
        let opened = match purpose {
            Purpose::Append => with(OFlag::O_WRONLY | OFlag::O_APPEND),
            Purpose::Read => match with(OFlag::O_RDONLY | OFlag::O_NOATIME) {
                Err(Errno::EPERM) => with(OFlag::O_RDONLY),
                opened => opened,
            },
        };
        Ok(opened?.into())
    }

    /// Where the kernel says the inode is now. A hint for people: it can change at any time.
    ///
    /// # Errors
    /// As `readlink`.
    pub fn path_of(&self, handle: BorrowedFd<'_>) -> io::Result<PathBuf> {
        Ok(readlinkat(&self.0, entry(handle).as_str())?.into())
    }

    /// The directory, and the name of the descriptor in it, for calls that link by path.
    pub(super) fn entry(&self, handle: BorrowedFd<'_>) -> (BorrowedFd<'_>, String) {
        (self.0.as_fd(), entry(handle))
    }
}

fn entry(handle: BorrowedFd<'_>) -> String {
    handle.as_raw_fd().to_string()
}
