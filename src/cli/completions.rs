//! `lobsterpot completions`: what a shell needs to complete our commands and options.

use clap::Args;
use clap_complete::Shell;

use super::failure::Failure;
use super::output;

const AFTER_HELP: &str = "\
Examples:
  lobsterpot completions bash > ~/.local/share/bash-completion/completions/lobsterpot
  lobsterpot completions zsh  > ~/.zfunc/_lobsterpot
  lobsterpot completions fish > ~/.config/fish/completions/lobsterpot.fish";

/// Print the completion script of a shell
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(super) struct CompletionsArguments {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Prints the script.
pub(super) fn run(
    arguments: &CompletionsArguments,
    mut command: clap::Command,
) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "lobsterpot", &mut script);
    output::print_raw(&script)?;
    Ok(0)
}
