//! The command line: one file per command, and the few things that all commands share.
//!
//! Nothing here decides or enforces anything: a command asks the broker and shows its answer.
//! What a user scripts against (exit codes, `--json`, which stream holds what) is documented
//! in the help texts here and held by `tests/cli`.

pub mod audit;
mod call;
mod check;
mod completions;
mod doctor;
mod failure;
mod hook;
mod layout;
mod lines;
mod log;
mod man;
mod mcp;
mod names;
mod output;
mod policy;
mod prompt;
mod prove;
mod resume;
mod run;
mod selectors;
mod serve;
mod session;
mod sh;
mod ssh;
mod standin;
mod stop;
mod told;

use std::process::ExitCode;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{CommandFactory as _, Parser, Subcommand};

use failure::{Failure, Format, exit_codes};

use crate::ambient::Operator;
use crate::sys::limits::raise_open_files;

const LONG_ABOUT: &str = "\
A capability broker and sandbox for the tool calls of AI agents on Linux.

Lobsterpot runs an agent's commands and file operations with what a policy grants, and with
nothing else. The kernel refuses the rest, and every refusal is on record.";

const AFTER_HELP: &str = concat!(
    "\
Examples:
  lobsterpot run -- cargo test              work in the current directory, and only there
  lobsterpot run --read-only -- git log     look, and change nothing
  lobsterpot check --read ~/.ssh/id_rsa     would this be allowed, and by which rule?
  lobsterpot audit tail                     what was refused lately
  lobsterpot doctor                         what this host can enforce
  lobsterpot stop                           end everything, and refuse what comes
  lobsterpot prove                          attack the sandbox on this host, and see what holds

Exit codes of run, sh and ssh:
",
    exit_codes!("an option cannot be used, or names nothing that is there"),
    "
The others exit with 0, 1 for an error or a finding, and 2 and 125 as these; check with 126, too.

Files:
  $XDG_CONFIG_HOME/lobsterpot/policies/NAME.toml, then /etc/lobsterpot/policies/NAME.toml
  $XDG_CONFIG_HOME/lobsterpot/profiles/NAME.toml, then /etc/lobsterpot/profiles/NAME.toml
  $XDG_STATE_HOME/lobsterpot/               the audit log

Environment:
  LOBSTERPOT_POLICY, LOBSTERPOT_ROOT, LOBSTERPOT_READ_ONLY, LOBSTERPOT_AS, LOBSTERPOT_TIMEOUT
                                            stand for the options of these names
  LOBSTERPOT_LOG                            diagnostics on stderr: error, warn, info, debug, trace
  NO_COLOR, CLICOLOR, CLICOLOR_FORCE        colours; without them, only on a terminal"
);

/// A capability broker and sandbox for the tool calls of AI agents on Linux.
#[derive(Debug, Parser)]
#[command(
    name = "lobsterpot",
    version,
    long_about = LONG_ABOUT,
    after_long_help = AFTER_HELP,
    after_help = "`lobsterpot --help` tells more; so does `lobsterpot help COMMAND`.",
    arg_required_else_help = true,
    subcommand_required = true,
    max_term_width = 100,
    styles = STYLES
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Yellow.on_default().bold())
    .usage(AnsiColor::Yellow.on_default().bold())
    .literal(AnsiColor::Green.on_default())
    .placeholder(AnsiColor::Cyan.on_default());

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::RunArguments),
    Sh(sh::ShArguments),
    Ssh(ssh::SshArguments),
    Call(call::CallArguments),
    Check(check::CheckArguments),
    Mcp(mcp::McpArguments),
    Serve(serve::ServeArguments),
    Stop(stop::StopArguments),
    Resume(resume::ResumeArguments),
    Hook(hook::HookArguments),
    Prompt(prompt::PromptArguments),
    Policy(policy::PolicyArguments),
    Audit(Box<audit::AuditArguments>),
    Doctor(doctor::DoctorArguments),
    Prove(prove::ProveArguments),
    Completions(completions::CompletionsArguments),
    Man(man::ManArguments),
}

impl Command {
    /// The form in which the command was asked to speak.
    fn format(&self) -> Format {
        match self {
            Self::Doctor(arguments) => arguments.format(),
            Self::Prove(arguments) => arguments.format(),
            Self::Run(arguments) => arguments.selectors.json,
            Self::Sh(arguments) => arguments.selectors.json,
            Self::Ssh(arguments) => arguments.selectors.json,
            Self::Call(arguments) => arguments.selectors.json,
            Self::Check(arguments) => arguments.selectors.json,
            Self::Prompt(arguments) => arguments.selectors.json,
            Self::Mcp(arguments) => arguments.selectors.json,
            Self::Policy(arguments) => arguments.format(),
            Self::Stop(arguments) => arguments.json,
            Self::Serve(_)
            | Self::Resume(_)
            | Self::Audit(_)
            | Self::Completions(_)
            | Self::Man(_)
            | Self::Hook(_) => Format::Text,
        }
    }

    fn run(self) -> Result<u8, Failure> {
        match self {
            Self::Run(arguments) => run::run(arguments, operator()?),
            Self::Sh(arguments) => sh::run(arguments, operator()?),
            Self::Ssh(arguments) => ssh::run(arguments, operator()?),
            Self::Call(arguments) => call::run(&arguments, operator()?),
            Self::Check(arguments) => check::run(arguments, operator()?),
            Self::Mcp(arguments) => mcp::run(&arguments, operator()?),
            Self::Serve(arguments) => serve::run(&arguments, &operator()?),
            Self::Stop(arguments) => stop::run(&arguments, &operator()?),
            Self::Resume(_) => resume::run(&operator()?),
            Self::Hook(arguments) => hook::run(arguments, operator()),
            Self::Prompt(arguments) => prompt::run(&arguments, operator()?),
            Self::Policy(arguments) => policy::run(arguments, operator()?),
            Self::Audit(arguments) => audit::answer(&arguments, &operator()?),
            Self::Doctor(arguments) => doctor::run(&arguments, operator()),
            Self::Prove(arguments) => prove::run(arguments, operator()?),
            Self::Completions(arguments) => completions::run(&arguments, Arguments::command()),
            Self::Man(arguments) => man::run(&arguments, Arguments::command()),
        }
    }
}

/// The operator's environment, and the diagnostics that it asks for.
fn operator() -> Result<Operator, Failure> {
    let operator = Operator::read().map_err(Failure::unavailable)?;
    log::start(&operator)?;
    Ok(operator)
}

/// Runs the command line of this process. To be called before any thread exists.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse_from(names::words(std::env::args_os().collect())) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing can be said when neither stream takes it.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    // In flat mode a sandbox has a handle for each name beside one that is hidden, and most
    // systems let a process open 1024. Commands get the limit of their policy in any case.
    raise_open_files();
    let format = arguments.command.format();
    match arguments.command.run() {
        Ok(code) => ExitCode::from(code),
        Err(failure) => ExitCode::from(failure.report(format)),
    }
}

#[cfg(test)]
mod tests {
    use super::Arguments;
    use clap::CommandFactory as _;

    #[test]
    fn the_definitions_hold_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_and_option_says_what_it_is_for() {
        fn look(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                assert!(
                    argument.get_help().is_some(),
                    "{} {}",
                    command.get_name(),
                    argument.get_id()
                );
            }
            command.get_subcommands().for_each(look);
        }
        look(&Arguments::command());
    }
}
