//! Calls of another server's tools: decided on and recorded like any request.
//!
//! The server is a command, which runs in a session of its own; what it may touch is that
//! session's matter. Whoever passes a call on to it needs what deciding gives here, and says how
//! the call ended.

use std::path::Path;
use std::time::Instant;

use serde_json::Value;

use super::brake::{Brake, stopped};
use super::error::SessionError;
use super::ledger::Ledger;
use super::session::opened;
use super::terms::Terms;
use crate::audit::{Effect, Outcome, RecordId, RequestInfo, SessionTotals, Target, Verdict};
use crate::model::{Denial, Enforced};
use crate::policy::{Decision, ToolMark, ToolPermit};
use crate::sys::roll::Enrolled;

/// The operation.
const OP: &str = "tool.call";

/// A session whose requests are calls of another server's tools.
#[derive(Debug)]
pub struct ToolSession {
    terms: Terms,
    brake: Brake,
    _enrolled: Enrolled,
    ledger: Ledger,
    totals: SessionTotals,
    opened: Instant,
}

/// A call that may be made, once.
#[derive(Debug)]
#[must_use = "a call that was decided on has an end"]
pub struct ToolCall {
    id: Value,
    permit: ToolPermit,
    record: RecordId,
    started: Instant,
}

/// How a call ended.
#[derive(Debug, Clone, Copy)]
pub enum ToolEnd<'a> {
    /// The server answered, be it with an error of its own.
    Done,
    /// There is no answer, for this reason.
    Failed(&'a str),
    /// Its time was up.
    TimedOut,
}

impl ToolCall {
    /// The tool that may be called.
    pub fn tool(&self) -> &str {
        self.permit.tool()
    }

    /// The id of the record of the decision.
    pub fn record(&self) -> String {
        self.record.to_string()
    }
}

impl ToolSession {
    /// Opens a session: its audit log.
    ///
    /// # Errors
    /// When the log cannot be opened.
    pub fn open(terms: Terms, audit_directory: &Path) -> Result<Self, SessionError> {
        // Whoever pulls the brake ends those who are on the roll, and with us the server.
        let brake = Brake::of(audit_directory)?;
        let enrolled = brake.enrol()?;
        let (_, ledger) = opened(&terms, audit_directory)?;
        Ok(Self {
            terms,
            brake,
            _enrolled: enrolled,
            ledger,
            totals: SessionTotals::default(),
            opened: Instant::now(),
        })
    }

    /// What a tool counts as that may be called; nothing for one that may not.
    pub fn allows(&self, tool: &str) -> Option<ToolMark> {
        match self.decision(tool) {
            Decision::Allow(permit) => Some(permit.mark()),
            Decision::Deny(_) => None,
        }
    }

    /// Decides on a call, and puts the decision on record.
    ///
    /// # Errors
    /// The denial, with the id of its record; no id where none could be written.
    pub fn decide(&mut self, id: &Value, tool: &str) -> Result<ToolCall, (Box<Denial>, String)> {
        self.totals.requests += 1;
        let decision = if self.brake.is_pulled() {
            Err(stopped(OP))
        } else {
            self.decision(tool).into_result()
        };
        let verdict = match &decision {
            Ok(permit) => Verdict::Allowed(permit.rule()),
            Err(denial) => Verdict::Denied(denial),
        };
        let record = self.ledger.decided(request(id, tool), verdict);
        match (decision, record) {
            (Ok(permit), Ok(record)) => Ok(ToolCall {
                id: id.clone(),
                permit,
                record,
                started: Instant::now(),
            }),
            (Err(denial), Ok(record)) => {
                self.totals.denials += 1;
                Err((Box::new(denial), record.to_string()))
            }
            (_, Err(unavailable)) => {
                self.totals.denials += 1;
                Err((unavailable, String::new()))
            }
        }
    }

    /// Puts on record how a call ended.
    pub fn ended(&self, call: &ToolCall, end: ToolEnd<'_>) {
        let enforced = Enforced::by_broker_alone();
        let effect = Effect {
            outcome: match end {
                ToolEnd::Done => Outcome::Done,
                ToolEnd::Failed(why) => Outcome::Failed(why),
                ToolEnd::TimedOut => Outcome::TimedOut,
            },
            duration: call.started.elapsed(),
            bytes: None,
            denials: 0,
            enforced: &enforced,
        };
        // The call was made; a log that fails now refuses the next one.
        let request = request(&call.id, call.tool());
        let _ = self.ledger.ended(request, call.record, effect);
    }

    /// Closes the session's record.
    pub fn close(self) {
        self.ledger.closed(SessionTotals {
            duration: self.opened.elapsed(),
            ..self.totals
        });
    }

    fn decision(&self, tool: &str) -> Decision<ToolPermit> {
        let Terms {
            policy, principal, ..
        } = &self.terms;
        policy.decide_tool(principal, OP, tool)
    }
}

fn request<'a>(id: &'a Value, tool: &'a str) -> RequestInfo<'a> {
    RequestInfo {
        id,
        op: OP,
        target: Target::Tool(tool),
        cwd: None,
    }
}
