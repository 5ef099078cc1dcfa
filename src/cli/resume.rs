//! `lobsterpot resume`: releases the emergency brake.

use clap::Args;

use super::failure::Failure;
use super::output::{self, GOOD, styled};
use crate::ambient::Operator;
use crate::broker::{Brake, audit_log, record_brake};

const AFTER_HELP: &str = "\
What was ended stays ended; requests and new sessions are decided by their policies again.

Exit codes:
  0  requests are let through
  1  they are not";

/// Let requests through again after `stop`
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(super) struct ResumeArguments {}

/// Releases the brake, once that is on record.
pub(super) fn run(operator: &Operator) -> Result<u8, Failure> {
    let brake = Brake::of(operator.state.as_path()).map_err(Failure::general)?;
    if !brake.is_pulled() {
        output::print("nothing was stopped\n")?;
        return Ok(0);
    }
    let log = audit_log(operator).map_err(|error| Failure::of_session(error).of_a_query())?;
    record_brake(&log, "resume").map_err(Failure::general)?;
    brake.release().map_err(Failure::general)?;
    output::print(&format!("{}\n", styled(GOOD, "resumed")))?;
    Ok(0)
}
