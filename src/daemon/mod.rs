//! Sessions for other programs, each in a process of its own.
//!
//! A front end that serves many callers has many threads or one loop for all, and launchers are
//! forked from processes with a single thread. So no front end opens a session of the broker: it
//! starts this program once more for each, as `lobsterpot call`, and passes lines to and fro.
//! Nothing here decides what the policy decides, and nothing here touches a file or starts a
//! command for a principal.
//!
//! [`Worker`] is for every front end. [`serve`] is the daemon: a socket on which each request
//! names its session by a token.

mod commands;
mod connection;
mod control;
mod forward;
mod ledger;
mod lines;
mod peer;
mod piped;
mod protocol;
mod refusal;
mod schema;
mod selectors;
mod server;
mod sessions;
mod vouched;
mod worker;

pub use piped::Piped;
pub use schema::schema;
pub use selectors::Selectors;
pub use server::{Serving, serve};
pub use worker::{Opened, Origin, Part, Pending, Worker, WorkerError};

/// A token that nobody guesses: 256 random bits.
fn random_token() -> std::io::Result<String> {
    use std::fmt::Write as _;
    let bytes = crate::sys::entropy::random::<32>()?;
    let mut token = String::with_capacity(64);
    for byte in bytes {
        // Writing to a `String` cannot fail.
        let _ = write!(token, "{byte:02x}");
    }
    Ok(token)
}
