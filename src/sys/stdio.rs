//! Standard streams: what they are, pipes in their place, and moving bytes.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{SFlag, fstat};

/// What kind of object a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamKind {
    /// A pipe without a name, which no file system holds.
    AnonymousPipe,
    /// A terminal.
    Terminal,
    /// A named pipe, socket or other object that can make a writer wait.
    Waiting,
    /// A regular file or another object that is always ready.
    Ready,
    /// `/dev/null`.
    Null,
    /// A directory, which is no stream.
    Directory,
    /// Not open.
    Closed,
}

/// `PIPEFS_MAGIC`, from linux/magic.h.
const PIPEFS: i64 = 0x5049_5045;

/// Finds out what a stream is.
pub fn kind_of(stream: BorrowedFd<'_>) -> StreamKind {
    let Ok(stat) = fstat(stream) else {
        return StreamKind::Closed;
    };
    match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFDIR => StreamKind::Directory,
        SFlag::S_IFIFO if is_on_pipefs(stream) => StreamKind::AnonymousPipe,
        SFlag::S_IFIFO | SFlag::S_IFSOCK => StreamKind::Waiting,
        SFlag::S_IFCHR if stat.st_rdev == NULL_DEVICE => StreamKind::Null,
        SFlag::S_IFCHR if is_terminal(stream) => StreamKind::Terminal,
        _ => StreamKind::Ready,
    }
}

/// The number of `/dev/null`, from linux/major.h and the kernel's list of devices.
const NULL_DEVICE: u64 = nix::sys::stat::makedev(1, 3);

/// Opens `/dev/null`, as this process reaches it.
///
/// # Errors
/// When it cannot be opened.
pub fn null() -> io::Result<OwnedFd> {
    #[allow(
        clippy::disallowed_methods,
        reason = "/dev/null in place of a stream that is not there"
    )]
    let null = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    Ok(null.into())
}

fn is_on_pipefs(stream: BorrowedFd<'_>) -> bool {
    nix::sys::statfs::fstatfs(stream).is_ok_and(|at| at.filesystem_type().0 == PIPEFS)
}

/// Whether a stream is a terminal.
pub fn is_terminal(stream: BorrowedFd<'_>) -> bool {
    nix::unistd::isatty(stream).unwrap_or(false)
}

/// Whether a descriptor was opened for reading only.
pub fn is_read_only(stream: BorrowedFd<'_>) -> bool {
    fcntl(stream, FcntlArg::F_GETFL)
        .is_ok_and(|flags| OFlag::from_bits_truncate(flags) & OFlag::O_ACCMODE == OFlag::O_RDONLY)
}

/// Whether two streams lead to the same object, so that the order of what is written to
/// both must be kept.
pub fn are_the_same(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> bool {
    match (fstat(one), fstat(other)) {
        (Ok(one), Ok(other)) => one.st_dev == other.st_dev && one.st_ino == other.st_ino,
        _ => false,
    }
}

/// A pipe, close-on-exec: the end to read, the end to write.
///
/// # Errors
/// When the process has no descriptors left.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(nix::unistd::pipe2(OFlag::O_CLOEXEC)?)
}

/// Makes reads and writes on our own end of a pipe return at once.
///
/// Never for a stream that was handed to us: the flag would bind its other users too.
///
/// # Errors
/// When the descriptor is not open.
pub fn never_wait(own_end: BorrowedFd<'_>) -> io::Result<()> {
    let flags = OFlag::from_bits_truncate(fcntl(own_end, FcntlArg::F_GETFL)?);
    fcntl(own_end, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}

/// A copy of a descriptor, close-on-exec, numbered 3 or higher.
///
/// # Errors
/// When the descriptor is not open, or the process has none left.
pub fn duplicate(stream: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    super::installed(fcntl(stream, FcntlArg::F_DUPFD_CLOEXEC(3))?.into())
}

/// What to wait for on a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Bytes to read, or the end.
    Readable,
    /// Room to write, or that nobody reads any more.
    Writable,
    /// That the other end is gone, and nothing else.
    Gone,
}

impl Interest {
    /// The kernel tells of errors and hang-ups in any case.
    fn events(self) -> PollFlags {
        match self {
            Self::Readable => PollFlags::POLLIN,
            Self::Writable => PollFlags::POLLOUT,
            Self::Gone => PollFlags::empty(),
        }
    }
}

/// What was seen on a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Nothing yet.
    Nothing,
    /// What was waited for.
    Ready,
    /// Not that, but an error, or that the other end is gone.
    Gone,
}

/// Waits until something is ready; returns which are, in the order given.
///
/// # Errors
/// Never for descriptors that are open.
pub fn wait(
    interests: &[(BorrowedFd<'_>, Interest)],
    timeout: Option<std::time::Duration>,
) -> io::Result<Vec<bool>> {
    let seen = look(interests, timeout)?;
    Ok(seen.into_iter().map(|one| one != Seen::Nothing).collect())
}

/// Waits until something is ready; returns what was seen, in the order given.
///
/// # Errors
/// Never for descriptors that are open.
pub fn look(
    interests: &[(BorrowedFd<'_>, Interest)],
    timeout: Option<std::time::Duration>,
) -> io::Result<Vec<Seen>> {
    let polled =
        |(descriptor, interest): &(_, Interest)| PollFd::new(*descriptor, interest.events());
    let mut polled: Vec<_> = interests.iter().map(polled).collect();
    // Rounded up, so that the wait is never shorter than asked for.
    let timeout = timeout.map_or(PollTimeout::NONE, |time| {
        let milliseconds = time.as_micros().div_ceil(1000);
        PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX)
    });
    match poll(&mut polled, timeout) {
        Ok(_) => {}
        Err(nix::errno::Errno::EINTR) => return Ok(vec![Seen::Nothing; interests.len()]),
        Err(errno) => return Err(errno.into()),
    }
    let seen = |(polled, (_, interest)): (&PollFd<'_>, &(_, Interest))| match polled.revents() {
        Some(seen) if seen.intersects(interest.events()) => Seen::Ready,
        Some(seen) if !seen.is_empty() => Seen::Gone,
        _ => Seen::Nothing,
    };
    Ok(polled.iter().zip(interests).map(seen).collect())
}
