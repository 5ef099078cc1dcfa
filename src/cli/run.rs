//! `lobsterpot run`: one command in the sandbox, on the caller's own streams.
//!
//! Standard input, output and error are the command's. What Lobsterpot has to say comes after
//! it, on standard error.

use clap::Args;

use super::failure::{Failure, exit_codes};
use super::selectors::{Selectors, word};
use super::{session, told};
use crate::ambient::Operator;
use crate::model::ExecRun;

const AFTER_HELP: &str = concat!(
    "\
Examples:
  lobsterpot run -- cargo test
  lobsterpot run --read-only -- git log --oneline
  lobsterpot run --timeout 30s sh -c 'make && ./demo'
  lobsterpot run --policy notes --as +15555550123 -- ls

Output:
  The command's standard streams pass through untouched. When it has ended, each denial is
  one line on stderr, with what is granted instead under it. With --json, the last line of
  stderr is the report instead: {id, status, result, denials, enforced, audit}.

Exit codes:
",
    exit_codes!("an option cannot be used, or names nothing that is there")
);

/// Run a command in the sandbox
///
/// The command finds the workspace with the rights that the policy grants, the tools of the
/// system, a home directory of its own that ends with it, and no network. Everything else is
/// refused by the kernel. It runs as you, in your terminal, and ends with everything it started.
#[derive(Debug, Args)]
#[command(
    after_long_help = AFTER_HELP,
    override_usage = "lobsterpot run [OPTIONS] [--] <CMD>..."
)]
pub(super) struct RunArguments {
    #[command(flatten)]
    pub(super) selectors: Selectors,
    /// For front ends: end with the parent, of this id, and take as long as it wants
    #[arg(long, value_name = "PID", hide = true)]
    front_end: Option<i32>,
    /// The command and its arguments; everything after its name is its own
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true, value_parser = word())]
    command: Vec<String>,
}

/// Runs the command.
pub(super) fn run(arguments: RunArguments, operator: Operator) -> Result<u8, Failure> {
    let RunArguments {
        selectors,
        front_end,
        command,
    } = arguments;
    let terms = match front_end {
        Some(parent) => {
            session::end_with(parent)?;
            session::terms_of_a_server(&selectors, operator)?
        }
        None => session::terms(&selectors, operator)?,
    };
    let mut session = session::open(terms)?;
    let report = session.run(ExecRun {
        argv: Some(command),
        ..ExecRun::default()
    });
    session.close();
    told::reply(&report.reply, selectors.json);
    Ok(report.exit_code)
}
