//! `lobsterpot call`: a session in JSON Lines, requests on stdin and replies on stdout.
//!
//! Each line gets exactly one reply, as soon as it is there: in order, or with `--concurrent`
//! as each request ends. Nothing that a line holds ends the stream.

mod concurrent;
mod live;

use std::io::{self, Write as _};

use clap::Args;
use serde::Serialize;

use super::failure::Failure;
use super::lines::{Line, Lines};
use super::output;
use super::selectors::Selectors;
use super::session;
use crate::ambient::Operator;
use crate::broker::{Session, Terms};
use crate::daemon::{Opened, Origin};
use crate::sandbox::Concurrency;

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

With --concurrent:
  {"id", "op": "exec.run", …, "stream": true}   what it writes is told while it runs, in lines
                                                {"id", "event": "output", "stream", "text"}
  {"id", "op": "cancel", "request": ID}         ends that command; its own reply comes besides

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
    /// Carry out several requests at the same time, and answer each as soon as it has ended
    ///
    /// Replies are told apart by their ids. When standard input has ended, what still runs is
    /// waited for; when nobody reads the replies any more, it is ended.
    #[arg(long)]
    concurrent: bool,
    /// For front ends: say when the session is open
    #[arg(long, hide = true)]
    announce: bool,
}

/// Answers until there are no more requests, or nobody reads the replies.
pub(super) fn run(arguments: &CallArguments, operator: Operator) -> Result<u8, Failure> {
    let terms = session::terms(&arguments.selectors, operator)?;
    let announced = arguments.announce.then(|| terms.clone());
    let concurrency = if arguments.concurrent {
        Concurrency::Several
    } else {
        Concurrency::One
    };
    let mut session = session::open_for(terms, concurrency)?;
    if let Some(terms) = announced {
        output::print_json(&opened(&terms, &session)?)?;
    }
    let answered = if arguments.concurrent {
        concurrent::answer_all(&mut session)
    } else {
        answer_all(&mut session)
    };
    session.close();
    answered.map(|()| 0)
}

/// What a front end is told of the session.
fn opened(terms: &Terms, session: &Session) -> Result<Opened, Failure> {
    let policy = terms.policy.policy();
    let grounds = session.grounds();
    let grounds = grounds.map_err(|error| Failure::unavailable(RootError(error)))?;
    Ok(Opened {
        session: session.id().to_owned(),
        principal: terms.principal.clone(),
        tier: policy.principals.get(&terms.principal).copied(),
        policy: policy.name.clone(),
        policy_source: policy.source.clone(),
        state: terms.operator.state.as_path().to_owned(),
        origin: Origin::of(policy, grounds),
    })
}

/// One request after the other: the next one is not looked at before the reply is out.
fn answer_all(session: &mut Session) -> Result<(), Failure> {
    let mut lines = Lines::of_requests();
    while !lines.have_ended() {
        for line in read(&mut lines)? {
            say(&match line {
                Line::Text(line) => session.handle_line(&line),
                Line::Unusable(why) => session.refuse_line(why),
            })?;
        }
    }
    Ok(())
}

fn read(lines: &mut Lines) -> Result<Vec<Line>, Failure> {
    let read = lines.read(&mut io::stdin().lock());
    read.map_err(|error| Failure::unavailable(InputError(error)))
}

fn say(value: &impl Serialize) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(&output::json_line(value))
        .and_then(|()| stdout.flush())
        .map_err(Failure::output)
}

/// Standard input gives nothing more, and not because it has ended.
#[derive(Debug, thiserror::Error)]
#[error("read requests from standard input")]
struct InputError(#[source] io::Error);

/// The root was there when the session was opened, and is not any more.
#[derive(Debug, thiserror::Error)]
#[error("look at the root again")]
struct RootError(#[source] io::Error);
