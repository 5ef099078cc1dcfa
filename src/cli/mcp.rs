//! `lobsterpot mcp`: the broker's operations as tools of a Model Context Protocol server.

use clap::Args;

use super::failure::Failure;
use super::selectors::Selectors;
use super::session;
use crate::ambient::Operator;
use crate::daemon::WorkerError;
use crate::mcp::{self, McpError, Setup};

const AFTER_HELP: &str = r#"Examples:
  lobsterpot mcp                            serve one client on stdin and stdout
  lobsterpot mcp --read-only                the same, with nothing that changes anything

In a client's configuration:
  {"mcpServers": {"lobsterpot": {"command": "lobsterpot", "args": ["mcp", "--root", "/path"]}}}

Tools:
  shell, shell_start, shell_output, shell_stop, read, write, append, edit, list, glob, grep, stat,
  mkdir, move, copy, delete; of these, the ones that the policy could let succeed

Exit codes:
  0    the client has gone
  1    the client does not speak the protocol
  2    usage: an option cannot be used, or names nothing that is there
  125  no session could be opened"#;

/// Serve the broker's operations as tools, by the Model Context Protocol
///
/// All calls of a client are one session: they share a sandbox and a scratch directory, which end
/// with the client, as does everything that its commands started.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(super) struct McpArguments {
    #[command(flatten)]
    pub(super) selectors: Selectors,
}

/// Serves until the client has gone.
pub(super) fn run(arguments: &McpArguments, operator: Operator) -> Result<u8, Failure> {
    let selectors = &arguments.selectors;
    let directory = operator.cwd.as_path().to_owned();
    let terms = session::terms(selectors, operator)?;
    let setup = Setup {
        selectors: session::of_a_worker(selectors, &terms)?,
        directory,
        terms,
    };
    mcp::serve_stdio(setup).map(|()| 0).map_err(failure)
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
        McpError::Session(_) | McpError::Runtime(_) => Failure::unavailable(error),
        McpError::Handshake(_) => Failure::general(error),
    }
}
