//! Reading calls that other layers refuse in any case: what each would open, make or remove.
//!
//! Here it is only found out what was tried, so that it can be told. Nothing is allowed here.

use std::ffi::{CStr, CString, OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use syscalls::Sysno;

use super::call::Target;
use super::place::Pinned;
use super::shown::{self, Shown};
use crate::model::{HostPath, Right, Rights};
use crate::sys::memory;
use crate::sys::metadata::{AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, LastLink};
use crate::sys::notification::Notification;

/// A call, and the names that it would open, make or remove.
#[derive(Debug)]
pub(super) struct Attempt {
    pub name: &'static str,
    pub objects: Vec<Object>,
}

/// A name in a call.
#[derive(Debug)]
pub(super) struct Object {
    directory: i32,
    path: CString,
    deed: Deed,
    /// How `openat2(2)` was asked to resolve the path.
    resolve: u64,
}

/// What a call would do with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Open(OFlag),
    /// A name that must be new.
    Make,
    /// A name that may be another's.
    Take,
    Remove,
    Cut,
    Execute(LastLink),
    /// What the descriptor itself leads to (`AT_EMPTY_PATH`).
    ExecuteDescriptor,
}

/// What a call wants of the file tree.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The object or, for names that are made or removed, their directory.
    pub pinned: Pinned,
    /// Where the name leads.
    pub path: PathBuf,
    pub rights: Rights,
    /// What has the name now, where one is to be removed or taken.
    named: Option<Pinned>,
}

/// Where a call has a name: the arguments that hold its directory, if there is one, and its path.
struct Place {
    directory: Option<usize>,
    path: usize,
    deed: Deeds,
}

/// What a call does with a name, as far as its name tells.
#[derive(Clone, Copy)]
enum Deeds {
    /// With the flags in this argument.
    Open(usize),
    /// With flags behind the pointer in this argument.
    OpenHow(usize),
    /// `creat`
    Create,
    Make,
    Take,
    Remove,
    Cut,
    /// `execve`
    Execute,
    /// With the flags in this argument.
    ExecuteAt(usize),
}

const fn at(directory: usize, deed: Deeds) -> Place {
    Place {
        directory: Some(directory),
        path: directory + 1,
        deed,
    }
}

const fn path(path: usize, deed: Deeds) -> Place {
    Place {
        directory: None,
        path,
        deed,
    }
}

/// The calls, and where their names are.
const CALLS: [(&str, &[Place]); 21] = [
    ("open", &[path(0, Deeds::Open(1))]),
    ("openat", &[at(0, Deeds::Open(2))]),
    ("openat2", &[at(0, Deeds::OpenHow(2))]),
    ("creat", &[path(0, Deeds::Create)]),
    ("truncate", &[path(0, Deeds::Cut)]),
    ("mkdir", &[path(0, Deeds::Make)]),
    ("mkdirat", &[at(0, Deeds::Make)]),
    ("mknod", &[path(0, Deeds::Make)]),
    ("mknodat", &[at(0, Deeds::Make)]),
    ("rmdir", &[path(0, Deeds::Remove)]),
    ("unlink", &[path(0, Deeds::Remove)]),
    ("unlinkat", &[at(0, Deeds::Remove)]),
    ("rename", &[path(0, Deeds::Remove), path(1, Deeds::Take)]),
    ("renameat", &[at(0, Deeds::Remove), at(2, Deeds::Take)]),
    ("renameat2", &[at(0, Deeds::Remove), at(2, Deeds::Take)]),
    ("link", &[path(1, Deeds::Make)]),
    ("linkat", &[at(2, Deeds::Make)]),
    ("symlink", &[path(1, Deeds::Make)]),
    ("symlinkat", &[at(1, Deeds::Make)]),
    ("execve", &[path(0, Deeds::Execute)]),
    ("execveat", &[at(0, Deeds::ExecuteAt(4))]),
];

const LONGEST_PATH: usize = 4096;

/// The kernel's own limit.
const MOST_LINKS: usize = 40;

impl Attempt {
    /// Reads the call; none where it is another.
    ///
    /// # Errors
    /// `EFAULT` and the like where its memory cannot be read.
    pub(super) fn read(notification: &Notification) -> io::Result<Option<Self>> {
        let number = usize::try_from(notification.number).unwrap_or(usize::MAX);
        let call = Sysno::new(number).map_or("", |call| call.name());
        let Some((name, places)) = CALLS.iter().find(|(name, _)| *name == call) else {
            return Ok(None);
        };
        let object = |place: &Place| Object::read(notification, place);
        let objects = places.iter().map(object).collect::<io::Result<_>>()?;
        Ok(Some(Self { name, objects }))
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "the kernel takes an int from the lower half"
)]
fn int(notification: &Notification, index: usize) -> i32 {
    (notification.arguments[index] as u32).cast_signed()
}

impl Deeds {
    /// What is to be done with the path, and how `openat2(2)` is asked to resolve it.
    fn read(self, notification: &Notification, path: &CStr) -> io::Result<(Deed, u64)> {
        let deed = match self {
            Self::Open(index) => Deed::Open(OFlag::from_bits_retain(int(notification, index))),
            Self::OpenHow(index) => return read_how(notification, index),
            Self::Create => Deed::Open(OFlag::O_CREAT | OFlag::O_WRONLY | OFlag::O_TRUNC),
            Self::Make => Deed::Make,
            Self::Take => Deed::Take,
            Self::Remove => Deed::Remove,
            Self::Cut => Deed::Cut,
            Self::Execute => Deed::Execute(LastLink::Follow),
            Self::ExecuteAt(index) => match int(notification, index) {
                flags if flags & AT_EMPTY_PATH != 0 && path.is_empty() => Deed::ExecuteDescriptor,
                flags if flags & AT_SYMLINK_NOFOLLOW != 0 => Deed::Execute(LastLink::Keep),
                _ => Deed::Execute(LastLink::Follow),
            },
        };
        Ok((deed, 0))
    }
}

/// `struct open_how`: 64 bits of flags, 64 of mode, 64 of resolution.
fn read_how(notification: &Notification, index: usize) -> io::Result<(Deed, u64)> {
    let bytes = memory::read(notification.pid, notification.arguments[index], 24)?;
    let number = |at: usize| {
        bytes
            .as_chunks()
            .0
            .get(at)
            .map_or(0, |one| u64::from_ne_bytes(*one))
    };
    let flags = i32::try_from(number(0)).unwrap_or_default();
    Ok((Deed::Open(OFlag::from_bits_retain(flags)), number(2)))
}

impl Object {
    fn read(notification: &Notification, place: &Place) -> io::Result<Self> {
        let Place {
            directory,
            path,
            deed,
        } = place;
        let address = notification.arguments[*path];
        let path = memory::read_string(notification.pid, address, LONGEST_PATH)?;
        let (deed, resolve) = deed.read(notification, &path)?;
        Ok(Self {
            directory: directory.map_or(AT_FDCWD, |index| int(notification, index)),
            path,
            deed,
            resolve,
        })
    }

    /// What the call wants, as the kernel would find it.
    ///
    /// # Errors
    /// Where the path leads nowhere, or the call fails whoever may do what: then other layers
    /// have nothing to refuse, and what the call would do besides is not reached.
    pub(super) fn wanted(&self, pid: i32) -> io::Result<Wanted> {
        match self.deed {
            Deed::Open(flags) => self.opened(pid, flags, MOST_LINKS),
            Deed::Cut => {
                let pinned = self.pin(pid, LastLink::Follow)?;
                must_not_be_directory(&pinned)?;
                Ok(Wanted::of(pinned, Right::Write))
            }
            Deed::Make => self.new_name(pid),
            Deed::Take => self.named(pid, Right::Create),
            Deed::Remove => self.removed(pid),
            Deed::Execute(last) => Ok(Wanted::executed(self.pin(pid, last)?)),
            Deed::ExecuteDescriptor => {
                let descriptor = Target::Descriptor(self.directory);
                Ok(Wanted::executed(Pinned::by(pid, &descriptor)?))
            }
        }
    }

    /// Where the path leads by its letters, whether or not anything is there.
    pub(super) fn written(&self, pid: i32) -> Option<HostPath> {
        shown::whole(pid, self.directory, &self.path)
    }

    fn opened(&self, pid: i32, flags: OFlag, links: usize) -> io::Result<Wanted> {
        if flags.contains(OFlag::O_CREAT | OFlag::O_EXCL) {
            return self.new_name(pid);
        }
        let last = if flags.contains(OFlag::O_NOFOLLOW) {
            LastLink::Keep
        } else {
            LastLink::Follow
        };
        let pinned = match self.pin(pid, last) {
            Err(error) if is_absent(&error) && flags.contains(OFlag::O_CREAT) => {
                let named = self.named(pid, Right::Create)?;
                return match self.behind(&named) {
                    Some(behind) if links > 0 => behind.opened(pid, flags, links - 1),
                    _ => Ok(named),
                };
            }
            pinned => pinned?,
        };
        let changing = OFlag::O_ACCMODE | OFlag::O_TRUNC | OFlag::O_CREAT;
        let rights = if flags.contains(OFlag::O_PATH) || pinned.is_link() {
            // Nothing is opened.
            Rights::NONE
        } else if flags.contains(OFlag::O_TMPFILE) {
            Rights::only(Right::Create)
        } else {
            if flags.intersects(changing) {
                must_not_be_directory(&pinned)?;
            }
            rights_for(flags, looking_at(&pinned))
        };
        Ok(Wanted {
            rights,
            ..Wanted::of(pinned, Right::Read)
        })
    }

    /// The kernel says that a name is taken before it asks anybody whether it may be made.
    fn new_name(&self, pid: i32) -> io::Result<Wanted> {
        let wanted = self.named(pid, Right::Create)?;
        match wanted.named {
            Some(_) => Err(Errno::EEXIST.into()),
            None => Ok(wanted),
        }
    }

    /// It asks a mount before it looks for the name, and Landlock after that.
    fn removed(&self, pid: i32) -> io::Result<Wanted> {
        let wanted = self.named(pid, Right::Delete)?;
        if wanted.named.is_none() && !wanted.is_on_read_only_mount() {
            return Err(Errno::ENOENT.into());
        }
        Ok(wanted)
    }

    /// Where a link leads behind which nothing is yet.
    fn behind(&self, wanted: &Wanted) -> Option<Self> {
        let link = wanted.named.as_ref().filter(|named| named.is_link())?;
        let target = nix::fcntl::readlinkat(link.handle(), "").ok()?;
        let (above, _) = split(&self.path);
        let path = Path::new(OsStr::from_bytes(above.to_bytes())).join(target);
        Some(Self {
            path: CString::new(path.as_os_str().as_bytes()).ok()?,
            ..*self
        })
    }

    /// The directory decides about a name, whatever has the name.
    fn named(&self, pid: i32, right: Right) -> io::Result<Wanted> {
        let (above, name) = split(&self.path);
        let directory = Pinned::by(pid, &self.target(&above, LastLink::Follow))?;
        Ok(Wanted {
            path: directory.path().join(name),
            named: self.pin(pid, LastLink::Keep).ok(),
            ..Wanted::of(directory, right)
        })
    }

    fn pin(&self, pid: i32, last: LastLink) -> io::Result<Pinned> {
        Pinned::by(pid, &self.target(&self.path, last))
    }

    /// How it is told, with where it was found.
    pub(super) fn shown(&self, pid: i32, found: Option<&Path>) -> Shown {
        let target = match self.deed {
            Deed::ExecuteDescriptor => Target::Descriptor(self.directory),
            _ => self.target(&self.path, LastLink::Keep),
        };
        Shown::of(pid, &target, found)
    }

    fn target(&self, path: &CStr, last: LastLink) -> Target {
        let (directory, path) = (self.directory, path.to_owned());
        match self.resolve {
            0 => Target::Path {
                directory,
                path,
                last,
            },
            resolve => Target::Confined {
                directory,
                path,
                last,
                resolve,
            },
        }
    }
}

impl Wanted {
    pub(super) fn of(pinned: Pinned, right: Right) -> Self {
        Self {
            path: pinned.path().to_owned(),
            pinned,
            rights: Rights::only(right),
            named: None,
        }
    }

    /// What the kernel would not execute in any case is not asked about.
    fn executed(pinned: Pinned) -> Self {
        let rights = if pinned.is_regular() {
            Rights::only(Right::Execute)
        } else {
            Rights::NONE
        };
        Self {
            rights,
            ..Self::of(pinned, Right::Execute)
        }
    }

    /// Whether a view has mounted read-only what would be changed: what a grant protects.
    pub(super) fn is_on_read_only_mount(&self) -> bool {
        let named = self.named.iter().chain([&self.pinned]);
        named.into_iter().any(Pinned::is_on_read_only_mount)
    }
}

/// Nobody writes to a directory, whatever is allowed.
fn must_not_be_directory(pinned: &Pinned) -> io::Result<()> {
    if pinned.is_directory() {
        return Err(Errno::EISDIR.into());
    }
    Ok(())
}

pub(super) fn is_absent(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::ENOENT as i32)
}

/// The right to look at an object: to list what is a directory, to read everything else.
fn looking_at(pinned: &Pinned) -> Right {
    if pinned.is_directory() {
        Right::List
    } else {
        Right::Read
    }
}

/// What opening an object that is there needs.
fn rights_for(flags: OFlag, reading: Right) -> Rights {
    let access = match flags & OFlag::O_ACCMODE {
        OFlag::O_WRONLY => Rights::only(Right::Write),
        OFlag::O_RDONLY => Rights::only(reading),
        _ => Rights::only(reading).union(Rights::only(Right::Write)),
    };
    if flags.contains(OFlag::O_TRUNC) {
        access.union(Rights::only(Right::Write))
    } else {
        access
    }
}

/// The directory part of a path as the kernel would walk it, and the last name.
pub(super) fn split(path: &CStr) -> (CString, OsString) {
    let path = Path::new(OsStr::from_bytes(path.to_bytes()));
    let above = path.parent().unwrap_or(path).as_os_str().as_bytes();
    let above = if above.is_empty() { b"." } else { above };
    let name = path.file_name().unwrap_or_default().to_owned();
    // A part of a string without a NUL byte has none.
    (CString::new(above).unwrap_or_default(), name)
}

#[cfg(test)]
mod tests {
    use super::{Right, Rights, rights_for, split};
    use nix::fcntl::OFlag;

    #[test]
    fn the_directory_of_a_name() {
        for (path, directory, name) in [
            (c"file", c".", "file"),
            (c"a/b", c"a", "b"),
            (c"/a", c"/", "a"),
            (c"/", c"/", ""),
            (c"a/b/", c"a", "b"),
            (c"../x", c"..", "x"),
        ] {
            let (above, last) = split(path);
            assert_eq!(above.as_c_str(), directory, "{path:?}");
            assert_eq!(last, name, "{path:?}");
        }
    }

    #[test]
    fn what_opening_needs() {
        let (read, write) = (Rights::only(Right::Read), Rights::only(Right::Write));
        let list = Rights::only(Right::List);
        assert_eq!(rights_for(OFlag::O_RDONLY, Right::Read), read);
        assert_eq!(rights_for(OFlag::O_RDONLY, Right::List), list);
        assert_eq!(rights_for(OFlag::O_WRONLY, Right::Read), write);
        assert_eq!(rights_for(OFlag::O_RDWR, Right::Read), read.union(write));
        // 3 asks for both, and gives neither.
        assert_eq!(rights_for(OFlag::O_ACCMODE, Right::Read), read.union(write));
        let cut = OFlag::O_RDONLY | OFlag::O_TRUNC;
        assert_eq!(rights_for(cut, Right::Read), read.union(write));
    }
}
