//! Pinned handles: opening an object without reading it, finding out where it lies, and
//! changing its metadata through the handle.
//!
//! Nothing here resolves a path twice: a change is made on the object that was pinned.

use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::{checked, installed};

/// How a path is resolved when an object is pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// As any program would, but never through the magic links of proc.
    Ordinary,
    /// As any program would, through the magic links of proc as well.
    ThroughMagicLinks,
    /// Through no symbolic link at all.
    WithoutLinks,
    /// Beneath the directory, and through no symbolic link at all.
    BeneathWithoutLinks,
    /// As `openat2(2)` was asked to, by these bits, but never through the magic links of proc,
    /// and as if nothing was asked of the cache.
    Confined(u64),
}

/// What happens to a symbolic link at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastLink {
    /// It is followed.
    Follow,
    /// It is itself the object.
    Keep,
}

/// Opens an object as a handle that cannot be read or written (`O_PATH`, `openat2(2)`).
///
/// # Errors
/// As the lookup's; `ELOOP` for a link that the resolution excludes.
pub fn pin(
    directory: BorrowedFd<'_>,
    path: &CStr,
    resolution: Resolution,
    last: LastLink,
) -> io::Result<OwnedFd> {
    // SAFETY: zero is valid for every field of the structure.
    let mut how: libc::open_how = unsafe { std::mem::zeroed() };
    let mut flags = libc::O_PATH | libc::O_CLOEXEC;
    if last == LastLink::Keep {
        flags |= libc::O_NOFOLLOW;
    }
    how.flags = u64::try_from(flags).unwrap_or(0);
    how.resolve = match resolution {
        Resolution::Ordinary => libc::RESOLVE_NO_MAGICLINKS,
        Resolution::ThroughMagicLinks => 0,
        Resolution::WithoutLinks => libc::RESOLVE_NO_SYMLINKS | libc::RESOLVE_NO_MAGICLINKS,
        Resolution::Confined(asked) => {
            (asked & !libc::RESOLVE_CACHED) | libc::RESOLVE_NO_MAGICLINKS
        }
        Resolution::BeneathWithoutLinks => {
            libc::RESOLVE_BENEATH | libc::RESOLVE_NO_SYMLINKS | libc::RESOLVE_NO_MAGICLINKS
        }
    };
    // SAFETY: the path is NUL-terminated, and both it and `how` live through the call.
    installed(unsafe {
        libc::syscall(
            libc::SYS_openat2,
            directory.as_raw_fd(),
            path.as_ptr(),
            &raw const how,
            size_of::<libc::open_how>(),
        )
    })
}

/// Pins what a magic link of proc leads to, such as `/proc/PID/fd/N` or `/proc/PID/cwd`.
///
/// # Errors
/// When the process is gone or may not be inspected.
pub fn pin_magic_link(link: &str) -> io::Result<OwnedFd> {
    let link = CString::new(link)?;
    // SAFETY: the path is NUL-terminated and lives through the call.
    installed(unsafe { libc::open(link.as_ptr(), libc::O_PATH | libc::O_CLOEXEC) }.into())
}

/// The path that a magic link of proc shows. It can be outdated at once.
///
/// # Errors
/// When the process is gone or may not be inspected.
pub fn magic_link_text(link: &str) -> io::Result<PathBuf> {
    Ok(nix::fcntl::readlink(link)?.into())
}

/// Which object a handle leads to, and whether a name leads to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The device it lies on.
    pub device: u64,
    /// Its inode number there.
    pub inode: u64,
    /// How many names it has.
    pub links: u64,
    /// Its type and mode, as `st_mode`.
    pub mode: u32,
}

impl Identity {
    /// Of a handle.
    ///
    /// # Errors
    /// When the descriptor is not open.
    pub fn of(handle: BorrowedFd<'_>) -> io::Result<Self> {
        let stat = nix::sys::stat::fstat(handle)?;
        #[allow(
            clippy::useless_conversion,
            reason = "the number of links has 32 bits on some architectures"
        )]
        let links = stat.st_nlink.into();
        Ok(Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            links,
            mode: stat.st_mode,
        })
    }

    /// Whether both are the same object.
    pub fn is_same_object(&self, other: &Self) -> bool {
        self.device == other.device && self.inode == other.inode
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.mode & libc::S_IFMT == libc::S_IFDIR
    }

    /// Whether it is a symbolic link.
    pub fn is_link(&self) -> bool {
        self.mode & libc::S_IFMT == libc::S_IFLNK
    }

    /// Whether it is a regular file.
    pub fn is_regular(&self) -> bool {
        self.mode & libc::S_IFMT == libc::S_IFREG
    }
}

/// The size of what a handle leads to.
///
/// # Errors
/// When the descriptor is not open.
pub fn length_of(handle: BorrowedFd<'_>) -> io::Result<i64> {
    Ok(nix::sys::stat::fstat(handle)?.st_size)
}

/// The path under which the kernel knows a handle just now. It can be outdated at once.
///
/// # Errors
/// When proc is not mounted.
pub fn path_of(handle: BorrowedFd<'_>) -> io::Result<PathBuf> {
    magic_link_text(&format!("/proc/self/fd/{}", handle.as_raw_fd()))
}

/// One time, as utimensat(2) takes it.
pub type Timespec = libc::timespec;

/// Access and modification time, as utimensat(2) takes them.
pub type TimePair = [Timespec; 2];

/// `AT_FDCWD`: in place of a descriptor, the working directory.
pub const AT_FDCWD: i32 = libc::AT_FDCWD;
/// `AT_SYMLINK_NOFOLLOW`
pub const AT_SYMLINK_NOFOLLOW: i32 = libc::AT_SYMLINK_NOFOLLOW;
/// `AT_EMPTY_PATH`
pub const AT_EMPTY_PATH: i32 = libc::AT_EMPTY_PATH;

/// Makes a time; the nanoseconds may be `UTIME_NOW` or `UTIME_OMIT`.
pub const fn timespec(seconds: i64, nanoseconds: i64) -> Timespec {
    Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds,
    }
}

/// A change of metadata.
#[derive(Debug, Clone)]
pub enum Change {
    /// chmod(2)
    Mode(u32),
    /// chown(2); `u32::MAX` leaves one as it is.
    Owner(u32, u32),
    /// utimensat(2); `None` is now.
    Times(Option<TimePair>),
    /// setxattr(2): name, value, flags.
    SetAttribute(CString, Vec<u8>, i32),
    /// removexattr(2)
    RemoveAttribute(CString),
    /// truncate(2)
    Length(i64),
}

/// Makes the change on the pinned object.
///
/// # Errors
/// As the system call's.
pub fn change(handle: BorrowedFd<'_>, change: &Change) -> io::Result<()> {
    let number = handle.as_raw_fd();
    let link = CString::new(format!("/proc/self/fd/{number}"))?;
    let empty = c"".as_ptr();
    let result = match change {
        Change::Mode(mode) => return change_mode(number, &link, *mode),
        // In all of these, strings are NUL-terminated, buffers are given with their length,
        // and everything lives through the call.
        Change::Owner(user, group) => {
            // SAFETY: see above.
            unsafe { libc::fchownat(number, empty, *user, *group, libc::AT_EMPTY_PATH) }
        }
        Change::Times(times) => {
            let times = times
                .as_ref()
                .map_or(std::ptr::null(), |pair| pair.as_ptr());
            // SAFETY: see above; a null pointer means now.
            unsafe { libc::utimensat(number, empty, times, libc::AT_EMPTY_PATH) }
        }
        Change::SetAttribute(name, value, flags) => {
            let (bytes, length) = (value.as_ptr().cast(), value.len());
            // SAFETY: see above.
            unsafe { libc::setxattr(link.as_ptr(), name.as_ptr(), bytes, length, *flags) }
        }
        Change::RemoveAttribute(name) => {
            // SAFETY: see above.
            unsafe { libc::removexattr(link.as_ptr(), name.as_ptr()) }
        }
        Change::Length(length) => {
            // SAFETY: see above.
            unsafe { libc::truncate(link.as_ptr(), *length) }
        }
    };
    checked(result.into())?;
    Ok(())
}

/// `SYS_fchmodat2`, which the `libc` crate does not have for every architecture: the same on all.
const FCHMODAT2: libc::c_long = 452;

fn change_mode(handle: i32, link: &CStr, mode: u32) -> io::Result<()> {
    // SAFETY: the empty path is NUL-terminated (fchmodat2, Linux 6.6).
    let result =
        unsafe { libc::syscall(FCHMODAT2, handle, c"".as_ptr(), mode, libc::AT_EMPTY_PATH) };
    match checked(result) {
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => {
            // SAFETY: the link is NUL-terminated; it leads to the pinned object and nowhere else.
            checked(unsafe { libc::chmod(link.as_ptr(), mode) }.into())?;
            Ok(())
        }
        other => other.map(drop),
    }
}

/// A path as the kernel takes it.
///
/// # Errors
/// When it holds a NUL byte.
pub fn c_path(path: &Path) -> io::Result<CString> {
    let path: &OsStr = if path.as_os_str().is_empty() {
        OsStr::new(".")
    } else {
        path.as_os_str()
    };
    Ok(CString::new(path.as_bytes())?)
}

/// Pins a path of the host, following links: for paths that the operator or a profile names.
///
/// # Errors
/// As the lookup's.
pub fn pin_host_path(path: &Path) -> io::Result<OwnedFd> {
    let path = c_path(path)?;
    // SAFETY: the path is NUL-terminated and lives through the call.
    installed(unsafe { libc::open(path.as_ptr(), libc::O_PATH | libc::O_CLOEXEC) }.into())
}

/// The names in a directory that a handle leads to, without `.` and `..`.
///
/// # Errors
/// When it is no directory, or cannot be read.
pub fn names_in(directory: BorrowedFd<'_>) -> io::Result<Vec<CString>> {
    let flags =
        nix::fcntl::OFlag::O_RDONLY | nix::fcntl::OFlag::O_DIRECTORY | nix::fcntl::OFlag::O_CLOEXEC;
    let mut listing = nix::dir::Dir::openat(directory, c".", flags, nix::sys::stat::Mode::empty())?;
    let mut names = Vec::new();
    for entry in listing.iter() {
        let name = entry?.file_name().to_owned();
        if !matches!(name.as_bytes(), b"." | b"..") {
            names.push(name);
        }
    }
    Ok(names)
}
