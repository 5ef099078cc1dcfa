//! `lobsterpot mcp`: the broker's operations as tools of a Model Context Protocol server.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::failure::Failure;
use super::selectors::Selectors;
use super::{output, session};
use crate::ambient::Operator;
use crate::daemon::WorkerError;
use crate::mcp::{self, Door, Http, McpError, Setup, Token};
use crate::policy::time_limit;

const AFTER_HELP: &str = r#"Examples:
  lobsterpot mcp                            serve one client on stdin and stdout
  lobsterpot mcp --read-only                the same, with nothing that changes anything
  lobsterpot mcp --http 127.0.0.1:8720      serve many clients by HTTP, on this machine
  lobsterpot mcp --wrap -- npx some-server  another server, in the sandbox

In a client's configuration:
  {"mcpServers": {"lobsterpot": {"command": "lobsterpot", "args": ["mcp", "--root", "/path"]}}}

Tools:
  shell, shell_start, shell_output, shell_stop, read, write, append, edit, list, glob, grep, stat,
  mkdir, move, copy, delete; of these, the ones that the policy could let succeed.
  With --wrap, the other server's tools, as far as [tools] of the policy lets them be called.

HTTP:
  The address is http://ADDR/mcp. Every request must carry `Authorization: Bearer TOKEN`: the
  token of --token-file, or of the variable LOBSTERPOT_TOKEN, or a new one, which is printed once.

Exit codes:
  0    the client has gone
  1    somebody does not speak the protocol, or the address cannot be had
  2    usage: an option cannot be used, or names nothing that is there
  125  no session could be opened"#;

/// Serve the broker's operations as tools, by the Model Context Protocol
///
/// All calls of a client are one session: they share a sandbox and a scratch directory, which end
/// with the client, as does everything that its commands started.
#[derive(Debug, Args)]
#[command(
    after_long_help = AFTER_HELP,
    override_usage = "lobsterpot mcp [OPTIONS] [--wrap -- <SERVER>...]"
)]
pub(super) struct McpArguments {
    #[command(flatten)]
    pub(super) selectors: Selectors,
    /// Serve by HTTP on this address, which must be on loopback, such as 127.0.0.1:8720
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// The file that holds the token for HTTP; nobody else may be able to read it
    #[arg(long, value_name = "FILE", requires = "http")]
    token_file: Option<PathBuf>,
    /// By HTTP: how long a client's session lasts without a request, beyond the longest time that
    /// a command may take: seconds, or such as `30m`
    #[arg(long, value_name = "T", default_value = "30m", value_parser = time_limit)]
    idle: Duration,
    /// Run another server in the sandbox, and serve its tools
    #[arg(long, requires = "server")]
    wrap: bool,
    /// The other server and its arguments
    #[arg(value_name = "SERVER", last = true, requires = "wrap")]
    server: Vec<OsString>,
}

/// Serves until the client has gone.
pub(super) fn run(arguments: &McpArguments, operator: Operator) -> Result<u8, Failure> {
    let selectors = &arguments.selectors;
    let directory = operator.cwd.as_path().to_owned();
    let door = match arguments.http {
        Some(address) if !address.ip().is_loopback() => {
            return Err(Failure::usage(McpError::NotLoopback(address)));
        }
        Some(address) => Door::Http(Http {
            address,
            token: token(arguments, &operator)?,
            idle: arguments.idle,
            listening: say_where,
        }),
        None => Door::Stdio,
    };
    let terms = session::terms(selectors, operator)?;
    let setup = Setup {
        selectors: session::of_a_worker(selectors, &terms)?,
        directory,
        terms,
    };
    let wrapped = arguments.wrap.then_some(arguments.server.as_slice());
    mcp::serve(setup, wrapped, &door)
        .map(|()| 0)
        .map_err(failure)
}

/// The token that the operator chose, or a new one.
fn token(arguments: &McpArguments, operator: &Operator) -> Result<Token, Failure> {
    let chosen = match &arguments.token_file {
        Some(file) => Some(operator.read_secret(file).map_err(Failure::usage)?),
        None => operator
            .variable(VARIABLE)
            .map(|token| token.to_string_lossy().into_owned()),
    };
    if let Some(text) = chosen {
        return Token::new(&text).map_err(Failure::usage);
    }
    let token = Token::random().map_err(Failure::unavailable)?;
    // Whoever reads this stream is the operator.
    output::say(&format!("token: {}\n", token.as_str()));
    Ok(token)
}

/// Where a token can be given without a file.
const VARIABLE: &str = "LOBSTERPOT_TOKEN";

fn say_where(address: SocketAddr) {
    output::say(&format!("listening on http://{address}/mcp\n"));
}

fn failure(error: McpError) -> Failure {
    match error {
        McpError::Session(WorkerError::NotOpened { ref hint, .. }) => {
            let hint = hint.clone();
            let failure = Failure::unavailable(error);
            match hint {
                Some(hint) => failure.with_hint(hint),
                None => failure,
            }
        }
        McpError::Record(error) => Failure::of_session(error),
        McpError::Session(_) | McpError::Runtime(_) | McpError::Start(_) => {
            Failure::unavailable(error)
        }
        McpError::NotLoopback(_) => Failure::usage(error),
        McpError::Handshake(_) | McpError::Wrapped(_) | McpError::Listen(..) => {
            Failure::general(error)
        }
    }
}
