//! From a permit to a handle on the very thing that it permits.
//!
//! Everything that is opened is opened by a path without a single link in it, and
//! that very path was decided on: either the permit's own, or one in which the links
//! have been replaced by where they lead and that the permit admitted. So a link can
//! name another path of the grant to decide about, and can do nothing else. What a
//! hostile process swaps meanwhile can make a lookup fail, but not lead elsewhere.
//!
//! It must never look at what lies outside, nor tell from a hidden or denied name
//! whether it exists: every answer but "there, go on" is preceded by a decision.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use cap_std::fs::Dir;

use super::error::{Problem, Refusal};
use super::table::{Capabilities, Root};
use crate::model::RefusalCode;
use crate::policy::Permit;
use crate::sys::beneath;
use crate::sys::inode::{Inode, Kind, inspect, link_text};

/// The most links in one resolution; the kernel's own number.
const MOST_LINKS: u32 = 40;

/// How often a lookup is begun again because something was swapped under it.
const ATTEMPTS: u32 = 64;

/// What a link at the end of a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    /// What it leads to.
    Follow,
    /// Itself.
    Keep,
}

/// A handle on what a permit permits.
#[derive(Debug)]
pub(super) struct Pinned {
    handle: OwnedFd,
    /// What it is.
    pub(super) inode: Inode,
    /// Where it is: relative to the grant, without links, and admitted.
    pub(super) path: PathBuf,
}

impl Pinned {
    pub(super) fn handle(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    pub(super) fn into_directory(self) -> Dir {
        Dir::from_std_file(self.handle.into())
    }
}

/// A name in an open directory, whether or not anything has it yet.
#[derive(Debug)]
pub(super) struct Spot {
    /// The directory.
    pub(super) directory: Dir,
    /// The name.
    pub(super) name: OsString,
    /// Where it is: relative to the grant, without links before the name, and admitted.
    pub(super) path: PathBuf,
    /// What has the name.
    pub(super) found: Option<Pinned>,
}

impl Capabilities {
    /// Pins what the permit's path leads to.
    pub(super) fn pin(&self, permit: &Permit, last: Last) -> Result<Pinned, Refusal> {
        let lookup = Lookup::new(self, permit, last)?;
        lookup.settle(|path| {
            let handle = self.pin_plainly(lookup.root, path)?;
            Ok(Some(pinned(handle, path)?).filter(|found| !lookup.must_follow(found)))
        })
    }

    /// Pins the last of the directories on the permit's path that exists, or what stands at its
    /// end; with the whole path, free of links and admitted.
    pub(super) fn nearest(&self, permit: &Permit) -> Result<(Pinned, PathBuf), Refusal> {
        let lookup = Lookup::new(self, permit, Last::Keep)?;
        lookup.settle(|path| {
            for above in path.ancestors() {
                match self.pin_plainly(lookup.root, above) {
                    Ok(handle) => {
                        let nearest = pinned(handle, above)?;
                        let is_way = nearest.inode.kind == Kind::Link && above != path;
                        return Ok((!is_way).then(|| (nearest, path.to_owned())));
                    }
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
            Err(io::ErrorKind::NotFound.into())
        })
    }

    /// Pins what stands at a path below the permit's, which a walk has found free of links.
    pub(super) fn pin_below(&self, permit: &Permit, path: &Path) -> io::Result<Pinned> {
        let root = self.root(permit.grant().id);
        let root = root.ok_or(io::ErrorKind::NotFound)?;
        pinned(self.pin_plainly(root, path)?, path)
    }

    /// Pins the directory in which the permit's path has, or would have, its name.
    pub(super) fn spot(&self, permit: &Permit, last: Last) -> Result<Spot, Refusal> {
        let lookup = Lookup::new(self, permit, last)?;
        lookup.settle(|path| {
            let Some((directory, name)) = self.pin_parent(lookup.root, path) else {
                return Err(io::Error::from(io::ErrorKind::IsADirectory));
            };
            let directory = directory?;
            if inspect(directory.as_fd())?.kind == Kind::Link {
                return Ok(None);
            }
            let directory = Dir::from_std_file(directory.into());
            let found = match beneath::pin_name(directory.as_fd(), name) {
                Ok(handle) => Some(pinned(handle, path)?),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(error),
            };
            if found
                .as_ref()
                .is_some_and(|found| lookup.must_follow(found))
            {
                return Ok(None);
            }
            Ok(Some(Spot {
                directory,
                name: name.to_owned(),
                path: path.to_owned(),
                found,
            }))
        })
    }
}

fn pinned(handle: OwnedFd, path: &Path) -> io::Result<Pinned> {
    let inode = inspect(handle.as_fd())?;
    Ok(Pinned {
        handle,
        inode,
        path: path.to_owned(),
    })
}

/// One permit's path on its way to a handle.
struct Lookup<'a> {
    capabilities: &'a Capabilities,
    root: &'a Root,
    permit: &'a Permit,
    last: Last,
}

impl<'a> Lookup<'a> {
    fn new(
        capabilities: &'a Capabilities,
        permit: &'a Permit,
        last: Last,
    ) -> Result<Self, Refusal> {
        match capabilities.root(permit.grant().id) {
            Some(root) => Ok(Self {
                capabilities,
                root,
                permit,
                last,
            }),
            None => Err(Refusal::failed(permit, Problem::NotFound)),
        }
    }

    /// Tries a path without links until the attempt meets none: first the permit's own, then
    /// wherever its links lead.
    ///
    /// The attempt gives `None` where it met a link that is to be followed.
    fn settle<T>(&self, attempt: impl Fn(&Path) -> io::Result<Option<T>>) -> Result<T, Refusal> {
        let mut path = Cow::Borrowed(self.permit.relative());
        for _ in 0..ATTEMPTS {
            match attempt(&path) {
                Ok(Some(reached)) => return Ok(reached),
                Ok(None) => {}
                Err(error) if beneath::was_disturbed(&error) => {}
                Err(error) => return Err(self.failed(error)),
            }
            if let Some(plain) = self.replace_links()? {
                path = Cow::Owned(plain);
            }
        }
        Err(self.problem(Problem::Changed))
    }

    fn must_follow(&self, found: &Pinned) -> bool {
        found.inode.kind == Kind::Link && self.last == Last::Follow
    }

    fn problem(&self, problem: Problem) -> Refusal {
        Refusal::failed(self.permit, problem)
    }

    fn failed(&self, error: io::Error) -> Refusal {
        Refusal::host(self.permit, error)
    }

    fn outside(&self) -> Refusal {
        self.permit.refuse(RefusalCode::OutsideCapability).into()
    }

    /// The permit's path with every link replaced by where it leads, admitted by the permit.
    ///
    /// `None` where something was swapped meanwhile, and it is to be tried again.
    fn replace_links(&self) -> Result<Option<PathBuf>, Refusal> {
        if self.root.is_file() {
            // What stands in a granted file's place leads anywhere but below it.
            return Err(self.outside());
        }
        let mut walk = Walk::along(self.permit.relative());
        let mut links = 0;
        while let Some(name) = walk.todo.pop() {
            if name == ".." {
                if walk.done.as_os_str().is_empty() {
                    return Err(self.outside());
                }
                self.permit.admits(&walk.done)?;
                walk.done.pop();
                continue;
            }
            walk.done.push(name);
            match self.step(&walk) {
                Ok(Step::On) => {}
                Ok(Step::Link(target)) => {
                    self.permit.admits(&walk.done)?;
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(self.problem(Problem::TooManyLinks));
                    }
                    self.turn(&mut walk, &target)?;
                }
                Err(error) if beneath::was_disturbed(&error) => return Ok(None),
                Err(error) => {
                    self.permit.admits(&walk.done)?;
                    let missing = error.kind() == io::ErrorKind::NotFound;
                    if !missing || walk.todo.iter().any(|name| name == "..") {
                        return Err(self.failed(error));
                    }
                    // Where nothing is, there are no links: the rest stands as it is written.
                    walk.done.extend(walk.todo.drain(..).rev());
                }
            }
        }
        self.permit.admits(&walk.done)?;
        Ok(Some(walk.done))
    }

    /// Looks at where the walk stands.
    fn step(&self, walk: &Walk) -> io::Result<Step> {
        let handle = self.capabilities.pin_plainly(self.root, &walk.done)?;
        let kind = inspect(handle.as_fd())?.kind;
        let is_last = walk.todo.is_empty();
        match kind {
            Kind::Link if !is_last || self.last == Last::Follow => {
                link_text(handle.as_fd()).map(Step::Link)
            }
            Kind::Directory => Ok(Step::On),
            _ if is_last => Ok(Step::On),
            // Not even `..` leads on from here.
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    /// Turns the walk from a link to where it leads.
    fn turn(&self, walk: &mut Walk, target: &OsStr) -> Result<(), Refusal> {
        let target = Path::new(target);
        walk.done.pop();
        if !target.is_absolute() {
            walk.ahead(target);
            return Ok(());
        }
        let Ok(below) = target.strip_prefix(self.root.place.as_path()) else {
            return Err(self.outside());
        };
        walk.done.clear();
        walk.ahead(below);
        Ok(())
    }
}

/// What a walk meets at a name.
enum Step {
    /// Something to go on from, or to end at.
    On,
    /// A link to follow, with its text.
    Link(OsString),
}

/// A walk along a path by its letters.
struct Walk {
    /// Names already walked: no links, no `..`.
    done: PathBuf,
    /// Names ahead, the next one last.
    todo: Vec<OsString>,
}

impl Walk {
    fn along(path: &Path) -> Self {
        let mut walk = Self {
            done: PathBuf::new(),
            todo: Vec::new(),
        };
        walk.ahead(path);
        walk
    }

    /// Puts the names of a path before those that are ahead.
    fn ahead(&mut self, path: &Path) {
        let names = path.components().rev().filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some(OsString::from("..")),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
        });
        self.todo.extend(names);
    }
}
