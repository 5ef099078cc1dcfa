//! `lobsterpot policy explain`: exactly what a policy will enforce here.

use clap::Args;
use serde::Serialize;

use super::super::failure::Format;
use super::super::selectors::Selectors;
use super::super::session;
use super::{Failure, output, plan};
use crate::ambient::Operator;
use crate::broker::{SessionError, Terms};
use crate::policy::{Commands, Explanation};
use crate::sandbox::PlanExplanation;

const AFTER_HELP: &str = "\
Examples:
  lobsterpot policy explain
  lobsterpot policy explain read-only --root ~/project
  lobsterpot policy explain ./lobsterpot.toml --as +15555550123

Exit codes:
  0    the policy can be enforced here
  1    it cannot be used, or its commands cannot be contained as it requires
  2    usage";

/// Explain exactly what a policy will enforce here
///
/// First what the policy gives to each tier, then the plan that this host makes of it for the
/// commands of the principal. Nothing is started, opened or recorded.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(in crate::cli) struct ExplainArguments {
    /// The policy; the same as --policy
    #[arg(value_name = "NAME|FILE")]
    named: Option<String>,
    #[command(flatten)]
    pub(super) selectors: Selectors,
}

/// The explanation, for programs.
#[derive(Serialize)]
struct Report {
    policy: Explanation,
    /// Absent where the principal runs no commands.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<PlanExplanation>,
}

/// Prints the explanation.
pub(super) fn run(arguments: ExplainArguments, operator: Operator) -> Result<u8, Failure> {
    let ExplainArguments {
        named,
        mut selectors,
    } = arguments;
    selectors.policy = named.unwrap_or(selectors.policy);
    let terms = session::terms(&selectors, operator)?;
    let policy = terms.policy.explain();
    let plan = plan_of(&terms, &policy);
    match (selectors.json, plan) {
        (Format::Json, plan) => output::print_json(&Report {
            policy,
            plan: plan.map_err(Failure::of_session)?,
        })?,
        (Format::Text, plan) => {
            output::print(&policy.to_string())?;
            if let Some(plan) = plan.map_err(Failure::of_session)? {
                output::print(&format!("\n{}", plan::words(&plan)))?;
            }
        }
    }
    Ok(0)
}

fn plan_of(terms: &Terms, policy: &Explanation) -> Result<Option<PlanExplanation>, SessionError> {
    let bound = terms.policy.policy();
    let tier = bound.principals.get(&terms.principal);
    let mut reach = policy
        .tiers
        .iter()
        .filter(|reach| Some(&reach.tier) == tier);
    match reach.next() {
        Some(reach) if reach.commands == Commands::All => {
            Ok(Some(terms.plan(&terms.tried_host())?.explain()))
        }
        _ => Ok(None),
    }
}
