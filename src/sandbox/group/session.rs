//! The control groups of a session: made by the broker, removed when the session ends.
//!
//! Broker and keeper hold a lock on the session's group as long as they live. What has our
//! name, belongs to our user and is not locked was left by a session whose processes were
//! killed; the next session ends what is in it and removes it. Nothing else is ever touched.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::RawFd;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;

use super::delegation::{Occupancy, move_aside};
use super::wanted::GroupPlan;
use crate::model::Mode;
use crate::sandbox::lane::Concurrency;
use crate::sys::cgroup::{self, Group, Namespace};

/// What the names of our groups begin with.
const OURS: &str = "lobsterpot-";

/// The groups of a session.
#[derive(Debug)]
pub(in crate::sandbox) struct SessionGroup {
    above: Group,
    name: CString,
    // Locked: the mark that it is in use.
    whole: Group,
    pub(super) commands: Group,
    /// Where the launcher begins, in view mode.
    launcher: Option<Group>,
    concurrency: Concurrency,
    pub(super) plan: GroupPlan,
}

/// Why a session has no control group.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} the control group {group}")]
pub struct GroupError {
    operation: &'static str,
    group: String,
    #[source]
    source: io::Error,
}

impl GroupError {
    /// Whether the host lets no session have one, so that there is nothing but resource limits.
    pub(in crate::sandbox) fn is_obstacle_of_the_host(&self) -> bool {
        self.source
            .raw_os_error()
            .is_some_and(is_obstacle_of_the_host)
    }
}

/// Whether the kernel's answer is "not you" or "not here". Want of memory, of descriptors or of
/// processes passes, and a command could bring it about to get less around the next one.
pub(in crate::sandbox) fn is_obstacle_of_the_host(errno: i32) -> bool {
    use Errno::{EACCES, EBUSY, EINVAL, ENODEV, ENOENT, ENOSYS, EOPNOTSUPP, EPERM, EROFS};
    let host = [
        EPERM, EACCES, EROFS, ENOENT, ENODEV, ENOSYS, EINVAL, EOPNOTSUPP, EBUSY,
    ];
    host.contains(&Errno::from_raw(errno))
}

/// How the groups of a session are laid out.
#[derive(Debug, Clone, Copy)]
pub(in crate::sandbox) struct Layout<'a> {
    pub session: &'a str,
    pub mode: Mode,
    pub concurrency: Concurrency,
}

impl SessionGroup {
    /// Makes the groups.
    ///
    /// # Errors
    /// The step that failed; then nothing is left behind.
    pub(in crate::sandbox) fn make(
        plan: &GroupPlan,
        layout: Layout<'_>,
    ) -> Result<Self, GroupError> {
        let path = plan.below.display().to_string();
        let fault = |operation| fault(operation, &path);
        let above = Group::open(&plan.below).map_err(fault("open"))?;
        if plan.occupancy == Occupancy::Ours {
            move_aside(&above).map_err(fault("leave"))?;
        }
        sweep(&above);
        hand_on(&above, plan).map_err(fault("enable controllers in"))?;
        let (name, whole) = make_marked(&above, layout.session).map_err(fault("make one below"))?;
        let made = furnish(&whole, layout.mode).map_err(|source| {
            let _ = above.remove(&name);
            fault("make one below")(source)
        });
        let (commands, launcher) = made?;
        let made = Self {
            above,
            name,
            whole,
            commands,
            launcher,
            concurrency: layout.concurrency,
            plan: plan.clone(),
        };
        if layout.mode != Mode::View {
            made.limit().map_err(fault("limit one below"))?;
        }
        Ok(made)
    }

    /// Puts the limits into force.
    fn limit(&self) -> io::Result<()> {
        let Self { commands, plan, .. } = self;
        hand_on(&self.whole, plan)?;
        if let Some(bytes) = plan.memory {
            commands.set(c"memory.max", &bytes.to_string())?;
            // A kernel without swap has no such setting.
            match commands.set(c"memory.swap.max", "0") {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if let Some(count) = plan.processes {
            commands.set(c"pids.max", &count.to_string())?;
        }
        match self.concurrency {
            Concurrency::One => end_together(commands, plan),
            Concurrency::Several => hand_on(commands, plan),
        }
    }

    /// Makes the namespace whose root is the session's group, for the launcher and its commands,
    /// and puts the limits into force. For the keeper of a view, while it has its privileges:
    /// no process can begin in the group afterwards, and the maker of a namespace has to.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub(in crate::sandbox) fn enclose(&self) -> io::Result<Namespace> {
        let namespace = cgroup::namespace_of(&self.whole)?;
        // Its maker may need a moment to leave the group.
        let mut pause = Duration::from_micros(50);
        for _ in 0..10 {
            match self.limit() {
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => thread::sleep(pause),
                done => return done.map(|()| namespace),
            }
            pause *= 2;
        }
        Err(io::ErrorKind::ResourceBusy.into())
    }

    /// Where the launcher begins, in view mode.
    pub(in crate::sandbox) fn for_launcher(&self) -> Option<&Group> {
        self.launcher.as_ref()
    }

    /// The descriptors that a keeper needs to remove it.
    pub(in crate::sandbox) fn descriptors(&self) -> Vec<RawFd> {
        vec![self.above.descriptor(), self.whole.descriptor()]
    }

    /// Ends what is left in it, and removes it.
    pub(in crate::sandbox) fn remove(&self) {
        // Each by its own handle, so that an empty one costs one call. What does not let itself
        // be removed is left to the next session.
        let _ = self.whole.remove(COMMANDS);
        if self.launcher.is_some() {
            let _ = self.whole.remove(LAUNCHER);
        }
        let _ = self.above.remove(&self.name);
    }
}

impl Drop for SessionGroup {
    fn drop(&mut self) {
        self.remove();
    }
}

const COMMANDS: &CStr = c"commands";
const LAUNCHER: &CStr = c"launcher";

fn fault(operation: &'static str, group: &str) -> impl FnOnce(io::Error) -> GroupError + use<> {
    let group = group.to_owned();
    move |source| GroupError {
        operation,
        group,
        source,
    }
}

/// Enables what the plan needs for the groups below. It stays enabled: others may rely on it.
fn hand_on(group: &Group, plan: &GroupPlan) -> io::Result<()> {
    let enabled = group.words(c"cgroup.subtree_control");
    let missing: Vec<_> = plan
        .controllers()
        .into_iter()
        .filter(|name| !enabled.iter().any(|one| one == name))
        .map(|name| format!("+{name}"))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    group.set(c"cgroup.subtree_control", &missing.join(" "))
}

/// Makes the group of a session and marks it. A session whose sandbox is prepared anew while a
/// command still runs in the old one has two.
fn make_marked(above: &Group, session: &str) -> io::Result<(CString, Group)> {
    const MOST: u32 = 64;
    for number in 0..MOST {
        let name = CString::new(format!("{OURS}{session}.{number}"))?;
        let group = match above.make(&name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            // Taken for abandoned before it was marked.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            made => made?,
        };
        if group.mark_as_used().is_ok() && group.is_at(above, &name) {
            return Ok((name, group));
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn furnish(whole: &Group, mode: Mode) -> io::Result<(Group, Option<Group>)> {
    let commands = whole.make(COMMANDS)?;
    let launcher = match mode {
        Mode::View => Some(whole.make(LAUNCHER)?),
        Mode::Flat | Mode::Broker => None,
    };
    Ok((commands, launcher))
}

/// Where memory runs out, a command is ended as a whole: what is left of one would be of no use,
/// and nobody could tell that it is.
pub(super) fn end_together(group: &Group, plan: &GroupPlan) -> io::Result<()> {
    match plan.memory {
        Some(_) => group.set(c"memory.oom.group", "1"),
        None => Ok(()),
    }
}

/// Removes what sessions have left whose broker and keeper were killed.
fn sweep(above: &Group) {
    let user = nix::unistd::geteuid().as_raw();
    for name in above.below().unwrap_or_default() {
        if !is_our_name(&name) {
            continue;
        }
        let Ok(group) = above.open_below(&name) else {
            continue;
        };
        let is_ours = group.owner().is_ok_and(|owner| owner == user);
        if is_ours && group.mark_as_used().is_ok() {
            let _ = above.remove(&name);
        }
    }
}

/// `lobsterpot-`, the 32 digits of a session, and a number.
fn is_our_name(name: &CStr) -> bool {
    let Some(rest) = name.to_str().ok().and_then(|name| name.strip_prefix(OURS)) else {
        return false;
    };
    let Some((session, number)) = rest.split_once('.') else {
        return false;
    };
    let is_digit = |digit: u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    session.len() == 32 && session.bytes().all(is_digit) && number.parse::<u32>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::{CString, is_our_name};

    #[test]
    fn only_what_we_make_has_our_name() {
        let session = "01890a5d96f84a0b8f3c0123456789ab";
        let is_ours = |name: String| is_our_name(&CString::new(name).unwrap());
        assert!(is_ours(format!("lobsterpot-{session}.0")));
        for name in [
            "lobsterpot".to_owned(),
            format!("lobsterpot-{session}"),
            format!("lobsterpot-{session}.x"),
            format!("lobsterpot-{session}0.1"),
            format!("lobsterpot-{}.1", session.to_uppercase()),
            format!("other-{session}.0"),
        ] {
            assert!(!is_ours(name.clone()), "{name}");
        }
    }
}
