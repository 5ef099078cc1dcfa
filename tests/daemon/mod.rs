//! The daemon and the emergency brake, by the real program and real sockets.

mod brake;
mod documented;
mod ending;
mod peers;
mod sockets;
mod stalls;
mod streaming;
mod tokens;
mod units;
mod world;
