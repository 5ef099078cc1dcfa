//! Which control group is delegated to this process, found out without making one.
//!
//! Its limits reach only what is below it, and the kernel bounds nothing below a group that has
//! processes itself. So it is the group above this process's own, or its own when it is alone
//! there and can step aside. On a machine with a service manager it must be one that the
//! manager has given away: the kernel would allow more than the manager expects.

use std::path::{Path, PathBuf};

use nix::errno::Errno;
use serde::Serialize;

use crate::sandbox::host::{Presence, User};
use crate::sandbox::obstacle::Obstacle;
use crate::sys::cgroup::{self, Group, Whereabouts};
use crate::sys::clone;

/// Whether commands can be held in control groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlGroup {
    /// They can.
    Delegated(Delegation),
    /// They cannot.
    Unusable {
        /// What stands in the way.
        obstacle: String,
        /// What can be done about it.
        remedy: String,
    },
}

/// A group that is this process's to use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delegation {
    /// Its directory.
    pub directory: PathBuf,
    /// Who is in it.
    pub occupancy: Occupancy,
    /// Whether memory can be bounded below it.
    pub memory: Presence,
    /// Whether the number of processes can be.
    pub processes: Presence,
}

/// Who is in a delegated group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occupancy {
    /// Nobody who would be in the way.
    Free,
    /// This process alone, which has to move into a group below it first.
    Ours,
}

/// The group that a process steps aside into.
const ASIDE: &std::ffi::CStr = c"lobsterpot";

impl ControlGroup {
    /// Looks for one. It costs a few system calls, and makes nothing.
    pub(in crate::sandbox) fn find() -> Self {
        match find() {
            Ok(delegation) => Self::Delegated(delegation),
            Err(Obstacle { obstacle, remedy }) => Self::Unusable { obstacle, remedy },
        }
    }

    /// The group, where there is one.
    pub fn delegation(&self) -> Option<&Delegation> {
        match self {
            Self::Delegated(delegation) => Some(delegation),
            Self::Unusable { .. } => None,
        }
    }
}

/// Leaves the group that this process is alone in, if that is delegated to it, so that groups
/// can be bounded beside it: also for the sessions of the processes that it starts from now on.
/// For a server, before it starts the first.
pub fn step_aside() {
    if let ControlGroup::Delegated(delegation) = ControlGroup::find()
        && delegation.occupancy == Occupancy::Ours
    {
        // What then cannot be had is found out by each session for itself.
        let _ = Group::open(&delegation.directory).and_then(|group| move_aside(&group));
    }
}

/// Moves this process into a group below the one that it is alone in.
pub(super) fn move_aside(from: &Group) -> std::io::Result<()> {
    let aside = match from.make(ASIDE) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            from.open_below(ASIDE)?
        }
        made => made?,
    };
    cgroup::move_into(&aside)
}

fn find() -> Result<Delegation, Obstacle> {
    let at = Whereabouts::see().ok_or_else(no_tree)?;
    let above = at.own.parent().filter(|above| above.starts_with(&at.mount));
    let found = match above.map(|above| examine(above, Occupancy::Free)) {
        Some(Ok(found)) => found,
        // What keeps this process's own group from being used is what people can change.
        _ => examine(&at.own, Occupancy::Ours)?,
    };
    if !at.is_true() {
        return Err(elsewhere(&at.own));
    }
    if !clone::is_available() || !crate::sys::host::is_at_least(5, 14) {
        return Err(Obstacle::new(
            "clone3(2) is closed, or this kernel is older than Linux 5.14",
            "allow clone3 in the filter of the container, if there is one",
        ));
    }
    Ok(found)
}

/// Whether groups can be made and bounded below this one.
fn examine(directory: &Path, occupancy: Occupancy) -> Result<Delegation, Obstacle> {
    for needed in ["", "cgroup.procs", "cgroup.subtree_control"] {
        let path = directory.join(needed);
        cgroup::may_write(&path).map_err(|errno| not_delegated(directory, errno))?;
    }
    let group = Group::open(directory).map_err(|_| not_delegated(directory, Errno::EACCES))?;
    // The kernel makes an exception for the root of everything.
    let is_whole = group.is_whole_tree();
    if !is_for_us(directory) {
        return Err(not_delegated(directory, Errno::EPERM));
    }
    let occupancy = if is_whole { Occupancy::Free } else { occupancy };
    if !is_whole {
        look_who_is_in(&group, (directory, occupancy))?;
    }
    let controllers = group.words(c"cgroup.controllers");
    let has = |name: &str| controllers.iter().any(|one| one == name).into();
    Ok(Delegation {
        directory: directory.to_path_buf(),
        occupancy,
        memory: has("memory"),
        processes: has("pids"),
    })
}

/// Whether the service manager, where there is one, leaves the group to us.
fn is_for_us(directory: &Path) -> bool {
    let is_marked = || cgroup::is_marked_as_delegated(directory);
    !cgroup::has_service_manager() || is_left_to(User::current(), directory, is_marked)
}

/// Whether a service manager leaves a group to a user who runs in it, or below it.
fn is_left_to(user: User, directory: &Path, is_marked: impl FnOnce() -> bool) -> bool {
    let name = directory.file_name().unwrap_or_default().as_encoded_bytes();
    // Given away, but to the user's own service manager.
    if name.starts_with(b"user@") {
        return false;
    }
    // A user's manager does not always leave the mark. Who is alone in a unit, or below it, is
    // all that the unit is for.
    let is_unit = name.ends_with(b".service") || name.ends_with(b".scope");
    is_unit && user == User::Ordinary || is_marked()
}

fn look_who_is_in(
    group: &Group,
    (directory, occupancy): (&Path, Occupancy),
) -> Result<(), Obstacle> {
    let inside = group.processes().unwrap_or_else(|_| vec!["0".into()]);
    let own = std::process::id().to_string();
    match occupancy {
        Occupancy::Free if inside.is_empty() => Ok(()),
        // It stays behind in a group that ends with the unit, or with the container.
        Occupancy::Ours if inside == [own.clone()] && ends_by_itself(directory) => Ok(()),
        Occupancy::Ours if inside == [own] => Err(Obstacle::new(
            format!(
                "this process is in the control group {} itself",
                directory.display()
            ),
            "start it in a group below that one, which then is delegated to it",
        )),
        _ => Err(occupied(directory)),
    }
}

/// Whether the group is removed, with what is below it, when the last process has left.
fn ends_by_itself(directory: &Path) -> bool {
    let is_root = Whereabouts::see().is_some_and(|at| at.mount == directory);
    is_root || cgroup::has_service_manager()
}

fn no_tree() -> Obstacle {
    Obstacle::new(
        "no control groups of version 2 are mounted on /sys/fs/cgroup",
        "mount -t cgroup2 cgroup2 /sys/fs/cgroup",
    )
}

fn elsewhere(own: &Path) -> Obstacle {
    Obstacle::new(
        format!("this process is not in the control group {}", own.display()),
        "give the container a control group namespace of its own (--cgroupns=private)",
    )
}

fn not_delegated(directory: &Path, errno: Errno) -> Obstacle {
    let directory = directory.display();
    if errno == Errno::EROFS {
        return Obstacle::new(
            format!("the control group {directory} is mounted read-only"),
            "in a container: mount /sys/fs/cgroup writable, in a namespace of its own",
        );
    }
    let remedy = if cgroup::has_service_manager() {
        by_service_manager()
    } else {
        "give the user a group of its own (chown it, cgroup.procs and cgroup.subtree_control), \
         and start lobsterpot in a group below that"
            .into()
    };
    Obstacle::new(
        format!("the control group {directory} is not delegated to this user"),
        remedy,
    )
}

fn by_service_manager() -> String {
    let user = if nix::unistd::geteuid().is_root() {
        ""
    } else {
        " --user"
    };
    format!("systemd-run{user} --scope -p Delegate=yes lobsterpot …")
}

fn occupied(directory: &Path) -> Obstacle {
    Obstacle::new(
        format!(
            "other processes are in the control group {} itself, and the kernel bounds nothing \
             below such a group",
            directory.display()
        ),
        if cgroup::has_service_manager() {
            format!("start lobsterpot alone in one: {}", by_service_manager())
        } else {
            "move them into a group below it".into()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::{Path, User, is_left_to};

    #[test]
    fn only_a_unit_of_ones_own_is_left_to_one() {
        let slice = "/sys/fs/cgroup/user.slice/user-1000.slice";
        let manager = format!("{slice}/user@1000.service");
        for (user, path, is_marked, expected) in [
            (
                User::Ordinary,
                format!("{manager}/app.slice/a.scope"),
                false,
                true,
            ),
            (
                User::Ordinary,
                format!("{manager}/app.slice/a.service"),
                false,
                true,
            ),
            (User::Ordinary, format!("{manager}/app.slice"), false, false),
            // It is marked, because it was given to the user's manager.
            (User::Ordinary, manager, true, false),
            (User::Ordinary, slice.to_owned(), false, false),
            (User::Root, format!("{slice}/session-1.scope"), false, false),
            (User::Root, format!("{slice}/session-1.scope"), true, true),
            (User::Root, "/sys/fs/cgroup".to_owned(), false, false),
        ] {
            let found = is_left_to(user, Path::new(&path), || is_marked);
            assert_eq!(found, expected, "{user:?} {path} {is_marked}");
        }
    }
}
