//! `lobsterpot policy explain`: exactly what a policy will enforce here.

use clap::Args;

use super::{Failure, output};
use crate::ambient::Operator;
use crate::cli::failure::Format;
use crate::cli::selectors::Selectors;
use crate::cli::session;

const AFTER_HELP: &str = "\
Examples:
  lobsterpot policy explain
  lobsterpot policy explain read-only --root ~/project
  lobsterpot policy explain ./lobsterpot.toml --as +15555550123";

/// Explain exactly what a policy will enforce here
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(in crate::cli) struct ExplainArguments {
    /// The policy; the same as --policy
    #[arg(value_name = "NAME|FILE")]
    named: Option<String>,
    #[command(flatten)]
    pub(super) selectors: Selectors,
}

/// Prints the explanation.
pub(super) fn run(arguments: ExplainArguments, operator: Operator) -> Result<u8, Failure> {
    let ExplainArguments {
        named,
        mut selectors,
    } = arguments;
    selectors.policy = named.unwrap_or(selectors.policy);
    let terms = session::terms(&selectors, operator)?;
    let explanation = terms.policy.explain();
    match selectors.json {
        Format::Json => output::print_json(&explanation)?,
        Format::Text => output::print(&explanation.to_string())?,
    }
    Ok(0)
}
