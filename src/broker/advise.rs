//! Decisions for effects that something else has: an agent's own tools, which only ask.
//!
//! Nothing is performed here. The decision is on record; whether the asker honours it is not
//! in the broker's hands, so nothing may rely on it as on an enforced one.

use serde_json::Value;

use super::answer::Answer;
use super::approve::Considered;
use super::session::Session;
use crate::audit::{RequestInfo, Target, Verdict};
use crate::model::{Denial, ExecRun, Operation, RefusalCode, Reply, Request, Rule};

impl Session {
    /// Decides on a request that something else will carry out, and records the decision.
    ///
    /// What shows only when a path is opened (a link that leads outside, a file with more
    /// than one name) is not known here.
    pub fn decide(&mut self, request: &Request) -> Reply {
        let answer = match &request.operation {
            Operation::ExecRun(run) => self.decide_on_command(&request.id, run),
            operation => self.decide_on_paths(&request.id, operation),
        };
        self.count(&answer);
        answer.into_reply(request.id.clone())
    }

    /// Refuses, on record, what can be said of no request at all: a tool that nobody knows.
    pub fn turn_down(&mut self, code: RefusalCode, subject: &str) -> Vec<Denial> {
        let request = RequestInfo {
            id: &Value::Null,
            op: "request",
            target: Target::None,
            cwd: None,
        };
        let denial = Denial::by_broker(code, request.op, subject, Rule::default_deny());
        let answer = self.answer_decided(request, Err(vec![denial]));
        self.count(&answer);
        answer.denials
    }

    fn decide_on_command(&mut self, id: &Value, run: &ExecRun) -> Answer {
        match self.consider(id.clone(), run.clone()) {
            Ok(Considered { asked, approved }) => {
                let decided = approved.map(|approved| approved.permit.rule().clone());
                self.answer_decided(asked.request(), decided)
            }
            Err(answer) => *answer,
        }
    }

    fn decide_on_paths(&self, id: &Value, operation: &Operation) -> Answer {
        let request = RequestInfo {
            id,
            op: operation.name(),
            target: Target::of(operation),
            cwd: Some(&self.terms.cwd),
        };
        match self.permits(operation) {
            Ok(permits) => match permits.first() {
                Some(permit) => self.answer_decided(request, Ok(permit.rule().clone())),
                None => self.bad_request(id, (request.op, request.target), "no path"),
            },
            Err(denial) => self.answer_decided(request, Err(vec![*denial])),
        }
    }

    fn answer_decided(
        &self,
        request: RequestInfo<'_>,
        decided: Result<Rule, Vec<Denial>>,
    ) -> Answer {
        let verdict = match &decided {
            Ok(rule) => Verdict::Allowed(rule),
            Err(denials) => Verdict::Denied(&denials[0]),
        };
        match (self.ledger.decided(request, verdict), decided) {
            (Err(unavailable), _) => Answer::denied(vec![*unavailable], String::new()),
            (Ok(record), Ok(_)) => Answer::done(Value::Null, record.to_string()),
            (Ok(record), Err(denials)) => Answer::denied(denials, record.to_string()),
        }
    }
}
