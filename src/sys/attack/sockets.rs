//! Sockets of this machine: daemons that listen on a path or on an abstract name.

use std::ffi::CStr;

use nix::errno::Errno;

use super::call::{address, call, structure};
use super::files::{both, handle, link_of, write};
use super::{Outcome, Prey, done};

const UNIX: i32 = libc::AF_UNIX;

/// The address of a socket at a path.
pub(super) fn at(path: &CStr) -> Vec<u8> {
    let mut bytes = structure![1u16];
    bytes.extend_from_slice(path.to_bytes_with_nul());
    bytes
}

/// The address of a socket with an abstract name, which begins with a NUL byte.
fn abstract_name(name: &CStr) -> Vec<u8> {
    let mut bytes = structure![1u16, 0u8];
    bytes.extend_from_slice(name.to_bytes());
    bytes
}

fn length(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(0)
}

/// Connects and sends.
pub(super) fn connected(socket: i64, to: &[u8], token: &[u8]) -> Outcome {
    call!(libc::SYS_connect, socket, to, length(to))?;
    done(write(socket, token))
}

/// Sends without connecting.
pub(super) fn sent(socket: i64, to: &[u8], token: &[u8], flags: i32) -> Outcome {
    let (size, name) = (length(token), length(to));
    done(call!(
        libc::SYS_sendto,
        socket,
        token,
        size,
        flags,
        to,
        name
    ))
}

fn socket(kind: i32) -> Result<i64, Errno> {
    call!(libc::SYS_socket, UNIX, kind, 0)
}

/// A stream
pub(crate) fn stream(prey: &Prey) -> Outcome {
    connected(socket(libc::SOCK_STREAM)?, &at(&prey.file), &prey.token)
}

/// A stream, by a path relative to the daemon's directory
pub(crate) fn stream_relative(prey: &Prey) -> Outcome {
    call!(libc::SYS_chdir, &prey.directory)?;
    connected(socket(libc::SOCK_STREAM)?, &at(&prey.name()), &prey.token)
}

/// A stream, by the magic link of a handle of the socket
pub(crate) fn stream_link(prey: &Prey) -> Outcome {
    let link = link_of(handle(&prey.file)?);
    connected(socket(libc::SOCK_STREAM)?, &at(&link), &prey.token)
}

/// Packets
pub(crate) fn packets(prey: &Prey) -> Outcome {
    connected(socket(libc::SOCK_SEQPACKET)?, &at(&prey.file), &prey.token)
}

/// A datagram
pub(crate) fn datagram(prey: &Prey) -> Outcome {
    sent(socket(libc::SOCK_DGRAM)?, &at(&prey.file), &prey.token, 0)
}

/// A datagram, connected
pub(crate) fn datagram_connected(prey: &Prey) -> Outcome {
    connected(socket(libc::SOCK_DGRAM)?, &at(&prey.file), &prey.token)
}

/// A datagram, by sendmsg(2)
pub(crate) fn datagram_by_message(prey: &Prey) -> Outcome {
    let to = at(&prey.file);
    message(socket(libc::SOCK_DGRAM)?, &to, &prey.token)
}

/// Sends by sendmsg(2).
pub(super) fn message(socket: i64, to: &[u8], token: &[u8]) -> Outcome {
    let part = structure![address(token), token.len() as u64];
    let header = header(to, &part);
    done(call!(libc::SYS_sendmsg, socket, &header, 0))
}

/// Sends by sendmmsg(2).
pub(super) fn messages(socket: i64, to: &[u8], token: &[u8]) -> Outcome {
    let part = structure![address(token), token.len() as u64];
    let mut header = header(to, &part);
    header.extend(structure![0u64]);
    done(call!(libc::SYS_sendmmsg, socket, &header, 1, 0))
}

/// `struct msghdr`, with one part.
fn header(to: &[u8], part: &[u8]) -> Vec<u8> {
    structure![
        address(to),
        to.len() as u64,
        address(part),
        1u64,
        0u64,
        0u64,
        0u64
    ]
}

fn pair(kind: i32) -> Result<i64, Errno> {
    let mut ends = [0u8; 8];
    call!(libc::SYS_socketpair, UNIX, kind, 0, &mut ends[..])?;
    Ok(both(ends).0)
}

/// One end of a pair for datagrams, pointed at the daemon
pub(crate) fn pair_of_datagrams(prey: &Prey) -> Outcome {
    sent(pair(libc::SOCK_DGRAM)?, &at(&prey.file), &prey.token, 0)
}

/// One end of a pair of the old raw kind, which is for datagrams too
pub(crate) fn pair_of_raw(prey: &Prey) -> Outcome {
    sent(pair(libc::SOCK_RAW)?, &at(&prey.file), &prey.token, 0)
}

/// A stream to an abstract name
pub(crate) fn abstract_stream(prey: &Prey) -> Outcome {
    let to = abstract_name(&prey.file);
    connected(socket(libc::SOCK_STREAM)?, &to, &prey.token)
}

/// A datagram to an abstract name
pub(crate) fn abstract_datagram(prey: &Prey) -> Outcome {
    let to = abstract_name(&prey.file);
    sent(socket(libc::SOCK_DGRAM)?, &to, &prey.token, 0)
}

/// One end of a pair for datagrams, pointed at an abstract name
pub(crate) fn abstract_pair(prey: &Prey) -> Outcome {
    let to = abstract_name(&prey.file);
    sent(pair(libc::SOCK_DGRAM)?, &to, &prey.token, 0)
}
