//! `lobsterpot policy`: read, check, explain and begin policies.
//!
//! Nothing here changes a policy that exists, or says how to widen one to whoever asks.

mod schema;
mod show;

use clap::{Args, Subcommand};

use super::failure::Failure;
use super::output;

/// List, show, check, explain and begin policies
#[derive(Debug, Args)]
pub(super) struct PolicyArguments {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    Show(show::ShowArguments),
    Schema(schema::SchemaArguments),
}

/// Runs the chosen command.
pub(super) fn run(arguments: PolicyArguments) -> Result<u8, Failure> {
    let done = match arguments.command {
        PolicyCommand::Show(arguments) => show::run(&arguments),
        PolicyCommand::Schema(arguments) => schema::run(&arguments),
    };
    done.map_err(Failure::of_a_query)
}
