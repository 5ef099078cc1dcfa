//! Whole messages over a socket pair, without ever waiting.
//!
//! For a sender that must go on when nobody reads: a message is taken whole or not at all.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, recv, send, setsockopt, socketpair, sockopt,
};

/// No message is longer.
pub const LONGEST: usize = 96 << 10;
/// Room for messages that were not read yet. The kernel gives at most `net.core.wmem_max`.
const ROOM: usize = 1 << 20;

/// One end of the connection.
#[derive(Debug)]
pub struct Packets {
    socket: OwnedFd,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    /// It is on its way.
    Sent,
    /// There is no room for it now.
    Full,
}

/// What was there to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receiving {
    /// A message.
    Message(Vec<u8>),
    /// Nothing now.
    Nothing,
    /// Nothing any more: the other end is gone.
    Gone,
}

impl Packets {
    /// Two connected ends, both close-on-exec.
    ///
    /// # Errors
    /// When the process has no descriptors left.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (one, other) = socketpair(
            AddressFamily::Unix,
            SockType::SeqPacket,
            None,
            SockFlag::SOCK_CLOEXEC,
        )?;
        for socket in [&one, &other] {
            setsockopt(socket, sockopt::SndBuf, &ROOM)?;
        }
        Ok((Self { socket: one }, Self { socket: other }))
    }

    /// Sends a message where there is room.
    ///
    /// # Errors
    /// `EMSGSIZE` for one that is too long, `EPIPE` when the other end is gone.
    pub fn send(&self, message: &[u8]) -> io::Result<Sending> {
        if message.len() > LONGEST {
            return Err(Errno::EMSGSIZE.into());
        }
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        match send(self.socket.as_raw_fd(), message, flags) {
            Ok(_) => Ok(Sending::Sent),
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ENOBUFS) => Ok(Sending::Full),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Takes the next message. An empty one cannot be told from the end; none is ever sent.
    ///
    /// # Errors
    /// When the descriptor is not open.
    pub fn receive(&self) -> io::Result<Receiving> {
        let mut buffer = vec![0; LONGEST];
        match recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
            Ok(0) | Err(Errno::ECONNRESET) => Ok(Receiving::Gone),
            Ok(length) => {
                buffer.truncate(length);
                Ok(Receiving::Message(buffer))
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(Receiving::Nothing),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl AsFd for Packets {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Packets, Receiving, Sending};

    #[test]
    fn messages_keep_their_bounds_and_order_and_a_full_pipe_never_waits() {
        let (one, other) = Packets::pair().unwrap();
        assert_eq!(other.receive().unwrap(), Receiving::Nothing);
        let mut sent = 0u32;
        while one.send(&sent.to_ne_bytes()).unwrap() == Sending::Sent {
            sent += 1;
        }
        assert!(sent > 100, "{sent}");
        for number in 0..sent {
            let message = Receiving::Message(number.to_ne_bytes().to_vec());
            assert_eq!(other.receive().unwrap(), message);
        }
        let longest = vec![7; LONGEST];
        assert_eq!(one.send(&longest).unwrap(), Sending::Sent);
        let error = one.send(&vec![7; LONGEST + 1]).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EMSGSIZE));
        assert_eq!(other.receive().unwrap(), Receiving::Message(longest));
        drop(one);
        assert_eq!(other.receive().unwrap(), Receiving::Gone);
        let error = other.send(b"x").unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EPIPE));
    }
}
