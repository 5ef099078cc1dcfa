//! What this host can enforce, found out once, as plain data.
//!
//! Plans depend on the host only through [`HostFeatures`], so the plan for every kernel can
//! be tested on one. Probing never changes anything on the host.

use serde::Serialize;

use super::seccomp::Arch;
use super::view::{ViewError, ViewStep};
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
    /// Whether `/dev/fuse` can be opened, which the tripwire needs.
    pub fuse: Presence,
    /// Whether a control group is delegated to this user.
    pub cgroup: Presence,
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
        Self {
            namespaces: namespaces(),
            ..Self::probe_without_trying()
        }
    }

    /// Asks the kernel what a plan depends on, without trying namespaces out: that costs a
    /// process, which a command would have to wait for. Preparing a plan will tell.
    pub fn probe_without_trying() -> Self {
        Self {
            kernel: sys::host::kernel_release(),
            architecture: Arch::native(),
            landlock_abi: sys::host::landlock_abi(),
            supervision: supervision(),
            namespaces: Namespaces::Untried,
            fuse: sys::host::can_open_for_writing("/dev/fuse").into(),
            cgroup: sys::host::has_delegated_cgroup().into(),
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

    /// The same host, as far as it is known after namespaces turned out not to be usable.
    #[must_use]
    pub fn without_namespaces(self, obstacle: String, remedy: &str) -> Self {
        Self {
            namespaces: Namespaces::Unusable {
                obstacle,
                remedy: remedy.into(),
            },
            ..self
        }
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

/// Settings that forbid user namespaces, most telling first.
const SETTINGS: [(&str, &str, &str); 3] = [
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "set user.max_user_namespaces to a positive number with sysctl",
    ),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "set kernel.unprivileged_userns_clone to 1 with sysctl",
    ),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "give lobsterpot an AppArmor profile that allows userns, or set \
         kernel.apparmor_restrict_unprivileged_userns to 0 with sysctl",
    ),
];

fn namespaces() -> Namespaces {
    match super::view::try_out() {
        Ok(()) => Namespaces::Usable,
        Err(error) => Namespaces::Unusable {
            remedy: remedy_for(&error),
            obstacle: obstacle_behind(&error),
        },
    }
}

/// A setting that explains the failure, or the failure itself.
fn obstacle_behind(error: &ViewError) -> String {
    match forbidding_setting() {
        Some((path, value, _)) => format!("{path} is {value}"),
        None => error.to_string(),
    }
}

fn remedy_for(error: &ViewError) -> String {
    if let Some((_, _, remedy)) = forbidding_setting() {
        return remedy.into();
    }
    match error.step {
        ViewStep::Processes => {
            "parts of /proc are mounted over, as container runtimes do; start \
            the container with an unmasked /proc (docker: --security-opt systempaths=unconfined)"
        }
        ViewStep::ReplaceRoot => {
            "the root of this system is its initial ramdisk; start from a \
            mounted root"
        }
        _ => {
            "a container's or an outer sandbox's system call filter or security module forbids \
            it; allow it there (docker: --security-opt seccomp=unconfined)"
        }
    }
    .into()
}

fn forbidding_setting() -> Option<(&'static str, &'static str, &'static str)> {
    SETTINGS
        .into_iter()
        .find(|(path, forbidding, _)| sys::host::setting(path).as_deref() == Some(forbidding))
}
