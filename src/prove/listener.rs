//! Daemons that prove itself is: whoever reaches one is heard.

use std::io::{self, Read as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

use super::row::Kind;
use crate::sys::stdio::{Interest, wait};

/// Something that listens.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener),
    Udp(UdpSocket),
    Unix(UnixListener),
    UnixDatagram(UnixDatagram),
    /// Unix packets, for which the standard library has no type of its own.
    Packets(UnixListener),
    /// A pipe, or the other end of a terminal.
    File(std::fs::File),
}

/// Whoever said something has said it by the time the attack is over; a listener that is being
/// woken on a busy machine needs a moment.
const MOMENT: Duration = Duration::from_millis(500);
/// Where the attacker itself says that it was refused, there is nothing to wait for.
const NONE: Duration = Duration::from_millis(5);

impl Listener {
    /// On a port of a loopback address; gives the port.
    pub(super) fn on_port(address: &str, kind: Kind) -> io::Result<(Self, u16)> {
        match kind {
            Kind::Datagram => {
                let socket = UdpSocket::bind((address, 0))?;
                socket.set_nonblocking(true)?;
                let port = socket.local_addr()?.port();
                Ok((Self::Udp(socket), port))
            }
            Kind::Stream | Kind::Packets => {
                let listener = TcpListener::bind((address, 0))?;
                listener.set_nonblocking(true)?;
                let port = listener.local_addr()?.port();
                Ok((Self::Tcp(listener), port))
            }
        }
    }

    /// On a path.
    pub(super) fn at(path: &Path, kind: Kind) -> io::Result<Self> {
        Self::on(&SocketAddr::from_pathname(path)?, kind)
    }

    /// On an abstract name.
    pub(super) fn named(name: &str, kind: Kind) -> io::Result<Self> {
        Self::on(&SocketAddr::from_abstract_name(name)?, kind)
    }

    fn on(address: &SocketAddr, kind: Kind) -> io::Result<Self> {
        match kind {
            Kind::Stream => {
                let listener = UnixListener::bind_addr(address)?;
                listener.set_nonblocking(true)?;
                Ok(Self::Unix(listener))
            }
            Kind::Datagram => {
                let socket = UnixDatagram::bind_addr(address)?;
                socket.set_nonblocking(true)?;
                Ok(Self::UnixDatagram(socket))
            }
            Kind::Packets => Ok(Self::Packets(packets(address)?)),
        }
    }

    /// At the end of a named pipe that is read.
    #[allow(
        clippy::disallowed_methods,
        reason = "a pipe in the proof's own directory"
    )]
    pub(super) fn of_pipe(path: &Path) -> io::Result<Self> {
        nix::unistd::mkfifo(path, nix::sys::stat::Mode::from_bits_truncate(0o600))?;
        let nonblock = nix::fcntl::OFlag::O_NONBLOCK.bits();
        let mut options = std::fs::OpenOptions::new();
        Ok(Self::File(
            options.read(true).custom_flags(nonblock).open(path)?,
        ))
    }

    /// At the other end of a terminal.
    pub(super) fn of_terminal(relay: OwnedFd) -> io::Result<Self> {
        crate::sys::stdio::never_wait(relay.as_fd())?;
        Ok(Self::File(relay.into()))
    }

    /// Whether the token has arrived. `said` is what the attacker says.
    pub(super) fn has_heard(&self, token: &str, said: Said) -> bool {
        let moment = match said {
            Said::Sent => MOMENT,
            Said::Refused => NONE,
        };
        let start = Instant::now();
        let mut heard = Vec::new();
        // A letter may come alone.
        while let Some(left) = moment.checked_sub(start.elapsed()) {
            match wait(&[(self.as_fd(), Interest::Readable)], Some(left)) {
                Ok(ready) if ready.contains(&true) => {}
                _ => return false,
            }
            if self.receive(&mut heard, moment).is_err() {
                return false;
            }
            if String::from_utf8_lossy(&heard).contains(token) {
                return true;
            }
        }
        false
    }

    /// What has come, added to what came before; of a connection, its first words.
    fn receive(&self, heard: &mut Vec<u8>, moment: Duration) -> io::Result<()> {
        let mut bytes = [0; 4096];
        let count = match self {
            Self::Udp(socket) => socket.recv(&mut bytes)?,
            Self::UnixDatagram(socket) => socket.recv(&mut bytes)?,
            Self::File(file) => (&*file).read(&mut bytes)?,
            Self::Tcp(listener) => {
                let (mut stream, _) = listener.accept()?;
                stream.set_read_timeout(Some(moment))?;
                stream.read(&mut bytes)?
            }
            Self::Unix(listener) | Self::Packets(listener) => {
                let (mut stream, _): (UnixStream, _) = listener.accept()?;
                stream.set_read_timeout(Some(moment))?;
                stream.read(&mut bytes)?
            }
        };
        heard.extend_from_slice(&bytes[..count]);
        Ok(())
    }
}

/// What an attacker says of its sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// It was sent.
    Sent,
    /// It was refused.
    Refused,
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Udp(socket) => socket.as_fd(),
            Self::Unix(listener) | Self::Packets(listener) => listener.as_fd(),
            Self::UnixDatagram(socket) => socket.as_fd(),
            Self::File(file) => file.as_fd(),
        }
    }
}

fn packets(address: &SocketAddr) -> io::Result<UnixListener> {
    use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr};
    use nix::sys::socket::{bind, listen, socket};
    use std::os::fd::AsRawFd as _;
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let own = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)?;
    let path = address.as_pathname().ok_or(io::ErrorKind::InvalidInput)?;
    bind(own.as_raw_fd(), &UnixAddr::new(path)?)?;
    listen(&own, Backlog::new(4)?)?;
    Ok(own.into())
}

/// Whether somebody listens on the port whose number this is.
pub(super) fn is_reached(port: &str) -> bool {
    let Ok(port) = port.trim().parse::<u16>() else {
        return false;
    };
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    TcpStream::connect_timeout(&address, MOMENT).is_ok()
}
