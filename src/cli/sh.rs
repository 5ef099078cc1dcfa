//! `lobsterpot sh`, and `lobsterpot-sh`: a shell whose commands run in the sandbox.
//!
//! For whatever starts commands through a shell and lets its path be chosen. The workspace
//! must be chosen by whoever sets the shell up: the directory in which a command happens to
//! start is the agent's choice, and must never become a grant.

mod remote;

use std::ffi::OsStr;
use std::path::Path;

use clap::{ArgAction, Args};

use super::failure::Failure;
use super::selectors::{Selectors, word};
use super::{session, told};
use crate::ambient::{Operator, is_policy_file};
use crate::model::{ExecRun, HostPath};
use crate::shim::{Dialect, ShellCall};

const AFTER_HELP: &str = "\
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
  the command's own; 128+n when signal n ended it
  2    usage: an option is not known, or no workspace was chosen
  124  the time was up
  125  the policy cannot be used, or the sandbox not be prepared, so nothing ran
  126  denied before it started
  127  no such command";

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
    fixed_places(&selectors)?;
    let wanted = Wanted::of(&operator)?;
    // Decided on like that of any request.
    let cwd = text(&operator.cwd)?;
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
    let report = session.run(ExecRun {
        argv: Some(words),
        cwd: Some(cwd),
        ..ExecRun::default()
    });
    session.close();
    told::to_agent(&report.reply, selectors.json);
    Ok(report.exit_code)
}

/// Neither the workspace nor the policy may depend on where a command starts.
pub(super) fn fixed_places(selectors: &Selectors) -> Result<(), Failure> {
    let policy = &selectors.policy;
    if is_policy_file(policy) && !Path::new(policy).is_absolute() {
        let error = "the policy's file is not an absolute path";
        let hint = "set LOBSTERPOT_POLICY to a name, or to the absolute path of the file";
        return Err(Failure::usage(error).with_hint(hint));
    }
    let hint = "set LOBSTERPOT_ROOT to the absolute path of the workspace";
    match &selectors.root {
        Some(root) if root.is_absolute() => Ok(()),
        Some(_) => Err(Failure::usage("the root is not an absolute path").with_hint(hint)),
        None => Err(Failure::usage("no workspace was chosen").with_hint(hint)),
    }
}

/// A directory as a request names it.
pub(super) fn text(directory: &HostPath) -> Result<String, Failure> {
    let path = directory.as_path().to_str().map(str::to_owned);
    path.ok_or_else(|| Failure::usage("the name of a directory is no text (UTF-8)"))
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
