//! Listeners on this machine, and sockets of every kind.

use super::super::row::{Group, Kind, Place, Row, Target, Witness};
use crate::sys::attack::{Attack, network, sockets};

const fn sends(name: &'static str, tries: &'static str, attack: Attack, target: Target) -> Row {
    Row {
        group: Group::Network,
        name,
        tries,
        attack,
        target,
        witness: Witness::Heard,
        place: Place::Outside,
        unless: None,
    }
}

const fn tcp(name: &'static str, tries: &'static str, attack: Attack) -> Row {
    sends(name, tries, attack, Target::Port(Kind::Stream))
}

const fn udp(name: &'static str, tries: &'static str, attack: Attack) -> Row {
    sends(name, tries, attack, Target::Port(Kind::Datagram))
}

const fn kind(name: &'static str, tries: &'static str, attack: Attack) -> Row {
    sends(name, tries, attack, Target::Nothing).seen_by(Witness::Descriptor("socket:"))
}

const STREAM: Target = Target::Socket(Kind::Stream);
const DATAGRAM: Target = Target::Socket(Kind::Datagram);

pub(super) const ROWS: &[Row] = &[
    tcp("tcp", "TCP to a listener on 127.0.0.1", network::tcp),
    tcp(
        "tcp-cloexec",
        "TCP with SOCK_CLOEXEC",
        network::flagged_kind,
    ),
    tcp(
        "tcp-fastopen",
        "TCP with data in the first packet: MSG_FASTOPEN",
        network::fast_open,
    ),
    tcp(
        "tcp-fastopen-connect",
        "TCP with TCP_FASTOPEN_CONNECT",
        network::fast_open_connect,
    ),
    tcp("tcp-mapped", "TCP to ::ffff:127.0.0.1", network::tcp_mapped),
    tcp("mptcp", "multipath TCP", network::multipath),
    tcp(
        "high-family",
        "socket with bits in the upper half of the family",
        network::high_family,
    ),
    sends(
        "tcp6",
        "TCP to a listener on ::1",
        network::tcp6,
        Target::Port6(Kind::Stream),
    ),
    sends(
        "mptcp6",
        "multipath TCP to ::1",
        network::multipath6,
        Target::Port6(Kind::Stream),
    ),
    udp("udp", "UDP: sendto", network::udp),
    udp("udp-connect", "UDP: connect, write", network::udp_connected),
    udp("udp-sendmsg", "UDP: sendmsg", network::udp_by_message),
    udp("udp-sendmmsg", "UDP: sendmmsg", network::udp_by_messages),
    sends(
        "udp6",
        "UDP to ::1",
        network::udp6,
        Target::Port6(Kind::Datagram),
    ),
    udp("raw-udp", "UDP by a raw socket", network::raw),
    sends(
        "packet-udp",
        "UDP by a packet socket",
        network::packet,
        Target::Port6(Kind::Datagram),
    ),
    sends(
        "listen",
        "bind and listen; reached from outside",
        network::listening,
        Target::Nothing,
    )
    .seen_by(Witness::Reached),
    sends(
        "listen-unbound",
        "listen without bind; reached from outside",
        network::listening_unbound,
        Target::Nothing,
    )
    .seen_by(Witness::Reached),
    sends(
        "unix-stream",
        "a unix stream to a daemon outside",
        sockets::stream,
        STREAM,
    ),
    sends(
        "unix-stream-relative",
        "chdir, a unix stream by a relative path",
        sockets::stream_relative,
        STREAM,
    ),
    sends(
        "unix-stream-self-fd",
        "a unix stream to /proc/self/fd/N of an O_PATH handle",
        sockets::stream_link,
        STREAM,
    ),
    sends(
        "unix-stream-inside",
        "a unix stream to a daemon in the workspace",
        sockets::stream,
        Target::SocketInside(Kind::Stream),
    ),
    sends(
        "unix-packets",
        "unix packets to a daemon outside",
        sockets::packets,
        Target::Socket(Kind::Packets),
    ),
    sends(
        "unix-datagram",
        "a unix datagram: sendto",
        sockets::datagram,
        DATAGRAM,
    ),
    sends(
        "unix-datagram-connect",
        "a unix datagram: connect, write",
        sockets::datagram_connected,
        DATAGRAM,
    ),
    sends(
        "unix-datagram-sendmsg",
        "a unix datagram: sendmsg",
        sockets::datagram_by_message,
        DATAGRAM,
    ),
    sends(
        "unix-datagram-inside",
        "a unix datagram to a daemon in the workspace",
        sockets::datagram,
        Target::SocketInside(Kind::Datagram),
    ),
    sends(
        "unix-pair",
        "one end of a datagram socketpair, pointed at a daemon",
        sockets::pair_of_datagrams,
        DATAGRAM,
    ),
    sends(
        "unix-pair-raw",
        "one end of a raw socketpair, pointed at a daemon",
        sockets::pair_of_raw,
        DATAGRAM,
    ),
    sends(
        "abstract-stream",
        "a unix stream to an abstract name",
        sockets::abstract_stream,
        Target::Abstract(Kind::Stream),
    ),
    sends(
        "abstract-datagram",
        "a unix datagram to an abstract name",
        sockets::abstract_datagram,
        Target::Abstract(Kind::Datagram),
    ),
    sends(
        "abstract-pair",
        "one end of a datagram socketpair, pointed at an abstract name",
        sockets::abstract_pair,
        Target::Abstract(Kind::Datagram),
    ),
    kind(
        "netlink-route",
        "socket(AF_NETLINK, NETLINK_ROUTE)",
        network::netlink_route,
    ),
    kind(
        "netlink-diag",
        "socket(AF_NETLINK, NETLINK_SOCK_DIAG)",
        network::netlink_sockets,
    ),
    kind(
        "netlink-audit",
        "socket(AF_NETLINK, NETLINK_AUDIT)",
        network::netlink_audit,
    ),
    kind(
        "netlink-uevent",
        "socket(AF_NETLINK, NETLINK_KOBJECT_UEVENT)",
        network::netlink_devices,
    ),
    kind("packet", "socket(AF_PACKET)", network::every_packet),
    kind(
        "raw-icmp",
        "socket(AF_INET, SOCK_RAW, ICMP)",
        network::raw_icmp,
    ),
    kind("ping", "socket(AF_INET, SOCK_DGRAM, ICMP)", network::ping),
    kind("udp-lite", "socket(AF_INET, UDP-Lite)", network::udp_lite),
    kind("sctp", "socket(AF_INET, SCTP)", network::sctp),
    kind("vsock", "socket(AF_VSOCK)", network::vsock),
    kind("alg", "socket(AF_ALG)", network::ciphers),
    kind("xdp", "socket(AF_XDP)", network::xdp),
    kind("bluetooth", "socket(AF_BLUETOOTH)", network::bluetooth),
    kind("can", "socket(AF_CAN)", network::can),
    kind("tipc", "socket(AF_TIPC)", network::tipc),
    kind("smc", "socket(AF_SMC)", network::smc),
];
