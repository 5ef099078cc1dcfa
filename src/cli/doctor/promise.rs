//! What a built-in policy can promise on this host.

use std::fmt::Write as _;

use serde::Serialize;

use super::{COLUMN, ERROR, Failure, GOOD, HINT, HostFeatures, Policy, WARNING, styled, wrapped};
use crate::model::{HostPath, Mode, PrincipalId, WeakerGuarantee};
use crate::policy::{Anchors, BoundPolicy, Commands};
use crate::sandbox::profile::SystemView;
use crate::sandbox::{Plan, Unavailable, Wish};

/// A policy and what becomes of it here.
#[derive(Debug, Serialize)]
pub(super) struct Promise {
    /// The policy's name.
    pub(super) policy: String,
    description: String,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Debug, Serialize)]
#[serde(tag = "commands", rename_all = "kebab-case")]
enum Outcome {
    /// The policy lets nobody run a command, so it asks nothing of the host.
    None,
    /// Commands run in a sandbox.
    Contained { mode: Mode, weaker: Vec<Weaker> },
    /// No command can run, because it could not be contained as the policy requires.
    Unavailable { error: String, hint: String },
}

#[derive(Debug, Serialize)]
struct Weaker {
    guarantee: WeakerGuarantee,
    meaning: &'static str,
}

/// What each built-in policy can promise.
pub(super) fn of_built_in_policies(host: &HostFeatures) -> Result<Vec<Promise>, Failure> {
    Policy::built_in_names()
        .iter()
        .filter_map(|name| Policy::built_in(name))
        .map(|policy| Promise::of(policy, host))
        .collect()
}

impl Promise {
    fn of(policy: Policy, host: &HostFeatures) -> Result<Self, Failure> {
        let (name, description) = (policy.name.clone(), policy.description.clone());
        let outcome = if policy.commands.run == Commands::None {
            Outcome::None
        } else {
            let bound = policy.bind(&nowhere()).map_err(Failure::policy)?;
            match plan(&bound, host) {
                Ok(plan) => Outcome::Contained {
                    mode: plan.mode,
                    weaker: plan.weaker.into_iter().map(Weaker::of).collect(),
                },
                Err(error) => Outcome::Unavailable {
                    error: error.to_string(),
                    hint: error.hint(),
                },
            }
        };
        Ok(Self {
            policy: name,
            description,
            outcome,
        })
    }

    /// Whether nothing on this host keeps the policy from being used.
    pub(super) fn can_run(&self) -> bool {
        !matches!(self.outcome, Outcome::Unavailable { .. })
    }

    /// The mode that its commands run in; absent where none can run.
    pub(super) fn mode(&self) -> Option<Mode> {
        match &self.outcome {
            Outcome::Contained { mode, .. } => Some(*mode),
            Outcome::None | Outcome::Unavailable { .. } => None,
        }
    }

    pub(super) fn to_text(&self) -> String {
        let Self {
            policy,
            description,
            outcome,
        } = self;
        let (verdict, style) = match outcome {
            Outcome::None => ("no commands: needs nothing of the host".to_owned(), GOOD),
            Outcome::Contained { mode, weaker } => (contained(*mode, weaker), GOOD),
            Outcome::Unavailable { .. } => ("cannot start".to_owned(), ERROR),
        };
        let term = format!("{policy:<width$}", width = COLUMN - 2);
        let mut text = format!("  {term}{}\n", styled(style, verdict));
        let mut row = |words: &str| {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "{:COLUMN$}{words}", "");
        };
        row(&wrapped(description, COLUMN));
        match outcome {
            Outcome::None => {}
            Outcome::Contained { weaker, .. } => weaker.iter().for_each(|one| row(&one.to_text())),
            Outcome::Unavailable { error, hint } => {
                row(&wrapped(error, COLUMN));
                row(&labelled(HINT, "hint", hint));
            }
        }
        text
    }
}

fn contained(mode: Mode, weaker: &[Weaker]) -> String {
    let mode = mode.as_str();
    match weaker.len() {
        0 => format!("{mode} mode, every guarantee"),
        1 => format!("{mode} mode, 1 weaker guarantee"),
        count => format!("{mode} mode, {count} weaker guarantees"),
    }
}

impl Weaker {
    fn of(guarantee: WeakerGuarantee) -> Self {
        Self {
            guarantee,
            meaning: guarantee.meaning(),
        }
    }

    fn to_text(&self) -> String {
        labelled(WARNING, self.guarantee.as_str(), self.meaning)
    }
}

/// A coloured label and its words; the colour does not count for the layout.
fn labelled(style: anstyle::Style, label: &str, words: &str) -> String {
    let text = wrapped(&format!("{label}: {words}"), COLUMN);
    let rest = text.strip_prefix(label).unwrap_or_default();
    format!("{}{rest}", styled(style, label))
}

fn plan(bound: &std::sync::Arc<BoundPolicy>, host: &HostFeatures) -> Result<Plan, Unavailable> {
    let policy = bound.policy();
    let reach = bound
        .reach(&PrincipalId::new("agent:main"))
        .unwrap_or_default();
    let wish = Wish {
        policy: &policy.name,
        reach: &reach,
        containment: &policy.containment,
        limits: &policy.limits,
        view: &SystemView::default(),
        home: &bound.anchors().home,
    };
    Plan::resolve(&wish, host)
}

/// The directories of nobody: what a policy asks of the host does not depend on its root.
fn nowhere() -> Anchors {
    let beneath = |name: &str| {
        HostPath::root()
            .join(name)
            .unwrap_or_else(|_| HostPath::root())
    };
    Anchors {
        root: beneath("nowhere/root"),
        home: beneath("nowhere/home"),
        state: beneath("nowhere/state"),
        config: beneath("nowhere/config"),
    }
}
