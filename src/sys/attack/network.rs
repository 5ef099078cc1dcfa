//! Sockets of the network: to a listener on this machine's loopback, and of every kind.

use nix::errno::Errno;

use super::call::{call, structure};
use super::sockets::{connected, message, messages, sent};
use super::{Outcome, Prey, done};

const V4: i32 = libc::AF_INET;
const V6: i32 = libc::AF_INET6;
const STREAM: i32 = libc::SOCK_STREAM;
const DATAGRAM: i32 = libc::SOCK_DGRAM;
const RAW: i32 = libc::SOCK_RAW;
const LOOPBACK: [u8; 4] = [127, 0, 0, 1];

fn port(prey: &Prey) -> [u8; 2] {
    u16::try_from(prey.number).unwrap_or(0).to_be_bytes()
}

fn v4(prey: &Prey) -> Vec<u8> {
    let mut address = structure![2u16];
    address.extend(port(prey));
    address.extend(LOOPBACK);
    address.resize(16, 0);
    address
}

fn v6(prey: &Prey) -> Vec<u8> {
    let mut address = structure![10u16];
    address.extend(port(prey));
    address.resize(8 + 15, 0);
    address.push(1);
    address.resize(28, 0);
    address
}

fn socket(family: i32, kind: i32, protocol: i32) -> Result<i64, Errno> {
    call!(libc::SYS_socket, family, kind, protocol)
}

/// TCP
pub(crate) fn tcp(prey: &Prey) -> Outcome {
    connected(socket(V4, STREAM, 0)?, &v4(prey), &prey.token)
}

/// TCP by IPv6
pub(crate) fn tcp6(prey: &Prey) -> Outcome {
    connected(socket(V6, STREAM, 0)?, &v6(prey), &prey.token)
}

/// TCP by a socket for IPv6, to an address of IPv4
pub(crate) fn tcp_mapped(prey: &Prey) -> Outcome {
    let mut to = structure![10u16];
    to.extend(port(prey));
    to.resize(8 + 10, 0);
    to.extend([0xff, 0xff]);
    to.extend(LOOPBACK);
    to.resize(28, 0);
    connected(socket(V6, STREAM, 0)?, &to, &prey.token)
}

/// Data with the first packet: `MSG_FASTOPEN`
pub(crate) fn fast_open(prey: &Prey) -> Outcome {
    sent(
        socket(V4, STREAM, 0)?,
        &v4(prey),
        &prey.token,
        libc::MSG_FASTOPEN,
    )
}

/// The same by `TCP_FASTOPEN_CONNECT`
pub(crate) fn fast_open_connect(prey: &Prey) -> Outcome {
    let socket = socket(V4, STREAM, 0)?;
    let on = structure![1u32];
    call!(libc::SYS_setsockopt, socket, libc::IPPROTO_TCP, 30, &on, 4)?;
    connected(socket, &v4(prey), &prey.token)
}

/// Multipath TCP
pub(crate) fn multipath(prey: &Prey) -> Outcome {
    connected(socket(V4, STREAM, 262)?, &v4(prey), &prey.token)
}

/// Multipath TCP by IPv6
pub(crate) fn multipath6(prey: &Prey) -> Outcome {
    connected(socket(V6, STREAM, 262)?, &v6(prey), &prey.token)
}

/// A family with bits in its upper half, which the kernel does not look at
pub(crate) fn high_family(prey: &Prey) -> Outcome {
    let family = 0xffff_0000_0000 | i64::from(V4);
    let socket = call!(libc::SYS_socket, family, STREAM, 0)?;
    connected(socket, &v4(prey), &prey.token)
}

/// A kind with flags in it
pub(crate) fn flagged_kind(prey: &Prey) -> Outcome {
    connected(
        socket(V4, STREAM | libc::SOCK_CLOEXEC, 0)?,
        &v4(prey),
        &prey.token,
    )
}

/// UDP, by sendto(2)
pub(crate) fn udp(prey: &Prey) -> Outcome {
    sent(socket(V4, DATAGRAM, 0)?, &v4(prey), &prey.token, 0)
}

/// UDP, connected
pub(crate) fn udp_connected(prey: &Prey) -> Outcome {
    connected(socket(V4, DATAGRAM, 0)?, &v4(prey), &prey.token)
}

/// UDP, by sendmsg(2)
pub(crate) fn udp_by_message(prey: &Prey) -> Outcome {
    message(socket(V4, DATAGRAM, 0)?, &v4(prey), &prey.token)
}

/// UDP, by sendmmsg(2)
pub(crate) fn udp_by_messages(prey: &Prey) -> Outcome {
    messages(socket(V4, DATAGRAM, 0)?, &v4(prey), &prey.token)
}

/// UDP by IPv6
pub(crate) fn udp6(prey: &Prey) -> Outcome {
    sent(socket(V6, DATAGRAM, 0)?, &v6(prey), &prey.token, 0)
}

/// A datagram with its header, as UDP has it.
fn datagram(prey: &Prey) -> Vec<u8> {
    let mut bytes = vec![0x30, 0x39];
    bytes.extend(port(prey));
    bytes.extend(
        u16::try_from(8 + prey.token.len())
            .unwrap_or(8)
            .to_be_bytes(),
    );
    // Without a check sum, which IPv4 allows.
    bytes.extend([0, 0]);
    bytes.extend(&prey.token);
    bytes
}

/// UDP made by hand: a raw socket
pub(crate) fn raw(prey: &Prey) -> Outcome {
    sent(
        socket(V4, RAW, libc::IPPROTO_UDP)?,
        &v4(prey),
        &datagram(prey),
        0,
    )
}

/// UDP and IP made by hand: a packet socket
///
/// By IPv6, because what comes for 127.0.0.1 by itself is not taken in, also on the loopback.
pub(crate) fn packet(prey: &Prey) -> Outcome {
    let mut body = datagram(prey);
    let length = u16::try_from(body.len()).unwrap_or(0).to_be_bytes();
    let mut own = [0; 16];
    own[15] = 1;
    // The check sum is over addresses, length and protocol too, and not optional.
    let mut summed = [own, own].concat();
    summed.extend([0, 0, length[0], length[1], 0, 0, 0, 17]);
    summed.extend(&body);
    let sum = check_sum(&summed);
    body[6..8].copy_from_slice(&sum.to_be_bytes());
    let mut bytes = vec![0x60, 0, 0, 0, length[0], length[1], 17, 64];
    bytes.extend([own, own].concat());
    bytes.extend(body);
    // Family, protocol (IPv6), interface (loopback is the first), and an address of nothing.
    let mut to = structure![17u16];
    to.extend([0x86, 0xdd]);
    to.extend(structure![1u32, 0u32, 0u64]);
    sent(socket(libc::AF_PACKET, DATAGRAM, 0)?, &to, &bytes, 0)
}

fn check_sum(bytes: &[u8]) -> u16 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    let mut sum: u32 = bytes.chunks(2).map(word).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(!sum & 0xffff).unwrap_or(0)
}

/// A listener, whose port is told
pub(crate) fn listening(_: &Prey) -> Outcome {
    let socket = socket(V4, STREAM, 0)?;
    let any = v4(&Prey::default());
    call!(libc::SYS_bind, socket, &any, 16)?;
    port_of(socket)
}

/// A listener without bind(2), which Landlock does not see
pub(crate) fn listening_unbound(_: &Prey) -> Outcome {
    port_of(socket(V4, STREAM, 0)?)
}

fn port_of(socket: i64) -> Outcome {
    let (mut address, mut length) = ([0u8; 16], 16u32.to_ne_bytes());
    call!(libc::SYS_listen, socket, 4)?;
    call!(
        libc::SYS_getsockname,
        socket,
        &mut address[..],
        &mut length[..]
    )?;
    let port = u16::from_be_bytes([address[2], address[3]]);
    Ok(port.to_string().into_bytes())
}

/// Asks the kernel for its network, by netlink
pub(crate) fn netlink_route(_: &Prey) -> Outcome {
    done(socket(libc::AF_NETLINK, RAW, 0))
}

/// Asks the kernel for everybody's sockets
pub(crate) fn netlink_sockets(_: &Prey) -> Outcome {
    done(socket(libc::AF_NETLINK, RAW, 4))
}

/// Audits the kernel
pub(crate) fn netlink_audit(_: &Prey) -> Outcome {
    done(socket(libc::AF_NETLINK, RAW, 9))
}

/// Hears of devices
pub(crate) fn netlink_devices(_: &Prey) -> Outcome {
    done(socket(libc::AF_NETLINK, RAW, 15))
}

/// Sees every packet
pub(crate) fn every_packet(_: &Prey) -> Outcome {
    done(socket(libc::AF_PACKET, RAW, 0x300))
}

/// Pings
pub(crate) fn raw_icmp(_: &Prey) -> Outcome {
    done(socket(V4, RAW, libc::IPPROTO_ICMP))
}

/// Pings without privilege
pub(crate) fn ping(_: &Prey) -> Outcome {
    done(socket(V4, DATAGRAM, libc::IPPROTO_ICMP))
}

/// UDP-Lite
pub(crate) fn udp_lite(_: &Prey) -> Outcome {
    done(socket(V4, DATAGRAM, 136))
}

/// SCTP
pub(crate) fn sctp(_: &Prey) -> Outcome {
    done(socket(V4, STREAM, 132))
}

/// The machine that hosts this one
pub(crate) fn vsock(_: &Prey) -> Outcome {
    done(socket(libc::AF_VSOCK, STREAM, 0))
}

/// The kernel's ciphers
pub(crate) fn ciphers(_: &Prey) -> Outcome {
    done(socket(libc::AF_ALG, libc::SOCK_SEQPACKET, 0))
}

/// Express data path
pub(crate) fn xdp(_: &Prey) -> Outcome {
    done(socket(libc::AF_XDP, RAW, 0))
}

/// Bluetooth
pub(crate) fn bluetooth(_: &Prey) -> Outcome {
    done(socket(libc::AF_BLUETOOTH, RAW, 1))
}

/// Cars and machines
pub(crate) fn can(_: &Prey) -> Outcome {
    done(socket(libc::AF_CAN, RAW, 1))
}

/// Clusters
pub(crate) fn tipc(_: &Prey) -> Outcome {
    done(socket(libc::AF_TIPC, STREAM, 0))
}

/// Shared memory over the network
pub(crate) fn smc(_: &Prey) -> Outcome {
    done(socket(43, STREAM, 0))
}
