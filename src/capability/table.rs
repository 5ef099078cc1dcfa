//! The table of opened grants: each root is opened once, and everything starts from its handle.
//!
//! The only place where a path is looked up from the root of the host. It must
//! never open a root through a symbolic link: a policy is decided on by letters,
//! and letters that lead elsewhere would make two names for one directory.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use crate::model::{HostPath, shown_path};
use crate::policy::{BoundGrant, BoundPolicy, GrantId, Missing};
use crate::sys::beneath::{self, Walker};
use crate::sys::inode::{self, Kind, OwnHandles};
use crate::sys::metadata::Identity;

/// The opened grants of a session.
#[derive(Debug)]
pub struct Capabilities {
    roots: BTreeMap<GrantId, Root>,
    own: OwnHandles,
    walker: Walker,
    by_hand: AtomicU64,
}

/// One opened grant.
#[derive(Debug)]
pub(super) struct Root {
    /// The directory that lookups start from: the granted one, or the parent of a granted file.
    base: Dir,
    /// The granted file's name; empty for a directory.
    file: PathBuf,
    /// What was granted, as it was when it was opened.
    handle: OwnedFd,
    /// The path under which it was opened.
    pub(super) place: HostPath,
}

impl Root {
    /// Whether a single file was granted.
    pub(super) fn is_file(&self) -> bool {
        !self.file.as_os_str().is_empty()
    }
}

/// Who resolves paths, and how often this process had to do it itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolver {
    /// Who does it in this session.
    pub walker: Walker,
    /// The lookups that were not done by the kernel alone.
    pub by_hand: u64,
}

impl Resolver {
    /// Whether lookups are done in a way that a rename outside the grant can disturb unnoticed.
    pub fn is_degraded(&self) -> bool {
        self.walker == Walker::Manual
    }
}

/// Why a session's grants cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A granted path does not exist.
    #[error("{place}: granted path {path} does not exist")]
    Missing {
        /// Where the policy grants it.
        place: String,
        /// The path.
        path: String,
    },
    /// A granted or denied path leads through a symbolic link.
    #[error("{place}: {path} leads through a symbolic link; write its real path{}", or_nothing(.real.as_deref()))]
    ThroughLink {
        /// Where the policy names it.
        place: String,
        /// The path.
        path: String,
        /// Where it leads, if anywhere.
        real: Option<String>,
    },
    /// A granted path is a FIFO, socket or device.
    #[error("{place}: granted path {path} is neither a directory nor a regular file")]
    WrongKind {
        /// Where the policy grants it.
        place: String,
        /// The path.
        path: String,
    },
    /// The host does not let this process open it.
    #[error("{place}: open granted path {path}")]
    Host {
        /// Where the policy names it.
        place: String,
        /// The path.
        path: String,
        /// What the host answered.
        source: io::Error,
    },
    /// The root directory of the host, or this process's `/proc/self/fd`, cannot be opened.
    #[error("open {path}")]
    Basics {
        /// Which of them.
        path: &'static str,
        /// What the host answered.
        source: io::Error,
    },
}

fn or_nothing(real: Option<&str>) -> String {
    real.map(|path| format!(", {path}")).unwrap_or_default()
}

impl Capabilities {
    /// Opens every grant of the policy.
    ///
    /// # Errors
    /// When a granted path is missing (unless the policy says to skip it), leads through a
    /// link, is neither a directory nor a file, or cannot be opened.
    pub fn open(policy: &BoundPolicy) -> Result<Self, OpenError> {
        let top = top_of_host()?;
        Self::open_with(policy, &top, beneath::probe(top.as_fd()))
    }

    /// As [`Capabilities::open`], and resolves every path by hand, as on a kernel without `openat2`.
    ///
    /// # Errors
    /// As [`Capabilities::open`].
    pub fn open_degraded(policy: &BoundPolicy) -> Result<Self, OpenError> {
        Self::open_with(policy, &top_of_host()?, Walker::Manual)
    }

    fn open_with(policy: &BoundPolicy, top: &Dir, walker: Walker) -> Result<Self, OpenError> {
        let own = OwnHandles::open().map_err(|source| OpenError::Basics {
            path: "/proc/self/fd",
            source,
        })?;
        let mut roots = BTreeMap::new();
        for grant in policy.grants() {
            if let Some(root) = open_root(grant, top, walker)?
                && !grant.rights.is_empty()
            {
                roots.insert(grant.id, root);
            }
        }
        Ok(Self {
            roots,
            own,
            walker,
            by_hand: AtomicU64::new(0),
        })
    }

    /// The handle of a grant: a bare reference to its directory or file; none for a hole, or a
    /// grant that was skipped because its path does not exist.
    pub fn handle(&self, grant: GrantId) -> Option<BorrowedFd<'_>> {
        self.roots.get(&grant).map(|root| root.handle.as_fd())
    }

    /// Every grant that was opened: under which path, and what was there.
    ///
    /// # Errors
    /// When a handle cannot be inspected.
    pub fn opened(&self) -> io::Result<Vec<(&HostPath, Identity)>> {
        let roots = self.roots.values();
        let inspected = |root: &Root| Identity::of(root.handle.as_fd());
        roots
            .map(|root| Ok((&root.place, inspected(root)?)))
            .collect()
    }

    /// What is at a path: the grant that was opened there, or else what stands there now.
    ///
    /// # Errors
    /// When nothing does, or a link leads there.
    pub fn identity_at(&self, path: &HostPath) -> io::Result<Identity> {
        if let Some(root) = self.roots.values().find(|root| root.place == *path) {
            return Identity::of(root.handle.as_fd());
        }
        let top = top_of_host().map_err(io::Error::other)?;
        let below_top = path.as_path().strip_prefix("/").unwrap_or(Path::new(""));
        let handle = beneath::pin(self.walker, top.as_fd(), below_top)?;
        Identity::of(handle.as_fd())
    }

    /// Who resolves paths in this session.
    pub fn resolver(&self) -> Resolver {
        Resolver {
            walker: self.walker,
            by_hand: self.by_hand.load(Ordering::Relaxed),
        }
    }

    pub(super) fn root(&self, grant: GrantId) -> Option<&Root> {
        self.roots.get(&grant)
    }

    pub(super) fn own(&self) -> &OwnHandles {
        &self.own
    }

    /// Pins what stands at a path below the root; fails where any link stands on the way.
    pub(super) fn pin_plainly(&self, root: &Root, path: &Path) -> io::Result<OwnedFd> {
        if self.walker == Walker::Manual {
            self.by_hand.fetch_add(1, Ordering::Relaxed);
        }
        let base = root.base.as_fd();
        match (root.is_file(), path.as_os_str().is_empty()) {
            (false, _) => beneath::pin(self.walker, base, path),
            (true, true) => beneath::pin(self.walker, base, &root.file),
            (true, false) => beneath::pin(self.walker, base, &root.file.join(path)),
        }
    }

    /// Pins the directory that holds a path below the root, and gives the path's name in it.
    ///
    /// `None` for the root of a granted directory: it has a name only outside the grant.
    pub(super) fn pin_parent<'a>(
        &self,
        root: &'a Root,
        path: &'a Path,
    ) -> Option<(io::Result<OwnedFd>, &'a OsStr)> {
        match path.file_name() {
            Some(name) => {
                let parent = path.parent().unwrap_or(Path::new(""));
                Some((self.pin_plainly(root, parent), name))
            }
            None if !root.is_file() => None,
            None => Some((
                root.base.as_fd().try_clone_to_owned(),
                root.file.as_os_str(),
            )),
        }
    }
}

fn top_of_host() -> Result<Dir, OpenError> {
    Dir::open_ambient_dir("/", ambient_authority())
        .map_err(|source| OpenError::Basics { path: "/", source })
}

/// Opens one root. `None` where it does not exist and need not.
fn open_root(grant: &BoundGrant, top: &Dir, walker: Walker) -> Result<Option<Root>, OpenError> {
    let path = || shown_path(grant.root.as_path());
    let place = || place_of(grant);
    let host = |source| OpenError::Host {
        place: place(),
        path: path(),
        source,
    };
    let below_top = grant
        .root
        .as_path()
        .strip_prefix("/")
        .unwrap_or(Path::new(""));
    let handle = match beneath::pin(walker, top.as_fd(), below_top) {
        Ok(handle) => handle,
        Err(error) if error.kind() == io::ErrorKind::NotFound && grant.missing == Missing::Skip => {
            return Ok(None);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(OpenError::Missing {
                place: place(),
                path: path(),
            });
        }
        Err(error) if beneath::was_disturbed(&error) => return Err(through_link(grant)),
        // What this process cannot look up, it cannot be led to either.
        Err(_) if grant.rights.is_empty() => return Ok(None),
        Err(error) => return Err(host(error)),
    };
    let (base, file) = match inode::inspect(handle.as_fd()).map_err(host)?.kind {
        Kind::Directory => (handle.try_clone().map_err(host)?, PathBuf::new()),
        Kind::Link => return Err(through_link(grant)),
        Kind::File => {
            let parent = below_top.parent().unwrap_or(Path::new(""));
            let base = beneath::pin(walker, top.as_fd(), parent).map_err(host)?;
            (
                base,
                below_top.file_name().map(PathBuf::from).unwrap_or_default(),
            )
        }
        _ if grant.rights.is_empty() => return Ok(None),
        _ => {
            return Err(OpenError::WrongKind {
                place: place(),
                path: path(),
            });
        }
    };
    let base = Dir::from_std_file(base.into());
    Ok(Some(Root {
        base,
        file,
        handle,
        place: grant.root.clone(),
    }))
}

fn through_link(grant: &BoundGrant) -> OpenError {
    #[allow(
        clippy::disallowed_methods,
        reason = "for a message to the operator; nothing is opened by it"
    )]
    let real = grant.root.as_path().canonicalize();
    OpenError::ThroughLink {
        place: place_of(grant),
        path: shown_path(grant.root.as_path()),
        real: real.ok().map(|path| shown_path(&path)),
    }
}

fn place_of(grant: &BoundGrant) -> String {
    let rule = &grant.rule;
    rule.place
        .as_ref()
        .map_or_else(|| rule.name.clone(), ToString::to_string)
}
