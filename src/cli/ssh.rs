//! `lobsterpot ssh`, and `lobsterpot-ssh`: what takes us for ssh gets the sandbox instead of
//! another machine.
//!
//! For OpenClaw's ssh backend, without a change to it. No connection is made, whatever host is
//! named, and no key is read.

use clap::{ArgAction, Args};

use super::failure::{Failure, exit_codes};
use super::selectors::{Selectors, word};
use super::{session, standin};
use crate::ambient::Operator;
use crate::shim::SshCall;

const AFTER_HELP: &str = concat!(
    "\
Examples:
  LOBSTERPOT_ROOT=/srv/sandboxes lobsterpot-ssh -T any-host 'ls -l'

In the configuration of OpenClaw (agents.defaults.sandbox):
  backend: \"ssh\", ssh: { command: \"/usr/local/bin/lobsterpot-ssh\", target: \"sandbox@localhost\",
  workspaceRoot: \"/srv/sandboxes\" }, and LOBSTERPOT_ROOT=/srv/sandboxes in its environment

`lobsterpot-ssh` is a link to `lobsterpot`. The command starts in the root. A terminal is the
caller's own; none is made (-t). Options that lead to another place (-L, -R, -D, -J, -A and the
like) are refused.

Exit codes:
",
    exit_codes!("an option is not known, or no workspace was chosen")
);

/// Run a command in the sandbox, called as ssh is
#[derive(Debug, Args)]
#[command(
    after_long_help = AFTER_HELP,
    override_usage = "lobsterpot ssh [SELECTORS] [SSH OPTIONS] <HOST> <CMD>...",
    disable_help_flag = true
)]
pub(super) struct SshArguments {
    #[command(flatten)]
    pub(super) selectors: Selectors,
    /// Print help
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,
    /// The words of ssh: options, a host, and a command
    #[arg(
        value_name = "WORD",
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_parser = word()
    )]
    words: Vec<String>,
}

/// Runs the command.
pub(super) fn run(arguments: SshArguments, operator: Operator) -> Result<u8, Failure> {
    let SshArguments {
        selectors, words, ..
    } = arguments;
    let call = SshCall::read(words).map_err(Failure::usage)?;
    standin::fixed_places(&selectors)?;
    let terms = session::terms(&selectors, operator)?;
    let root = standin::text(&terms.policy.anchors().root)?;
    let session = session::open(terms)?;
    let words = call.words(&root);
    Ok(standin::run_in(session, (words, root), selectors.json))
}
