//! Control groups of version 2: where this process is, and groups of its own below that.
//!
//! Everything is done on an open directory, so that it works from any mount namespace, and
//! never reaches a group that was not opened or made here.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, mkdirat};
use nix::sys::statfs::{CGROUP2_SUPER_MAGIC, fstatfs, statfs};
use nix::sys::uio::pread;
use nix::unistd::{UnlinkatFlags, unlinkat};

/// What a group says of itself that is longer is cut off.
const LONGEST: usize = 4096;

/// An open control group.
#[derive(Debug)]
pub struct Group(File);

/// Where this process is in the tree of groups, as it sees that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whereabouts {
    /// Where the tree is mounted.
    pub mount: PathBuf,
    /// The group of this process, at or below that.
    pub own: PathBuf,
}

impl Whereabouts {
    /// Asks the kernel; nothing where no tree of version 2 is mounted with this process in it.
    pub fn see() -> Option<Self> {
        let text = super::host::setting("/proc/self/cgroup")?;
        let own = text.lines().find_map(|line| line.strip_prefix("0::"))?;
        // A group that was removed, or one outside the root of a namespace.
        if own.contains("/..") || own.ends_with(" (deleted)") {
            return None;
        }
        let usual = USUAL.iter().map(PathBuf::from).find(|path| is_tree(path));
        let mount = usual.or_else(|| super::host::mounted_whole("cgroup2"))?;
        let own = match own.trim_start_matches('/') {
            "" => mount.clone(),
            below => mount.join(below),
        };
        Some(Self { mount, own })
    }

    /// Whether this process is in the group at that path: another part of the tree could be
    /// mounted there.
    pub fn is_true(&self) -> bool {
        let Ok(own) = Group::open(&self.own) else {
            return false;
        };
        // In the topmost group are many, and only from a namespace can it be mistaken.
        own.is_whole_tree() && is_in_first_namespace() || own.holds(std::process::id())
    }
}

/// Whether this process sees the groups as the kernel does.
fn is_in_first_namespace() -> bool {
    // `PROC_CGROUP_INIT_INO` of linux/proc_ns.h.
    const FIRST: u64 = 0xEFFF_FFFB;
    nix::sys::stat::stat("/proc/self/ns/cgroup").is_ok_and(|found| found.st_ino == FIRST)
}

/// Where the tree is mounted: alone, or beside those of version 1.
const USUAL: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

fn is_tree(path: &Path) -> bool {
    statfs(path).is_ok_and(|at| at.filesystem_type() == CGROUP2_SUPER_MAGIC)
}

impl Group {
    /// Opens a group.
    ///
    /// # Errors
    /// As open(2); `ENOTSUP` where there is something else.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = DIRECTORY.union(OFlag::O_CLOEXEC);
        let directory = nix::fcntl::open(path, flags, Mode::empty())?;
        if fstatfs(&directory)?.filesystem_type() != CGROUP2_SUPER_MAGIC {
            return Err(Errno::ENOTSUP.into());
        }
        Ok(Self(directory.into()))
    }

    /// Opens a group below this one.
    ///
    /// # Errors
    /// As open(2).
    pub fn open_below(&self, name: &CStr) -> io::Result<Self> {
        let flags = DIRECTORY.union(OFlag::O_CLOEXEC).union(OFlag::O_NOFOLLOW);
        Ok(Self(openat(&self.0, name, flags, Mode::empty())?.into()))
    }

    /// Makes a group below this one, which nobody else can open.
    ///
    /// # Errors
    /// As mkdir(2).
    pub fn make(&self, name: &CStr) -> io::Result<Self> {
        mkdirat(&self.0, name, Mode::S_IRWXU)?;
        self.open_below(name)
    }

    /// The same group, opened once more.
    ///
    /// # Errors
    /// When there are too many descriptors.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self(self.0.try_clone()?))
    }

    /// Writes a setting.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn set(&self, setting: &CStr, value: &str) -> io::Result<()> {
        let flags = OFlag::O_WRONLY.union(OFlag::O_CLOEXEC);
        let file = openat(&self.0, setting, flags, Mode::empty())?;
        File::from(file).write_all(value.as_bytes())
    }

    /// Opens a file of the group, to be read again and again.
    ///
    /// # Errors
    /// As open(2).
    pub fn file(&self, name: &CStr) -> io::Result<OwnedFd> {
        let flags = OFlag::O_RDONLY.union(OFlag::O_CLOEXEC);
        Ok(openat(&self.0, name, flags, Mode::empty())?)
    }

    /// The words in a file of the group; none where it cannot be read.
    pub fn words(&self, name: &CStr) -> Vec<String> {
        let file = self.file(name);
        let text = file.and_then(|file| read_again(file.as_fd()));
        let text = text.unwrap_or_default();
        text.split_ascii_whitespace().map(str::to_owned).collect()
    }

    /// Whether it is the root of the whole tree, and not of a namespace.
    pub fn is_whole_tree(&self) -> bool {
        nix::sys::stat::fstatat(
            &self.0,
            c"cgroup.type",
            nix::fcntl::AtFlags::AT_SYMLINK_NOFOLLOW,
        ) == Err(Errno::ENOENT)
    }

    /// Whether a process with this number is in it.
    pub fn holds(&self, pid: u32) -> bool {
        self.processes()
            .is_ok_and(|list| list.contains(&pid.to_string()))
    }

    /// The processes in it, and in no group below it; 0 for those that this one cannot see.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn processes(&self) -> io::Result<Vec<String>> {
        use io::Read as _;
        let mut text = String::new();
        File::from(self.file(c"cgroup.procs")?).read_to_string(&mut text)?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Marks it as used, for as long as this descriptor or a copy of it is open.
    ///
    /// # Errors
    /// When it is marked already.
    pub fn mark_as_used(&self) -> io::Result<()> {
        Ok(self.0.try_lock()?)
    }

    /// Whether it still has this name.
    pub fn is_at(&self, above: &Self, name: &CStr) -> bool {
        let there = above.open_below(name).and_then(|at| at.0.metadata());
        let here = self.0.metadata();
        let inode = |of: &std::fs::Metadata| std::os::unix::fs::MetadataExt::ino(of);
        matches!((there, here), (Ok(there), Ok(here)) if inode(&there) == inode(&here))
    }

    /// The user that it belongs to.
    ///
    /// # Errors
    /// When the kernel cannot tell.
    pub fn owner(&self) -> io::Result<u32> {
        Ok(std::os::unix::fs::MetadataExt::uid(&self.0.metadata()?))
    }

    /// The groups right below it.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub fn below(&self) -> io::Result<Vec<CString>> {
        // A listing has a place of its own in the directory.
        let flags = DIRECTORY.union(OFlag::O_CLOEXEC);
        let mut listing = nix::dir::Dir::openat(&self.0, c".", flags, Mode::empty())?;
        let mut names = Vec::new();
        for entry in listing.iter() {
            let entry = entry?;
            let is_group = entry.file_type() == Some(nix::dir::Type::Directory);
            if is_group && !entry.file_name().to_bytes().starts_with(b".") {
                names.push(entry.file_name().to_owned());
            }
        }
        Ok(names)
    }

    /// Kills every process in it and below it, and whatever they fork meanwhile (Linux 5.14).
    ///
    /// # Errors
    /// When the group is gone.
    pub fn kill(&self) -> io::Result<()> {
        self.set(c"cgroup.kill", "1")
    }

    /// Removes a group below this one with all that is in it: groups, and processes, which are
    /// ended. One that is not there is no error.
    ///
    /// # Errors
    /// The kernel's refusal; `EBUSY` where a process does not end.
    pub fn remove(&self, name: &CStr) -> io::Result<()> {
        match self.remove_empty(name) {
            Err(Errno::EBUSY) => {}
            done => return Ok(done?),
        }
        let group = self.open_below(name)?;
        for inner in group.below()? {
            group.remove(&inner)?;
        }
        let mut pause = Duration::from_micros(50);
        // Processes that were killed need a moment to leave it.
        for _ in 0..TURNS {
            match self.remove_empty(name) {
                Err(Errno::EBUSY) => group.kill()?,
                done => return Ok(done?),
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
        Err(Errno::EBUSY.into())
    }

    fn remove_empty(&self, name: &CStr) -> Result<(), Errno> {
        match unlinkat(&self.0, name, UnlinkatFlags::RemoveDir) {
            Err(Errno::ENOENT) => Ok(()),
            done => done,
        }
    }

    /// Its descriptor.
    pub fn descriptor(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

const DIRECTORY: OFlag = OFlag::O_DIRECTORY;

/// How often it is tried to remove a group: for about two seconds.
const TURNS: u32 = 100;

impl AsFd for Group {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Reads a file of a group from its beginning: the kernel writes it anew each time.
///
/// # Errors
/// The kernel's refusal.
pub fn read_again(file: BorrowedFd<'_>) -> io::Result<String> {
    let mut bytes = [0; LONGEST];
    let count = pread(file, &mut bytes, 0)?;
    Ok(String::from_utf8_lossy(&bytes[..count]).into_owned())
}

/// Whether this process may write a file.
///
/// # Errors
/// Why not: `EROFS`, `EACCES`, `ENOENT`.
pub fn may_write(path: &Path) -> Result<(), Errno> {
    let flags = nix::unistd::AccessFlags::W_OK;
    nix::unistd::faccessat(
        nix::fcntl::AT_FDCWD,
        path,
        flags,
        nix::fcntl::AtFlags::AT_EACCESS,
    )
}

/// Whether the service manager says that a group is for whoever runs in it: an attribute that
/// it sets (`Delegate=`).
pub fn is_marked_as_delegated(path: &Path) -> bool {
    let Ok(path) = super::metadata::c_path(path) else {
        return false;
    };
    [c"trusted.delegate", c"user.delegate"].iter().any(|name| {
        let mut value = [0u8; 8];
        let (into, length) = (value.as_mut_ptr().cast(), value.len());
        // SAFETY: both names are NUL-terminated, and the kernel writes no more than the length.
        let count = unsafe { libc::getxattr(path.as_ptr(), name.as_ptr(), into, length) };
        count == 1 && value[0] == b'1'
    })
}

/// Whether systemd manages this machine, or this container.
pub fn has_service_manager() -> bool {
    nix::unistd::access("/run/systemd/system", nix::unistd::AccessFlags::F_OK).is_ok()
}

/// A namespace of control groups, which no process needs to be in.
#[derive(Debug)]
pub struct Namespace(OwnedFd);

/// Makes a namespace whose root is that group: who is in both sees nothing of what lies around.
/// The group must have no controllers enabled yet, and this process the privilege in its user
/// namespace.
///
/// # Errors
/// The kernel's refusal.
pub fn namespace_of(group: &Group) -> io::Result<Namespace> {
    let mut made = Made {
        namespace: -1,
        errno: 0,
    };
    let mut stack = vec![0u8; STACK];
    let main = (make_namespace as _, (&raw mut made).cast());
    // The root of a namespace is where its maker is, and no process may stay in a group with
    // limits below it: so it is made by one that ends at once.
    let child = unsafe {
        // SAFETY: the stack is the child's alone, and it does what is below. Signals are blocked
        // in a keeper. `made` is not touched until the child has ended.
        super::clone::start_into(group.as_fd(), libc::CLONE_FILES, &mut stack, main)
    };
    super::process::reap(child?.0);
    if made.errno != 0 {
        return Err(io::Error::from_raw_os_error(made.errno));
    }
    // SAFETY: the child opened it in the table that we share; nobody else owns it.
    let namespace = unsafe { std::os::fd::FromRawFd::from_raw_fd(made.namespace) };
    Ok(Namespace(namespace))
}

impl Namespace {
    /// Enters it. This process must have the privilege in its user namespace.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn enter(&self) -> io::Result<()> {
        Ok(nix::sched::setns(
            &self.0,
            nix::sched::CloneFlags::CLONE_NEWCGROUP,
        )?)
    }
}

/// What the maker of a namespace leaves.
struct Made {
    namespace: RawFd,
    errno: i32,
}

/// The maker needs little: it makes two system calls.
const STACK: usize = 32 << 10;

extern "C" fn make_namespace(argument: *mut libc::c_void) -> libc::c_int {
    // SAFETY: `enclose_in` passed a pointer to a live `Made` and is suspended.
    let made = unsafe { &mut *argument.cast::<Made>() };
    // SAFETY: plain numbers.
    let mut result = unsafe { libc::unshare(libc::CLONE_NEWCGROUP) };
    if result == 0 {
        let (path, flags) = (c"/proc/self/ns/cgroup", libc::O_RDONLY | libc::O_CLOEXEC);
        // SAFETY: the path is NUL-terminated.
        result = unsafe { libc::open(path.as_ptr(), flags) };
    }
    made.namespace = result;
    if result == -1 {
        made.errno = Errno::last_raw();
    }
    // SAFETY: _exit runs no handlers, which would run in the launcher's memory.
    unsafe { libc::_exit(0) }
}

/// Brings this process, with all its threads, into a group.
///
/// # Errors
/// The kernel's refusal.
pub fn move_into(group: &Group) -> io::Result<()> {
    group.set(c"cgroup.procs", "0")
}
