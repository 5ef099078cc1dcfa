//! What stands in the way of a sandbox on this host, and what an administrator can do about it.
//!
//! Pure: it is told from the step that failed and from what a process can see of its own
//! surroundings (`surroundings.rs`). It must never call certain what it only infers: a kernel does not say which
//! of its layers refused.

use nix::errno::Errno;

use super::surroundings::{APPARMOR_SETTING, CLONE_SETTING, Surroundings};
use super::view::{ViewError, ViewStep};
use crate::sys::launch::{LaunchError, Step};

/// Something in the way, and the way around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Obstacle {
    /// What stands in the way: a setting with its path and value, or what a step came to.
    pub obstacle: String,
    /// What can be done about it.
    pub remedy: String,
}

/// What to do where there is no proc.
pub const NO_PROC: &str = "mount -t proc proc /proc";

impl Obstacle {
    pub(super) fn new(obstacle: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            obstacle: obstacle.into(),
            remedy: remedy.into(),
        }
    }

    /// Descriptors are opened again by their names in proc, in every mode.
    pub(super) fn no_proc() -> Self {
        Self::new("/proc is not mounted", NO_PROC)
    }

    /// What keeps a view from being built, by the step that failed.
    pub(super) fn to_view(error: &ViewError, around: &Surroundings) -> Self {
        let errno = Errno::from_raw(error.errno);
        if !around.has_proc {
            return Self::no_proc();
        }
        let known = match (error.step, errno) {
            (ViewStep::UserNamespace, Errno::ENOSPC | Errno::EUSERS) => Some(too_many(around)),
            (ViewStep::UserNamespace, Errno::EINVAL) => Some(Self::new(
                "this kernel has no user namespaces",
                "use a kernel with CONFIG_USER_NS",
            )),
            (ViewStep::UserNamespace, Errno::EPERM) => forbidden_user_namespace(around),
            // Whatever a filter answers, a kernel of its own accord only says so of what it lacks.
            (_, Errno::ENOSYS) if !around.is_filtered => Some(Self::new(
                format!("{error}: this kernel is too old to make read-only trees of mounts"),
                "use Linux 5.12 or newer",
            )),
            (ViewStep::Namespaces, Errno::ENOSPC) => around.forbidden_kind.as_ref().map(|path| {
                let name = path.trim_start_matches("/proc/sys/").replace('/', ".");
                Self::new(format!("{path} is 0"), format!("sysctl {name}=15000"))
            }),
            (ViewStep::Processes, Errno::EPERM) if !around.over_proc.is_empty() => {
                Some(masked_proc(&around.over_proc))
            }
            (ViewStep::ReplaceRoot, Errno::EINVAL) => Some(Self::new(
                "the root of this system is its initial ramdisk",
                "start from a mounted root",
            )),
            _ => None,
        };
        known
            .or_else(|| restricted_by_apparmor(errno, around))
            .unwrap_or_else(|| by_elimination(error, around))
    }

    /// What keeps a command from starting with all its layers, by the step that failed.
    pub(super) fn to_start(error: LaunchError, around: &Surroundings) -> Self {
        Self::known_to_start(error, around).unwrap_or_else(|| {
            Self::new(
                format!("{error}: {}", error.errno.desc()),
                "allow landlock and seccomp where they are refused",
            )
        })
    }

    /// The same, where more is known than the step itself tells.
    pub(super) fn known_to_start(error: LaunchError, around: &Surroundings) -> Option<Self> {
        match (error.step, error.errno) {
            (Step::Landlock, Errno::E2BIG) => Some(Self::new(
                "too many landlock domains are stacked around this process: 16 is the most",
                "run lobsterpot less deeply nested in other sandboxes",
            )),
            (Step::Landlock | Step::Filter, Errno::EPERM | Errno::ENOSYS) if around.is_filtered => {
                Some(Self::new(
                    format!("{error}: an outer system call filter is in force"),
                    format!("allow landlock and seccomp {IN_A_FILTER}"),
                ))
            }
            _ => None,
        }
    }

    /// Both in one line.
    pub(super) fn in_one_line(&self) -> String {
        format!("{}; remedy: {}", self.obstacle, self.remedy)
    }
}

fn too_many(around: &Surroundings) -> Obstacle {
    let most = around.most_user_namespaces.as_deref().unwrap_or("unknown");
    let setting = format!("/proc/sys/user/max_user_namespaces is {most}");
    if most == "0" {
        return Obstacle::new(setting, "sysctl user.max_user_namespaces=15000");
    }
    Obstacle::new(
        format!("no more user namespaces can be made: {setting}, and 32 can be nested"),
        "raise user.max_user_namespaces with sysctl, or nest less deeply",
    )
}

fn forbidden_user_namespace(around: &Surroundings) -> Option<Obstacle> {
    if around.unprivileged_namespaces.as_deref() == Some("0") {
        return Some(Obstacle::new(
            format!("{CLONE_SETTING} is 0"),
            "sysctl kernel.unprivileged_userns_clone=1",
        ));
    }
    // The kernel makes none for who could leave its root by making one.
    (!around.root_is_mounted).then(|| {
        Obstacle::new(
            "this process lives in a chroot, where the kernel makes no user namespaces",
            "make the directory a root of its own instead, as containers and bubblewrap do",
        )
    })
}

/// Ubuntu 23.10 and newer: namespaces are for programs whose profile says so.
fn restricted_by_apparmor(errno: Errno, around: &Surroundings) -> Option<Obstacle> {
    let restricts = around.apparmor_restricts.as_deref() == Some("1");
    let is_refusal = matches!(errno, Errno::EPERM | Errno::EACCES);
    (restricts && is_refusal && !around.is_filtered).then(|| {
        Obstacle::new(
            format!("{APPARMOR_SETTING} is 1, and no profile allows user namespaces to this program"),
            "put `profile lobsterpot /usr/{bin,local/bin}/lobsterpot flags=(unconfined) { userns, }` \
             into /etc/apparmor.d/lobsterpot and load it with apparmor_parser -r; or \
             sysctl kernel.apparmor_restrict_unprivileged_userns=0",
        )
    })
}

fn masked_proc(over: &[String]) -> Obstacle {
    const NAMED: usize = 3;
    let named: Vec<&str> = over.iter().take(NAMED).map(String::as_str).collect();
    let more = match over.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Obstacle::new(
        format!(
            "parts of /proc are mounted over: {}{more}",
            named.join(", ")
        ),
        "start the container with all of /proc (docker: --security-opt systempaths=unconfined; \
         podman: --security-opt unmask=ALL; Kubernetes: procMount: Unmasked), or bubblewrap as \
         another user than root",
    )
}

const IN_A_FILTER: &str = "in the filter of the container or sandbox (docker, podman: \
    --security-opt seccomp=unconfined; Kubernetes: seccompProfile type Unconfined; systemd: \
    SystemCallFilter and RestrictNamespaces)";

/// What refuses without a setting to look at.
fn by_elimination(error: &ViewError, around: &Surroundings) -> Obstacle {
    let mut suspects = Vec::new();
    let mut remedies = Vec::new();
    if around.is_filtered {
        suspects.push("an outer system call filter is in force".to_owned());
        remedies.push(format!("allow namespaces and mounts {IN_A_FILTER}"));
    }
    if let Some(profile) = &around.profile {
        suspects.push(format!("the security profile `{profile}` is in force"));
        remedies.push(
            "allow userns, mount and pivot_root in the profile (docker: --security-opt \
             apparmor=unconfined)"
                .to_owned(),
        );
    }
    let is_about_mounts = !matches!(error.step, ViewStep::UserNamespace | ViewStep::Namespaces);
    if suspects.is_empty() && is_about_mounts {
        suspects.push("an outer landlock domain or a security module forbids mounts".to_owned());
        remedies.push("run lobsterpot outside the sandbox that does".to_owned());
    }
    if suspects.is_empty() {
        suspects.push("a security module or a chroot forbids it".to_owned());
        remedies
            .push("run lobsterpot outside the chroot, or allow userns in the module".to_owned());
    }
    Obstacle::new(
        format!("{error}; {}", suspects.join("; ")),
        remedies.join("; "),
    )
}

#[cfg(test)]
mod tests {
    use super::{Obstacle, Surroundings};
    use crate::sandbox::view::{ViewError, ViewStep};
    use crate::sys::launch::{LaunchError, Step};
    use nix::errno::Errno;

    fn plain() -> Surroundings {
        Surroundings {
            most_user_namespaces: Some("96365".into()),
            has_proc: true,
            root_is_mounted: true,
            ..Surroundings::default()
        }
    }

    fn failed(step: ViewStep, errno: Errno) -> ViewError {
        ViewError {
            step,
            path: None,
            errno: errno as i32,
        }
    }

    /// What is changed around, what failed, a word of the obstacle, a word of the remedy.
    type Case<'a> = (fn(&mut Surroundings), (ViewStep, Errno), &'a str, &'a str);

    fn check(cases: &[Case<'_>]) {
        for (change, (step, errno), obstacle, remedy) in cases {
            let mut around = plain();
            change(&mut around);
            let found = Obstacle::to_view(&failed(*step, *errno), &around);
            assert!(found.obstacle.contains(obstacle), "{obstacle}: {found:?}");
            assert!(found.remedy.contains(remedy), "{remedy}: {found:?}");
        }
    }

    #[test]
    fn a_setting_that_forbids_is_named_with_its_remedy() {
        let user = ViewStep::UserNamespace;
        check(&[
            (
                |around| around.most_user_namespaces = Some("0".into()),
                (user, Errno::ENOSPC),
                "/proc/sys/user/max_user_namespaces is 0",
                "sysctl user.max_user_namespaces=",
            ),
            (
                |around| around.unprivileged_namespaces = Some("0".into()),
                (user, Errno::EPERM),
                "/proc/sys/kernel/unprivileged_userns_clone is 0",
                "sysctl kernel.unprivileged_userns_clone=1",
            ),
            (
                |around| around.apparmor_restricts = Some("1".into()),
                (ViewStep::Namespaces, Errno::EPERM),
                "apparmor_restrict_unprivileged_userns is 1",
                "/etc/apparmor.d/lobsterpot",
            ),
            (
                |around| around.forbidden_kind = Some("/proc/sys/user/max_net_namespaces".into()),
                (ViewStep::Namespaces, Errno::ENOSPC),
                "/proc/sys/user/max_net_namespaces is 0",
                "sysctl user.max_net_namespaces=",
            ),
        ]);
    }

    #[test]
    fn what_surrounds_a_process_is_named_with_its_remedy() {
        let user = ViewStep::UserNamespace;
        check(&[
            (
                |_| (),
                (user, Errno::ENOSPC),
                "32 can be nested",
                "less deeply",
            ),
            (
                |_| (),
                (user, Errno::EINVAL),
                "no user namespaces",
                "CONFIG_USER_NS",
            ),
            (
                |around| around.root_is_mounted = false,
                (user, Errno::EPERM),
                "chroot",
                "a root of its own",
            ),
            (
                |around| {
                    around.is_filtered = true;
                    around.profile = Some("docker-default (enforce)".into());
                },
                (user, Errno::EPERM),
                "`docker-default (enforce)`",
                "--security-opt seccomp=unconfined",
            ),
            (
                |around| around.over_proc = vec!["/proc/keys".into()],
                (ViewStep::Processes, Errno::EPERM),
                "/proc/keys",
                "systempaths=unconfined",
            ),
            (
                |around| around.has_proc = false,
                (user, Errno::ENOENT),
                "/proc is not",
                "mount -t proc",
            ),
            (
                |_| (),
                (ViewStep::Root, Errno::EPERM),
                "outer landlock domain",
                "outside",
            ),
            (
                |_| (),
                (ViewStep::ReplaceRoot, Errno::EINVAL),
                "ramdisk",
                "a mounted root",
            ),
        ]);
    }

    #[test]
    fn what_an_old_kernel_lacks_is_told_from_what_a_filter_refuses() {
        check(&[
            (
                |_| (),
                (ViewStep::Root, Errno::ENOSYS),
                "this kernel is too old",
                "Linux 5.12",
            ),
            (
                |around| around.is_filtered = true,
                (ViewStep::Root, Errno::ENOSYS),
                "filter",
                "seccomp=unconfined",
            ),
        ]);
    }

    /// A setting that would forbid namespaces is not blamed for what it does not do.
    #[test]
    fn a_setting_is_named_only_for_its_own_error() {
        let around = Surroundings {
            most_user_namespaces: Some("0".into()),
            is_filtered: true,
            ..plain()
        };
        let found = Obstacle::to_view(&failed(ViewStep::UserNamespace, Errno::EPERM), &around);
        assert!(found.obstacle.contains("filter"), "{found:?}");
    }

    #[test]
    fn a_full_stack_of_domains_is_named() {
        let error = LaunchError {
            step: Step::Landlock,
            errno: Errno::E2BIG,
        };
        let found = Obstacle::to_start(error, &plain());
        assert!(
            found.obstacle.contains("too many landlock domains"),
            "{found:?}"
        );
        let error = LaunchError {
            step: Step::Exec,
            errno: Errno::ENOENT,
        };
        assert_eq!(Obstacle::known_to_start(error, &plain()), None);
    }
}
