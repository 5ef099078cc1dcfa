//! `lobsterpot serve`: the broker as a daemon, for many sessions of many programs.

use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::failure::Failure;
use super::output;
use crate::ambient::Operator;
use crate::broker::{Brake, audit_log};
use crate::daemon::{self, Serving};
use crate::policy::time_limit;
use crate::sys::socket::{self, SocketFile};

const AFTER_HELP: &str = r#"Examples:
  lobsterpot serve --socket $XDG_RUNTIME_DIR/lobsterpot/socket
  lobsterpot serve --schema > lobsterpot-daemon.schema.json

Requests, as JSON Lines:
  {"id", "op": "session.open", "root", "policy", "read_only", "as", "timeout", "keep"}
                                            answers with a token
  {"id", "op": "session.narrow", "token", "read_only", "operations", "timeout"}
                                            answers with a token that allows less
  {"id", "op": "session.list"}              the sessions that you have opened
  {"id", "op": "session.close", "token"}    ends the session, or gives up a narrowed token
  anything else as for `lobsterpot call`, with "token" in it

Each session has a process of its own. It ends when it is closed, when the connection that
opened it closes (unless "keep" is true), and when nothing was asked for the time of --idle.
With a service manager that passes a socket (LISTEN_FDS), --socket is not needed.

Exit codes:
  0    it was told to end (SIGTERM, SIGINT), and every session has ended
  2    usage: no socket, or one that cannot be used
  125  the audit log cannot be used"#;

/// Serve sessions on a unix socket, until SIGTERM
///
/// Only your own programs (and root's) can connect. Each opens sessions, gets a token for each,
/// and asks as with `lobsterpot call`.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(super) struct ServeArguments {
    /// The socket; its directory must be yours alone to write to, and is made where it is missing
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// After which time without a request a session ends: seconds, or such as `30m`
    #[arg(long, value_name = "T", default_value = "30m", value_parser = time_limit)]
    idle: Duration,
    /// Print the JSON Schema of the protocol, and do nothing else
    #[arg(long)]
    schema: bool,
}

/// Serves until it is told to end.
pub(super) fn run(arguments: &ServeArguments, operator: &Operator) -> Result<u8, Failure> {
    if arguments.schema {
        output::print(&format!("{:#}\n", daemon::schema()))?;
        return Ok(0);
    }
    let log = audit_log(operator).map_err(Failure::of_session)?;
    let (listener, file) = listener(arguments, operator)?;
    let serving = Serving {
        listener,
        log,
        brake: Brake::of(operator.state.as_path()).map_err(Failure::unavailable)?,
        uid: operator.uid,
        idle: arguments.idle,
    };
    let served = daemon::serve(serving).map_err(|error| Failure::unavailable(ServeError(error)));
    drop(file);
    served.map(|()| 0)
}

/// The socket of the service manager, or a new one.
fn listener(
    arguments: &ServeArguments,
    operator: &Operator,
) -> Result<(UnixListener, Option<SocketFile>), Failure> {
    let variable = |name| operator.variable(name).and_then(|value| value.to_str());
    let inherited = socket::inherited(variable("LISTEN_PID"), variable("LISTEN_FDS"));
    match (inherited.map_err(Failure::usage)?, &arguments.socket) {
        (Some(listener), _) => Ok((listener, None)),
        (None, Some(path)) => {
            let path = operator.cwd.as_path().join(path);
            let (listener, file) = socket::listen(&path).map_err(Failure::usage)?;
            Ok((listener, Some(file)))
        }
        (None, None) => Err(Failure::usage(NoSocket)
            .with_hint("name one with --socket, such as $XDG_RUNTIME_DIR/lobsterpot/socket")),
    }
}

/// There is nothing to serve on.
#[derive(Debug, thiserror::Error)]
#[error("there is no socket to serve on")]
struct NoSocket;

/// The server did not get going.
#[derive(Debug, thiserror::Error)]
#[error("cannot serve")]
struct ServeError(#[source] std::io::Error);
