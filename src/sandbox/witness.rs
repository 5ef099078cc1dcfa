//! What sees refusals inside a command, by the plan.
//!
//! Pure. A witness never allows anything: where there is none, the same is refused, and nobody
//! is told.

use serde::Serialize;

use super::host::Presence;
use super::kernel::AuditRecords;
use super::plan::Plan;
use super::unavailable::Unavailable;
use crate::model::Mode;
use crate::policy::{KernelWitness, Notify};

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

/// Whether the kernel's own audit tells what Landlock refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KernelAudit {
    /// It does, and is listened to.
    Heard,
    /// It is not listened to, and Landlock is told to make no records of commands.
    Unheard,
}

impl KernelAudit {
    /// What it is on a host.
    ///
    /// # Errors
    /// What stands in the way, where the policy does not do without it.
    pub(super) fn of(wish: KernelWitness, host: &AuditRecords) -> Result<Self, Unavailable> {
        match (wish, host) {
            (KernelWitness::Off, _) | (KernelWitness::Auto, AuditRecords::Unreadable { .. }) => {
                Ok(Self::Unheard)
            }
            (_, AuditRecords::Readable) => Ok(Self::Heard),
            (KernelWitness::Required, AuditRecords::Unreadable { obstacle, remedy }) => {
                Err(Unavailable::Audit {
                    obstacle: obstacle.clone(),
                    remedy: remedy.clone(),
                })
            }
        }
    }
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
        let kernel = (self.kernel == KernelAudit::Heard).then_some("kernel");
        let witnesses = tripwire.into_iter().chain(notify).chain(kernel);
        let witnesses: Vec<_> = witnesses.collect();
        if witnesses.is_empty() {
            return "none".into();
        }
        witnesses.join(", ")
    }
}
