//! `file.*`: from the request to what the capability did on its handles.

use std::time::Instant;

use serde::Serialize;
use serde_json::Value;

use super::answer::Answer;
use super::session::Session;
use crate::audit::{Effect, Outcome, RecordId, RequestInfo, Target, Verdict};
use crate::capability::{self, Need, Refusal};
use crate::model::{Denial, Enforced, Operation, RefusalCode, Rule};
use crate::policy::{PathAsk, Permit};

impl Session {
    /// Decides on a file request, records the decision, performs it, and records what came of it.
    pub(super) fn perform_on_files(&self, id: &Value, operation: &Operation) -> Answer {
        let request = RequestInfo {
            id,
            op: operation.name(),
            target: Target::of(operation),
            cwd: Some(&self.cwd),
        };
        let permits = self.decide_on_files(operation);
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

    /// One permit for each path of the request, in the order that the operation takes them.
    pub(super) fn decide_on_files(
        &self,
        operation: &Operation,
    ) -> Result<Vec<Permit>, Box<Denial>> {
        capability::needs(operation)
            .iter()
            .map(|need| self.decide_on_path(operation.name(), need))
            .collect()
    }

    /// The first set of rights that the policy allows becomes the permit; where it allows
    /// none, the refusal of the first is the answer.
    fn decide_on_path(&self, op: &'static str, need: &Need<'_>) -> Result<Permit, Box<Denial>> {
        let path = self.cwd.join(need.path).map_err(|error| {
            let subject = error.to_string();
            Denial::by_broker(RefusalCode::BadRequest, op, &subject, Rule::default_deny())
        })?;
        let mut refused = None;
        for rights in need.any_of {
            let ask = PathAsk {
                op,
                subject: need.path,
                path: &path,
                rights: *rights,
            };
            match self.policy.decide_path(&self.principal, ask).into_result() {
                Ok(permit) => return Ok(permit),
                Err(denial) => drop(refused.get_or_insert(denial)),
            }
        }
        let nothing_asked =
            || Denial::by_broker(RefusalCode::BadRequest, op, need.path, Rule::default_deny());
        Err(Box::new(refused.unwrap_or_else(nothing_asked)))
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
        let (on, limits) = (&self.capabilities, &self.policy.policy().limits);
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
