//! The plan: policy, profiles and host features, resolved to what will be enforced.
//!
//! Pure: the same input gives the same plan, on any machine. Nothing is opened here, and
//! nothing that the host cannot give is dropped silently: it is refused, or it is named in
//! `weaker` because the policy accepts that by name.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use super::closing::{self, Situation};
use super::group::GroupPlan;
use super::host::{HostFeatures, Layers, Namespaces};
use super::limits::ProcessBound;
use super::profile::{
    Access, Changes, DeviceControl, HomeFile, ProcessLimit, ProfileOrigin, SystemView,
};
use super::seccomp::SyscallRules;
use super::unavailable::Unavailable;
use super::view;
use super::watching;
use super::weaker::weaker;
use super::witness::{KernelAudit, ViewRoot};
use crate::model::{Enforced, HostPath, Mode, Right, Rights, WeakerGuarantee, Wording};
use crate::policy::{
    Background, Containment, EffectiveGrant, GrantId, Limits, ModeWish, Notify, PatternSet,
};

/// What a plan is made from, beside the host.
#[derive(Debug)]
pub struct Wish<'a> {
    /// The policy's name.
    pub policy: &'a str,
    /// What the principal's commands may touch.
    pub reach: &'a [EffectiveGrant],
    /// How the policy wants commands contained.
    pub containment: &'a Containment,
    /// How much they may use.
    pub limits: &'a Limits,
    /// What tools need beside the grants.
    pub view: &'a SystemView,
    /// The operator's home, for the few files that commands find in theirs.
    pub home: &'a HostPath,
}

/// What will be enforced on every command of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The policy it comes from.
    pub policy: String,
    /// The profiles that it comes from.
    pub profiles: Vec<ProfileOrigin>,
    /// View or flat.
    pub mode: Mode,
    /// What the root of a view is.
    pub root: ViewRoot,
    /// Whether commands can change anything outside scratch.
    pub changes: Changes,
    /// The Landlock ABI whose every right is handled.
    pub landlock_abi: u32,
    /// The paths that can be reached, in order.
    pub paths: Vec<PathRule>,
    /// What happens to system calls.
    pub syscalls: SyscallRules,
    /// What happens to the calls that change metadata.
    pub metadata: MetadataCalls,
    /// Which calls the supervisor looks at before other layers refuse them; none without one.
    pub notify: Option<Notify>,
    /// Whether the kernel's own audit tells what Landlock refuses.
    pub kernel: KernelAudit,
    /// Variables of every command; `${scratch}` stands for the scratch directory.
    pub environment: BTreeMap<String, String>,
    /// The search path of every command.
    pub search_path: Vec<HostPath>,
    /// Files of the operator's home that are copied into the commands' home.
    pub home_files: Vec<HomeCopy>,
    /// The policy's limits.
    pub limits: Limits,
    /// The control group that commands are held in, where there is one.
    pub group: Option<GroupPlan>,
    /// What bounds the number of processes.
    pub process_bound: ProcessBound,
    /// Limits of each process that are no matter of policy.
    pub process_limits: Vec<ProcessLimit>,
    /// What happens to processes that outlive their command.
    pub background: Background,
    /// What this host does not give, and the policy does without.
    pub weaker: Vec<WeakerGuarantee>,
}

/// A path that commands can reach.
#[derive(Debug, Clone, PartialEq)]
pub struct PathRule {
    /// Where it comes from.
    pub origin: Origin,
    /// The path.
    pub path: HostPath,
    /// What may be done there, and with everything below.
    pub access: Access,
    /// What cannot be read below it.
    pub hide: PatternSet,
    /// What cannot be changed below it.
    pub protect: PatternSet,
    /// Why it is there.
    pub reason: Wording,
}

/// A file of the operator's home that commands find in theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeCopy {
    /// The operator's file.
    pub from: HostPath,
    /// Its place below the commands' home.
    pub to: PathBuf,
}

/// Where a path of the plan comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A grant of the policy, already opened by the broker.
    Grant(GrantId),
    /// A profile; left out where it does not exist.
    System(Arc<str>),
}

/// What happens to chmod, chown, utimes, xattr and their kin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetadataCalls {
    /// The filter refuses them with EROFS.
    Refused,
    /// The supervisor makes them in scratch, refuses them elsewhere with EROFS, and tells who tried what.
    Witnessed,
    /// The supervisor makes them beneath writable grants, and refuses them elsewhere.
    Supervised,
    /// They go on, and the view's mounts restrict them; those that would make a setuid or
    /// setgid program are looked at by the supervisor.
    PrivilegedSupervised,
    /// The view's mounts restrict them, and the supervisor refuses what these would refuse, so
    /// that it is told; those that would make a setuid or setgid program are looked at by it.
    Watched,
    /// As before the last, but without a supervisor: setuid and setgid modes are refused for everything.
    PrivilegedRefused,
}

impl Plan {
    /// Resolves what will be enforced.
    ///
    /// # Errors
    /// When the host cannot give what the policy requires.
    pub fn resolve(wish: &Wish<'_>, host: &HostFeatures) -> Result<Self, Unavailable> {
        let mode = mode_of(wish.containment, host)?;
        let required = wish.containment.minimum_landlock_abi.max(1);
        if host.landlock_abi < required {
            return Err(Unavailable::Landlock {
                found: host.landlock_abi,
                required,
            });
        }
        if let Layers::Unusable { obstacle, remedy } = &host.layers {
            let (obstacle, remedy) = (obstacle.clone(), remedy.clone());
            return Err(Unavailable::Layers { obstacle, remedy });
        }
        let arch = host.architecture.ok_or(Unavailable::Architecture)?;
        let changes = changes_of(wish.reach);
        let notify = watching::notify(mode, wish.containment, host);
        let metadata = watching::metadata_calls(wish.reach, (mode, notify), host)?;
        let delegation = host.cgroup.delegation();
        let group = delegation.and_then(|one| GroupPlan::of(wish.limits, mode, one));
        let process_bound = ProcessBound::of((wish.limits, group.as_ref()), mode, host);
        let weaker = weaker(wish, (mode, process_bound), host.landlock_abi)?;
        let situation = Situation {
            arch,
            mode,
            changes,
            metadata,
            landlock_abi: host.landlock_abi,
            notify,
        };
        Ok(Self {
            policy: wish.policy.to_owned(),
            profiles: wish.view.profiles.clone(),
            mode,
            root: ViewRoot::of(mode, host.fuse),
            changes,
            landlock_abi: host.landlock_abi,
            paths: paths(wish),
            syscalls: closing::rules(wish.view, situation)?,
            metadata,
            notify,
            kernel: KernelAudit::of(wish.containment.kernel_witness, &host.audit)?,
            environment: wish.view.environment.iter().cloned().collect(),
            search_path: wish.view.search_path.clone(),
            home_files: home_files(wish),
            limits: wish.limits.clone(),
            group,
            process_bound,
            process_limits: wish.view.limits.clone(),
            background: wish.containment.background,
            weaker,
        })
    }

    /// Directories that commands have to themselves, beside the scratch directory: in a view,
    /// where nothing of the host is in them but the grants.
    pub fn private_places(&self) -> impl Iterator<Item = &'static str> {
        let in_view = self.mode == Mode::View;
        let places = view::PRIVATE.iter().map(|(place, _)| *place);
        places.chain([view::SCRATCH]).filter(move |_| in_view)
    }

    /// The rules that the filter is made from.
    pub fn filtered(&self) -> SyscallRules {
        match self.notify {
            None => self.syscalls.clone(),
            Some(_) => self.syscalls.witnessed(),
        }
    }

    /// What a reply states about it.
    pub fn enforced(&self) -> Enforced {
        Enforced {
            mode: self.mode,
            landlock: format!("abi {}", self.landlock_abi),
            seccomp: format!(
                "refuse {}, supervise {}",
                self.syscalls.refused(),
                self.syscalls.supervised()
            ),
            view: match self.mode {
                Mode::View => "user, mount, pid, ipc, uts, net, cgroup".into(),
                Mode::Flat | Mode::Broker => "none".into(),
            },
            witness: self.witness(),
            mark: None,
            limits: self.limits_text(),
            weaker: self.weaker.clone(),
        }
    }
}

/// The mode that a policy gets on this host.
///
/// # Errors
/// When it requires one that cannot be had.
pub fn mode_of(containment: &Containment, host: &HostFeatures) -> Result<Mode, Unavailable> {
    match (containment.mode, &host.namespaces) {
        (ModeWish::Flat, _) | (ModeWish::Auto, Namespaces::Unusable { .. }) => Ok(Mode::Flat),
        (ModeWish::View, Namespaces::Unusable { obstacle, remedy }) => Err(Unavailable::View {
            obstacle: obstacle.clone(),
            remedy: remedy.clone(),
        }),
        (ModeWish::Auto | ModeWish::View, Namespaces::Usable | Namespaces::Untried) => {
            Ok(Mode::View)
        }
    }
}

/// Whether commands with this reach can change anything outside scratch.
pub fn changes_of(reach: &[EffectiveGrant]) -> Changes {
    if reach.iter().any(|grant| grant.rights.change_something()) {
        Changes::Workspace
    } else {
        Changes::ReadOnly
    }
}

fn home_files(wish: &Wish<'_>) -> Vec<HomeCopy> {
    let copy = |file: &HomeFile| {
        let from = wish.home.join(&file.path).ok()?;
        Some(HomeCopy {
            from,
            to: file.path.clone(),
        })
    };
    wish.view.home_files.iter().filter_map(copy).collect()
}

fn paths(wish: &Wish<'_>) -> Vec<PathRule> {
    let system = wish.view.paths.iter().map(|path| PathRule {
        origin: Origin::System(Arc::clone(&path.origin)),
        path: path.path.clone(),
        access: path.access,
        hide: PatternSet::default(),
        protect: PatternSet::default(),
        reason: path.reason.clone(),
    });
    let grants = wish.reach.iter().map(|grant| PathRule {
        origin: Origin::Grant(grant.grant),
        path: grant.root.clone(),
        access: Access {
            rights: grant.rights,
            ioctl: DeviceControl::Refuse,
        },
        hide: grant.hide.clone(),
        protect: grant.protect.clone(),
        reason: format!("grant {}", grant.name).into(),
    });
    grants.chain(system).collect()
}

impl PathRule {
    /// Whether Landlock has to leave something out below it.
    pub fn has_holes(&self, all: &[Self]) -> bool {
        !self.hide.is_empty()
            || all.iter().any(|other| {
                !other.access.rights.covers(self.access.rights)
                    && other.path != self.path
                    && other.path.beneath(&self.path).is_some()
            })
    }

    /// Whether its files can be changed.
    pub fn is_changeable(&self) -> bool {
        self.access.rights.has(Right::Write)
    }
}

/// What commands may do in their scratch directory.
pub(super) const SCRATCH: Access = Access {
    rights: Rights::ALL,
    ioctl: DeviceControl::Refuse,
};
