//! Where a pinned object lies: beneath a writable root, or not.

use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use nix::sys::statvfs::FsFlags;

use super::RootRule;
use super::call::Target;
use crate::sys::metadata::{
    self, AT_FDCWD, Identity, LastLink, Resolution, magic_link_text, path_of, pin, pin_magic_link,
};

/// The object that a call named, held so that it cannot become another.
#[derive(Debug)]
pub(super) struct Pinned {
    handle: OwnedFd,
    identity: Identity,
    path: PathBuf,
}

impl Pinned {
    /// Pins the object as the caller would have reached it.
    ///
    /// # Errors
    /// As the lookup's.
    pub(super) fn by(pid: i32, target: &Target) -> io::Result<Self> {
        if let Target::Path {
            directory,
            path,
            last,
        } = target
            && let Some(pinned) = Self::by_letters((pid, *directory), path, *last)
        {
            return Ok(pinned);
        }
        let handle = match target {
            Target::Descriptor(number) => pin_descriptor(pid, *number)?,
            Target::Path {
                directory,
                path,
                last,
            } => pin_path((pid, *directory), path, *last)?,
            Target::Confined {
                directory,
                path,
                last,
                resolve,
            } => {
                let start = pin_descriptor(pid, *directory)?;
                pin(start.as_fd(), path, Resolution::Confined(*resolve), *last)?
            }
        };
        let identity = Identity::of(handle.as_fd())?;
        let path = path_of(handle.as_fd())?;
        Ok(Self {
            handle,
            identity,
            path,
        })
    }

    /// The same where the path leads through no link and never up: then its letters are the
    /// kernel's name for the object, and two handles fewer are opened. None in any other case.
    fn by_letters((pid, directory): (i32, i32), path: &CStr, last: LastLink) -> Option<Self> {
        let own = below_own(path, pid);
        let path = own.as_deref().unwrap_or(path);
        let written = Path::new(OsStr::from_bytes(path.to_bytes()));
        let leads_up = |part: Component<'_>| part == Component::ParentDir;
        // A slash at the end, or a dot behind it, demands a directory and follows a link, which
        // the letters alone would not say.
        let end = path.to_bytes();
        let demands_directory = end.ends_with(b"/") || end.ends_with(b"/.");
        if demands_directory || written.components().any(leads_up) {
            return None;
        }
        let whole: PathBuf = if written.is_absolute() {
            written.components().collect()
        } else {
            let start = start_of(pid, directory)?;
            start.join(written).components().collect()
        };
        let letters = metadata::c_path(&whole).ok()?;
        let handle = pin(
            nix::fcntl::AT_FDCWD,
            &letters,
            Resolution::WithoutLinks,
            last,
        )
        .ok()?;
        Some(Self {
            identity: Identity::of(handle.as_fd()).ok()?,
            handle,
            path: whole,
        })
    }

    pub(super) fn handle(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    /// Whether it is a file, a directory or a link: a device, a pipe or a socket can be
    /// written to without changing anything on the host.
    pub(super) fn is_on_disk(&self) -> bool {
        let identity = &self.identity;
        (identity.is_regular() || identity.is_directory() || identity.is_link())
            && !self.has_no_name()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn identity(&self) -> Identity {
        self.identity
    }

    pub(super) fn is_directory(&self) -> bool {
        self.identity.is_directory()
    }

    pub(super) fn is_regular(&self) -> bool {
        self.identity.is_regular()
    }

    pub(super) fn is_on_read_only_mount(&self) -> bool {
        let mount = nix::sys::statvfs::fstatvfs(&self.handle);
        mount.is_ok_and(|mount| mount.flags().contains(FsFlags::ST_RDONLY))
    }

    pub(super) fn is_link(&self) -> bool {
        self.identity.is_link()
    }

    /// Pipes, sockets, memory files, and files that were never linked or no longer are:
    /// no name on the host leads to them, so only their holders can see a change.
    ///
    /// The kernel says so in the name that it gives such an object. A count of no links is
    /// not enough: there are file systems that do not count.
    pub(super) fn has_no_name(&self) -> bool {
        let name = self.path.as_os_str().as_encoded_bytes();
        let is_unlinked = self.identity.links == 0 && name.ends_with(b" (deleted)");
        is_unlinked || NAMELESS.iter().any(|beginning| name.starts_with(beginning))
    }
}

/// What the kernel calls objects that lie on no file system of the host.
const NAMELESS: [&[u8]; 3] = [b"pipe:[", b"socket:[", b"anon_inode:"];

/// A root beneath which the supervisor makes changes.
#[derive(Debug)]
pub(super) struct WritableRoot {
    handle: OwnedFd,
    rule: RootRule,
}

impl WritableRoot {
    pub(super) fn new(handle: OwnedFd, rule: RootRule) -> Self {
        Self { handle, rule }
    }

    pub(super) fn handle(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    /// Whether the kernel's name for the object lies here. That is only where to look.
    pub(super) fn holds(&self, pinned: &Pinned) -> bool {
        path_of(self.handle()).is_ok_and(|root| pinned.path.starts_with(root))
    }

    /// A handle of the object, found beneath this root's own handle and through no link;
    /// none where that walk does not arrive at the very object that was pinned, or where
    /// the object may not be changed.
    pub(super) fn find(&self, pinned: &Pinned) -> Option<OwnedFd> {
        let RootRule::Writable(protected) = &self.rule else {
            return None;
        };
        let root = path_of(self.handle()).ok()?;
        let relative = pinned.path.strip_prefix(&root).ok()?;
        if protected.matches(relative) {
            return None;
        }
        let path = metadata::c_path(relative).ok()?;
        let found = pin(
            self.handle(),
            &path,
            Resolution::BeneathWithoutLinks,
            LastLink::Keep,
        )
        .ok()?;
        let identity = Identity::of(found.as_fd()).ok()?;
        identity.is_same_object(&pinned.identity).then_some(found)
    }
}

fn pin_path((pid, directory): (i32, i32), path: &CStr, last: LastLink) -> io::Result<OwnedFd> {
    if let Some(number) = descriptor_in(path, pid)
        && last == LastLink::Follow
    {
        return pin_descriptor(pid, number);
    }
    let here = nix::fcntl::AT_FDCWD;
    if let Some(path) = below_own(path, pid) {
        return pin(here, &path, Resolution::ThroughMagicLinks, last);
    }
    if path.to_bytes().starts_with(b"/") {
        // Where it starts does not matter, and to look would cost the most.
        return pin(here, path, Resolution::Ordinary, last);
    }
    let start = pin_descriptor(pid, directory)?;
    pin(start.as_fd(), path, Resolution::Ordinary, last)
}

/// What proc calls `self` is whoever asks, and must not be us: `/proc/self/root/etc` is where
/// the caller's root leads.
fn below_own(path: &CStr, pid: i32) -> Option<CString> {
    // First of all, because every path that is looked at comes by here.
    let below_proc = path.to_bytes().strip_prefix(b"/proc/")?;
    let own = format!("{pid}/");
    let names: [&[u8]; 3] = [b"self/", b"thread-self/", own.as_bytes()];
    let rest = names
        .iter()
        .find_map(|name| below_proc.strip_prefix(*name))?;
    CString::new([b"/proc/", own.as_bytes(), rest].concat()).ok()
}

fn pin_descriptor(pid: i32, number: i32) -> io::Result<OwnedFd> {
    pin_magic_link(&descriptor_link(pid, number)).map_err(|error| {
        // No such link: no such descriptor.
        if error.kind() == io::ErrorKind::NotFound && number != AT_FDCWD {
            nix::errno::Errno::EBADF.into()
        } else {
            error
        }
    })
}

/// What proc has for a descriptor of another process, or for its working directory.
fn descriptor_link(pid: i32, number: i32) -> String {
    if number == AT_FDCWD {
        format!("/proc/{pid}/cwd")
    } else {
        format!("/proc/{pid}/fd/{number}")
    }
}

/// `fchmodat` in C libraries and many programs name a descriptor by its path in proc. Our
/// own lookup would find our own descriptors there, so the name is understood, not looked up.
pub(super) fn descriptor_in(path: &CStr, pid: i32) -> Option<i32> {
    let path = path.to_str().ok()?;
    let own = format!("/proc/{pid}/fd/");
    ["/proc/self/fd/", "/proc/thread-self/fd/", "/dev/fd/", &own]
        .iter()
        .find_map(|prefix| path.strip_prefix(prefix)?.parse().ok())
}

/// Where a descriptor of another process leads.
pub(super) fn descriptor_path(pid: i32, number: i32) -> Option<PathBuf> {
    magic_link_text(&descriptor_link(pid, number)).ok()
}

/// Where a relative path of another process begins; none where that is no place in the tree.
pub(super) fn start_of(pid: i32, directory: i32) -> Option<PathBuf> {
    descriptor_path(pid, directory).filter(|path| path.is_absolute())
}

/// The kernel's name for an object is read once, and the tree goes on moving. What these do
/// between two system calls, an attacker does by trying often enough.
#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "a test makes a world and changes it"
)]
mod tests {
    use super::{Pinned, RootRule, WritableRoot};
    use crate::policy::PatternSet;
    use crate::sandbox::supervise::call::Target;
    use crate::sys::metadata::{AT_FDCWD, LastLink, pin_host_path};
    use std::ffi::CString;
    use std::fs;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};

    struct World {
        directory: tempfile::TempDir,
    }

    impl World {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            for name in ["root", "root/d", "outside"] {
                fs::create_dir(directory.path().join(name)).unwrap();
            }
            fs::write(directory.path().join("root/d/file"), "").unwrap();
            Self { directory }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.directory.path().join(name)
        }

        fn root(&self) -> WritableRoot {
            let handle = pin_host_path(&self.path("root")).unwrap();
            WritableRoot::new(handle, RootRule::Writable(PatternSet::default()))
        }

        fn pin(&self, name: &str) -> Pinned {
            let path = self.path(name);
            let target = Target::Path {
                directory: AT_FDCWD,
                path: CString::new(path.as_os_str().as_bytes()).unwrap(),
                last: LastLink::Follow,
            };
            Pinned::by(std::process::id().cast_signed(), &target).unwrap()
        }

        fn swap(&self, from: &str, to: &str) {
            fs::rename(self.path(from), self.path(to)).unwrap();
        }
    }

    fn found(root: &WritableRoot, pinned: &Pinned) -> bool {
        root.find(pinned).is_some()
    }

    #[test]
    fn what_stays_where_it_was_is_found() {
        let world = World::new();
        assert!(found(&world.root(), &world.pin("root/d/file")));
    }

    #[test]
    fn another_file_of_the_same_name_is_not_what_was_named() {
        let world = World::new();
        let (root, pinned) = (world.root(), world.pin("root/d/file"));
        world.swap("root/d/file", "outside/file");
        assert!(!found(&root, &pinned));
        fs::write(world.path("root/d/file"), "another").unwrap();
        assert!(!found(&root, &pinned));
    }

    #[test]
    fn no_link_leads_to_what_was_moved_away() {
        let world = World::new();
        let (root, pinned) = (world.root(), world.pin("root/d/file"));
        world.swap("root/d", "outside/d");
        symlink(world.path("outside/d"), world.path("root/d")).unwrap();
        // The very object, by the very name, and it lies outside.
        let through = fs::metadata(world.path("root/d/file")).unwrap();
        assert!(through.is_file() && Path::exists(&world.path("outside/d/file")));
        assert!(!found(&root, &pinned));
    }

    #[test]
    fn what_is_called_a_directory_must_be_one_and_is_found_behind_a_link() {
        let world = World::new();
        symlink(world.path("outside"), world.path("root/link")).unwrap();
        let pin = |name: &str| {
            let target = Target::Path {
                directory: AT_FDCWD,
                path: CString::new(world.path(name).as_os_str().as_bytes()).unwrap(),
                last: LastLink::Keep,
            };
            Pinned::by(std::process::id().cast_signed(), &target)
        };
        assert!(pin("root/link").unwrap().is_link(), "the control");
        for end in ["/", "/.", "//.", "/./"] {
            let error = pin(&format!("root/d/file{end}")).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::NotADirectory, "{end}");
            let behind = pin(&format!("root/link{end}")).unwrap();
            assert!(behind.is_directory(), "{end}");
            assert!(behind.path().ends_with("outside"), "{end}");
        }
    }

    #[test]
    fn the_last_name_is_not_followed_either() {
        let world = World::new();
        let (root, pinned) = (world.root(), world.pin("root/d/file"));
        world.swap("root/d/file", "outside/file");
        symlink(world.path("outside/file"), world.path("root/d/file")).unwrap();
        assert!(!found(&root, &pinned));
    }
}
