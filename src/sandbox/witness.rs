//! What sees refusals inside a command, by the plan.
//!
//! Pure. A witness never allows anything: where there is none, the same is refused, and nobody
//! is told.

use serde::Serialize;

use super::host::Presence;
use super::plan::Plan;
use crate::model::Mode;
use crate::policy::Notify;

/// What everything in a view is mounted over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ViewRoot {
    /// There is no view.
    None,
    /// A file system in memory, which holds nothing and cannot be changed.
    Empty,
    /// The same, served by a process of ours that tells who leaves the view.
    Tripwire,
}

impl ViewRoot {
    /// What it is in a mode, with or without the device that the tripwire needs.
    pub(super) fn of(mode: Mode, fuse: Presence) -> Self {
        match (mode, fuse) {
            (Mode::View, Presence::Present) => Self::Tripwire,
            (Mode::View, Presence::Absent) => Self::Empty,
            (Mode::Flat | Mode::Broker, _) => Self::None,
        }
    }
}

impl Plan {
    /// As replies state it.
    pub(super) fn witness(&self) -> String {
        let tripwire = (self.root == ViewRoot::Tripwire).then_some("tripwire");
        let notify = self.notify.map(|notify| match notify {
            Notify::ClosedCalls => "notify (closed calls)",
            Notify::Changes => "notify (changes, closed calls)",
            Notify::Opens => "notify (opens, changes, closed calls)",
        });
        let witnesses: Vec<_> = tripwire.into_iter().chain(notify).collect();
        if witnesses.is_empty() {
            return "none".into();
        }
        witnesses.join(", ")
    }
}
