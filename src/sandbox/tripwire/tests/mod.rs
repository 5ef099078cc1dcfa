//! The tripwire on a real mount.
//!
//! A child enters namespaces of its own, takes the tripwire for its root, and tries to leave.
//! What it gets it tells by a pipe; what is seen of it is read by this process.

#![allow(
    clippy::disallowed_methods,
    reason = "a test makes a world, and looks at it from inside and outside"
)]

/// What is answered and what is told.
mod answers;
/// What it costs: printed, never judged.
mod cost;
/// Floods, odd names, the dying, the stopped, a broker that does not read.
mod hostile;
/// The process inside and the server.
mod world;
