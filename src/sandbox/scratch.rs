//! The private directory of a session: the home and the temporary files of its commands.
//!
//! In flat mode it is a directory on the host, and it must be gone when the session is:
//! the launcher removes it, also when the broker was killed. What a killed launcher left
//! is removed by the next session.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, RawFd};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// A scratch directory that exists.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
    directory: fs::File,
    // Locked as long as any process of the session lives: the mark that it is in use. The
    // lock belongs to the open file that the launcher shares with the broker, so it must end
    // by being closed, and never by being unlocked.
    lock: fs::File,
}

/// Why there is no scratch directory.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} the scratch directory {path}")]
pub struct ScratchError {
    operation: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// Beside the directory, not in it: a command must not be able to give up the mark.
fn lock_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".in-use");
    PathBuf::from(name)
}

impl Scratch {
    /// Makes a scratch directory below `base`, readable by this user alone.
    ///
    /// # Errors
    /// When the base cannot be written, or its directory of ours belongs to someone else.
    pub(super) fn make(base: &Path, session: &str) -> Result<Self, ScratchError> {
        let user = nix::unistd::geteuid();
        let ours = base.join(format!("lobsterpot-{user}"));
        make_private(&ours).map_err(fault("make", &ours))?;
        check_private(&ours, user.as_raw()).map_err(fault("trust", &ours))?;
        remove_abandoned(&ours);
        let path = ours.join(session);
        // Locked before it exists, so that it is never taken for abandoned.
        let lock = take_lock(&lock_of(&path)).map_err(fault("lock", &path))?;
        make_private(&path).map_err(fault("make", &path))?;
        for inside in ["home", "tmp"] {
            make_private(&path.join(inside)).map_err(fault("make", &path))?;
        }
        let directory = open_directory(&path).map_err(fault("open", &path))?;
        Ok(Self {
            path,
            directory,
            lock,
        })
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The descriptors that keep it.
    pub(super) fn descriptors(&self) -> [RawFd; 2] {
        [self.directory.as_raw_fd(), self.lock.as_raw_fd()]
    }

    /// Removes it with everything in it, as far as that is possible.
    pub(super) fn remove(&self) {
        // A command can have taken away its own right to write into a directory.
        if remove_tree(&self.path).is_err() {
            make_removable(&self.path);
            let _ = remove_tree(&self.path);
        }
        remove_lock(&self.path);
    }
}

impl AsFd for Scratch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

fn fault(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ScratchError {
    let path = path.to_path_buf();
    move |source| ScratchError {
        operation,
        path,
        source,
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "scratch directories are made here"
)]
fn make_private(path: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The base is usually `/tmp`, where anybody can make a directory of our name first.
#[allow(
    clippy::disallowed_methods,
    reason = "scratch directories are made here"
)]
fn check_private(path: &Path, user: u32) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    // The last six bits are the rights of the group and of everybody else.
    let trusted =
        metadata.is_dir() && metadata.uid() == user && metadata.mode().trailing_zeros() >= 6;
    if trusted {
        Ok(())
    } else {
        Err(io::Error::other(
            "it belongs to another user, or others may enter it",
        ))
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "scratch directories are made here"
)]
fn take_lock(path: &Path) -> io::Result<fs::File> {
    let file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc_flags())
        .open(path)?;
    file.try_lock()?;
    Ok(file)
}

#[allow(
    clippy::disallowed_methods,
    reason = "scratch directories are made here"
)]
fn open_directory(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc_flags())
        .open(path)
}

fn libc_flags() -> i32 {
    nix::fcntl::OFlag::O_NOFOLLOW.bits()
}

#[allow(
    clippy::disallowed_methods,
    reason = "scratch directories are removed here"
)]
fn remove_abandoned(ours: &Path) {
    let Ok(entries) = fs::read_dir(ours) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_directory && let Ok(lock) = take_lock(&lock_of(&path)) {
            make_removable(&path);
            let _ = remove_tree(&path);
            remove_lock(&path);
            drop(lock);
        }
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "scratch directories are removed here"
)]
fn remove_lock(path: &Path) {
    let _ = fs::remove_file(lock_of(path));
}

#[allow(
    clippy::disallowed_methods,
    reason = "scratch directories are removed here"
)]
fn remove_tree(path: &Path) -> io::Result<()> {
    fs::remove_dir_all(path)
}

#[allow(
    clippy::disallowed_methods,
    reason = "scratch directories are removed here"
)]
fn make_removable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    // The mode of the directory itself is set without following links: only what
    // symlink_metadata calls a directory is changed, and the session's processes are gone.
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return;
    };
    if !metadata.is_dir() {
        return;
    }
    let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        make_removable(&entry.path());
    }
}
