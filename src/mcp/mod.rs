//! The Model Context Protocol: the broker's operations as tools of a server.
//!
//! The server is a loop of many clients and calls; its sessions are processes of their own
//! ([`crate::daemon`]). It offers what the session's policy could let succeed, and passes calls
//! on. It decides nothing itself, and no call of a client reaches a file, a process or a network
//! but through the broker.

mod arguments;
mod background;
mod render;
mod server;
mod session;
mod stdio;
mod tools;

use std::sync::Arc;

use crate::daemon::WorkerError;

pub use session::Setup;

/// Why the server cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum McpError {
    /// There is no event loop.
    #[error("cannot start the server's event loop")]
    Runtime(#[source] std::io::Error),
    /// No session can be opened.
    #[error(transparent)]
    Session(#[from] WorkerError),
    /// The client did not begin as the protocol says.
    #[error("the client did not begin a session of the protocol: {0}")]
    Handshake(String),
}

/// Serves one client on standard input and output, until it has gone or a signal ends it.
///
/// To be called before any other thread exists.
///
/// # Errors
/// When no session can be opened, or the client does not speak the protocol.
pub fn serve_stdio(setup: Setup) -> Result<(), McpError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(McpError::Runtime)?;
    let served = runtime.block_on(stdio::serve(Arc::new(setup)));
    // A thread may still wait for standard input, for as long as the client likes.
    runtime.shutdown_background();
    served
}
