//! Building a view: namespaces, an empty root, and mounts over it.
//!
//! Two processes take part. The keeper makes the namespaces and everything but proc; its
//! child, the first process of the new pid namespace, mounts proc and takes the host's root
//! away from both. Nothing is reachable inside before its mount has its attributes.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::sys::stat::Mode;

use super::error::{ViewError, ViewStep};
use super::layout::{Layout, lay_out};
use super::locate::{Found, Located, locate};
use super::masks::{Covers, Hidden, hidden_in, protect_in};
use super::own::{self, Scratch, attach_at};
use super::skeleton::{Node, Skeleton};
use crate::model::{Right, Rights};
use crate::sandbox::group::SessionGroup;
use crate::sandbox::landlock::OpenRule;
use crate::sandbox::lane::LaneNumber;
use crate::sandbox::plan::{self, HomeCopy, PathRule, Plan};
use crate::sandbox::prepare::Handles;
use crate::sandbox::profile::{Access, DeviceControl};
use crate::sandbox::tripwire::{Handover, Password};
use crate::sys::cgroup::Namespace;
use crate::sys::metadata::c_path;
use crate::sys::mount::{self, Attributes};
use crate::sys::namespace::{self, ControlGroups};

/// What a view is made of.
#[derive(Debug, Clone, Copy)]
pub(in crate::sandbox) struct Materials<'a> {
    /// The paths that can be reached.
    pub paths: &'a [PathRule],
    /// Files of the operator's home that are copied into the commands' home.
    pub home_files: &'a [HomeCopy],
    /// The most that the private directory holds.
    pub scratch_bytes: u64,
    /// The highest number that a process gets, where the kernel counts for each namespace.
    pub highest_pid: Option<u64>,
    /// The control group that is the root of what it sees of them; the keeper's own where
    /// there is none.
    pub group: Option<&'a SessionGroup>,
}

impl<'a> Materials<'a> {
    /// Those that a plan names.
    pub(in crate::sandbox) fn of(plan: &'a Plan, group: Option<&'a SessionGroup>) -> Self {
        Self {
            paths: &plan.paths,
            home_files: &plan.home_files,
            scratch_bytes: plan.limits.scratch,
            highest_pid: plan.highest_pid(),
            group,
        }
    }
}

/// A view without its proc, with the host's root still in place.
pub(in crate::sandbox) struct Unfinished<'a> {
    root: OwnedFd,
    password: Option<Password>,
    located: Vec<Located<'a>>,
    scratch: Scratch,
    terminals: OwnedFd,
    covers: Covers,
    highest_pid: Option<u64>,
    groups: Option<Namespace>,
}

/// A view that this process, and everything it starts, lives in.
pub(in crate::sandbox) struct View<'a> {
    located: Vec<Located<'a>>,
    scratch: Scratch,
    terminals: OwnedFd,
    processes: OwnedFd,
}

/// Makes the namespaces and all mounts but proc. The next child is the first process of the
/// new pid namespace. Without a tripwire the root is a file system in memory.
///
/// # Errors
/// The step that failed. Then the process is of no further use, and the host is unchanged.
pub(in crate::sandbox) fn begin<'a>(
    materials: Materials<'a>,
    handles: &dyn Handles,
    tripwire: Option<Handover>,
) -> Result<Unfinished<'a>, ViewError> {
    namespace::enter_user_namespace().map_err(ViewError::at(ViewStep::UserNamespace))?;
    let enclosed = materials.group.map(SessionGroup::enclose).transpose();
    let groups = enclosed.map_err(ViewError::at(ViewStep::ControlGroup))?;
    namespace::leave_shared_namespaces(match &groups {
        None => ControlGroups::Leave,
        Some(_) => ControlGroups::Keep,
    })
    .map_err(ViewError::at(ViewStep::Namespaces))?;
    namespace::set_host_name("lobsterpot").map_err(ViewError::at(ViewStep::Namespaces))?;
    let found = locate(materials.paths, handles)?;
    let hidden = hidden(&found)?;
    let covered: Vec<_> = holes(&found).chain(hidden.iter().cloned()).collect();
    let Layout {
        mut skeleton,
        mounts,
    } = lay_out(&found);
    for one in &covered {
        let node = if one.is_directory {
            Node::Directory
        } else {
            Node::File
        };
        skeleton.add(&one.path, node);
    }
    let Root {
        mount: root,
        closed,
        password,
    } = make_root(&skeleton, tripwire)?;
    let mut covers = Covers::make(root.as_fd(), Path::new("/proc"))?;
    if password.is_some() {
        covers = covers.telling(root.as_fd(), &covered)?;
    }
    let scratch = own::make_scratch(&materials, root.as_fd())?;
    let Found { mut located, .. } = found;
    for index in mounts {
        mount_one(&located[index], root.as_fd(), &covers)?;
    }
    for grant in located.iter().filter(|one| one.is_directory) {
        protect_in(grant, root.as_fd())?;
    }
    for one in &hidden {
        covers.cover(root.as_fd(), &one.path)?;
    }
    let terminals = own::make_terminals(root.as_fd())?;
    mount::restrict(root.as_fd(), closed).map_err(ViewError::at(ViewStep::Root))?;
    located.retain(|one| !one.is_hole());
    Ok(Unfinished {
        root,
        password,
        located,
        scratch,
        terminals,
        covers,
        highest_pid: materials.highest_pid,
        groups,
    })
}

/// What grants hide.
fn hidden(found: &Found<'_>) -> Result<Vec<Hidden>, ViewError> {
    let mut hidden = Vec::new();
    for one in &found.located {
        if one.is_directory && !one.is_hole() {
            hidden.extend(hidden_in(one)?);
        }
    }
    Ok(hidden)
}

/// What lies in grants, and is granted nobody.
fn holes<'a>(found: &'a Found<'_>) -> impl Iterator<Item = Hidden> + 'a {
    let holes = found.located.iter().filter(|one| one.is_hole());
    holes.map(|one| Hidden {
        path: one.path.as_path().to_owned(),
        is_directory: one.is_directory,
    })
}

/// The file system that everything else is mounted over.
struct Root {
    mount: OwnedFd,
    /// What its mount does not let through once everything is mounted over it.
    closed: Attributes,
    /// What makes the launcher known to the tripwire.
    password: Option<Password>,
}

/// A file system over the host's root, with the skeleton in it and nothing else.
fn make_root(skeleton: &Skeleton, tripwire: Option<Handover>) -> Result<Root, ViewError> {
    let fault = || ViewError::at(ViewStep::Root);
    let host = crate::sys::metadata::pin_host_path(Path::new("/")).map_err(fault())?;
    let closed = Attributes::NOSUID
        .and(Attributes::NODEV)
        .and(Attributes::NOEXEC);
    let Some(tripwire) = tripwire else {
        let options = [(c"size", Some(c"1m")), (c"mode", Some(c"0755"))];
        let root = mount::new_filesystem(c"tmpfs", &options, Attributes::NOSUID);
        let root = root.map_err(fault())?;
        mount::attach(root.as_fd(), host.as_fd()).map_err(fault())?;
        for (path, node) in skeleton.iter() {
            make_node(root.as_fd(), path, node)?;
        }
        return Ok(Root {
            mount: root,
            closed: closed.and(Attributes::READ_ONLY),
            password: None,
        });
    };
    let (root, password) = tripwire
        .mount(skeleton)
        .map_err(ViewError::at(ViewStep::Tripwire))?;
    mount::attach(root.as_fd(), host.as_fd()).map_err(fault())?;
    // The tripwire refuses every change itself. On a read-only mount the kernel would refuse
    // some (unlink, rename) before it looks a name up, and nobody would be told.
    Ok(Root {
        mount: root,
        closed,
        password: Some(password),
    })
}

fn make_node(root: BorrowedFd<'_>, path: &Path, node: &Node) -> Result<(), ViewError> {
    let fault = |errno: nix::errno::Errno| ViewError::on(ViewStep::Root, path)(errno.into());
    let relative = c_path(path.strip_prefix("/").unwrap_or(path))
        .map_err(ViewError::on(ViewStep::Root, path))?;
    let relative = relative.as_c_str();
    match node {
        Node::Directory => nix::sys::stat::mkdirat(root, relative, Mode::from_bits_truncate(0o755)),
        Node::File => nix::sys::stat::mknodat(
            root,
            relative,
            nix::sys::stat::SFlag::S_IFREG,
            Mode::from_bits_truncate(0o444),
            0,
        ),
        Node::Link(text) => nix::unistd::symlinkat(text, root, relative),
        Node::Absent => Ok(()),
    }
    .map_err(fault)
}

fn mount_one(one: &Located<'_>, root: BorrowedFd<'_>, covers: &Covers) -> Result<(), ViewError> {
    let fault = || ViewError::on(ViewStep::Mount, one.path.as_path());
    if one.is_hole() {
        return covers.cover(root, one.path.as_path());
    }
    make_way(root, one).map_err(fault())?;
    let tree = mount::clone_tree(one.handle.as_fd()).map_err(fault())?;
    mount::restrict_tree(tree.as_fd(), one.attributes()).map_err(fault())?;
    attach_at(tree.as_fd(), root, one.path.as_path()).map_err(fault())
}

/// Makes the place of a mount where it lies in a private directory, as for a workspace below
/// `/tmp`. Everywhere else it is there already, and cannot be made.
fn make_way(root: BorrowedFd<'_>, one: &Located<'_>) -> std::io::Result<()> {
    let path = one.path.as_path();
    let is_private = own::PRIVATE
        .iter()
        .any(|(place, _)| path.starts_with(place) && path != Path::new(place));
    if !is_private || own::open_in(root, path).is_ok() {
        return Ok(());
    }
    let mut way: Vec<PathBuf> = path.ancestors().map(Path::to_path_buf).collect();
    way.reverse();
    for step in way.iter().filter(|step| own::open_in(root, step).is_err()) {
        let relative = c_path(step.strip_prefix("/").unwrap_or(step))?;
        if step == path && !one.is_directory {
            let file = nix::sys::stat::SFlag::S_IFREG;
            let mode = Mode::from_bits_truncate(0o444);
            nix::sys::stat::mknodat(root, relative.as_c_str(), file, mode, 0)?;
        } else {
            let mode = Mode::from_bits_truncate(0o555);
            nix::sys::stat::mkdirat(root, relative.as_c_str(), mode)?;
        }
    }
    Ok(())
}

impl<'a> Unfinished<'a> {
    /// Mounts proc and takes the host's root away; gives what lanes make themselves known by.
    /// For the first process of the pid namespace.
    ///
    /// # Errors
    /// The step that failed.
    pub(in crate::sandbox) fn finish(self) -> Result<(View<'a>, Option<Password>), ViewError> {
        let Self {
            root,
            password,
            located,
            scratch,
            terminals,
            covers,
            highest_pid,
            groups,
        } = self;
        if let Some(groups) = groups {
            groups
                .enter()
                .map_err(ViewError::at(ViewStep::ControlGroup))?;
        }
        if let Some(highest) = highest_pid {
            own::limit_processes(highest)?;
        }
        let processes = own::make_processes(root.as_fd(), covers.file.as_fd())?;
        mount::replace_root(root.as_fd()).map_err(ViewError::at(ViewStep::ReplaceRoot))?;
        if let Some(password) = &password {
            password.say(LaneNumber::default());
        }
        let view = View {
            located,
            scratch,
            terminals,
            processes,
        };
        Ok((view, password))
    }
}

impl View<'_> {
    /// Its own instance of devpts.
    pub(in crate::sandbox) fn terminals(&self) -> BorrowedFd<'_> {
        self.terminals.as_fd()
    }

    /// What its Landlock ruleset allows: what the plan grants, and what is the view's own.
    pub(in crate::sandbox) fn rules(&self) -> impl Iterator<Item = OpenRule<'_>> {
        let granted = self.located.iter().map(|one| OpenRule {
            path: one.path.as_path(),
            handle: one.handle.as_fd(),
            access: one.rule.access,
        });
        let scratch = [&self.scratch.whole]
            .into_iter()
            .chain(&self.scratch.parts)
            .map(|handle| (handle, plan::SCRATCH));
        let own = [(&self.processes, LOOK), (&self.terminals, TERMINALS)];
        let own = scratch.chain(own).map(|(handle, access)| OpenRule {
            path: Path::new("the view's own"),
            handle: handle.as_fd(),
            access,
        });
        granted.chain(own)
    }
}

const LOOK: Access = Access {
    rights: Rights::only(Right::List).union(Rights::only(Right::Read)),
    ioctl: DeviceControl::Refuse,
};

const TERMINALS: Access = Access {
    rights: LOOK.rights.union(Rights::only(Right::Write)),
    ioctl: DeviceControl::Allow,
};
