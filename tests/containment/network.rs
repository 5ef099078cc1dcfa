//! Nothing leaves the machine, and no daemon of it can be asked. The witnesses are listeners.

use std::io::ErrorKind;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};

use nix::errno::Errno::{self, EACCES, EAFNOSUPPORT, ENETUNREACH, ESOCKTNOSUPPORT};

use super::world::{Failures, Policy, User, World, skip};

/// Whether something has arrived at a listener that never waits.
trait Witness {
    fn has_heard(&self) -> bool;
}

fn heard<T>(result: std::io::Result<T>) -> bool {
    match result {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::WouldBlock => false,
        Err(error) => panic!("{error}"),
    }
}

impl Witness for TcpListener {
    fn has_heard(&self) -> bool {
        heard(self.accept())
    }
}

impl Witness for UdpSocket {
    fn has_heard(&self) -> bool {
        heard(self.recv(&mut [0; 16]))
    }
}

impl Witness for UnixListener {
    fn has_heard(&self) -> bool {
        heard(self.accept())
    }
}

impl Witness for UnixDatagram {
    fn has_heard(&self) -> bool {
        heard(self.recv(&mut [0; 16]))
    }
}

fn attack(world: &World, witness: &dyn Witness, call: (&str, &str), errno: Errno) {
    let (name, target) = call;
    let mut failures = Failures::default();
    let control = world.bare(name, [target]);
    if control.is_missing_here() {
        return skip(name);
    }
    if control.errno != Some(0) || !witness.has_heard() {
        failures.note(format!("no control: {control:?}"));
    }
    for policy in [Policy::Workspace, Policy::ReadOnly] {
        let answer = world.sandboxed(policy, name, [target]);
        if answer.errno != Some(errno as i32) {
            let told = answer.errno_name();
            failures.note(format!("{:?} {policy:?}: {told}: {answer:?}", world.user));
        }
        if witness.has_heard() {
            failures.note(format!("{:?} {policy:?}: it was heard", world.user));
        }
    }
    failures.none(name);
}

#[test]
fn no_connection_is_made_and_nothing_is_sent() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port().to_string();
        tcp.set_nonblocking(true).unwrap();
        for name in ["tcp", "tcp-fast-open", "multipath", "high-family"] {
            attack(&world, &tcp, (name, &port), ENETUNREACH);
        }
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = udp.local_addr().unwrap().port().to_string();
        udp.set_nonblocking(true).unwrap();
        attack(&world, &udp, ("udp", &port), ENETUNREACH);
        let Ok(tcp) = TcpListener::bind("[::1]:0") else {
            skip("ipv6");
            continue;
        };
        let port = tcp.local_addr().unwrap().port().to_string();
        tcp.set_nonblocking(true).unwrap();
        attack(&world, &tcp, ("tcp6", &port), ENETUNREACH);
        let udp = UdpSocket::bind("[::1]:0").unwrap();
        let port = udp.local_addr().unwrap().port().to_string();
        udp.set_nonblocking(true).unwrap();
        attack(&world, &udp, ("udp6", &port), ENETUNREACH);
    }
}

/// Not even one that lies in the workspace: a daemon listens there, not the command.
#[test]
fn no_daemon_of_the_host_is_asked() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        for (place, file) in [("outside", "s"), ("workspace", "w")] {
            let stream = world.path(place).join(format!("{file}1"));
            let packets = world.path(place).join(format!("{file}2"));
            let daemon = UnixListener::bind(&stream).unwrap();
            daemon.set_nonblocking(true).unwrap();
            world.hand_over(&stream);
            attack(
                &world,
                &daemon,
                ("unix-stream", stream.to_str().unwrap()),
                EACCES,
            );
            let daemon = UnixDatagram::bind(&packets).unwrap();
            daemon.set_nonblocking(true).unwrap();
            world.hand_over(&packets);
            let path = packets.to_str().unwrap();
            attack(&world, &daemon, ("unix-datagram", path), EACCES);
            attack(&world, &daemon, ("pair-datagram", path), ESOCKTNOSUPPORT);
        }
        let name = format!("lobsterpot-test-{}-{user:?}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let daemon = UnixListener::bind_addr(&address).unwrap();
        daemon.set_nonblocking(true).unwrap();
        attack(&world, &daemon, ("abstract", &name), EACCES);
    }
}

/// Families and kinds that reach the kernel or the network past every rule of ports.
#[test]
fn no_other_kind_of_socket_is_made() {
    const STREAM: i32 = 1;
    const DATAGRAM: i32 = 2;
    const RAW: i32 = 3;
    let kinds = [
        ("netlink route", 16, RAW, 0, EAFNOSUPPORT),
        ("netlink audit", 16, RAW, 9, EAFNOSUPPORT),
        ("packet", 17, RAW, 0x300, EAFNOSUPPORT),
        ("raw icmp", 2, RAW, 1, ENETUNREACH),
        ("vsock", 40, STREAM, 0, EAFNOSUPPORT),
        ("algorithms", 38, 5, 0, EAFNOSUPPORT),
        ("udp lite", 2, DATAGRAM, 136, ENETUNREACH),
        ("sctp", 2, STREAM, 132, ENETUNREACH),
        ("bluetooth", 31, RAW, 1, EAFNOSUPPORT),
        ("no family at all", 0, STREAM, 0, EAFNOSUPPORT),
    ];
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        let mut worked = 0;
        for (name, family, kind, protocol, errno) in kinds {
            let arguments = [family, kind, protocol].map(|number: i32| number.to_string());
            worked += usize::from(world.bare("socket", &arguments).errno == Some(0));
            let answer = world.sandboxed(Policy::Workspace, "socket", &arguments);
            assert_eq!(answer.errno, Some(errno as i32), "{name}: {answer:?}");
        }
        assert!(worked > 0, "no kind works without the sandbox either");
    }
}

#[test]
fn nothing_listens() {
    let world = World::new(User::Current);
    for name in ["tcp-listen", "udp-bind"] {
        assert_eq!(world.bare(name, [""]).errno, Some(0));
        let answer = world.sandboxed(Policy::Workspace, name, [""]);
        assert_eq!(answer.errno, Some(ENETUNREACH as i32), "{answer:?}");
    }
}

#[test]
fn pairs_of_sockets_work() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        for policy in [Policy::Workspace, Policy::ReadOnly] {
            let answer = world.sandboxed(policy, "pair", [""]);
            assert_eq!(answer.errno, Some(0), "{answer:?}");
        }
    }
}
