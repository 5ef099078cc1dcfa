//! A plan as plain text and numbers: what `policy explain` prints, and golden tests compare.
//!
//! Made from the very plan that is compiled, so that it cannot say anything else. Values of
//! variables are not repeated.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::group::GroupPlan;
use super::limits::ProcessBound;
use super::plan::{MetadataCalls, Origin, PathRule, Plan};
use super::profile::{Changes, DeviceControl, ProcessLimit, ProfileOrigin, Resource};
use super::seccomp::{Action, Origin as CallOrigin, Rule};
use super::witness::{KernelAudit, ViewRoot};
use crate::model::{Mode, Rights, WeakerGuarantee, shown_path};
use crate::policy::{Background, Pattern, PatternSet};

/// What will be enforced on every command of a session.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanExplanation {
    /// The policy it comes from.
    pub policy: String,
    /// The profiles that it comes from, and where they were found.
    pub profiles: Vec<ProfileOrigin>,
    /// View or flat.
    pub mode: Mode,
    /// What the root of a view is.
    pub root: ViewRoot,
    /// Whether commands can change anything outside scratch.
    pub changes: Changes,
    /// The Landlock ABI whose every right is handled.
    pub landlock_abi: u32,
    /// The paths that can be reached, in order. The private scratch directory comes on top.
    pub paths: Vec<ExplainedPath>,
    /// How many system calls are refused, at least for some arguments.
    pub refused_calls: usize,
    /// How many system calls are supervised, at least for some arguments.
    pub supervised_calls: usize,
    /// The system calls that do not simply go on, by the set that names them.
    pub calls: BTreeMap<String, Vec<ExplainedCall>>,
    /// What happens to chmod, chown, utimes, xattr and their kin.
    pub metadata: MetadataCalls,
    /// Whether the kernel's own audit tells what Landlock refuses.
    pub kernel_audit: KernelAudit,
    /// The names of the variables that profiles set.
    pub environment: Vec<String>,
    /// The search path.
    pub search_path: Vec<String>,
    /// Files of the operator's home that are copied into the commands' home.
    pub home_files: Vec<String>,
    /// The policy's limits.
    pub limits: String,
    /// The control group that commands are held in, and what it bounds.
    pub group: Option<GroupPlan>,
    /// What bounds the number of processes.
    pub process_bound: ProcessBound,
    /// Limits of each process that are no matter of policy.
    pub process_limits: BTreeMap<&'static str, u64>,
    /// What happens to processes that outlive their command.
    pub background: Background,
    /// What this host does not give, and the policy does without.
    pub weaker: Vec<WeakerGuarantee>,
}

/// A path that commands can reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedPath {
    /// The path.
    pub path: String,
    /// What may be done there, and with everything below.
    pub rights: Rights,
    /// Whether devices there may be controlled by `ioctl`.
    pub device_control: bool,
    /// What cannot be read below it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hide: Vec<String>,
    /// What cannot be changed below it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protect: Vec<String>,
    /// The profile that names it; absent for a grant of the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Why it is there.
    pub reason: String,
}

/// What happens to a system call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedCall {
    /// Its name.
    pub call: String,
    /// What happens to it.
    pub action: Action,
    /// Whether that depends on the arguments.
    pub only_for_some_arguments: bool,
    /// Why.
    pub reason: String,
}

impl Plan {
    /// The plan for a reader.
    pub fn explain(&self) -> PlanExplanation {
        let path = |path: &Path| shown_path(path);
        PlanExplanation {
            policy: self.policy.clone(),
            profiles: self.profiles.clone(),
            mode: self.mode,
            root: self.root,
            changes: self.changes,
            landlock_abi: self.landlock_abi,
            paths: self.paths.iter().map(explain_path).collect(),
            refused_calls: self.syscalls.refused(),
            supervised_calls: self.syscalls.supervised(),
            calls: self.explain_calls(),
            metadata: self.metadata,
            kernel_audit: self.kernel,
            environment: self.environment.keys().cloned().collect(),
            search_path: self
                .search_path
                .iter()
                .map(|one| path(one.as_path()))
                .collect(),
            home_files: self.home_files.iter().map(|one| path(&one.to)).collect(),
            limits: self.limits.to_string(),
            group: self.group.clone(),
            process_bound: self.process_bound,
            process_limits: self.process_limits.iter().map(explain_limit).collect(),
            background: self.background,
            weaker: self.weaker.clone(),
        }
    }

    fn explain_calls(&self) -> BTreeMap<String, Vec<ExplainedCall>> {
        let mut sets: BTreeMap<String, Vec<ExplainedCall>> = BTreeMap::new();
        let mut add = |number: u32, action: Action, origin: &CallOrigin, some: bool| {
            let name = self.syscalls.arch.name(number);
            sets.entry(origin.set.to_string())
                .or_default()
                .push(ExplainedCall {
                    call: name.map_or_else(|| number.to_string(), str::to_owned),
                    action,
                    only_for_some_arguments: some,
                    reason: origin.reason.to_string(),
                });
        };
        for (number, rule) in &self.syscalls.rules {
            match rule {
                Rule::Always { action, origin } => add(*number, *action, origin, false),
                Rule::Cases(cases) => {
                    for case in cases {
                        add(*number, case.action, &case.origin, true);
                    }
                }
            }
        }
        sets
    }
}

fn explain_path(rule: &PathRule) -> ExplainedPath {
    let texts = |set: &PatternSet| set.iter().map(Pattern::as_str).map(str::to_owned).collect();
    ExplainedPath {
        path: shown_path(rule.path.as_path()),
        rights: rule.access.rights,
        device_control: rule.access.ioctl == DeviceControl::Allow,
        hide: texts(&rule.hide),
        protect: texts(&rule.protect),
        profile: match &rule.origin {
            Origin::Grant(_) => None,
            Origin::System(origin) => Some(origin.to_string()),
        },
        reason: rule.reason.to_string(),
    }
}

fn explain_limit(limit: &ProcessLimit) -> (&'static str, u64) {
    let name = match limit.resource {
        Resource::Core => "core",
        Resource::LockedMemory => "locked-memory",
        Resource::MessageQueues => "message-queues",
        Resource::RealTimePriority => "real-time-priority",
    };
    (name, limit.most)
}
