//! `lobsterpot hook install` and `uninstall`: shows what would change, and changes it when told.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser};

use super::AskArguments;
use crate::ambient::Operator;
use crate::cli::failure::Failure;
use crate::cli::output::{self, GOOD, HINT, WARNING, styled};
use crate::hooks::{Agent, change, has_root, hook_command, with_hook, without_hook};
use crate::model::shown_path;

const AFTER_HELP: &str = "\
Examples:
  lobsterpot hook install claude-code --user
  lobsterpot hook install gemini --project --yes -- --policy read-only
  lobsterpot hook install codex --user -- --root ~/project

The change is shown first, and made when confirmed. Everything else in the settings stays byte
for byte as it is; settings that cannot be read are not touched.

Exit codes:
  0  installed, or installed already
  1  nothing was changed
  2  usage";

/// Whose settings.
#[derive(Debug, Args)]
struct Place {
    /// The agent
    #[arg(value_name = "AGENT", value_parser = agent())]
    agent: Agent,
    /// The settings in your home: for every project
    #[arg(long, group = "scope", required_unless_present = "project")]
    user: bool,
    /// The settings in the current directory
    #[arg(long, group = "scope")]
    project: bool,
    /// Do not ask before changing anything
    #[arg(long)]
    yes: bool,
}

/// The arguments of `install`.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(super) struct InstallArguments {
    #[command(flatten)]
    place: Place,
    /// Options of the hook: selectors, --leave-alone
    #[arg(last = true, value_name = "OPTION")]
    options: Vec<String>,
}

/// The arguments of `uninstall`.
#[derive(Debug, Args)]
pub(super) struct UninstallArguments {
    #[command(flatten)]
    place: Place,
}

fn agent() -> impl TypedValueParser<Value = Agent> {
    PossibleValuesParser::new(Agent::ALL.map(Agent::name))
        .try_map(|name| Agent::named(&name).ok_or("no such agent"))
}

/// The options of a hook, to find out whether they are any.
#[derive(Debug, Parser)]
#[command(
    name = "lobsterpot hook AGENT",
    no_binary_name = true,
    disable_help_flag = true
)]
struct Options {
    #[command(flatten)]
    ask: AskArguments,
}

/// Puts the hook into the settings.
pub(super) fn install(arguments: &InstallArguments, operator: &Operator) -> Result<u8, Failure> {
    let InstallArguments { place, options } = arguments;
    let chosen = Options::try_parse_from(options);
    let chosen = chosen.map_err(|error| Failure::usage(error.to_string()))?;
    let mut options = options.clone();
    // Said in the settings, they cannot be said otherwise by a variable.
    let selectors = &chosen.ask.selectors;
    let policy = super::policy(selectors, operator)?;
    for (name, value) in [("--policy", policy), ("--as", selectors.principal.clone())] {
        let with_value = format!("{name}=");
        let is_given = |word: &String| word == name || word.starts_with(&with_value);
        if !options.iter().any(is_given) {
            options.extend([name.to_owned(), value]);
        }
    }
    if place.project && has_no_root(place.agent, &options) {
        options.extend(["--root".into(), super::text(operator.cwd.as_path())?]);
    }
    let program = crate::ambient::own_program().map_err(Failure::general)?;
    let command = hook_command(place.agent, &super::text(&program)?, &options);
    let path = place.settings(operator);
    let before = operator.file(&path).map_err(Failure::general)?;
    let after = with_hook(place.agent, before.as_deref(), &command).map_err(Failure::general)?;
    if before.as_ref() == Some(&after) {
        output::print(&format!("{}: installed already\n", shown_path(&path)))?;
        return Ok(0);
    }
    let code = place.apply(operator, &path, (before.as_deref(), Some(&after)))?;
    if code == 0 {
        output::print(&place.remarks(&options))?;
    }
    Ok(code)
}

/// Takes the hook out of the settings.
pub(super) fn uninstall(
    arguments: &UninstallArguments,
    operator: &Operator,
) -> Result<u8, Failure> {
    let place = &arguments.place;
    let path = place.settings(operator);
    let before = operator.file(&path).map_err(Failure::general)?;
    let after = match &before {
        None => None,
        Some(text) => without_hook(place.agent, text).map_err(Failure::general)?,
    };
    if before == after {
        output::print(&format!("{}: not installed\n", shown_path(&path)))?;
        return Ok(0);
    }
    place.apply(operator, &path, (before.as_deref(), after.as_deref()))
}

impl Place {
    fn settings(&self, operator: &Operator) -> PathBuf {
        let base = if self.user {
            &operator.home
        } else {
            &operator.cwd
        };
        base.as_path().join(self.agent.settings())
    }

    /// Shows a change, and makes it when it is wanted.
    fn apply(
        &self,
        operator: &Operator,
        path: &Path,
        (before, after): (Option<&str>, Option<&str>),
    ) -> Result<u8, Failure> {
        let shown = shown_path(path);
        output::print(&format!("{shown}\n{}", change(before, after)))?;
        if !self.yes && !confirmed()? {
            output::print("nothing was changed; --yes changes it without asking\n")?;
            return Ok(1);
        }
        let replaced = operator.replace_file(path, before, after);
        replaced.map_err(Failure::general)?;
        output::print(&format!("{}\n", styled(GOOD, "changed")))?;
        Ok(0)
    }

    /// What the operator must know of a hook that was put in.
    fn remarks(&self, options: &[String]) -> String {
        let mut text = String::new();
        let mut say = |words: &str| {
            text.extend([&styled(HINT, "note"), ": ", words, "\n"]);
        };
        if self.agent == Agent::Codex {
            say("Codex runs a new hook only when you have trusted it: /hooks");
        }
        if self.project {
            say("what works in the project can change this file, unless the policy protects it");
        }
        if has_no_root(self.agent, options) {
            say(
                "the agent does not say where it was started: set LOBSTERPOT_ROOT, or it is denied everything",
            );
        }
        text
    }
}

/// Whether nothing will tell the hook what the workspace is.
fn has_no_root(agent: Agent, options: &[String]) -> bool {
    agent.project_variable().is_none() && !has_root(options)
}

fn confirmed() -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Ok(false);
    }
    output::print(&styled(WARNING, "change it? [y/N] "))?;
    io::stdout().flush().map_err(Failure::output)?;
    let mut line = String::new();
    io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(Failure::general)?;
    Ok(matches!(line.trim(), "y" | "yes"))
}
