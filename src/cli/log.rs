//! Diagnostics for the operator: `LOBSTERPOT_LOG`, on standard error, never on standard output.
//!
//! They say what Lobsterpot does, not what a request holds: no content, no values.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use super::failure::Failure;
use super::output;
use crate::ambient::Operator;

const LEVELS: &str =
    "write error, warn, info, debug or trace, or such as `lobsterpot::sandbox=debug`";

/// `LOBSTERPOT_LOG` holds something else.
#[derive(Debug, thiserror::Error)]
#[error("use LOBSTERPOT_LOG")]
struct LogError {
    source: ParseError,
}

/// Starts them, where they are asked for.
pub(super) fn start(operator: &Operator) -> Result<(), Failure> {
    let Some(wanted) = operator.setting("LOG") else {
        return Ok(());
    };
    let filter = EnvFilter::builder()
        .parse(wanted.to_string_lossy())
        .map_err(|source| Failure::usage(LogError { source }).with_hint(LEVELS))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(output::stderr_has_colours())
        .init();
    Ok(())
}
