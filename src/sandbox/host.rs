//! What this host can enforce, found out once, as plain data.
//!
//! Plans depend on the host only through [`HostFeatures`], so the plan for every kernel can
//! be tested on one. Probing never changes anything on the host.

use serde::Serialize;

use super::group::ControlGroup;
use super::kernel::AuditRecords;
use super::obstacle::Obstacle;
use super::seccomp::Arch;
use super::surroundings::Surroundings;
use super::view::ViewError;
use crate::sys;

/// What the host offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostFeatures {
    /// The kernel's release, for people.
    pub kernel: String,
    /// The architecture, where filters can be made for it.
    pub architecture: Option<Arch>,
    /// The Landlock ABI; 0 where there is none.
    pub landlock_abi: u32,
    /// Whether system calls can be handed to a supervisor.
    pub supervision: Supervision,
    /// Whether a command can get a root of its own.
    pub namespaces: Namespaces,
    /// Whether a command can be given a Landlock domain and a filter.
    pub layers: Layers,
    /// Whether `/dev/fuse` can be opened, which the tripwire needs.
    pub fuse: Presence,
    /// Who the commands run as.
    pub user: User,
    /// Whether a pid namespace has a limit of its own on the number of processes.
    pub pid_limit: Presence,
    /// Whether commands can be held in control groups.
    pub cgroup: ControlGroup,
    /// Whether the kernel tells this process what Landlock refuses.
    pub audit: AuditRecords,
}

/// Whether the kernel hands system calls to a supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Supervision {
    /// It does.
    Available,
    /// It is older than Linux 5.0.
    TooOld,
    /// An outer filter already has a listener, and there can be only one.
    Taken,
}

/// Whether user namespaces can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Namespaces {
    /// They can.
    Usable,
    /// Nobody has tried.
    Untried,
    /// They cannot.
    Unusable {
        /// What stands in the way: a setting, with its path and value.
        obstacle: String,
        /// What an administrator can do about it.
        remedy: String,
    },
}

/// Whether the layers that every command gets can be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layers {
    /// They can.
    Usable,
    /// Nobody has tried.
    Untried,
    /// They cannot, and nothing starts without them.
    Unusable {
        /// What stands in the way.
        obstacle: String,
        /// What can be done about it.
        remedy: String,
    },
}

/// Who the commands run as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum User {
    /// uid 0, which the kernel exempts from some limits. It is taken for the host's own also
    /// where it may be a container's.
    Root,
    /// Any other.
    Ordinary,
}

impl User {
    pub(super) fn current() -> Self {
        if nix::unistd::geteuid().is_root() {
            Self::Root
        } else {
            Self::Ordinary
        }
    }
}

/// Whether something is there to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// It is.
    Present,
    /// It is not.
    Absent,
}

impl HostFeatures {
    /// Asks the kernel everything.
    pub fn probe() -> Self {
        let untried = Self::probe_without_trying();
        Self {
            namespaces: namespaces(),
            layers: layers(untried.landlock_abi, untried.supervision),
            ..untried
        }
    }

    /// Asks the kernel what a plan depends on, without trying anything out: that costs
    /// processes, which a command would have to wait for. Preparing a plan will tell.
    pub fn probe_without_trying() -> Self {
        let landlock_abi = sys::host::landlock_abi();
        Self {
            kernel: sys::host::kernel_release(),
            architecture: Arch::native(),
            landlock_abi,
            supervision: supervision(),
            namespaces: Namespaces::Untried,
            layers: Layers::Untried,
            fuse: sys::host::can_open_for_writing("/dev/fuse").into(),
            user: User::current(),
            pid_limit: sys::host::is_at_least(6, 14).into(),
            cgroup: ControlGroup::find(),
            audit: AuditRecords::probe(landlock_abi),
        }
    }
}

impl HostFeatures {
    /// What keeps commands from a root of their own.
    pub fn view_obstacle(&self) -> Option<&str> {
        match &self.namespaces {
            Namespaces::Usable | Namespaces::Untried => None,
            Namespaces::Unusable { obstacle, .. } => Some(obstacle),
        }
    }

    /// The same host, as far as it is known after the tripwire turned out not to work.
    #[must_use]
    pub fn without_fuse(self) -> Self {
        Self {
            fuse: Presence::Absent,
            ..self
        }
    }

    /// The same host, as far as it is known after its audit could not be listened to.
    #[must_use]
    pub fn without_audit(self, obstacle: &str) -> Self {
        let audit = AuditRecords::lost(obstacle);
        Self { audit, ..self }
    }

    /// The same host, as far as it is known after a control group could not be used.
    #[must_use]
    pub fn without_groups(self, obstacle: &str) -> Self {
        Self {
            cgroup: ControlGroup::Unusable {
                obstacle: obstacle.into(),
                remedy: "see what the step that failed needs".into(),
            },
            ..self
        }
    }

    /// The same host, where views are not to be used.
    #[must_use]
    pub fn without_namespaces(self, obstacle: &str, remedy: &str) -> Self {
        Self {
            namespaces: Namespaces::Unusable {
                obstacle: obstacle.into(),
                remedy: remedy.into(),
            },
            ..self
        }
    }

    /// The same host, as far as it is known after a view could not be built.
    #[must_use]
    pub fn after(self, error: &ViewError) -> Self {
        Self {
            namespaces: Namespaces::behind(Obstacle::to_view(error, &Surroundings::see())),
            ..self
        }
    }
}

impl Namespaces {
    fn behind(Obstacle { obstacle, remedy }: Obstacle) -> Self {
        Self::Unusable { obstacle, remedy }
    }
}

impl Layers {
    fn behind(Obstacle { obstacle, remedy }: Obstacle) -> Self {
        Self::Unusable { obstacle, remedy }
    }
}

impl From<bool> for Presence {
    fn from(is_there: bool) -> Self {
        if is_there {
            Self::Present
        } else {
            Self::Absent
        }
    }
}

fn supervision() -> Supervision {
    if !sys::seccomp::user_notification_available() {
        return Supervision::TooOld;
    }
    // Only under an outer filter can the one listener be taken; then it is tried out.
    if sys::host::is_filtered() && !sys::seccomp::can_listen() {
        return Supervision::Taken;
    }
    Supervision::Available
}

fn namespaces() -> Namespaces {
    match super::view::try_out() {
        Ok(()) => Namespaces::Usable,
        Err(error) => Namespaces::behind(Obstacle::to_view(&error, &Surroundings::see())),
    }
}

fn layers(landlock_abi: u32, supervision: Supervision) -> Layers {
    let listening = match supervision {
        Supervision::Available => sys::seccomp::Supervision::Listener,
        Supervision::TooOld | Supervision::Taken => sys::seccomp::Supervision::None,
    };
    // Without Landlock there is nothing to try: the plan says so.
    if landlock_abi == 0 {
        return Layers::Untried;
    }
    if !sys::host::has_proc() {
        return Layers::behind(Obstacle::no_proc());
    }
    match super::layers::try_out(landlock_abi, listening) {
        Ok(()) => Layers::Usable,
        Err(error) => Layers::behind(Obstacle::to_start(error, &Surroundings::see())),
    }
}
