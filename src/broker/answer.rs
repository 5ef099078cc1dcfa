//! What a request came to, before it becomes a reply or an exit code.

use serde::Serialize;
use serde_json::{Value, json};

use crate::model::{Denial, Enforced, RefusalCode, Reply, Rule, Status};

/// The end of a request.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: Status,
    pub result: Value,
    pub denials: Vec<Denial>,
    pub enforced: Enforced,
    /// The id of the record that stands for the request.
    pub audit: String,
    /// What a front end that runs one command exits with.
    pub exit_code: u8,
}

/// The exit code of a command that was refused before it started.
const DENIED: u8 = 126;
/// The exit code where the sandbox could not be prepared, or nothing may happen at all.
const UNAVAILABLE: u8 = 125;

impl Answer {
    /// Nothing happened, for these reasons.
    pub(super) fn denied(denials: Vec<Denial>, audit: String) -> Self {
        let unavailable = denials.iter().any(|denial| {
            use RefusalCode::{AuditUnavailable, SandboxUnavailable};
            matches!(denial.code, AuditUnavailable | SandboxUnavailable)
        });
        Self {
            status: Status::Denied,
            result: Value::Null,
            denials,
            enforced: Enforced::by_broker_alone(),
            audit,
            exit_code: if unavailable { UNAVAILABLE } else { DENIED },
        }
    }

    /// It was allowed, and did not work.
    pub(super) fn failed(error: &str, audit: String) -> Self {
        Self {
            status: Status::Failed,
            result: json!({ "error": error }),
            denials: Vec::new(),
            enforced: Enforced::by_broker_alone(),
            audit,
            exit_code: 1,
        }
    }

    /// The same, with what else was refused.
    pub(super) fn with_denials(mut self, more: Vec<Denial>) -> Self {
        self.denials.extend(more);
        self
    }

    /// The broker did what was asked.
    pub(super) fn done(result: Value, audit: String) -> Self {
        Self {
            status: Status::Ok,
            result,
            denials: Vec::new(),
            enforced: Enforced::by_broker_alone(),
            audit,
            exit_code: 0,
        }
    }

    /// The reply to the request of this id.
    pub(super) fn into_reply(self, id: Value) -> Reply {
        let Self {
            status,
            result,
            denials,
            enforced,
            audit,
            ..
        } = self;
        Reply {
            id,
            status,
            result,
            denials,
            enforced,
            audit,
        }
    }
}

/// What running one command came to.
#[derive(Debug)]
pub struct RunReport {
    /// What the front end exits with.
    pub exit_code: u8,
    /// The whole story.
    pub reply: Reply,
}

/// What would be decided about a request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckReport {
    /// Whether it would be allowed.
    pub allowed: bool,
    /// Why not.
    pub denials: Vec<Denial>,
    /// The rule that allows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// How the command would be contained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforced: Option<Enforced>,
}
