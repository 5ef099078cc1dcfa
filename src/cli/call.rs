//! `lobsterpot call`: a session in JSON Lines, requests on stdin and replies on stdout.
//!
//! Each line gets exactly one reply, in order, as soon as it is there. Nothing that a line
//! holds ends the stream.

use std::io::{self, BufReader, Write as _};

use clap::Args;
use serde_json::json;

use super::failure::Failure;
use super::lines::{self, Line};
use super::output;
use super::selectors::Selectors;
use super::session;
use crate::ambient::Operator;
use crate::broker::Session;
use crate::model::Reply;

const AFTER_HELP: &str = r#"Examples:
  echo '{"id": 1, "op": "file.read", "path": "README.md"}' | lobsterpot call
  echo '{"id": 2, "op": "exec.run", "shell": "ls | wc -l"}' | lobsterpot call --read-only

Requests:
  {"id", "op": "file.read", "path"}         also file.write, append, edit, list, stat, glob,
                                            grep, mkdir, move, copy, delete
  {"id", "op": "exec.run", "argv": […]}     or "shell": "…"; also "cwd", "env", "stdin", "timeout"
  A line that is no request gets a reply with the code bad-request, and the stream goes on.

Replies:
  {"id", "status": "ok|denied|failed|timeout", "result", "denials": […], "enforced", "audit"}

Exit codes:
  0    the requests have ended, whatever the replies said
  2    usage: an option cannot be used, or names nothing that is there
  125  the session could not be opened"#;

/// Answer requests: JSON Lines on stdin, JSON Lines on stdout
///
/// All requests are one session: they share a sandbox, which is prepared once, and a scratch
/// directory, which ends with the session.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(super) struct CallArguments {
    #[command(flatten)]
    pub(super) selectors: Selectors,
    /// For front ends: die with the holder of this pipe, and say when the session is open
    #[arg(long, value_name = "FD", hide = true)]
    lifeline: Option<i32>,
}

/// Answers until there are no more requests, or nobody reads the replies.
pub(super) fn run(arguments: &CallArguments, operator: Operator) -> Result<u8, Failure> {
    if let Some(number) = arguments.lifeline {
        session::depend_on(number)?;
    }
    let mut session = session::open(session::terms(&arguments.selectors, operator)?)?;
    if arguments.lifeline.is_some() {
        output::print_json(&json!({ "event": "opened", "session": session.id() }))?;
    }
    let answered = answer_all(&mut session);
    session.close();
    answered.map(|()| 0)
}

fn answer_all(session: &mut Session) -> Result<(), Failure> {
    let mut input = BufReader::new(io::stdin().lock());
    let mut stdout = io::stdout().lock();
    while let Some(reply) = next_reply(session, &mut input)? {
        stdout
            .write_all(&output::json_line(&reply))
            .and_then(|()| stdout.flush())
            .map_err(Failure::output)?;
    }
    Ok(())
}

fn next_reply(
    session: &mut Session,
    input: &mut impl io::BufRead,
) -> Result<Option<Reply>, Failure> {
    let line = lines::next(input, lines::LONGEST)
        .map_err(|error| Failure::unavailable(InputError(error)))?;
    Ok(match line {
        Line::Text(line) => Some(session.handle_line(&line)),
        Line::Unusable(why) => Some(session.refuse_line(why)),
        Line::End => None,
    })
}

/// Standard input gives nothing more, and not because it has ended.
#[derive(Debug, thiserror::Error)]
#[error("read requests from standard input")]
struct InputError(#[source] io::Error);
