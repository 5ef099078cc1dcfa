//! `exec.run`: from the request to the end of everything the command started.

use std::time::Instant;

use serde_json::{Value, json};

use super::answer::Answer;
use super::approve::{Approved, Considered};
use super::command;
use super::error::{SessionError, chain};
use super::failure::Failure;
use super::refused::Witnessed;
use super::running::{Asked, Entered, RunningCommand};
use super::session::Session;
use crate::audit::{Effect, Outcome, RecordId, RequestInfo, Target, Verdict};
use crate::model::{Denial, Enforced, ExecRun, Program, RefusalCode, Status};
use crate::policy::CommandPermit;
use crate::sandbox::{Exit, ExitStatus, Heard, Kept, Streams};

/// The operation.
pub(super) const OP: &str = "exec.run";

impl Session {
    /// Decides on a command, records the decision, runs it, and records what came of it.
    pub(super) fn execute(&mut self, id: Value, run: ExecRun, streams: Streams) -> Answer {
        match self.begin(id, run, streams) {
            Ok(command) => {
                let RunningCommand { visit, entered } = command;
                self.conclude(&entered, visit.finish().map_err(Failure::from))
            }
            Err(answer) => *answer,
        }
    }

    /// Decides on a command, records the decision, and starts it. The answer, where it does
    /// not run.
    pub(super) fn begin(
        &mut self,
        id: Value,
        run: ExecRun,
        streams: Streams,
    ) -> Result<RunningCommand, Box<Answer>> {
        let Considered { asked, approved } = self.consider(id, run)?;
        let verdict = match &approved {
            Ok(approved) => Verdict::Allowed(approved.permit.rule()),
            Err(denials) => Verdict::Denied(&denials[0]),
        };
        let record = match self.ledger.decided(asked.request(), verdict) {
            Ok(record) => record,
            Err(unavailable) => {
                return Err(Answer::denied(vec![*unavailable], String::new()).into());
            }
        };
        match approved {
            Ok(approved) => self.start_approved((asked, record), approved, streams),
            Err(denials) => {
                for denial in &denials[1..] {
                    // The request is refused either way, and its first refusal is on record.
                    let _ = self.ledger.refused(asked.request(), record, denial);
                }
                Err(Answer::denied(denials, record.to_string()).into())
            }
        }
    }

    /// Starts an approved command.
    fn start_approved(
        &mut self,
        (asked, record): (Asked, RecordId),
        approved: Approved,
        streams: Streams,
    ) -> Result<RunningCommand, Box<Answer>> {
        let started = Instant::now();
        let Approved { permit, directory } = approved;
        let watch = match self.prepare_and_watch() {
            Ok(watch) => watch,
            Err(error) => {
                let noted = (asked.request(), record);
                return Err(self.not_prepared(noted, &permit, &error).into());
            }
        };
        let Some(sandbox) = self.sandbox.clone() else {
            let gone = Answer::failed("the sandbox is gone", record.to_string());
            return Err(gone.into());
        };
        let policy = self.terms.policy.policy();
        let rule = permit.rule().clone();
        let visit = command::resolve(
            &asked.run,
            directory,
            policy,
            &self.terms.operator,
            &sandbox,
        )
        .map_err(Failure::Command)
        .and_then(|command| Ok(sandbox.enter(permit, command, streams)?));
        let enforced = sandbox.plan().enforced();
        let entered = Entered {
            asked,
            record,
            rule,
            watch,
            enforced,
            started,
        };
        match visit {
            Ok(visit) => Ok(RunningCommand { visit, entered }),
            Err(failure) => Err(self.conclude(&entered, Err(failure)).into()),
        }
    }

    /// Ends a command's request: when it has run, or could not.
    pub(super) fn conclude(&mut self, entered: &Entered, exit: Result<Exit, Failure>) -> Answer {
        // A launcher that is lost is let go of, and the next command gets another.
        if let Err(Failure::Enter(failed)) = &exit
            && failed.error.is_loss_of_launcher()
        {
            self.sandbox = None;
        }
        let noted = entered.noted();
        let made = self.set_aside(&entered.watch, noted);
        match exit {
            Ok(exit) => self.report(&exit, entered).with_denials(made),
            Err(failure) => {
                let witnessed = Witnessed {
                    refused: failure.refused(),
                    seen: failure.seen(),
                    heard: failure.heard(),
                };
                let denials = self.report_refused(noted, &witnessed, &entered.rule);
                let count = number_of(&denials);
                let answer = self.report_failure(&failure, entered, count);
                Answer { denials, ..answer }
            }
        }
    }

    /// Nothing ran.
    fn not_prepared(
        &self,
        (request, record): (RequestInfo<'_>, RecordId),
        permit: &CommandPermit,
        error: &SessionError,
    ) -> Answer {
        let denial = unavailable(permit, error);
        let enforced = Enforced::by_broker_alone();
        let effect = effect(Outcome::Denied(&denial), Instant::now(), &enforced);
        let _ = self.ledger.ended(request, record, effect);
        Answer::denied(vec![denial], record.to_string())
    }

    fn report(&self, exit: &Exit, entered: &Entered) -> Answer {
        let (rule, mut enforced) = (&entered.rule, entered.enforced.clone());
        state_kernel(&mut enforced, &exit.heard);
        let (request, record) = entered.noted();
        let witnessed = Witnessed {
            refused: exit.refused.calls(),
            seen: &exit.seen,
            heard: &exit.heard,
        };
        let mut denials = self.report_refused((request, record), &witnessed, rule);
        denials.extend(self.report_limits((request, record), exit, rule));
        let count = number_of(&denials);
        let outcome = match exit.status {
            _ if exit.is_timed_out() => Outcome::TimedOut,
            ExitStatus::Exited(code) => Outcome::Exited(code),
            ExitStatus::Signalled(signal) => Outcome::Signalled(signal),
        };
        let effect = Effect {
            outcome,
            duration: exit.duration,
            bytes: Some(exit.written),
            denials: count,
            enforced: &enforced,
        };
        let _ = self.ledger.ended(request, record, effect);
        Answer {
            status: status_of(exit),
            result: result_of(exit),
            denials,
            enforced,
            audit: record.to_string(),
            exit_code: exit_code(exit),
        }
    }

    fn report_failure(&self, failure: &Failure, entered: &Entered, count: u64) -> Answer {
        let (request, record) = entered.noted();
        let enforced = entered.enforced.clone();
        let text = failure.text(request.target);
        let effect = Effect {
            denials: count,
            ..effect(Outcome::Failed(&text), entered.started, &enforced)
        };
        let _ = self.ledger.ended(request, record, effect);
        let exit_code = match failure {
            Failure::Command(_) => 125,
            Failure::Enter(failed) => failed.error.exit_code(),
        };
        Answer {
            enforced,
            exit_code,
            ..Answer::failed(&text, record.to_string())
        }
    }
}

/// States what the kernel was as a witness, which is the last one.
fn state_kernel(enforced: &mut Enforced, heard: &Heard) {
    enforced.mark = (!heard.mark.is_empty()).then(|| heard.mark.clone());
    if heard.is_incomplete {
        enforced.witness.push_str(" (incomplete)");
    }
}

pub(super) fn target(run: &ExecRun) -> Target<'_> {
    match run.program() {
        Ok(Program::Argv(argv)) => Target::Argv(argv),
        Ok(Program::Shell(line)) => Target::Shell(line),
        Err(_) => Target::None,
    }
}

/// How often something was denied.
fn number_of(denials: &[Denial]) -> u64 {
    denials.iter().map(|denial| denial.count).sum()
}

fn effect<'a>(outcome: Outcome<'a>, started: Instant, enforced: &'a Enforced) -> Effect<'a> {
    Effect {
        outcome,
        duration: started.elapsed(),
        bytes: None,
        denials: 0,
        enforced,
    }
}

/// The principal learns that there is no sandbox; why not is for the operator.
fn unavailable(permit: &CommandPermit, error: &SessionError) -> Denial {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "the sandbox cannot be prepared"
    );
    let hint = match error.hint() {
        Some(hint) => format!("{}; hint: {hint}", chain(error)),
        None => chain(error),
    };
    permit
        .refuse(RefusalCode::SandboxUnavailable)
        .with_hint(hint)
}

fn status_of(exit: &Exit) -> Status {
    if exit.is_timed_out() {
        Status::Timeout
    } else if exit.is_cancelled {
        Status::Failed
    } else {
        Status::Ok
    }
}

fn result_of(exit: &Exit) -> Value {
    let (code, signal) = match exit.status {
        ExitStatus::Exited(code) => (Some(code), None),
        ExitStatus::Signalled(signal) => (None, Some(signal)),
    };
    let mut result = json!({
        "exit_code": code,
        "signal": signal,
        "stdout": text(&exit.stdout),
        "stderr": text(&exit.stderr),
        "truncated": exit.stdout.lost > 0 || exit.stderr.lost > 0,
        "duration_ms": u64::try_from(exit.duration.as_millis()).unwrap_or(u64::MAX),
        "ended_processes": exit.strays,
    });
    if exit.is_cancelled {
        result["cancelled"] = true.into();
    }
    result
}

fn text(kept: &Kept) -> String {
    String::from_utf8_lossy(&kept.bytes).into_owned()
}

fn exit_code(exit: &Exit) -> u8 {
    const TIMED_OUT: u8 = 124;
    match exit.status {
        _ if exit.is_timed_out() => TIMED_OUT,
        ExitStatus::Exited(code) => u8::try_from(code).unwrap_or(1),
        ExitStatus::Signalled(signal) => u8::try_from(128 + signal).unwrap_or(255),
    }
}
