//! A server's unix socket: made for one user, found by those who were told, taken from a service
//! manager, and never taken away from a server that answers.

#![allow(
    clippy::disallowed_methods,
    reason = "the operator's own socket and its directory; no principal names them"
)]

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, FdFlag, Flock, FlockArg, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, Backlog, ControlMessageOwned, MsgFlags, SockFlag, SockType, SockaddrLike as _,
    UnixAddr, getsockopt, recvmsg, setsockopt, sockopt,
};
use nix::sys::stat::Mode;

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// A system call failed.
    #[error("cannot {action} {}", path.display())]
    Failed {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another could put a socket of their own there.
    #[error("cannot use {}: it belongs to uid {owner}", path.display())]
    Owner {
        /// The directory.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// Others can put things there.
    #[error("cannot use {}: others can write there (mode {mode:04o})", path.display())]
    Mode {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Something else has the name.
    #[error("cannot use {}: it exists, and is no socket of ours", path.display())]
    Taken {
        /// The path.
        path: PathBuf,
    },
    /// A server is there.
    #[error("cannot use {}: a server answers there", path.display())]
    Answered {
        /// The path.
        path: PathBuf,
    },
    /// The service manager passed something else than one listening unix socket.
    #[error("cannot use the descriptors of the service manager: {0}")]
    Inherited(&'static str),
}

/// A socket file of ours, removed when it is dropped, unless another has its name by then.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

/// Listens on a new socket at the path, which only this user can connect to.
///
/// A socket that nobody listens on any more is replaced. To be called before the process has
/// other threads, for the file mode mask is everyone's.
///
/// # Errors
/// When the directory is not this user's alone, or everybody could replace it, a server answers, or anything else has the name.
pub fn listen(path: &Path) -> Result<(UnixListener, SocketFile), SocketError> {
    let _one = directory_of(path)?;
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(failed("look at", path, source)),
        Ok(found) => remove_stale(path, &found)?,
    }
    let listener = new_listener(path).map_err(|source| failed("listen on", path, source))?;
    let found = fs::symlink_metadata(path).map_err(|source| failed("look at", path, source))?;
    let file = SocketFile {
        path: path.to_owned(),
        identity: (found.dev(), found.ino()),
    };
    Ok((listener, file))
}

/// A socket that knows who sends what before anybody can connect.
fn new_listener(path: &Path) -> io::Result<UnixListener> {
    let flags = SockFlag::SOCK_CLOEXEC;
    let socket = nix::sys::socket::socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    setsockopt(&socket, sockopt::PassCred, &true)?;
    let address = UnixAddr::new(path)?;
    let previous = nix::sys::stat::umask(Mode::from_bits_truncate(0o177));
    let bound = nix::sys::socket::bind(socket.as_raw_fd(), &address);
    nix::sys::stat::umask(previous);
    bound?;
    nix::sys::socket::listen(&socket, Backlog::MAXCONN)?;
    Ok(UnixListener::from(socket))
}

/// The directory, locked so that of two servers that start at once one sees the other.
fn directory_of(path: &Path) -> Result<Flock<fs::File>, SocketError> {
    let directory = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Err(SocketError::Taken { path: path.into() }),
    };
    match nix::unistd::mkdir(directory, Mode::S_IRWXU) {
        Ok(()) | Err(nix::errno::Errno::EEXIST) => {}
        Err(errno) => return Err(failed("create", directory, errno.into())),
    }
    let handle = fs::File::open(directory).map_err(|source| failed("open", directory, source))?;
    let found = handle
        .metadata()
        .map_err(|source| failed("look at", directory, source))?;
    let path = directory.to_owned();
    if found.uid() != nix::unistd::geteuid().as_raw() && found.uid() != 0 {
        let owner = found.uid();
        return Err(SocketError::Owner { path, owner });
    }
    if found.mode() & 0o022 != 0 {
        let mode = found.mode() & 0o7777;
        return Err(SocketError::Mode { path, mode });
    }
    let real = fs::canonicalize(&path).map_err(|source| failed("look at", &path, source))?;
    real.ancestors().skip(1).try_for_each(keeps_names)?;
    Flock::lock(handle, FlockArg::LockExclusive)
        .map_err(|(_, errno)| failed("lock", directory, errno.into()))
}

/// Checks that not everybody can put another directory in the place of one that is in this one.
fn keeps_names(path: &Path) -> Result<(), SocketError> {
    const STICKY: u32 = 0o1000;
    const EVERYBODY: u32 = 0o002;
    let mode = fs::symlink_metadata(path)
        .map_err(|source| failed("look at", path, source))?
        .mode();
    if mode & EVERYBODY == 0 || mode & STICKY != 0 {
        return Ok(());
    }
    Err(SocketError::Mode {
        path: path.to_owned(),
        mode: mode & 0o7777,
    })
}

/// Removes a socket of ours that nobody listens on.
fn remove_stale(path: &Path, found: &fs::Metadata) -> Result<(), SocketError> {
    let is_ours = found.uid() == nix::unistd::geteuid().as_raw();
    if !found.file_type().is_socket() || !is_ours {
        return Err(SocketError::Taken { path: path.into() });
    }
    #[allow(
        clippy::disallowed_methods,
        reason = "asking whether a server is there"
    )]
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
        // A server that has no room for us at the moment answers, too.
        _ => return Err(SocketError::Answered { path: path.into() }),
    }
    #[allow(
        clippy::disallowed_methods,
        reason = "our own socket, and nobody listens"
    )]
    fs::remove_file(path).map_err(|source| failed("remove", path, source))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = |found: fs::Metadata| (found.dev(), found.ino()) == self.identity;
        if fs::symlink_metadata(&self.path).is_ok_and(is_ours) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The socket that a service manager passed as descriptor 3, as `sd_listen_fds(3)` has it; none
/// where it passed nothing to this process.
///
/// To be called once.
///
/// # Errors
/// When it passed anything else.
pub fn inherited(
    pid: Option<&str>,
    count: Option<&str>,
) -> Result<Option<UnixListener>, SocketError> {
    const FIRST: i32 = 3;
    let wrong = |why| Err(SocketError::Inherited(why));
    let (Some(pid), Some(count)) = (pid, count) else {
        return Ok(None);
    };
    if pid.parse() != Ok(std::process::id()) {
        return Ok(None);
    }
    if count != "1" {
        return wrong("there must be one");
    }
    // SAFETY: plain numbers.
    if unsafe { libc::fcntl(FIRST, libc::F_GETFD) } == -1 {
        return wrong("there is none");
    }
    // SAFETY: it is open, and was inherited for this very use; nothing else owns it.
    let socket = unsafe { OwnedFd::from_raw_fd(FIRST) };
    let is_stream = getsockopt(&socket, sockopt::SockType) == Ok(SockType::Stream);
    let listens = getsockopt(&socket, sockopt::AcceptConn) == Ok(true);
    if !is_stream || !listens || !is_unix(&socket) {
        return wrong("it is no listening unix stream socket");
    }
    if fcntl(socket.as_fd(), FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).is_err() {
        return wrong("it cannot be kept from commands");
    }
    Ok(Some(UnixListener::from(socket)))
}

/// Connects to a server of this user, or of root.
///
/// # Errors
/// When nobody listens there, or somebody else does.
pub fn connect(path: &Path) -> Result<UnixStream, SocketError> {
    let stream = UnixStream::connect(path).map_err(|error| failed("connect to", path, error))?;
    let peer = getsockopt(&stream, sockopt::PeerCredentials)
        .map_err(|error| failed("tell who answers at", path, error.into()))?;
    if [0, nix::unistd::geteuid().as_raw()].contains(&peer.uid()) {
        Ok(stream)
    } else {
        let path = path.to_owned();
        let owner = peer.uid();
        Err(SocketError::Owner { path, owner })
    }
}

/// Whether the other end of a connection is closed in both directions.
pub fn has_hung_up(socket: impl AsFd) -> bool {
    let mut ends = [PollFd::new(socket.as_fd(), PollFlags::empty())];
    let ready = poll(&mut ends, PollTimeout::ZERO).unwrap_or(0) > 0;
    ready
        && ends[0]
            .revents()
            .is_some_and(|found| found.contains(PollFlags::POLLHUP))
}

/// Lets the kernel say of all data on a connection, or on all to a listener, who sent it.
/// Whether it has done so from the beginning.
///
/// # Errors
/// Never for a unix socket.
pub fn know_senders(socket: &impl AsFd) -> io::Result<bool> {
    let before = getsockopt(socket, sockopt::PassCred)?;
    setsockopt(socket, sockopt::PassCred, &true)?;
    Ok(before)
}

/// What the kernel gives for data that was sent before it was to know the sender.
const NOBODY: (i32, u32) = (0, 65534);

/// Reads what is there, and the uid of who sent it, if that is known. Data of two senders is
/// never read at once.
///
/// Descriptors that come with it find no room, and are closed by the kernel.
///
/// # Errors
/// `WouldBlock` where there is nothing yet.
pub fn receive(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<(usize, Option<u32>)> {
    let mut room = nix::cmsg_space!(libc::ucred);
    let mut parts = [io::IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
    let socket = socket.as_fd().as_raw_fd();
    let message = recvmsg::<()>(socket, &mut parts, Some(&mut room), flags)?;
    let sender = message.cmsgs().ok().and_then(|mut found| {
        found.find_map(|one| match one {
            ControlMessageOwned::ScmCredentials(who) => Some((who.pid(), who.uid())),
            _ => None,
        })
    });
    let sender = sender.filter(|sender| *sender != NOBODY);
    Ok((message.bytes, sender.map(|(_, uid)| uid)))
}

fn is_unix(socket: &OwnedFd) -> bool {
    nix::sys::socket::getsockname::<UnixAddr>(socket.as_raw_fd())
        .is_ok_and(|address| address.family() == Some(AddressFamily::Unix))
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> SocketError {
    SocketError::Failed {
        action,
        path: path.to_owned(),
        source,
    }
}
