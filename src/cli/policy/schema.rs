//! `lobsterpot policy schema`: the JSON Schema of a policy file, for editors.

use clap::Args;

use super::{Failure, output};
use crate::policy;

const AFTER_HELP: &str = "\
Example:
  lobsterpot policy schema > lobsterpot-policy.schema.json

Editors that know Taplo or Even Better TOML use it after this first line of a policy:
  #:schema ./lobsterpot-policy.schema.json";

/// Print the JSON Schema of a policy file, for editors
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(super) struct SchemaArguments {}

/// Prints the schema.
pub(super) fn run(_: &SchemaArguments) -> Result<u8, Failure> {
    output::print(&format!("{:#}\n", policy::schema()))?;
    Ok(0)
}
