//! The daemon's own answers, in the form of the broker's.

use serde::Serialize;
use serde_json::{Value, json};

use crate::model::{Denial, Enforced, RefusalCode, Reply, Rule, Status};

/// The rule by which tokens allow and refuse.
pub(super) fn token_rule() -> Rule {
    Rule {
        name: "session token".into(),
        place: None,
    }
}

/// A line that is no request that could be passed on.
pub(super) fn bad(op: &str, why: &str) -> Denial {
    Denial {
        path: None,
        ..Denial::by_broker(
            RefusalCode::BadRequest,
            op.to_owned(),
            why,
            Rule::default_deny(),
        )
    }
}

/// A request that a token does not allow, or that no token was for.
pub(super) fn refused(code: RefusalCode, op: &str, what: &str) -> Denial {
    Denial::by_broker(code, op.to_owned(), what, token_rule())
}

/// The reply to what was refused.
pub(super) fn denied(id: Value, denial: Denial, audit: String) -> Reply {
    Reply {
        id,
        status: Status::Denied,
        result: Value::Null,
        denials: vec![denial],
        enforced: Enforced::by_broker_alone(),
        audit,
    }
}

/// The reply to what was allowed and did not work.
pub(super) fn failed(id: Value, error: &str, hint: Option<&str>) -> Reply {
    let mut result = json!({ "error": error });
    if let Some(hint) = hint {
        result["hint"] = hint.into();
    }
    Reply {
        status: Status::Failed,
        ..done(id, result, String::new())
    }
}

/// The reply to what was done.
pub(super) fn done(id: Value, result: Value, audit: String) -> Reply {
    Reply {
        id,
        status: Status::Ok,
        result,
        denials: Vec::new(),
        enforced: Enforced::by_broker_alone(),
        audit,
    }
}

/// The reply to a command that was cancelled before it ran.
pub(super) fn cancelled(id: &str) -> Reply {
    let id = serde_json::from_str(id).unwrap_or_default();
    let mut reply = failed(id, "cancelled before it ran", None);
    reply.result["cancelled"] = true.into();
    reply
}

/// The reply as a line.
pub(super) fn line(reply: &impl Serialize) -> Vec<u8> {
    // A reply has text keys, so it always has a JSON form.
    let mut line = serde_json::to_vec(reply).unwrap_or_default();
    line.push(b'\n');
    line
}
