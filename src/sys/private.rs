//! A directory of the operator's own and the files in it, for state that nobody else may touch.
//!
//! Everything is opened relative to one directory handle, never through a symbolic link, and
//! only when owner and mode are right. Nothing here may be used for a path that a principal named.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::stat::{FileStat, Mode, SFlag};
use nix::unistd::UnlinkatFlags;

/// What is wrong with a directory or a file that should be private.
#[derive(Debug, thiserror::Error)]
pub enum PrivateError {
    /// A system call failed.
    #[error("cannot {action} {}", path.display())]
    Failed {
        /// What was tried: `open`, `create`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It is not of the kind that it must be.
    #[error("{} is {found}, not {wanted}", path.display())]
    Kind {
        /// What was looked at.
        path: PathBuf,
        /// What it is.
        found: &'static str,
        /// What it must be.
        wanted: &'static str,
    },
    /// It belongs to someone else.
    #[error("{} belongs to uid {owner}, not to uid {wanted}", path.display())]
    Owner {
        /// What was looked at.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Whose it must be.
        wanted: u32,
    },
    /// Others have rights on it.
    #[error("{} has mode {mode:04o}, so that others can reach it", path.display())]
    Mode {
        /// What was looked at.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The bits that it should have.
        wanted: u32,
    },
    /// The file has a second name somewhere, through which it could be changed.
    #[error("{} has {count} names (hard links)", path.display())]
    Links {
        /// What was looked at.
        path: PathBuf,
        /// How many names it has.
        count: u64,
    },
}

impl PrivateError {
    /// What the operator can do about it, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Failed { .. } => None,
            Self::Kind { path, wanted, .. } => {
                Some(format!("move {} away; it must be {wanted}", path.display()))
            }
            Self::Owner { path, .. } => Some(format!(
                "run as the owner of {}, or choose another state directory with XDG_STATE_HOME",
                path.display()
            )),
            Self::Mode { path, wanted, .. } => {
                Some(format!("chmod {wanted:03o} {}", path.display()))
            }
            Self::Links { path, .. } => Some(format!(
                "find and remove the other names: find / -xdev -samefile {}",
                path.display()
            )),
        }
    }
}

/// Which file a name leads to, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileState {
    /// The device that holds the file.
    pub device: u64,
    /// The file's number on its device.
    pub inode: u64,
    /// Its length in bytes.
    pub length: u64,
}

impl FileState {
    /// Whether both are states of one file.
    pub fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// How a file in a private directory is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// For reading; the file must exist.
    Read,
    /// For reading, and for writing at its end; made where it is missing.
    Append,
    /// For reading and writing at any place; made where it is missing.
    Update,
    /// For writing; must not exist yet.
    New,
}

/// An open directory that belongs to this user alone.
#[derive(Debug)]
pub struct PrivateDirectory {
    handle: OwnedFd,
    path: PathBuf,
}

impl PrivateDirectory {
    /// Opens the directory, and makes it (0700, with the directories above it) where it is missing.
    ///
    /// # Errors
    /// When it cannot be opened or made, is no directory, is a symbolic link, belongs to someone
    /// else, or gives others any right.
    pub fn open_or_create(path: &Path) -> Result<Self, PrivateError> {
        match Self::open(path) {
            Err(PrivateError::Failed { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound => {}
            other => return other,
        }
        create_with_parents(path)?;
        Self::open(path)
    }

    /// Opens the directory, which must exist.
    ///
    /// # Errors
    /// As [`Self::open_or_create`].
    pub fn open(path: &Path) -> Result<Self, PrivateError> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let handle = nix::fcntl::open(path, flags, Mode::empty()).map_err(|errno| match errno {
            // With O_DIRECTORY, a symbolic link is reported as not a directory.
            Errno::ENOTDIR | Errno::ELOOP => PrivateError::Kind {
                path: path.to_owned(),
                found: "a file, a symbolic link, or below one",
                wanted: "a directory",
            },
            errno => failed("open", path, errno),
        })?;
        let state = nix::sys::stat::fstat(&handle).map_err(|e| failed("look at", path, e))?;
        check_owner_and_mode(path, &state, 0o700)?;
        let path = path.to_owned();
        Ok(Self { handle, path })
    }

    /// Opens a file in the directory and checks that it is regular, private and has one name.
    ///
    /// # Errors
    /// When it cannot be opened, or is not such a file.
    pub fn open_file(&self, name: &CStr, access: Access) -> Result<File, PrivateError> {
        let path = self.path_of(name);
        let how = match access {
            Access::Read => OFlag::O_RDONLY,
            Access::Append => OFlag::O_RDWR | OFlag::O_APPEND | OFlag::O_CREAT,
            Access::Update => OFlag::O_RDWR | OFlag::O_CREAT,
            Access::New => OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL,
        };
        // O_NONBLOCK: a FIFO in the file's place must not make the broker wait.
        let flags = how | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        let handle =
            nix::fcntl::openat(&self.handle, name, flags, mode).map_err(|errno| match errno {
                Errno::ELOOP => kind(&path, "a symbolic link"),
                Errno::EISDIR => kind(&path, "a directory"),
                Errno::ENXIO => kind(&path, "a pipe or socket"),
                errno => failed("open", &path, errno),
            })?;
        let state = nix::sys::stat::fstat(&handle).map_err(|e| failed("look at", &path, e))?;
        check_file(&path, &state)?;
        Ok(File::from(handle))
    }

    /// Which file the name leads to at this moment; none where there is no such name.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn state_of(&self, name: &CStr) -> Result<Option<FileState>, PrivateError> {
        match nix::sys::stat::fstatat(&self.handle, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(state) => Ok(Some(FileState::from(&state))),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(failed("look at", &self.path_of(name), errno)),
        }
    }

    /// The names in the directory, without `.` and `..`, in no order.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn names(&self) -> Result<Vec<CString>, PrivateError> {
        let fail = |errno| failed("list", &self.path, errno);
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut listing =
            nix::dir::Dir::openat(&self.handle, c".", flags, Mode::empty()).map_err(fail)?;
        let mut names = Vec::new();
        for entry in listing.iter() {
            let name = entry.map_err(fail)?.file_name().to_owned();
            if name.as_c_str() != c"." && name.as_c_str() != c".." {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// Gives a file of the directory another name in it.
    ///
    /// # Errors
    /// When the new name is taken, or the kernel refuses.
    pub fn rename(&self, from: &CStr, to: &CStr) -> Result<(), PrivateError> {
        if self.state_of(to)?.is_some() {
            return Err(failed("rename a file to", &self.path_of(to), Errno::EEXIST));
        }
        nix::fcntl::renameat(&self.handle, from, &self.handle, to)
            .map_err(|errno| failed("rename", &self.path_of(from), errno))
    }

    /// Removes a file of the directory; one that is gone already is no error.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn remove(&self, name: &CStr) -> Result<(), PrivateError> {
        match nix::unistd::unlinkat(&self.handle, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(failed("remove", &self.path_of(name), errno)),
        }
    }

    /// The directory's path, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in the directory, for messages.
    pub fn path_of(&self, name: &CStr) -> PathBuf {
        use std::os::unix::ffi::OsStrExt as _;
        self.path.join(std::ffi::OsStr::from_bytes(name.to_bytes()))
    }
}

impl AsFd for PrivateDirectory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

impl From<&FileStat> for FileState {
    fn from(state: &FileStat) -> Self {
        Self {
            device: state.st_dev,
            inode: state.st_ino,
            length: u64::try_from(state.st_size).unwrap_or(0),
        }
    }
}

/// The state of an open file.
///
/// # Errors
/// When the kernel cannot tell.
pub fn state_of_open(file: &File) -> std::io::Result<FileState> {
    Ok(FileState::from(&nix::sys::stat::fstat(file)?))
}

/// The longest file that this process may write, in bytes; none where it is not limited.
///
/// A write beyond it would not only fail but end the process with SIGXFSZ.
pub fn file_size_limit() -> Option<u64> {
    let (soft, _) = getrlimit(Resource::RLIMIT_FSIZE).ok()?;
    (soft != nix::sys::resource::RLIM_INFINITY).then_some(soft)
}

fn create_with_parents(path: &Path) -> Result<(), PrivateError> {
    if let Some(parent) = path.parent()
        && !parent.as_os_str().is_empty()
        && nix::sys::stat::stat(parent) == Err(Errno::ENOENT)
    {
        create_with_parents(parent)?;
    }
    match nix::unistd::mkdir(path, Mode::S_IRWXU) {
        Ok(()) | Err(Errno::EEXIST) => Ok(()),
        Err(errno) => Err(failed("create", path, errno)),
    }
}

fn check_file(path: &Path, state: &FileStat) -> Result<(), PrivateError> {
    let found = match SFlag::from_bits_truncate(state.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFREG => None,
        SFlag::S_IFDIR => Some("a directory"),
        SFlag::S_IFIFO => Some("a pipe"),
        SFlag::S_IFSOCK => Some("a socket"),
        _ => Some("a device"),
    };
    if let Some(found) = found {
        return Err(kind(path, found));
    }
    check_owner_and_mode(path, state, 0o600)?;
    if state.st_nlink > 1 {
        let path = path.to_owned();
        #[allow(clippy::useless_conversion, reason = "narrower on other architectures")]
        let count = u64::from(state.st_nlink);
        return Err(PrivateError::Links { path, count });
    }
    Ok(())
}

fn check_owner_and_mode(path: &Path, state: &FileStat, wanted: u32) -> Result<(), PrivateError> {
    let me = nix::unistd::geteuid().as_raw();
    if state.st_uid != me {
        return Err(PrivateError::Owner {
            path: path.to_owned(),
            owner: state.st_uid,
            wanted: me,
        });
    }
    if state.st_mode & 0o077 != 0 {
        return Err(PrivateError::Mode {
            path: path.to_owned(),
            mode: state.st_mode & 0o7777,
            wanted,
        });
    }
    Ok(())
}

fn failed(action: &'static str, path: &Path, errno: Errno) -> PrivateError {
    PrivateError::Failed {
        action,
        path: path.to_owned(),
        source: errno.into(),
    }
}

fn kind(path: &Path, found: &'static str) -> PrivateError {
    PrivateError::Kind {
        path: path.to_owned(),
        found,
        wanted: "a regular file",
    }
}
