//! `lobsterpot stop`: the emergency brake.

use clap::{ArgAction, Args};
use serde::Serialize;

use super::failure::{Failure, Format};
use super::output::{self, GOOD, WARNING, styled};
use crate::ambient::Operator;
use crate::broker::{Brake, audit_log, record_brake};

const AFTER_HELP: &str = "\
Ends every command and session of yours at once: those of run, call, serve and every other front
end. Until `lobsterpot resume`, every request is refused with the code `stopped`.

A process that holds a session is killed: it is found by a lock that it holds as long as it
lives, never by its name. Its commands end with it.

Exit codes:
  0  nothing runs any more
  1  something could not be ended, or the stop not be put on record";

/// Stop everything: end every session, and refuse every request until `resume`
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(super) struct StopArguments {
    /// Report as one line of JSON
    #[arg(long, action = ArgAction::SetTrue, value_parser = Format::parser())]
    pub(super) json: Format,
}

/// What stopping came to.
#[derive(Serialize)]
struct Report<'a> {
    stopped: bool,
    /// The processes that held sessions.
    ended: &'a [i32],
    /// Those that could not be ended.
    left: &'a [i32],
}

/// Pulls the brake.
pub(super) fn run(arguments: &StopArguments, operator: &Operator) -> Result<u8, Failure> {
    let brake = Brake::of(operator.state.as_path()).map_err(Failure::general)?;
    let pulled = brake.pull().map_err(Failure::general)?;
    match arguments.json {
        Format::Json => output::print_json(&Report {
            stopped: true,
            ended: &pulled.ended,
            left: &pulled.left,
        })?,
        Format::Text => {
            let (done, ended) = (styled(GOOD, "stopped"), pulled.ended.len());
            let again = if pulled.again { " (it was before)" } else { "" };
            output::print(&format!(
                "{done}{again}: {ended} {} ended; `lobsterpot resume` lets requests through again\n",
                if ended == 1 { "session" } else { "sessions" },
            ))?;
            for pid in &pulled.left {
                let warning = styled(WARNING, "warning");
                output::say(&format!("{warning}: process {pid} could not be ended\n"));
            }
        }
    }
    // Stopping comes first: a log that cannot be written must not keep anything running.
    let log = audit_log(operator).map_err(|error| Failure::of_session(error).of_a_query())?;
    record_brake(&log, "stop").map_err(Failure::general)?;
    Ok(u8::from(!pulled.left.is_empty()))
}
