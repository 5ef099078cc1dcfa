//! The limits of a plan: what bounds each of them, in which mode, and what of that is told.
//!
//! Without a control group the kernel bounds single processes, and exempts uid 0 from the
//! number of processes. What nothing bounds must never be told as bounded.

use std::time::Duration;

use serde::Serialize;

use super::group::GroupPlan;
use super::host::{HostFeatures, Presence, User};
use super::plan::Plan;
use super::profile::Resource;
use crate::model::Mode;
use crate::policy::Limits;
use crate::sys::limits::{Limit, resource};

/// What bounds the number of processes and threads of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessBound {
    /// The policy names no number.
    Unwanted,
    /// The control group of the session, whoever the user is.
    Group,
    /// The view's own pid namespace, whoever the user is, and the user's limit.
    Namespace,
    /// The user's limit.
    User,
    /// Nothing: the kernel exempts uid 0 from the user's limit.
    Nothing,
}

impl ProcessBound {
    /// What a plan for this mode has on this host.
    pub(super) fn of(
        (limits, group): (&Limits, Option<&GroupPlan>),
        mode: Mode,
        host: &HostFeatures,
    ) -> Self {
        let in_group = group.and_then(|group| group.processes);
        match (limits.processes, mode, host.pid_limit, host.user) {
            (None, ..) => Self::Unwanted,
            _ if in_group.is_some() => Self::Group,
            (_, Mode::View, Presence::Present, _) => Self::Namespace,
            (.., User::Ordinary) => Self::User,
            (.., User::Root) => Self::Nothing,
        }
    }
}

/// How many numbers of processes the kernel keeps back (`RESERVED_PIDS`): once it has counted
/// through a namespace, it starts again above them.
const RESERVED: u64 = 300;

/// The most that the kernel takes (`PID_MAX_LIMIT`, 64-bit): as if there were no limit.
pub(super) const NO_LIMIT: u64 = 1 << 22;

/// The keeper and the launcher, which are in the view's user namespace as well.
const OURS: u64 = 2;

impl Plan {
    /// The highest number of a process in the view's pid namespace, where that bounds them:
    /// as many as the policy allows, and at most as many more as the kernel keeps back.
    pub(super) fn highest_pid(&self) -> Option<u64> {
        let count = self.limits.processes?;
        let highest = count.saturating_add(RESERVED).min(NO_LIMIT);
        (self.process_bound == ProcessBound::Namespace).then_some(highest)
    }

    /// The limits of each process.
    pub(super) fn resource_limits(&self) -> Vec<Limit> {
        let limits = &self.limits;
        let mut list = vec![Limit::flat(resource::OPEN_FILES, limits.open_files)];
        list.extend(limits.cpu.map(|time| {
            let seconds = time.as_secs().max(1);
            // The signal for the first can be caught; a second later comes one that cannot.
            Limit {
                resource: resource::CPU_SECONDS,
                soft: seconds,
                hard: seconds.saturating_add(1),
            }
        }));
        let flat = |resource| move |most| Limit::flat(resource, most);
        list.extend(limits.memory.map(flat(resource::DATA)));
        list.extend(limits.file_size.map(flat(resource::FILE_SIZE)));
        list.extend(limits.processes.map(|count| {
            let besides = self.processes_besides();
            Limit::flat(resource::PROCESSES, count.saturating_add(besides))
        }));
        list.extend(self.process_limits.iter().map(|limit| {
            let kind = match limit.resource {
                Resource::Core => resource::CORE,
                Resource::LockedMemory => resource::LOCKED_MEMORY,
                Resource::MessageQueues => resource::MESSAGE_QUEUES,
                Resource::RealTimePriority => resource::REAL_TIME_PRIORITY,
            };
            Limit::flat(kind, limit.most)
        }));
        crate::sys::limits::no_higher_than_now(list)
    }

    /// Processes that the kernel counts along with the command's: since Linux 5.14 those of
    /// the user in the same user namespace, and before, on the whole host.
    ///
    /// A control group must be the first to refuse: it tells that it did.
    fn processes_besides(&self) -> u64 {
        let room = match self.process_bound {
            ProcessBound::Group => RESERVED,
            _ => 0,
        };
        room + self.processes_of_others()
    }

    fn processes_of_others(&self) -> u64 {
        if self.mode == Mode::View && crate::sys::host::is_at_least(5, 14) {
            OURS
        } else {
            crate::sys::host::threads_on_host()
        }
    }

    /// The limits that bind, for a reply: `wall 600s, processes 4096`; those of a control
    /// group bind all commands of a session together.
    pub(super) fn limits_text(&self) -> String {
        let limits = &self.limits;
        let mebibytes = |name: &str, bytes: u64| format!("{name} {} MiB", bytes >> 20);
        let mut parts = vec![format!("wall {}", seconds(limits.wall))];
        parts.extend(limits.cpu.map(|cpu| format!("cpu {}", seconds(cpu))));
        parts.extend(limits.memory.map(|bytes| mebibytes("memory", bytes)));
        if self.process_bound != ProcessBound::Nothing {
            parts.extend(limits.processes.map(|count| format!("processes {count}")));
        }
        parts.push(format!("open files {}", limits.open_files));
        parts.extend(limits.file_size.map(|size| mebibytes("file size", size)));
        parts.push(mebibytes("output", limits.output));
        if self.mode == Mode::View {
            parts.push(mebibytes("scratch", limits.scratch));
        }
        let mut text = parts.join(", ");
        if let Some(group) = self.group.as_ref().and_then(GroupPlan::to_text) {
            text.push_str("; ");
            text.push_str(&group);
        }
        text
    }
}

fn seconds(time: Duration) -> String {
    format!("{}s", time.as_secs_f64())
}
