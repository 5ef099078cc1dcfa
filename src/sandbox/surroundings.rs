//! What a process can see of what surrounds it: the settings of the kernel, the profile and the
//! filter that it is held in, and how it sees proc and its root.
//!
//! It only looks. What that means for a sandbox is said in `obstacle.rs`.

use crate::sys::host;

/// Where Debian's older kernels say whether everybody may make user namespaces.
pub(super) const CLONE_SETTING: &str = "/proc/sys/kernel/unprivileged_userns_clone";
/// Where Ubuntu's kernels say whether only programs with a profile may.
pub(super) const APPARMOR_SETTING: &str = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";

/// What this process can see of what surrounds it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Surroundings {
    /// `/proc/sys/user/max_user_namespaces`.
    pub most_user_namespaces: Option<String>,
    /// `/proc/sys/kernel/unprivileged_userns_clone`, of Debian's older kernels.
    pub unprivileged_namespaces: Option<String>,
    /// `/proc/sys/kernel/apparmor_restrict_unprivileged_userns`.
    pub apparmor_restricts: Option<String>,
    /// A limit of another kind of namespace that is 0: its path.
    pub forbidden_kind: Option<String>,
    /// The profile of a security module that confines this process.
    pub profile: Option<String>,
    /// Whether there is a system call filter already.
    pub is_filtered: bool,
    /// Whether proc is mounted on `/proc`.
    pub has_proc: bool,
    /// What is mounted over parts of it.
    pub over_proc: Vec<String>,
    /// Whether `/` is the root of a mount; in a chroot it often is none.
    pub root_is_mounted: bool,
}

impl Surroundings {
    /// Looks around.
    pub(super) fn see() -> Self {
        let kinds = ["mnt", "pid", "ipc", "uts", "net", "cgroup"];
        let limit = |kind| format!("/proc/sys/user/max_{kind}_namespaces");
        let is_zero = |path: &String| host::setting(path).as_deref() == Some("0");
        let mounts = host::mount_points();
        let over_proc = mounts.iter().filter(|path| path.starts_with("/proc/"));
        Self {
            most_user_namespaces: host::setting("/proc/sys/user/max_user_namespaces"),
            unprivileged_namespaces: host::setting(CLONE_SETTING),
            apparmor_restricts: host::setting(APPARMOR_SETTING),
            forbidden_kind: kinds.into_iter().map(limit).find(is_zero),
            profile: host::confinement(),
            is_filtered: host::is_filtered(),
            has_proc: host::has_proc(),
            over_proc: over_proc.cloned().collect(),
            root_is_mounted: mounts.iter().any(|path| path == "/"),
        }
    }
}
