//! Frames with descriptors over a socket pair between the broker and its launcher.
//!
//! A frame is a length, then that many bytes; descriptors travel with its first
//! byte. Never use it between parties of different trust: the launcher believes
//! what it reads.

use std::io::{self, IoSlice, IoSliceMut, Read as _};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, UnixAddr, recvmsg, sendmsg};

/// More than any argument list the kernel accepts, and far less than memory.
const LONGEST_FRAME: usize = 64 << 20;
/// Standard streams, working directory, and room to spare.
const MOST_DESCRIPTORS: usize = 8;

/// One end of the connection.
#[derive(Debug)]
pub struct Channel {
    stream: UnixStream,
}

/// One message as it arrived.
#[derive(Debug)]
pub struct Frame {
    /// The message.
    pub bytes: Vec<u8>,
    /// The descriptors that came with it, all close-on-exec.
    pub descriptors: Vec<OwnedFd>,
}

impl Channel {
    /// Two connected ends, both close-on-exec.
    ///
    /// # Errors
    /// When the process has no descriptors left.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (one, other) = UnixStream::pair()?;
        Ok((Self { stream: one }, Self { stream: other }))
    }

    /// Sends one frame.
    ///
    /// # Errors
    /// When the other end is gone (`EPIPE`).
    pub fn send(&self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let length = u32::try_from(bytes.len())
            .map_err(|_| io::Error::from_raw_os_error(libc::EMSGSIZE))?
            .to_le_bytes();
        let raw: Vec<_> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
        let rights = [ControlMessage::ScmRights(&raw)];
        let control: &[_] = if raw.is_empty() { &[] } else { &rights };
        let parts = [IoSlice::new(&length), IoSlice::new(bytes)];
        let mut sent = sendmsg::<UnixAddr>(
            self.stream.as_raw_fd(),
            &parts,
            control,
            MsgFlags::MSG_NOSIGNAL,
            None,
        )?;
        while sent < 4 + bytes.len() {
            // The length is four bytes and goes out whole: a stream socket never splits so little.
            let rest = [IoSlice::new(&bytes[sent.saturating_sub(4)..])];
            sent += sendmsg::<UnixAddr>(
                self.stream.as_raw_fd(),
                &rest,
                &[],
                MsgFlags::MSG_NOSIGNAL,
                None,
            )?;
        }
        Ok(())
    }

    /// Waits for one frame; `None` when the other end is gone.
    ///
    /// # Errors
    /// When the frame is cut off or absurdly long.
    pub fn receive(&self) -> io::Result<Option<Frame>> {
        let mut length = [0u8; 4];
        let mut space = nix::cmsg_space!([std::os::fd::RawFd; MOST_DESCRIPTORS]);
        let (count, descriptors) = loop {
            let mut parts = [IoSliceMut::new(&mut length)];
            let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_WAITALL;
            match recvmsg::<UnixAddr>(self.stream.as_raw_fd(), &mut parts, Some(&mut space), flags)
            {
                Ok(message) => break (message.bytes, owned_descriptors(message.cmsgs()?)),
                Err(nix::errno::Errno::EINTR) => {}
                Err(nix::errno::Errno::ECONNRESET) => return Ok(None),
                Err(errno) => return Err(errno.into()),
            }
        };
        if count == 0 {
            return Ok(None);
        }
        if count < length.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let length = u32::from_le_bytes(length) as usize;
        if length > LONGEST_FRAME {
            return Err(io::Error::from_raw_os_error(libc::EMSGSIZE));
        }
        let mut bytes = vec![0; length];
        (&self.stream).read_exact(&mut bytes)?;
        Ok(Some(Frame { bytes, descriptors }))
    }
}

impl From<OwnedFd> for Channel {
    /// One end, as it came over another channel.
    fn from(end: OwnedFd) -> Self {
        Self { stream: end.into() }
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

fn owned_descriptors(messages: impl Iterator<Item = ControlMessageOwned>) -> Vec<OwnedFd> {
    let mut owned = Vec::new();
    for message in messages {
        if let ControlMessageOwned::ScmRights(raw) = message {
            for descriptor in raw {
                // SAFETY: the kernel just installed this descriptor for us, and
                // nothing else in the process knows its number.
                owned.push(unsafe { OwnedFd::from_raw_fd(descriptor) });
            }
        }
    }
    owned
}

#[cfg(test)]
mod tests {
    use super::Channel;
    use std::os::fd::AsFd as _;

    #[test]
    fn a_frame_arrives_whole_with_its_descriptors() {
        let (one, other) = Channel::pair().unwrap();
        let file = std::io::stdin();
        let sent = vec![7u8; 1 << 20];
        let copy = sent.clone();
        let writer = std::thread::spawn(move || {
            one.send(&copy, &[file.as_fd()]).unwrap();
            one.send(b"", &[]).unwrap();
        });
        let frame = other.receive().unwrap().unwrap();
        assert_eq!(frame.bytes, sent);
        assert_eq!(frame.descriptors.len(), 1);
        assert!(other.receive().unwrap().unwrap().bytes.is_empty());
        writer.join().unwrap();
        assert!(other.receive().unwrap().is_none());
    }
}
