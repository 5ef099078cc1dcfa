//! What is answered to a request: exactly one reply each, whatever happens.

use serde::Serialize;
use serde_json::Value;

use super::{Denial, Enforced};

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It was carried out. A command that exits with a failure of its own is `ok` too.
    Ok,
    /// It was refused before anything happened.
    Denied,
    /// It was allowed and did not work: no such file, no such command.
    Failed,
    /// It was ended because its time was up.
    Timeout,
}

/// The answer to one request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reply {
    /// The request's id; null where the line had none that could be read.
    pub id: Value,
    /// How it ended.
    pub status: Status,
    /// What was asked for, or `{"error": …}` where it failed.
    pub result: Value,
    /// What was refused, also inside a command that otherwise went well.
    pub denials: Vec<Denial>,
    /// The layers in force.
    pub enforced: Enforced,
    /// The id of the audit record that stands for this request; empty where none could be written.
    pub audit: String,
}
