//! `lobsterpot policy`: read, check, explain and begin policies.
//!
//! Nothing here changes a policy that exists, or says how to widen one to whoever asks.

mod explain;
mod init;
mod lint;
mod list;
mod plan;
mod schema;
mod show;

use clap::{Args, Subcommand};

use super::failure::{Failure, Format};
use super::output;
use crate::ambient::Operator;

/// List, show, check, explain and begin policies
#[derive(Debug, Args)]
pub(super) struct PolicyArguments {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    List(list::ListArguments),
    Show(show::ShowArguments),
    Lint(lint::LintArguments),
    Schema(schema::SchemaArguments),
    Init(init::InitArguments),
    Explain(explain::ExplainArguments),
}

impl PolicyArguments {
    /// The form in which the command was asked to speak.
    pub(super) fn format(&self) -> Format {
        match &self.command {
            PolicyCommand::List(arguments) => arguments.json,
            PolicyCommand::Lint(arguments) => arguments.json,
            PolicyCommand::Explain(arguments) => arguments.selectors.json,
            PolicyCommand::Show(_) | PolicyCommand::Schema(_) | PolicyCommand::Init(_) => {
                Format::Text
            }
        }
    }
}

/// Runs the chosen command.
pub(super) fn run(arguments: PolicyArguments, operator: Operator) -> Result<u8, Failure> {
    let done = match arguments.command {
        PolicyCommand::List(arguments) => list::run(&arguments, &operator),
        PolicyCommand::Show(arguments) => show::run(&arguments, &operator),
        PolicyCommand::Lint(arguments) => lint::run(&arguments, &operator),
        PolicyCommand::Schema(arguments) => schema::run(&arguments),
        PolicyCommand::Init(arguments) => init::run(&arguments, &operator),
        PolicyCommand::Explain(arguments) => explain::run(arguments, operator),
    };
    done.map_err(Failure::of_a_query)
}
