//! Namespaces of one's own: making them, and being the same user inside.
//!
//! Whoever makes a user namespace has every capability in it, over nothing but what belongs
//! to it. The caller gives them up once what needs them is done.

use std::fs;
use std::io;

use nix::sched::{CloneFlags, unshare};

/// Enters a user namespace in which this user and group, and no others, are what they were.
///
/// # Errors
/// The kernel's refusal, whichever setting or layer of the host it comes from.
pub fn enter_user_namespace() -> io::Result<()> {
    let (user, group) = (nix::unistd::geteuid(), nix::unistd::getegid());
    unshare(CloneFlags::CLONE_NEWUSER)?;
    // Without CAP_SETGID on the host a group map is accepted only after this.
    write_own("setgroups", "deny")?;
    write_own("uid_map", &format!("{user} {user} 1"))?;
    write_own("gid_map", &format!("{group} {group} 1"))
}

fn write_own(name: &str, text: &str) -> io::Result<()> {
    #[allow(
        clippy::disallowed_methods,
        reason = "the process's own entries in proc"
    )]
    fs::write(format!("/proc/self/{name}"), text)
}

/// What becomes of the host's control groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlGroups {
    /// They are left behind: the group of this process is the root of what it sees.
    Leave,
    /// They are left behind later.
    Keep,
}

/// Leaves the host's mounts, interprocess objects, name and network behind, and its control
/// groups. The next child, and every later one, is in a pid namespace of its own.
///
/// # Errors
/// As for [`enter_user_namespace`].
pub fn leave_shared_namespaces(control_groups: ControlGroups) -> io::Result<()> {
    let groups = match control_groups {
        ControlGroups::Leave => CloneFlags::CLONE_NEWCGROUP,
        ControlGroups::Keep => CloneFlags::empty(),
    };
    unshare(
        CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWNET
            | groups,
    )?;
    Ok(())
}

/// Gives this machine another name, for those in this namespace.
///
/// # Errors
/// Without the capability in it.
pub fn set_host_name(name: &str) -> io::Result<()> {
    nix::unistd::sethostname(name)?;
    Ok(())
}
