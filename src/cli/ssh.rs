//! `lobsterpot ssh`, and `lobsterpot-ssh`: what takes us for ssh gets the sandbox instead of
//! another machine.
//!
//! For OpenClaw's ssh backend, without a change to it. No connection is made, whatever host is
//! named, and no key is read.

mod staged;

use clap::{ArgAction, Args};

use super::failure::{Failure, exit_codes};
use super::selectors::{Selectors, word};
use super::{session, standin, told};
use crate::ambient::Operator;
use crate::broker::{RunReport, Session};
use crate::model::{ExecRun, Operation, Request, Status};
use crate::shim::{SshCall, Step, removing_itself};
use staged::Staged;

const AFTER_HELP: &str = concat!(
    "\
Examples:
  LOBSTERPOT_ROOT=/srv/sandboxes lobsterpot-ssh -T any-host 'ls -l'

In the configuration of OpenClaw (agents.defaults.sandbox):
  backend: \"ssh\", ssh: { command: \"/usr/local/bin/lobsterpot-ssh\", target: \"sandbox@localhost\",
  workspaceRoot: \"/srv/sandboxes\" }, and LOBSTERPOT_ROOT=/srv/sandboxes in its environment

`lobsterpot-ssh` is a link to `lobsterpot`. The command starts in the root. A terminal is the
caller's own; none is made (-t). Options that lead to another place (-L, -R, -D, -J, -A and the
like) are refused.

Exit codes:
",
    exit_codes!("an option is not known, or no workspace was chosen")
);

/// Run a command in the sandbox, called as ssh is
#[derive(Debug, Args)]
#[command(
    after_long_help = AFTER_HELP,
    override_usage = "lobsterpot ssh [SELECTORS] [SSH OPTIONS] <HOST> <CMD>...",
    disable_help_flag = true
)]
pub(super) struct SshArguments {
    #[command(flatten)]
    pub(super) selectors: Selectors,
    /// Print help
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,
    /// The words of ssh: options, a host, and a command
    #[arg(
        value_name = "WORD",
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_parser = word()
    )]
    words: Vec<String>,
}

/// Runs the command.
pub(super) fn run(arguments: SshArguments, operator: Operator) -> Result<u8, Failure> {
    let SshArguments {
        selectors, words, ..
    } = arguments;
    let call = SshCall::read(words).map_err(Failure::usage)?;
    standin::fixed_places(&selectors)?;
    let terms = session::terms(&selectors, operator)?;
    let root = standin::text(&terms.policy.anchors().root)?;
    let kept = || Staged::of(&terms.operator).map_err(Failure::unavailable);
    let (words, script) = match call.step() {
        Step::Run(words) => (words, None),
        Step::Stage(name) => {
            kept()?.keep(&name).map_err(Failure::unavailable)?;
            return Ok(0);
        }
        Step::Clean(name) => {
            kept()?.forget(&name).map_err(Failure::unavailable)?;
            return Ok(0);
        }
        Step::RunStaged(name) => {
            let script = kept()?.take(&name).map_err(Failure::unavailable)?;
            (words_of(RUN), Some(removing_itself(&script, &name)))
        }
    };
    let mut session = session::open(terms)?;
    if let Some(report) = script.and_then(|script| put(&mut session, (&root, script))) {
        session.close();
        told::to_agent(&report.reply, selectors.json);
        return Ok(report.exit_code);
    }
    Ok(standin::run_in(session, (words, root), selectors.json))
}

/// How a script gets into the private directory of its session, and how it is run there.
const PUT: &str = r#"umask 077 && cat > "$TMPDIR/.openclaw-exec.sh""#;
const RUN: &str = r#"exec /bin/sh "$TMPDIR/.openclaw-exec.sh""#;

fn words_of(line: &str) -> Vec<String> {
    ["/bin/sh", "-c", line].map(str::to_owned).to_vec()
}

/// Puts a script into the private directory of the session, where the policy may allow nothing
/// else to be written; says what came of it where that is not what was wanted.
fn put(session: &mut Session, (root, script): (&str, String)) -> Option<RunReport> {
    let reply = session.handle(&Request {
        id: serde_json::Value::Null,
        operation: Operation::ExecRun(ExecRun {
            argv: Some(words_of(PUT)),
            cwd: Some(root.to_owned()),
            stdin: Some(script),
            ..ExecRun::default()
        }),
    });
    let code = reply
        .result
        .get("exit_code")
        .and_then(serde_json::Value::as_u64);
    let exit_code = match (reply.status, code) {
        (Status::Ok, Some(0)) => return None,
        (Status::Denied, _) => 126,
        (Status::Timeout, _) => 124,
        (Status::Ok | Status::Failed, _) => 125,
    };
    Some(RunReport { exit_code, reply })
}
