//! `lobsterpot doctor --agent`: the holes in how an agent is integrated.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;

use crate::ambient::Operator;
use crate::broker::Terms;
use crate::cli::failure::{Failure, Format};
use crate::cli::output::{self, ERROR, GOOD, HINT, styled};
use crate::cli::selectors::Selectors;
use crate::cli::session;
use crate::hooks::{Agent, Hole, Settings, holes, openclaw_holes};
use crate::model::{FileWrite, Operation, shown, shown_path};

/// An agent whose settings are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Examined {
    /// One with hooks.
    Hooked(Agent),
    /// `OpenClaw`, which has a sandbox backend.
    OpenClaw,
}

const OPENCLAW: &str = "openclaw";

pub(super) fn parser() -> impl TypedValueParser<Value = Examined> {
    let names = Agent::ALL.map(Agent::name).into_iter().chain([OPENCLAW]);
    PossibleValuesParser::new(names).map(|name| {
        let agent = Agent::named(&name);
        agent.map_or(Examined::OpenClaw, Examined::Hooked)
    })
}

#[derive(Serialize)]
struct Report<'a> {
    agent: &'a str,
    holes: &'a [Hole],
}

/// Looks, and tells.
pub(super) fn run(examined: Examined, format: Format, operator: Operator) -> Result<u8, Failure> {
    let chosen = Selectors::of_environment();
    let selectors = chosen.map_err(|error| Failure::usage(error.to_string()))?;
    let terms = session::terms(&selectors, operator).map_err(Failure::of_a_query)?;
    let mut found = look(examined, &terms)?;
    found.extend(changeable(examined, &terms));
    let agent = match examined {
        Examined::Hooked(agent) => agent.name(),
        Examined::OpenClaw => OPENCLAW,
    };
    match format {
        Format::Json => output::print_json(&Report {
            agent,
            holes: &found,
        })?,
        Format::Text => output::print(&text(agent, &found))?,
    }
    Ok(u8::from(!found.is_empty()))
}

fn look(examined: Examined, terms: &Terms) -> Result<Vec<Hole>, Failure> {
    let mut files = Vec::new();
    for path in settings_of(examined, terms) {
        let text = terms.operator.file(&path).map_err(Failure::general)?;
        files.extend(text.map(|text| Settings {
            path: shown_path(&path),
            text,
        }));
    }
    Ok(match examined {
        Examined::Hooked(agent) => holes(agent, &files),
        Examined::OpenClaw => openclaw_holes(files.first()),
    })
}

/// The files that say what the agent does, whether or not they exist.
fn settings_of(examined: Examined, terms: &Terms) -> Vec<PathBuf> {
    let home = terms.operator.home.as_path();
    let root = terms.policy.anchors().root.as_path();
    match examined {
        Examined::Hooked(agent) => {
            let mut files: Vec<_> = [home, root].map(|base| base.join(agent.settings())).into();
            if agent == Agent::ClaudeCode {
                files.push(root.join(agent.directory()).join("settings.local.json"));
            }
            files.dedup();
            files
        }
        Examined::OpenClaw => {
            let chosen = terms.operator.variable("OPENCLAW_CONFIG_PATH");
            let usual = || home.join(".openclaw/openclaw.json");
            vec![chosen.map_or_else(usual, PathBuf::from)]
        }
    }
}

/// The settings that the policy lets the agent's own commands and tools change.
fn changeable(examined: Examined, terms: &Terms) -> Vec<Hole> {
    let may_change = |path: &Path| {
        let write = FileWrite {
            path: path.to_str()?.to_owned(),
            ..FileWrite::default()
        };
        let report = terms.check(&Operation::FileWrite(write));
        report.allowed.then(|| shown_path(path))
    };
    let files = settings_of(examined, terms);
    let files = files.iter().filter_map(|path| may_change(path));
    files
        .map(|path| {
            let what = format!("{path}: the agent can change it, and with it what it is asked");
            let remedy = "name it under `protect` in the policy, for the grant that it lies in";
            Hole::new("settings-changeable", what, remedy)
        })
        .collect()
}

fn text(agent: &str, found: &[Hole]) -> String {
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    if found.is_empty() {
        let _ = writeln!(text, "{}: no hole was found", styled(GOOD, agent));
    }
    for hole in found {
        let name = styled(ERROR, hole.name);
        let _ = writeln!(text, "{name}: {}", shown(&hole.what));
        let _ = writeln!(text, "  {}: {}", styled(HINT, "remedy"), hole.remedy);
    }
    text
}
