//! The tripwire: the root of a view as a file system of our own, which tells who left it.
//!
//! Granted directories are mounted over it, so what is allowed never meets it. Whatever a
//! command looks up outside of them ends here: it is answered alike whether or not the host
//! has it, and told before the answer. A process of its own serves it, and knows nothing of
//! the host: it must never resolve a path, follow anything, or open anything but what
//! `/proc` tells of a caller. When it ends, every lookup outside fails with `ENOTCONN`.
//!
//! Reading order: `tree` (what is answered), `asked` (what the caller asked for), `counts`
//! (how much of it is told), `launchers`
//! (of which command), `outbox` and `attempt` (how), `serve` (the loop), `process`
//! (where it runs), `watch` (the broker's end).

mod asked;
mod attempt;
mod counts;
mod launchers;
mod outbox;
mod process;
mod serve;
#[cfg(test)]
mod tests;
mod tree;
mod watch;

pub use attempt::Attempt;
pub(super) use process::{Handover, Password, Supervision, Tripwire};
pub use watch::Seen;
pub(super) use watch::{Reports, Standing, Watch};
