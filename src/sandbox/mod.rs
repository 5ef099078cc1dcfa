//! How a command is contained: profiles, plans, and the layers that enforce them.
//!
//! Planning is pure and its result is data; only preparing and entering touch
//! the host. Nothing here decides whether a request is allowed: that is policy.

pub mod profile;
pub mod seccomp;
