//! What a plan wants of a control group: pure.

use std::path::PathBuf;

use serde::Serialize;

use super::delegation::{Delegation, Occupancy};
use crate::model::Mode;
use crate::policy::Limits;
use crate::sandbox::host::Presence;

/// The control group of a session's commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupPlan {
    /// The delegated group below which it is made.
    pub below: PathBuf,
    /// Who is in that one now.
    #[serde(skip)]
    pub occupancy: Occupancy,
    /// The most bytes of memory that all commands of the session have together: what the
    /// policy allows, and what their private directory may hold, where that lies in memory.
    pub memory: Option<u64>,
    /// The most processes and threads that they have together.
    pub processes: Option<u64>,
}

impl GroupPlan {
    /// What is wanted of a delegated group; nothing where the group would do nothing.
    pub(in crate::sandbox) fn of(
        limits: &Limits,
        mode: Mode,
        delegation: &Delegation,
    ) -> Option<Self> {
        let has = |presence| presence == Presence::Present;
        let in_memory = match mode {
            Mode::View => limits.scratch,
            Mode::Flat | Mode::Broker => 0,
        };
        let memory = limits.memory.filter(|_| has(delegation.memory));
        let memory = memory.map(|bytes| bytes.saturating_add(in_memory));
        let processes = limits.processes.filter(|_| has(delegation.processes));
        let bounds = memory.is_some() || processes.is_some();
        // In flat mode it ends what outlives its launcher and its keeper; in a view the pid
        // namespace does.
        let ends = mode == Mode::Flat && delegation.occupancy == Occupancy::Free;
        (bounds || ends).then(|| Self {
            below: delegation.directory.clone(),
            occupancy: delegation.occupancy,
            memory,
            processes,
        })
    }

    /// The controllers that it needs, as `cgroup.subtree_control` takes them.
    pub(super) fn controllers(&self) -> Vec<&'static str> {
        let memory = self.memory.map(|_| "memory");
        let processes = self.processes.map(|_| "pids");
        memory.into_iter().chain(processes).collect()
    }

    /// What it bounds, for a reply: `control group: memory 64 MiB, processes 20`.
    pub(in crate::sandbox) fn to_text(&self) -> Option<String> {
        let memory = self
            .memory
            .map(|bytes| format!("memory {} MiB", bytes >> 20));
        let processes = self.processes.map(|count| format!("processes {count}"));
        let parts: Vec<_> = memory.into_iter().chain(processes).collect();
        (!parts.is_empty()).then(|| format!("control group: {}", parts.join(", ")))
    }
}
