//! `file.*`: from the request to what the capability did on its handles.

use std::time::Instant;

use serde::Serialize;
use serde_json::Value;

use super::answer::Answer;
use super::session::Session;
use crate::audit::{Effect, Outcome, RecordId, RequestInfo, Target, Verdict};
use crate::capability::{self, Refusal};
use crate::model::{Denial, Enforced, Operation};
use crate::policy::Permit;

impl Session {
    /// Decides on a file request, records the decision, performs it, and records what came of it.
    pub(super) fn perform_on_files(&self, id: &Value, operation: &Operation) -> Answer {
        let request = RequestInfo {
            id,
            op: operation.name(),
            target: Target::of(operation),
            cwd: Some(&self.terms.cwd),
        };
        let permits = self.permits(operation);
        let verdict = match &permits {
            Ok(permits) => match permits.first() {
                Some(permit) => Verdict::Allowed(permit.rule()),
                None => return self.bad_request(id, (request.op, request.target), "no path"),
            },
            Err(denial) => Verdict::Denied(denial),
        };
        let record = match self.ledger.decided(request, verdict) {
            Ok(record) => record,
            Err(unavailable) => return Answer::denied(vec![*unavailable], String::new()),
        };
        match permits {
            Ok(permits) => self.perform_decided((request, record), operation, permits),
            Err(denial) => Answer::denied(vec![*denial], record.to_string()),
        }
    }

    /// One permit for each path of a request.
    pub(super) fn permits(&self, operation: &Operation) -> Result<Vec<Permit>, Box<Denial>> {
        self.brake.admits(operation.name())?;
        self.terms.decide_on_files(operation)
    }

    fn perform_decided(
        &self,
        (request, record): (RequestInfo<'_>, RecordId),
        operation: &Operation,
        permits: Vec<Permit>,
    ) -> Answer {
        let started = Instant::now();
        let result = self.act(operation, permits);
        let enforced = Enforced::by_broker_alone();
        let ended = |outcome, denials| Effect {
            outcome,
            duration: started.elapsed(),
            bytes: None,
            denials,
            enforced: &enforced,
        };
        // The effect has happened; a log that fails now refuses the next request.
        match result {
            Ok(value) => {
                let _ = self.ledger.ended(request, record, ended(Outcome::Done, 0));
                Answer::done(value, record.to_string())
            }
            Err(Refusal::Denied(denial)) => {
                let _ = self
                    .ledger
                    .ended(request, record, ended(Outcome::Denied(&denial), 1));
                Answer::denied(vec![*denial], record.to_string())
            }
            Err(Refusal::Failed(error)) => {
                let text = error.to_string();
                let _ = self
                    .ledger
                    .ended(request, record, ended(Outcome::Failed(&text), 0));
                Answer::failed(&text, record.to_string())
            }
        }
    }

    fn act(&self, operation: &Operation, permits: Vec<Permit>) -> Result<Value, Refusal> {
        let (on, limits) = (&self.capabilities, &self.terms.policy.policy().limits);
        let mut permits = permits.into_iter();
        let (Some(first), second) = (permits.next(), permits.next()) else {
            return Ok(Value::Null);
        };
        match (operation, second) {
            (Operation::FileRead(ask), _) => value(capability::read(on, first, ask, limits)),
            (Operation::FileWrite(ask), _) => value(capability::write(on, first, ask, limits)),
            (Operation::FileAppend(ask), _) => value(capability::append(on, first, ask, limits)),
            (Operation::FileEdit(ask), _) => value(capability::edit(on, first, ask, limits)),
            (Operation::FileList(ask), _) => value(capability::list(on, first, ask, limits)),
            (Operation::FileStat(ask), _) => value(capability::stat(on, first, ask)),
            (Operation::FileGlob(ask), _) => value(capability::glob(on, first, ask, limits)),
            (Operation::FileGrep(ask), _) => value(capability::grep(on, first, ask, limits)),
            (Operation::FileMkdir(ask), _) => value(capability::mkdir(on, first, ask)),
            (Operation::FileDelete(ask), _) => value(capability::delete(on, first, ask)),
            (Operation::FileMove(ask), Some(to)) => value(capability::rename(on, (first, to), ask)),
            (Operation::FileCopy(ask), Some(to)) => {
                value(capability::copy(on, (first, to), ask, limits))
            }
            // `needs` gives two paths for these two, and none for a command.
            (Operation::FileMove(_) | Operation::FileCopy(_) | Operation::ExecRun(_), _) => {
                Ok(Value::Null)
            }
        }
    }
}

fn value(result: Result<impl Serialize, Refusal>) -> Result<Value, Refusal> {
    // Results are plain structures with text keys; they always have a JSON form.
    Ok(serde_json::to_value(result?).unwrap_or(Value::Null))
}
