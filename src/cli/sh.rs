//! `lobsterpot sh`, and `lobsterpot-sh`: a shell whose commands run in the sandbox.
//!
//! For whatever starts commands through a shell and lets its path be chosen.

mod remote;

use std::ffi::OsStr;

use clap::{ArgAction, Args};

use super::failure::{Failure, exit_codes};
use super::selectors::{Selectors, word};
use super::{session, standin};
use crate::ambient::Operator;
use crate::shim::{Dialect, ShellCall};

const AFTER_HELP: &str = concat!(
    "\
Examples:
  lobsterpot sh --root ~/project -c 'cargo test 2>&1 | tail'
  SHELL=/usr/local/bin/lobsterpot-sh LOBSTERPOT_ROOT=~/project vim
  make SHELL=/usr/local/bin/lobsterpot-sh

`lobsterpot-sh` is a link to `lobsterpot`. Under that name every word is the shell's, and the
selectors come from the environment: LOBSTERPOT_ROOT and the others.

The workspace has no default here: it is LOBSTERPOT_ROOT or --root, an absolute path, and so
must be the path of a policy's file. The command starts in the current directory, which must lie in a grant.

Options:
  Those of a shell: -c, -l, -i, -s, -e and other letters, -o NAME, --norc and the like. The
  shell in the sandbox is bash where the sandbox has it, and /bin/sh otherwise;
  LOBSTERPOT_SHELL=bash|dash|sh chooses.

With LOBSTERPOT_SOCKET the command runs in a session of `lobsterpot serve`, or not at all:
  in one of its own, or in the one of LOBSTERPOT_TOKEN, which keeps its /tmp. Standard input is
  then read to its end beforehand, unless it is a terminal, and everything must be text (UTF-8).

Output:
  The command's standard streams pass through untouched. What was refused follows on stderr:
  as lines on a terminal, otherwise as a block between <sandbox_violations> tags.

Exit codes:
",
    exit_codes!("an option is not known, or no workspace was chosen")
);

/// Run a shell in the sandbox, called as any shell is
///
/// For agents and tools that start commands through a shell: as `$SHELL`, as the path of a
/// shell, or as a prefix. Each call is a session of its own; what a shell keeps (its directory,
/// its variables) ends with the call, and is the caller's to carry on.
#[derive(Debug, Args)]
#[command(
    after_long_help = AFTER_HELP,
    override_usage = "lobsterpot sh [SELECTORS] [SHELL OPTIONS] [-c <CMD> [NAME [ARG]...]]",
    // -h is an option of shells.
    disable_help_flag = true
)]
pub(super) struct ShArguments {
    #[command(flatten)]
    pub(super) selectors: Selectors,
    /// Print help
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,
    /// The words of a shell: options, a command or a file, and parameters
    #[arg(
        value_name = "WORD",
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_parser = word()
    )]
    words: Vec<String>,
}

/// Runs the shell.
pub(super) fn run(arguments: ShArguments, operator: Operator) -> Result<u8, Failure> {
    let ShArguments {
        selectors, words, ..
    } = arguments;
    let call = ShellCall::read(words).map_err(Failure::usage)?;
    standin::fixed_places(&selectors)?;
    let wanted = Wanted::of(&operator)?;
    // Decided on like that of any request.
    let cwd = standin::text(&operator.cwd)?;
    // An empty one is no way to say that the command may run without the daemon.
    if operator.variable("LOBSTERPOT_SOCKET").is_some() {
        return remote::run(&operator, &selectors, (&call, wanted));
    }
    let mut session = session::open(session::terms(&selectors, operator)?)?;
    let (name, dialect) = wanted.shell(|name| session.finds_program(name));
    let words = match call.words(name, dialect) {
        Ok(words) => words,
        Err(error) => {
            session.close();
            return Err(Failure::usage(error));
        }
    };
    Ok(standin::run_in(session, (words, cwd), selectors.json))
}

/// Which shell is wanted in the sandbox.
#[derive(Clone, Copy)]
enum Wanted {
    /// Bash where there is one.
    Any,
    /// This one.
    Named(&'static str, Dialect),
}

impl Wanted {
    /// As the operator says.
    fn of(operator: &Operator) -> Result<Self, Failure> {
        match operator.setting("SHELL").map(OsStr::to_str) {
            None => Ok(Self::Any),
            Some(Some("bash")) => Ok(Self::Named("bash", Dialect::Bash)),
            Some(Some("dash")) => Ok(Self::Named("dash", Dialect::Dash)),
            Some(Some("sh")) => Ok(Self::Named("sh", Dialect::Dash)),
            Some(_) => Err(Failure::usage(
                "LOBSTERPOT_SHELL is neither `bash`, `dash` nor `sh`",
            )),
        }
    }

    /// The shell's name, and which options it has.
    fn shell(self, finds: impl FnOnce(&str) -> bool) -> (&'static str, Dialect) {
        match self {
            Self::Named(name, dialect) => (name, dialect),
            // Where no plan can be made, running the command will say so.
            Self::Any if finds("bash") => ("bash", Dialect::Bash),
            Self::Any => ("sh", Dialect::Dash),
        }
    }
}
