//! `lobsterpot hook`: answers agents that ask before they use a tool, and sets them up to ask.
//!
//! An agent goes on when its hook fails, unless the hook fails in one certain way: exit code 2
//! with a reason on standard error. So every failure here ends like that.

mod install;

use std::ffi::OsStr;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::path::Path;

use clap::{Args, Subcommand};

use super::failure::{Failure, Format};
use super::selectors::Selectors;
use super::{output, session};
use crate::ambient::Operator;
use crate::hooks::{Agent, Call, Setup, judge};
use crate::sys::stdio::{StreamKind, kind_of};

const AFTER_HELP: &str = "\
Examples:
  lobsterpot hook install claude-code --user
  lobsterpot hook uninstall codex --project
  lobsterpot hook gemini --policy read-only < call.json

An agent runs `lobsterpot hook AGENT` before each use of a tool, with the call as JSON on stdin.
The answer, in the agent's own form:
  a shell command   is rewritten to run through `lobsterpot sh`, unless the agent's shell is that
                    already (CLAUDE_CODE_SHELL_PREFIX=.../lobsterpot-sh -c)
  a file tool       is denied where the policy denies it. The agent carries it out itself, so
                    this is advice: it holds as far as the agent heeds it
  anything unknown  is denied; --leave-alone NAME leaves a tool to the agent's own rules
What is not denied stays subject to the agent's own rules.

The workspace is --root, LOBSTERPOT_ROOT, or the directory in which the agent says that it was
started (CLAUDE_PROJECT_DIR, GEMINI_PROJECT_DIR).

Exit codes of `lobsterpot hook AGENT`:
  0  answered
  2  not answered: the agent takes it as a refusal, with the reason on stderr";

/// Answer an agent that asks before it uses a tool
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(super) struct HookArguments {
    #[command(subcommand)]
    command: HookCommand,
}

#[derive(Debug, Subcommand)]
enum HookCommand {
    /// Answer a `PreToolUse` hook of Claude Code
    ClaudeCode(Box<AskArguments>),
    /// Answer a `PreToolUse` hook of Codex CLI
    Codex(Box<AskArguments>),
    /// Answer a `BeforeTool` hook of Gemini CLI
    Gemini(Box<AskArguments>),
    /// Make an agent ask: put the hook into its settings
    Install(install::InstallArguments),
    /// Take the hook out of an agent's settings again
    Uninstall(install::UninstallArguments),
}

#[derive(Debug, Args)]
struct AskArguments {
    #[command(flatten)]
    selectors: Selectors,
    /// Leave this tool to the agent's own rules; can be given several times
    #[arg(long, value_name = "TOOL")]
    leave_alone: Vec<String>,
}

/// Runs the command.
pub(super) fn run(
    arguments: HookArguments,
    operator: Result<Operator, Failure>,
) -> Result<u8, Failure> {
    let (agent, arguments) = match arguments.command {
        HookCommand::ClaudeCode(arguments) => (Agent::ClaudeCode, arguments),
        HookCommand::Codex(arguments) => (Agent::Codex, arguments),
        HookCommand::Gemini(arguments) => (Agent::Gemini, arguments),
        HookCommand::Install(arguments) => return install::install(&arguments, &operator?),
        HookCommand::Uninstall(arguments) => return install::uninstall(&arguments, &operator?),
    };
    match operator.and_then(|operator| answer(agent, *arguments, operator)) {
        Ok(()) => Ok(0),
        Err(failure) => {
            failure.report(Format::Text);
            Ok(REFUSED)
        }
    }
}

/// The one exit code that agents take for a refusal.
const REFUSED: u8 = 2;

/// The longest call. An agent that writes a file sends all of it.
const LONGEST: u64 = 64 << 20;

fn answer(agent: Agent, arguments: AskArguments, operator: Operator) -> Result<(), Failure> {
    let AskArguments {
        mut selectors,
        leave_alone,
    } = arguments;
    let mut call = Call::read(agent, &input()?).map_err(Failure::general)?;
    let project = agent.project_variable();
    let root = selectors.root.take().or_else(|| {
        let told = operator.variable(project?)?;
        (!told.is_empty()).then(|| told.into())
    });
    let root = root.filter(|root| root.is_absolute()).ok_or_else(|| {
        Failure::usage("no workspace was chosen, or its path is not absolute")
            .with_hint("set LOBSTERPOT_ROOT, or give the hook --root")
    })?;
    let cwd = Path::new(&call.cwd);
    if !cwd.is_absolute() {
        return Err(Failure::usage("the agent's directory is not absolute"));
    }
    selectors.root = Some(root);
    let mut within = selectors.within.iter();
    if within.any(|directory| !directory.as_os_str().is_empty() && directory.is_relative()) {
        // It would be another directory wherever the agent goes.
        return Err(Failure::usage("a directory of --within is not absolute"));
    }
    let setup = Setup {
        shell: if has_our_shell(agent, &selectors, &operator) {
            None
        } else {
            Some(shell(&selectors, &operator)?)
        },
        left_alone: leave_alone,
        home: text(operator.home.as_path())?,
    };
    let operator = operator.standing_in(cwd).map_err(Failure::usage)?;
    call.cwd = text(operator.cwd.as_path())?;
    let mut session = session::open(session::terms(&selectors, operator)?)?;
    let verdict = judge(&call, &setup, &mut session);
    session.close();
    match verdict.line(&call) {
        // A stream that was closed is this device by now, and takes every answer.
        Some(_) if kind_of(io::stdout().as_fd()) == StreamKind::Null => Err(Failure::usage(
            "nobody reads the answer: standard output is closed, or /dev/null",
        )),
        Some(line) => output::print_json(&line),
        None => Ok(()),
    }
}

fn input() -> Result<String, Failure> {
    let mut text = String::new();
    let read = io::stdin()
        .lock()
        .take(LONGEST + 1)
        .read_to_string(&mut text);
    match read {
        Ok(length) if length as u64 <= LONGEST => Ok(text),
        Ok(_) => Err(Failure::usage("the call is too long to be read")),
        Err(error) => Err(Failure::usage(InputError(error))),
    }
}

/// The agent's question cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the call from standard input")]
struct InputError(#[source] io::Error);

/// The words of a shell with the same selectors, for whatever directory it is started in.
fn shell(selectors: &Selectors, operator: &Operator) -> Result<Vec<String>, Failure> {
    let program = crate::ambient::own_program().map_err(Failure::general)?;
    let policy = policy(selectors, operator)?;
    let mut words = vec![text(&program)?, "sh".into(), "--root".into()];
    words.extend(selectors.root.as_deref().map(text).transpose()?);
    words.extend(["--policy".into(), policy]);
    words.extend(["--as".into(), selectors.principal.clone()]);
    for directory in &selectors.within {
        words.extend(["--within".into(), text(directory)?]);
    }
    if selectors.read_only {
        words.push("--read-only".into());
    }
    if let Some(time) = selectors.timeout {
        words.extend(["--timeout".into(), time.as_secs_f64().to_string()]);
    }
    words.push("-c".into());
    Ok(words)
}

/// The policy, so named that it does not depend on where a command starts.
fn policy(selectors: &Selectors, operator: &Operator) -> Result<String, Failure> {
    if crate::ambient::is_policy_file(&selectors.policy) {
        text(&operator.cwd.as_path().join(&selectors.policy))
    } else {
        Ok(selectors.policy.clone())
    }
}

/// Whether the agent runs its commands by our own shell already, with the same selectors.
fn has_our_shell(agent: Agent, selectors: &Selectors, operator: &Operator) -> bool {
    let prefix = operator
        .variable("CLAUDE_CODE_SHELL_PREFIX")
        .filter(|_| agent == Agent::ClaudeCode)
        .and_then(OsStr::to_str);
    let program = prefix.and_then(|prefix| prefix.strip_suffix(" -c"));
    let is_ours = program.is_some_and(|program| {
        Path::new(program).file_name() == Some("lobsterpot-sh".as_ref())
            && crate::ambient::is_own_program(Path::new(program))
    });
    is_ours && Selectors::of_environment().is_ok_and(|said| said.chooses_like(selectors))
}

fn text(path: &Path) -> Result<String, Failure> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| Failure::usage("a path is no text (UTF-8)"))
}
