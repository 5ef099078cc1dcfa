//! `lobsterpot prompt`: what an agent may do here, for its prompt.
//!
//! Made from the policy as it decides, so that it cannot promise anything else. It must not say
//! a word about what lies outside, nor how to get there.

use std::fmt::Write as _;

use clap::Args;
use serde::Serialize;

use super::failure::{Failure, Format};
use super::selectors::Selectors;
use super::{output, session};
use crate::ambient::Operator;
use crate::broker::Terms;
use crate::model::{HostPath, Rights, shown};
use crate::policy::{EffectiveGrant, Network, Pattern, PatternSet};

const AFTER_HELP: &str = "\
Examples:
  lobsterpot prompt --policy read-only
  lobsterpot prompt >> AGENTS.md

The text is for the agent. It enforces nothing, and what it says is enforced without it.

Exit codes:
  0    printed
  2    usage: an option cannot be used, or names nothing that is there
  125  the policy cannot be used";

/// Print what the agent may do here, for its prompt
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(super) struct PromptArguments {
    #[command(flatten)]
    pub(super) selectors: Selectors,
}

/// What a principal may do.
#[derive(Serialize)]
struct Reach {
    /// What may be touched, and how.
    files: Vec<Files>,
    /// Whether commands may be run.
    commands: bool,
    /// Whether anything may be reached over a network.
    network: bool,
    /// The most time a command may take, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    wall: Option<f64>,
}

/// What may be done below a directory.
#[derive(Serialize)]
struct Files {
    path: String,
    /// The path, with `~` for the home directory.
    #[serde(skip)]
    shown: String,
    rights: Rights,
    /// What cannot be read.
    hide: Vec<String>,
    /// What cannot be changed.
    protect: Vec<String>,
}

/// Prints the text.
pub(super) fn run(arguments: &PromptArguments, operator: Operator) -> Result<u8, Failure> {
    let terms = session::terms(&arguments.selectors, operator)?;
    let reach = Reach::of(&terms);
    match arguments.selectors.json {
        Format::Json => output::print_json(&reach)?,
        Format::Text => output::print(&reach.to_text())?,
    }
    Ok(0)
}

impl Reach {
    fn of(terms: &Terms) -> Self {
        let policy = &terms.policy;
        // Whom the policy does not know has nothing.
        let grants = policy.reach(&terms.principal).unwrap_or_default();
        let may_run = policy
            .decide_command(&terms.principal, "exec.run", "")
            .into_result();
        // A command needs a directory to start in.
        let commands = may_run.is_ok() && !grants.is_empty();
        let shown_root = |root: &HostPath| policy.anchors().shown(root);
        Self {
            files: grants
                .iter()
                .map(|grant| Files::of(grant, shown_root(&grant.root)))
                .collect(),
            commands,
            network: policy.policy().network != Network::None,
            wall: commands.then(|| policy.policy().limits.wall.as_secs_f64()),
        }
    }

    /// Writing to a `String` cannot fail.
    fn to_text(&self) -> String {
        let mut text = String::from("You work in a sandbox that enforces the following.\n\n");
        if self.files.is_empty() {
            text.push_str("Files: none can be read, listed or changed.\n");
        } else {
            text.push_str("Files:\n");
            self.files.iter().for_each(|files| files.write(&mut text));
            text.push_str("- Nothing else is granted.\n");
        }
        if self.commands {
            text.push_str(
                "Commands: any, with the tools of this system. $HOME and $TMPDIR are private to \
                 them, can be written to, and do not last.\n",
            );
        } else {
            text.push_str("Commands: none can be run.\n");
        }
        if !self.network {
            text.push_str("Network: none. Nothing can be downloaded, installed from it or sent.\n");
        }
        if let Some(wall) = self.wall {
            let _ = writeln!(text, "Time: a command is ended after {} s.", wall.ceil());
        }
        text.push_str(
            "\nA refusal reads `sandbox: …: … [code=…]` and is final: repeating it or trying \
             another way to the same end will be refused as well. Work with what is granted, or \
             say what you could not do.\n",
        );
        text
    }
}

impl Files {
    fn of(grant: &EffectiveGrant, shown: String) -> Self {
        let texts = |set: &PatternSet| set.iter().map(Pattern::as_str).map(str::to_owned).collect();
        Self {
            path: grant.root.as_path().display().to_string(),
            shown,
            rights: grant.rights,
            hide: texts(&grant.hide),
            protect: texts(&grant.protect),
        }
    }

    fn write(&self, text: &mut String) {
        let _ = writeln!(text, "- below {}: {}", shown(&self.shown), self.rights);
        for (what, patterns) in [("reading", &self.hide), ("changing", &self.protect)] {
            // What cannot be changed at all needs no exceptions.
            let matters = what == "reading" || self.rights.change_something();
            if matters && !patterns.is_empty() && !self.rights.is_empty() {
                let _ = writeln!(
                    text,
                    "  not granted: {what} {}",
                    shown(&patterns.join(", "))
                );
            }
        }
    }
}
