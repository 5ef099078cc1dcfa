//! What a plan lets commands do where: what other layers are expected to refuse.
//!
//! An expectation, and never the enforcement: Landlock and mounts look for themselves. It must
//! not expect a refusal where they would let a call through, for the call is then refused here.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::attempts::Wanted;
use super::place::Pinned;
use crate::model::{Right, Rights};
use crate::policy::PatternSet;
use crate::sandbox::message::RefusedFor;
use crate::sys::metadata::{Identity, LastLink, Resolution, path_of, pin, pin_host_path};

/// A directory or file of the plan.
#[derive(Debug)]
pub(in crate::sandbox) struct Area {
    /// The bytes of its path.
    path: Vec<u8>,
    /// None where nothing is there, or it is known by another path.
    identity: Option<Identity>,
    source: AreaSource,
    rights: Rights,
    /// What cannot be read below it. Landlock says so only where nothing can be changed.
    hide: PatternSet,
}

/// What an area comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum AreaSource {
    /// A grant, or a private directory. The innermost one counts.
    Grant,
    /// The system view, which adds to what the grants allow.
    System,
}

impl Area {
    /// The object behind the handle.
    ///
    /// # Errors
    /// When the descriptor is not open.
    pub(in crate::sandbox) fn of(
        handle: BorrowedFd<'_>,
        source: AreaSource,
        rights: Rights,
    ) -> io::Result<Self> {
        Ok(Self {
            path: path_of(handle)?.as_os_str().as_bytes().to_vec(),
            identity: Some(Identity::of(handle)?),
            source,
            rights,
            hide: PatternSet::default(),
        })
    }

    /// A path of the system view by its letters: of a link, or of what this host does not have.
    pub(in crate::sandbox) fn by_letters(path: &Path, rights: Rights) -> Self {
        Self {
            path: path.as_os_str().as_bytes().to_vec(),
            identity: None,
            source: AreaSource::System,
            rights,
            hide: PatternSet::default(),
        }
    }

    fn is(&self, identity: &Identity) -> bool {
        self.identity
            .is_some_and(|own| own.is_same_object(identity))
    }

    /// The same, but for what is hidden in it.
    pub(in crate::sandbox) fn except(self, hide: PatternSet) -> Self {
        Self { hide, ..self }
    }

    /// The rest of a path that lies here.
    fn beneath<'a>(&self, path: &'a Path) -> Option<&'a Path> {
        let bytes = path.as_os_str().as_bytes();
        let rest = bytes.strip_prefix(self.path.as_slice())?;
        let rest = match rest {
            [] => rest,
            [b'/', rest @ ..] => rest,
            // The root directory ends with its slash.
            _ if self.path == b"/" => rest,
            _ => return None,
        };
        Some(Path::new(OsStr::from_bytes(rest)))
    }
}

/// All areas of a plan.
#[derive(Debug)]
pub(in crate::sandbox) struct Areas {
    all: Vec<Area>,
    known: Known,
}

/// Which areas are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum Known {
    /// All of the plan.
    Everything,
    /// Those of the grants. What only looks elsewhere cannot be judged.
    GrantsAlone,
}

/// How far up a file tree is climbed.
const HIGHEST: usize = 128;

impl Areas {
    pub(in crate::sandbox) fn new(all: Vec<Area>, known: Known) -> Self {
        Self { all, known }
    }

    /// Why other layers would refuse this; none where they would not.
    pub(super) fn refusal(&self, wanted: &Wanted) -> Option<RefusedFor> {
        let Wanted {
            pinned,
            path,
            rights,
            ..
        } = wanted;
        let changes = rights.change_something();
        if rights.is_empty() || pinned.has_no_name() {
            return None;
        }
        let grant = self.innermost_grant(path);
        // Pipes and devices are written to without a change of the host; in a grant they still
        // lead to whoever reads them.
        if changes && !pinned.is_on_disk() && grant.is_none() {
            return None;
        }
        if grant.is_none() && !changes && self.known == Known::GrantsAlone {
            return None;
        }
        // What is hidden in a view is covered by a mount. Elsewhere Landlock keeps it from being
        // read where the grant cannot be changed.
        if let Some((area, rest)) = grant
            && area.hide.matches(rest)
            && (!area.rights.change_something() || pinned.is_on_read_only_mount())
        {
            return Some(RefusedFor::Hidden);
        }
        let mut allowed = grant.map_or(Rights::NONE, |(area, _)| area.rights);
        if !allowed.covers(*rights) {
            allowed = allowed.union(self.system_rights(path));
        }
        if allowed.covers(*rights) || self.rights_by_identity(pinned).covers(*rights) {
            let is_protected = changes && wanted.is_on_read_only_mount();
            return is_protected.then_some(RefusedFor::Exception);
        }
        let can_look = allowed.has(Right::Read) || allowed.has(Right::List);
        Some(match (changes, can_look) {
            (true, true) => RefusedFor::ReadOnly,
            (true, false) => RefusedFor::Outside,
            (false, true) => RefusedFor::OtherRight,
            (false, false) => RefusedFor::NotGranted,
        })
    }

    /// Whether a path lies in none of them, and is not on the way to one.
    pub(super) fn are_left_by(&self, path: &Path) -> bool {
        let leads_to = |area: &Area| Path::new(OsStr::from_bytes(&area.path)).starts_with(path);
        let holds = |area: &&Area| area.beneath(path).is_some() || leads_to(area);
        !self.all.iter().any(|area| holds(&area))
    }

    fn innermost_grant<'a>(&self, path: &'a Path) -> Option<(&Area, &'a Path)> {
        self.all
            .iter()
            .filter(|area| area.source == AreaSource::Grant)
            .filter_map(|area| Some((area, area.beneath(path)?)))
            .max_by_key(|(area, _)| area.path.len())
    }

    fn system_rights(&self, path: &Path) -> Rights {
        self.all
            .iter()
            .filter(|area| area.source == AreaSource::System && area.beneath(path).is_some())
            .fold(Rights::NONE, |rights, area| rights.union(area.rights))
    }

    /// By what the object and the directories above it are, whatever they are called, as
    /// Landlock finds it: a directory can be mounted at a second place. The innermost grant
    /// counts here as well, for around it there can be one that allows more.
    fn rights_by_identity(&self, pinned: &Pinned) -> Rights {
        let mut rights = self.rights_of(&pinned.identity());
        let mut above = if pinned.is_directory() {
            pinned.handle().try_clone_to_owned().ok()
        } else {
            let parent = pinned.path().parent();
            parent.and_then(|parent| pin_host_path(parent).ok())
        };
        let mut last = None;
        for _ in 0..HIGHEST {
            let Some(directory) = above.take() else {
                break;
            };
            let Ok(identity) = Identity::of(directory.as_fd()) else {
                break;
            };
            if last.is_some_and(|last: Identity| last.is_same_object(&identity)) {
                break;
            }
            rights = rights.union(self.rights_of(&identity));
            if self.is_grant(&identity) {
                break;
            }
            above = parent_of(&directory);
            last = Some(identity);
        }
        rights
    }

    fn is_grant(&self, identity: &Identity) -> bool {
        let grants = |area: &&Area| area.source == AreaSource::Grant;
        let mut grants = self.all.iter().filter(grants);
        grants.any(|area| area.is(identity))
    }

    fn rights_of(&self, identity: &Identity) -> Rights {
        self.all
            .iter()
            .filter(|area| area.is(identity))
            .fold(Rights::NONE, |rights, area| rights.union(area.rights))
    }
}

fn parent_of(directory: &OwnedFd) -> Option<OwnedFd> {
    pin(
        directory.as_fd(),
        c"..",
        Resolution::Ordinary,
        LastLink::Keep,
    )
    .ok()
}
