//! `lobsterpot policy show`: the text of a policy.

use clap::Args;

use super::{Failure, output};
use crate::ambient::Operator;
use crate::policy::Policy;

/// Print the text of a policy
#[derive(Debug, Args)]
pub(in crate::cli) struct ShowArguments {
    /// The policy: a name or a file
    #[arg(value_name = "NAME|FILE", default_value = Policy::DEFAULT)]
    policy: String,
    /// Print it as it is understood: every default written out, no comments
    #[arg(long)]
    defaults: bool,
}

/// Prints the policy.
pub(super) fn run(arguments: &ShowArguments, operator: &Operator) -> Result<u8, Failure> {
    let policy = operator
        .policy(&arguments.policy)
        .map_err(Failure::of_policy)?;
    if arguments.defaults {
        output::print(&policy.to_toml())?;
    } else {
        output::print(&policy.text)?;
    }
    Ok(0)
}
