//! `lobsterpot policy show`: the text of a policy.

use clap::Args;

use super::{Failure, output};
use crate::policy::Policy;

/// Print the text of a policy
#[derive(Debug, Args)]
pub(super) struct ShowArguments {
    /// The policy: a name or a file
    #[arg(value_name = "NAME|FILE", default_value = Policy::DEFAULT)]
    policy: String,
    /// Write out every default
    #[arg(long)]
    defaults: bool,
}

/// Prints the policy.
pub(super) fn run(arguments: &ShowArguments) -> Result<u8, Failure> {
    let policy = Policy::built_in(&arguments.policy)
        .ok_or_else(|| Failure::usage(format!("there is no policy `{}`", arguments.policy)))?;
    if arguments.defaults {
        output::print(&policy.to_toml())?;
    } else {
        output::print(&policy.text)?;
    }
    Ok(0)
}
