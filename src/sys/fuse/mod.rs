//! The kernel's end of a file system that this process answers for (`fuse(4)`).
//!
//! Requests are read and answered here; what the answer is, others decide. It holds one
//! descriptor, and must never open, resolve or follow anything.

mod answer;
mod mount;
#[cfg(test)]
pub(crate) mod stage;

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

use fuse_abi::linux::{
    FUSE_CACHE_SYMLINKS, FUSE_DO_READDIRPLUS, FUSE_KERNEL_MINOR_VERSION, FUSE_KERNEL_VERSION,
    FUSE_NO_OPENDIR_SUPPORT, FUSE_PARALLEL_DIROPS, fuse_in_header, fuse_init_in, fuse_init_out,
    fuse_opcode as opcode, fuse_read_in,
};
use nix::errno::Errno;
use zerocopy::{FromBytes as _, IntoBytes as _};

pub use answer::{Answer, Attributes, Detail, Figures, Fits, Kind, Listing};
pub use mount::{Owner, mount};

#[cfg(test)]
use super::checked;

/// The node of the file system's root.
pub const ROOT: u64 = fuse_abi::linux::FUSE_ROOT_ID;

/// The least that the kernel accepts (`FUSE_MIN_READ_BUFFER`). What does not fit into it,
/// the kernel refuses in our place.
const LONGEST_REQUEST: usize = 8192;
/// So that no request is longer than that: nothing is ever written here.
const LONGEST_WRITE: u32 = 4096;

/// `FUSE_PARALLEL_DIROPS`: lookups in one directory need not wait for each other.
/// `FUSE_CACHE_SYMLINKS`: a link is read once.
/// `FUSE_NO_OPENDIR_SUPPORT`: directories are opened and listed without asking, once their
/// first opening was answered with `ENOSYS`.
/// `FUSE_DO_READDIRPLUS`: whoever lists a directory has looked up all names in it.
const WISHES: u32 =
    FUSE_PARALLEL_DIROPS | FUSE_CACHE_SYMLINKS | FUSE_NO_OPENDIR_SUPPORT | FUSE_DO_READDIRPLUS;

/// One mounted file system, as its server sees it.
#[derive(Debug)]
pub struct Device {
    descriptor: OwnedFd,
    buffer: Box<[u8; LONGEST_REQUEST]>,
}

/// One request that waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// Names it until it is answered.
    pub unique: u64,
    /// The node that it is about.
    pub node: u64,
    /// The calling thread, in the pid namespace of whoever mounted; 0 when it is not in it.
    /// It waits for the answer and cannot end before, not even by `SIGKILL`.
    pub thread: i32,
    /// What is asked.
    pub operation: Operation<'a>,
}

/// What is asked of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation<'a> {
    /// The entry with this name in a directory.
    Lookup(&'a OsStr),
    /// The attributes.
    Attributes,
    /// The text of a link.
    ReadLink,
    /// To open a directory.
    OpenDirectory,
    /// To list a directory, from an offset that an earlier listing gave, or a caller made up.
    ReadDirectory {
        /// Where to go on.
        offset: u64,
        /// How many bytes the answer may have.
        most: usize,
        /// What is to be told of each entry.
        detail: Detail,
    },
    /// The figures of the file system.
    Figures,
    /// To open a file.
    Open,
    /// To change the node itself: attributes, extended attributes.
    Change,
    /// To change what a directory holds, by a name in it that is there.
    Remove(&'a OsStr),
    /// To make a new name in a directory. The kernel has looked it up before.
    Make,
    /// An extended attribute, or their list.
    ExtendedAttribute,
    /// Anything else.
    Other,
}

impl Device {
    /// Takes an open `/dev/fuse`, for reading without waiting.
    ///
    /// # Errors
    /// When the descriptor is not open.
    pub fn new(descriptor: OwnedFd) -> io::Result<Self> {
        // A request can go away between the wait for it and its reading, when its caller is
        // killed; a read that waits would then wait for somebody else.
        super::stdio::never_wait(descriptor.as_fd())?;
        Ok(Self {
            descriptor,
            buffer: Box::new([0; LONGEST_REQUEST]),
        })
    }

    /// The next request that needs a decision; `None` when there is none at the moment.
    ///
    /// What the protocol alone settles is answered here: its beginning, nodes that the
    /// kernel forgets, and interruptions, which are never needed because each request is
    /// answered before the next is read.
    ///
    /// # Errors
    /// `ENODEV` once the file system is unmounted.
    pub fn next_request(&mut self) -> io::Result<Option<Request<'_>>> {
        let length = match nix::unistd::read(&self.descriptor, &mut self.buffer[..]) {
            Ok(length) => length,
            // `ENOENT`: the caller was killed before its request was taken.
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ENOENT) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        let (header, body) =
            fuse_in_header::read_from_prefix(&self.buffer[..length]).map_err(|_| malformed())?;
        let settled = match header.opcode {
            FORGET | BATCH_FORGET => Answer::None,
            // Its error is remembered, and the kernel does not ask again.
            INTERRUPT => Answer::Refused(Errno::ENOSYS as i32),
            INIT => Answer::Raw(greet(body)?),
            DESTROY => Answer::Raw(Vec::new()),
            _ => return self.parsed(length).map(Some),
        };
        self.answer(header.unique, &settled)?;
        Ok(None)
    }

    fn parsed(&self, length: usize) -> io::Result<Request<'_>> {
        let (header, body) =
            fuse_in_header::read_from_prefix(&self.buffer[..length]).map_err(|_| malformed())?;
        Ok(Request {
            unique: header.unique,
            node: header.nodeid,
            thread: header.pid.cast_signed(),
            operation: operation(header.opcode, body)?,
        })
    }

    /// Answers a request. That its caller is gone meanwhile is no error.
    ///
    /// # Errors
    /// `ENODEV` once the file system is unmounted.
    pub fn answer(&self, unique: u64, answer: &Answer) -> io::Result<()> {
        let Some(bytes) = answer.encode(unique) else {
            return Ok(());
        };
        match nix::unistd::write(&self.descriptor, &bytes) {
            Ok(_) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl AsFd for Device {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

const INIT: u32 = opcode::FUSE_INIT as u32;
const DESTROY: u32 = opcode::FUSE_DESTROY as u32;
const FORGET: u32 = opcode::FUSE_FORGET as u32;
const BATCH_FORGET: u32 = opcode::FUSE_BATCH_FORGET as u32;
const INTERRUPT: u32 = opcode::FUSE_INTERRUPT as u32;

/// The kernel's messages are well formed; one that is not means that it is not understood,
/// and then the file system must go away, so that every access to it fails.
fn malformed() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

/// Agrees on a version and on what is wished for.
fn greet(body: &[u8]) -> io::Result<Vec<u8>> {
    // Older kernels send fewer fields.
    let mut whole = [0; size_of::<fuse_init_in>()];
    let length = body.len().min(whole.len());
    whole[..length].copy_from_slice(&body[..length]);
    let theirs = fuse_init_in::read_from_bytes(&whole).map_err(|_| malformed())?;
    if theirs.major != FUSE_KERNEL_VERSION {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let ours = fuse_init_out {
        major: FUSE_KERNEL_VERSION,
        minor: FUSE_KERNEL_MINOR_VERSION.min(theirs.minor),
        flags: WISHES & theirs.flags,
        max_write: LONGEST_WRITE,
        time_gran: 1,
        ..fuse_init_out::default()
    };
    Ok(ours.as_bytes().to_vec())
}

fn operation(code: u32, body: &[u8]) -> io::Result<Operation<'_>> {
    const LOOKUP: u32 = opcode::FUSE_LOOKUP as u32;
    const GETATTR: u32 = opcode::FUSE_GETATTR as u32;
    const SETATTR: u32 = opcode::FUSE_SETATTR as u32;
    const READLINK: u32 = opcode::FUSE_READLINK as u32;
    const SYMLINK: u32 = opcode::FUSE_SYMLINK as u32;
    const MKNOD: u32 = opcode::FUSE_MKNOD as u32;
    const MKDIR: u32 = opcode::FUSE_MKDIR as u32;
    const UNLINK: u32 = opcode::FUSE_UNLINK as u32;
    const RMDIR: u32 = opcode::FUSE_RMDIR as u32;
    const RENAME: u32 = opcode::FUSE_RENAME as u32;
    const RENAME2: u32 = opcode::FUSE_RENAME2 as u32;
    const LINK: u32 = opcode::FUSE_LINK as u32;
    const OPEN: u32 = opcode::FUSE_OPEN as u32;
    const STATFS: u32 = opcode::FUSE_STATFS as u32;
    const SETXATTR: u32 = opcode::FUSE_SETXATTR as u32;
    const GETXATTR: u32 = opcode::FUSE_GETXATTR as u32;
    const LISTXATTR: u32 = opcode::FUSE_LISTXATTR as u32;
    const REMOVEXATTR: u32 = opcode::FUSE_REMOVEXATTR as u32;
    const OPENDIR: u32 = opcode::FUSE_OPENDIR as u32;
    const READDIR: u32 = opcode::FUSE_READDIR as u32;
    const READDIRPLUS: u32 = opcode::FUSE_READDIRPLUS as u32;
    const CREATE: u32 = opcode::FUSE_CREATE as u32;
    const TMPFILE: u32 = opcode::FUSE_TMPFILE as u32;
    Ok(match code {
        LOOKUP => Operation::Lookup(name(body)),
        GETATTR => Operation::Attributes,
        READLINK => Operation::ReadLink,
        OPENDIR => Operation::OpenDirectory,
        READDIR | READDIRPLUS => {
            let (wanted, _) = fuse_read_in::read_from_prefix(body).map_err(|_| malformed())?;
            Operation::ReadDirectory {
                offset: wanted.offset,
                most: wanted.size as usize,
                detail: match code {
                    READDIR => Detail::Names,
                    _ => Detail::Entries,
                },
            }
        }
        STATFS => Operation::Figures,
        OPEN => Operation::Open,
        SETATTR | SETXATTR | REMOVEXATTR => Operation::Change,
        UNLINK | RMDIR => Operation::Remove(name(body)),
        RENAME => Operation::Remove(name(body.get(8..).unwrap_or_default())),
        RENAME2 => Operation::Remove(name(body.get(16..).unwrap_or_default())),
        MKNOD | MKDIR | SYMLINK | LINK | CREATE | TMPFILE => Operation::Make,
        GETXATTR | LISTXATTR => Operation::ExtendedAttribute,
        _ => Operation::Other,
    })
}

/// The bytes before the NUL that ends a name.
fn name(body: &[u8]) -> &OsStr {
    let end = body.iter().position(|byte| *byte == 0);
    OsStr::from_bytes(&body[..end.unwrap_or(body.len())])
}

#[cfg(test)]
mod tests {
    use super::{Operation, greet, operation};
    use fuse_abi::linux::{fuse_init_in, fuse_init_out};
    use std::ffi::OsStr;
    use zerocopy::{FromBytes as _, IntoBytes as _};

    #[test]
    fn names_end_at_their_nul_wherever_they_stand() {
        let lookup = operation(1, b"a\nb\xff\0").unwrap();
        let odd = <OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"a\nb\xff");
        assert_eq!(lookup, Operation::Lookup(odd));
        let mut rename = 7u64.to_ne_bytes().to_vec();
        rename.extend(b"old\0new\0");
        let expected = Operation::Remove(OsStr::new("old"));
        assert_eq!(operation(12, &rename).unwrap(), expected);
        rename.splice(8..8, [0; 8]);
        assert_eq!(operation(45, &rename).unwrap(), expected);
    }

    #[test]
    fn a_request_that_is_cut_off_is_an_error_and_no_panic() {
        assert!(operation(28, &[0; 4]).is_err());
        assert_eq!(
            operation(12, &[]).unwrap(),
            Operation::Remove(OsStr::new(""))
        );
        assert_eq!(operation(9999, &[]).unwrap(), Operation::Other);
    }

    #[test]
    fn the_older_side_sets_the_version_and_nothing_unknown_is_wished_for() {
        let theirs = fuse_init_in {
            major: 7,
            minor: 31,
            ..fuse_init_in::default()
        };
        let ours = greet(&theirs.as_bytes()[..16]).unwrap();
        let ours = fuse_init_out::read_from_bytes(&ours).unwrap();
        assert_eq!((ours.major, ours.minor, ours.flags), (7, 31, 0));
        let other = fuse_init_in { major: 8, ..theirs };
        assert!(greet(other.as_bytes()).is_err());
    }
}
