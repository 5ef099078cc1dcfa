//! Reading from a connection only what its own peer sends.
//!
//! A connection can be passed on to a process of another user, and the kernel says of it for
//! ever who made it. Of each piece of data it says who sent it. Nothing of a stranger is read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, Interest, ReadBuf};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;

use crate::sys::socket::receive;

/// What is read at once.
const PIECE: usize = 16 << 10;

/// Someone else than the peer has sent something: the uid.
#[derive(Debug, thiserror::Error)]
#[error("uid {0} uses a connection of someone else")]
pub(super) struct Stranger(pub(super) u32);

/// The reading half of a connection.
#[derive(Debug)]
pub(super) struct Vouched {
    reading: OwnedReadHalf,
    uid: u32,
    /// Whether what comes next may have been sent before the kernel was to know the sender.
    may_be_older: bool,
}

impl Vouched {
    /// Reads what this uid sends.
    pub(super) fn new(reading: OwnedReadHalf, uid: u32) -> Self {
        Self {
            reading,
            uid,
            may_be_older: false,
        }
    }

    /// The same on a connection that was made before the daemon had its socket, which a service
    /// manager made. What was sent until then is the peer's, as far as anybody knows.
    pub(super) fn made_before(reading: OwnedReadHalf, uid: u32) -> Self {
        Self {
            may_be_older: true,
            ..Self::new(reading, uid)
        }
    }

    /// The connection.
    pub(super) fn stream(&self) -> &UnixStream {
        self.reading.as_ref()
    }
}

impl AsyncRead for Vouched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut piece = [0; PIECE];
        let piece = &mut piece[..PIECE.min(into.remaining())];
        loop {
            let stream = self.stream();
            ready!(stream.poll_read_ready(context))?;
            match stream.try_io(Interest::READABLE, || receive(stream, piece)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
                Ok((0, _)) => return Poll::Ready(Ok(())),
                Ok((count, None)) if self.may_be_older => {
                    into.put_slice(&piece[..count]);
                    return Poll::Ready(Ok(()));
                }
                Ok((count, Some(uid))) if uid == self.uid => {
                    self.may_be_older = false;
                    into.put_slice(&piece[..count]);
                    return Poll::Ready(Ok(()));
                }
                Ok((_, sender)) => {
                    let stranger = Stranger(sender.unwrap_or(u32::MAX));
                    return Poll::Ready(Err(io::Error::other(stranger)));
                }
            }
        }
    }
}
