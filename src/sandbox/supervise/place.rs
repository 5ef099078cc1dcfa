//! Where a pinned object lies: beneath a writable root, or not.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::sys::statvfs::FsFlags;

use super::RootRule;
use super::call::Target;
use crate::sys::metadata::{
    self, AT_FDCWD, Identity, LastLink, Resolution, path_of, pin, pin_magic_link,
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
        let handle = match target {
            Target::Descriptor(number) => pin_descriptor(pid, *number)?,
            Target::Path {
                directory,
                path,
                resolution: Resolution::Asked(asked),
                last,
            } => {
                let start = pin_descriptor(pid, *directory)?;
                pin(start.as_fd(), path, Resolution::Asked(*asked), *last)?
            }
            Target::Path {
                directory,
                path,
                last,
                ..
            } => match descriptor_in(path, pid) {
                Some(number) if *last == LastLink::Follow => pin_descriptor(pid, number)?,
                _ if path.to_bytes().starts_with(b"/") => {
                    // Where it starts does not matter, and to look would cost the most.
                    pin(nix::fcntl::AT_FDCWD, path, Resolution::Ordinary, *last)?
                }
                _ => {
                    let start = pin_descriptor(pid, *directory)?;
                    pin(start.as_fd(), path, Resolution::Ordinary, *last)?
                }
            },
        };
        let identity = Identity::of(handle.as_fd())?;
        let path = path_of(handle.as_fd())?;
        Ok(Self {
            handle,
            identity,
            path,
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

fn pin_descriptor(pid: i32, number: i32) -> io::Result<OwnedFd> {
    if number == AT_FDCWD {
        return pin_magic_link(&format!("/proc/{pid}/cwd"));
    }
    pin_magic_link(&format!("/proc/{pid}/fd/{number}")).map_err(|error| {
        // No such link: no such descriptor.
        if error.kind() == io::ErrorKind::NotFound {
            bad_descriptor()
        } else {
            error
        }
    })
}

fn bad_descriptor() -> io::Error {
    nix::errno::Errno::EBADF.into()
}

/// `fchmodat` in C libraries and many programs name a descriptor by its path in proc. Our
/// own lookup would find our own descriptors there, so the name is understood, not looked up.
fn descriptor_in(path: &CStr, pid: i32) -> Option<i32> {
    let path = path.to_str().ok()?;
    let own = format!("/proc/{pid}/fd/");
    ["/proc/self/fd/", "/proc/thread-self/fd/", "/dev/fd/", &own]
        .iter()
        .find_map(|prefix| path.strip_prefix(prefix)?.parse().ok())
}

/// Where a descriptor of another process leads.
pub(super) fn descriptor_path(pid: i32, number: i32) -> Option<String> {
    let handle = pin_descriptor(pid, number).ok()?;
    Some(path_of(handle.as_fd()).ok()?.to_string_lossy().into_owned())
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
    use crate::sys::metadata::{AT_FDCWD, LastLink, Resolution, pin_host_path};
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
                resolution: Resolution::Ordinary,
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
    fn the_last_name_is_not_followed_either() {
        let world = World::new();
        let (root, pinned) = (world.root(), world.pin("root/d/file"));
        world.swap("root/d/file", "outside/file");
        symlink(world.path("outside/file"), world.path("root/d/file")).unwrap();
        assert!(!found(&root, &pinned));
    }
}
