//! A command that runs: what it was asked for by, and what is needed to end its request.
//!
//! Several can run at the same time. Nothing is decided here any more.

use std::rc::Rc;
use std::time::Instant;

use serde_json::Value;

use super::exec::{OP, target};
use super::protected::Watch;
use crate::audit::{RecordId, RequestInfo};
use crate::model::{Enforced, ExecRun, HostPath, Rule};
use crate::sandbox::Visit;

/// A command that was started. Its request is open until it is given back to the session.
#[derive(Debug)]
pub struct RunningCommand {
    /// Its stay in the sandbox.
    pub visit: Visit,
    pub(super) entered: Entered,
}

/// What was asked for. It says where, unless that is no path.
#[derive(Debug)]
pub(super) struct Asked {
    pub id: Value,
    pub run: ExecRun,
    pub cwd: Option<HostPath>,
}

/// A command that has left the broker's hands.
#[derive(Debug)]
pub(super) struct Entered {
    pub asked: Asked,
    /// The record of the decision.
    pub record: RecordId,
    pub rule: Rule,
    pub watch: Rc<Watch>,
    pub enforced: Enforced,
    pub started: Instant,
}

impl RunningCommand {
    /// The id of its request.
    pub fn id(&self) -> &Value {
        &self.entered.asked.id
    }
}

impl Asked {
    /// The request as records name it.
    pub(super) fn request(&self) -> RequestInfo<'_> {
        RequestInfo {
            id: &self.id,
            op: OP,
            target: target(&self.run),
            cwd: self.cwd.as_ref(),
        }
    }
}

impl Entered {
    /// The request as records name it, and its record.
    pub(super) fn noted(&self) -> (RequestInfo<'_>, RecordId) {
        (self.asked.request(), self.record)
    }
}
