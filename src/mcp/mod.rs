//! The Model Context Protocol: the broker's operations as tools of a server.
//!
//! The server is a loop of many clients and calls; its sessions are processes of their own
//! ([`crate::daemon`]). It offers what the session's policy could let succeed, and passes calls
//! on. It decides nothing itself, and no call of a client reaches a file, a process or a network
//! but through the broker.

mod answering;
mod arguments;
mod background;
mod http;
mod overlong;
mod render;
mod roots;
mod server;
mod session;
mod stdio;
mod strangers;
mod token;
mod tools;
mod wrap;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::broker::{SessionError, ToolSession};
use crate::daemon::WorkerError;
use server::Server;
use session::Session;
use wrap::Running;

pub use http::Http;
pub use session::Setup;
pub use token::{Token, TokenError};

/// How many clients of the HTTP server have a session at once.
const MOST_SESSIONS: usize = 64;

/// Why the server cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum McpError {
    /// There is no event loop.
    #[error("cannot start the server's event loop")]
    Runtime(#[source] std::io::Error),
    /// No session can be opened.
    #[error(transparent)]
    Session(#[from] WorkerError),
    /// Calls of another server's tools cannot be put on record.
    #[error(transparent)]
    Record(#[from] SessionError),
    /// The client did not begin as the protocol says.
    #[error("the client did not begin a session of the protocol: {0}")]
    Handshake(String),
    /// The server that is to be wrapped cannot be started.
    #[error("cannot start the server")]
    Start(#[source] std::io::Error),
    /// The server that is to be wrapped does not begin as the protocol says.
    #[error("the wrapped server did not begin a session of the protocol: {0}")]
    Wrapped(String),
    /// Others could reach it.
    #[error("cannot listen on {0}: it is not on loopback")]
    NotLoopback(SocketAddr),
    /// The address is taken, or none of ours.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
}

/// Where the clients are.
#[derive(Debug)]
pub enum Door {
    /// One, on standard input and output.
    Stdio,
    /// Many, by HTTP.
    Http(Http),
}

/// Serves until the client has gone, or a signal ends it. With `wrapped`, the tools are those of
/// this other server.
///
/// To be called before any other thread exists.
///
/// # Errors
/// When no session can be opened, or somebody does not speak the protocol.
pub fn serve(setup: Setup, wrapped: Option<&[OsString]>, door: &Door) -> Result<(), McpError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(McpError::Runtime)?;
    let setup = Arc::new(setup);
    let served = runtime.block_on(async {
        match wrapped {
            Some(argv) => serve_wrapped(&setup, argv, door).await,
            None => serve_own(&setup, door).await,
        }
    });
    // A thread may still wait for standard input, for as long as the client likes.
    runtime.shutdown_background();
    served
}

async fn serve_own(setup: &Arc<Setup>, door: &Door) -> Result<(), McpError> {
    let session = Arc::new(Session::new(setup.clone()));
    // What keeps a session from being opened is better told before there is a client to tell.
    session.worker().await?;
    let served = match door {
        Door::Stdio => stdio::serve(Server::of_one(session.clone())).await,
        Door::Http(http) => {
            let (setup, shared) = (setup.clone(), session.clone());
            let room = Arc::new(Semaphore::new(MOST_SESSIONS));
            let longest = setup.terms.policy.policy().limits.wall;
            let server = move || {
                let place = room.clone().try_acquire_owned();
                let place = place.map_err(|_| std::io::Error::other("too many sessions"))?;
                let own = Arc::new(Session::new(setup.clone()));
                Ok(Server::of_many(own, shared.clone(), place))
            };
            http::serve(http, longest, server).await
        }
    };
    session.close().await;
    served
}

async fn serve_wrapped(setup: &Arc<Setup>, argv: &[OsString], door: &Door) -> Result<(), McpError> {
    let state = setup.terms.operator.state.as_path();
    let calls = ToolSession::open(setup.terms.clone(), state)?;
    let running = Running::start(setup, argv, calls).await?;
    let served = match door {
        Door::Stdio => stdio::serve(running.server()).await,
        Door::Http(http) => {
            let longest = setup.terms.policy.policy().limits.wall;
            let server = running.server();
            http::serve(http, longest, move || Ok(server.clone())).await
        }
    };
    running.end().await;
    served
}
