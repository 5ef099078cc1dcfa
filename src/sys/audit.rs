//! The kernel's own audit: whether it is on, and what it tells.
//!
//! Records are read from the multicast group that everybody with `CAP_AUDIT_READ` may join.
//! Nothing here ever changes the host's audit: switching it on makes the system calls of every
//! process slower until the machine is started again, and switching it off again is no cure.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, sendto,
    setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike as _};

use super::checked;

/// `AUDIT_GET`
const GET: u16 = 1000;
/// `AUDIT_SYSCALL`: the system call that an access was denied in, on hosts with audit rules.
pub const CALL: u16 = 1300;
/// `AUDIT_LANDLOCK_ACCESS`: a denied access.
pub const LANDLOCK_ACCESS: u16 = 1423;
/// `AUDIT_LANDLOCK_DOMAIN`: whose domain that was; and the end of a domain.
pub const LANDLOCK_DOMAIN: u16 = 1424;

/// `AUDIT_NLGRP_READLOG`, as a bit.
const READ_LOG: u32 = 1;
/// The length of `struct nlmsghdr`.
const HEADER: usize = 16;
/// The kernel makes no longer record (`MAX_AUDIT_MESSAGE_LENGTH` is 8970).
const LONGEST: usize = 16 << 10;
/// Room for a burst: some 20,000 records.
const ROOM: usize = 8 << 20;

/// How it stands with the host's audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditStatus {
    /// Whether records are made.
    pub is_enabled: bool,
    /// Whether the machine panics when a record is lost.
    pub panics: bool,
    /// Whether a daemon takes the records. Without one the kernel prints them, too, and counts
    /// as lost what was too much to be printed, although whoever listens has had it.
    pub has_daemon: bool,
    /// How many records were lost since the machine was started.
    pub lost: u32,
    /// How many records wait to be told.
    pub backlog: u32,
}

/// Asks how it stands. Needs `CAP_AUDIT_CONTROL` among the host's own users and processes.
///
/// # Errors
/// When this process may not ask, or the kernel has no audit.
pub fn status() -> io::Result<AuditStatus> {
    let socket = open()?;
    // An answer for which the kernel has no memory never comes.
    setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::seconds(1))?;
    let mut request = [0; HEADER];
    let length = u32::try_from(HEADER).map_err(io::Error::other)?;
    request[..4].copy_from_slice(&length.to_ne_bytes());
    request[4..6].copy_from_slice(&GET.to_ne_bytes());
    request[6..8].copy_from_slice(&REQUEST.to_ne_bytes());
    let kernel = NetlinkAddr::new(0, 0);
    sendto(socket.as_raw_fd(), &request, &kernel, MsgFlags::empty())?;
    let mut answer = [0; 512];
    loop {
        // The kernel answers from a thread of its own, or refuses at once.
        let length = match recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty()) {
            Err(Errno::EINTR) => continue,
            other => other?,
        };
        return read_status(&answer[..length]);
    }
}

/// `NLM_F_REQUEST`
const REQUEST: u16 = 1;
/// `NLMSG_ERROR`
const REFUSED: u16 = 2;

fn read_status(answer: &[u8]) -> io::Result<AuditStatus> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    let body = answer.get(HEADER..).ok_or_else(invalid)?;
    // `struct audit_status`: mask, enabled, failure, pid, rate_limit, backlog_limit, lost, backlog.
    let word = |at: usize| {
        let bytes = body.get(4 * at..4 * at + 4).ok_or_else(invalid)?;
        bytes
            .try_into()
            .map(u32::from_ne_bytes)
            .map_err(|_| invalid())
    };
    match kind_of(answer) {
        Some(GET) => Ok(AuditStatus {
            is_enabled: word(1)? != 0,
            panics: word(2)? == PANIC,
            has_daemon: word(3)? != 0,
            lost: word(6)?,
            backlog: word(7)?,
        }),
        Some(REFUSED) => Err(io::Error::from_raw_os_error(-word(0)?.cast_signed())),
        _ => Err(invalid()),
    }
}

/// `AUDIT_FAIL_PANIC`
const PANIC: u32 = 2;

/// Whether records arrive in this network namespace: the kernel tells them in its first one
/// alone, and to others it says nothing at all. To be asked where [`status`] answers, so that
/// process 1 is the host's own.
pub fn is_told_here() -> bool {
    let namespace = |of: &str| nix::sys::stat::stat(format!("/proc/{of}/ns/net").as_str());
    match (namespace("1"), namespace("self")) {
        (Ok(first), Ok(own)) => (first.st_dev, first.st_ino) == (own.st_dev, own.st_ino),
        _ => false,
    }
}

/// A record as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRecord {
    /// [`LANDLOCK_ACCESS`], [`LANDLOCK_DOMAIN`] or [`CALL`].
    pub kind: u16,
    /// Its text, which begins with `audit(`.
    pub text: Vec<u8>,
}

/// What was there to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hearing {
    /// A record.
    Record(RawRecord),
    /// Nothing now.
    Nothing,
    /// Some were lost, because there was no room for them.
    Lost,
}

/// Listens to the records about Landlock, and to nothing else.
#[derive(Debug)]
pub struct AuditReader {
    socket: OwnedFd,
}

impl AuditReader {
    /// Begins to listen. What was told before is not heard.
    ///
    /// # Errors
    /// Without `CAP_AUDIT_READ`, or where the kernel has no audit.
    pub fn open() -> io::Result<Self> {
        let socket = open()?;
        // Before it joins, so that nothing else ever takes room.
        only_wanted(&socket)?;
        if setsockopt(&socket, sockopt::RcvBufForce, &ROOM).is_err() {
            // Without CAP_NET_ADMIN: as much as everybody may have.
            setsockopt(&socket, sockopt::RcvBuf, &ROOM)?;
        }
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, READ_LOG))?;
        Ok(Self { socket })
    }

    /// Takes the next record, without waiting.
    ///
    /// # Errors
    /// When the descriptor is not open.
    pub fn receive(&self) -> io::Result<Hearing> {
        let mut buffer = [0; LONGEST];
        match recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
            // Only the kernel can send to this group, so there is nobody else to be told apart.
            // The length in the header leaves the header out, or not, by the kernel's version.
            Ok(length) => Ok(match kind_of(&buffer[..length]) {
                Some(kind) => Hearing::Record(RawRecord {
                    kind,
                    text: buffer[HEADER..length].to_vec(),
                }),
                None => Hearing::Nothing,
            }),
            Err(Errno::ENOBUFS) => Ok(Hearing::Lost),
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(Hearing::Nothing),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl AsFd for AuditReader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn open() -> io::Result<OwnedFd> {
    Ok(socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkAudit,
    )?)
}

/// The type in the header of a message.
fn kind_of(message: &[u8]) -> Option<u16> {
    let bytes = message.get(..HEADER)?.get(4..6)?;
    Some(u16::from_ne_bytes(bytes.try_into().ok()?))
}

/// Lets the kernel drop every other record before it takes room in the socket. A busy host
/// makes thousands of them.
fn only_wanted(socket: &OwnedFd) -> io::Result<()> {
    const LOAD_HALF_AT: u16 = 0x28;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let instruction = |code, jt, k| libc::sock_filter { code, jt, jf: 0, k };
    // The filter reads in network order, and netlink writes in that of the machine.
    let wanted = |kind: u16| u32::from(u16::from_be_bytes(kind.to_ne_bytes()));
    let mut program = [
        instruction(LOAD_HALF_AT, 0, 4),
        instruction(JUMP_IF_EQUAL, 3, wanted(LANDLOCK_ACCESS)),
        instruction(JUMP_IF_EQUAL, 2, wanted(LANDLOCK_DOMAIN)),
        instruction(JUMP_IF_EQUAL, 1, wanted(CALL)),
        instruction(RETURN, 0, 0),
        instruction(RETURN, 0, u32::MAX),
    ];
    let filter = libc::sock_fprog {
        len: u16::try_from(program.len()).map_err(io::Error::other)?,
        filter: program.as_mut_ptr(),
    };
    let length = size_of::<libc::sock_fprog>();
    // SAFETY: `filter` and the program that it points to live through the call, which copies
    // both, and the length is that of `filter`.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const filter).cast(),
            libc::socklen_t::try_from(length).map_err(io::Error::other)?,
        )
    };
    checked(result.into()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::{AuditReader, AuditStatus, GET, HEADER, REFUSED, read_status, status};

    fn answer(kind: u16, words: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes.extend(words.iter().flat_map(|word| word.to_ne_bytes()));
        bytes
    }

    #[test]
    fn an_answer_is_read_and_a_refusal_is_an_error() {
        let told = read_status(&answer(GET, &[0, 1, 2, 400, 0, 64, 7, 3])).unwrap();
        let expected = AuditStatus {
            is_enabled: true,
            panics: true,
            has_daemon: true,
            lost: 7,
            backlog: 3,
        };
        assert_eq!(told, expected);
        let refused = read_status(&answer(REFUSED, &[(-libc::EPERM).cast_unsigned()]));
        assert_eq!(refused.unwrap_err().raw_os_error(), Some(libc::EPERM));
        assert!(read_status(&answer(GET, &[0, 1])).is_err());
        assert!(read_status(&[0; 3]).is_err());
    }

    /// Without the right to listen there is nothing to be seen here, and that is an error.
    #[test]
    fn nobody_is_waited_for() {
        match AuditReader::open() {
            Ok(reader) => drop(reader.receive().unwrap()),
            Err(error) => assert!(error.raw_os_error().is_some(), "{error}"),
        }
    }

    #[test]
    fn asking_ends() {
        // Whatever the host answers, nobody waits for it forever.
        let _ = status();
    }
}
