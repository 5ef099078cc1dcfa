//! What a view has of its own, whatever the plan: private directories, devices, processes.
//!
//! None of it comes from the host, and all of it ends with the namespaces.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::sys::stat::Mode;
use nix::sys::uio::{pread, pwrite};

use super::build::Materials;
use super::error::{ViewError, ViewStep};
use crate::sandbox::home;
use crate::sandbox::limits::NO_LIMIT;
use crate::sys::metadata::{LastLink, Resolution, c_path, pin};
use crate::sys::mount::{self, Attributes};

/// The private directory of commands: their home, their temporary files, shared memory.
pub(in crate::sandbox) const SCRATCH: &str = "/run/lobsterpot";

/// Where a part of it is found besides, and the part.
pub(in crate::sandbox) const PRIVATE: [(&str, &str); 3] =
    [("/tmp", "tmp"), ("/var/tmp", "tmp"), ("/dev/shm", "shm")];

/// Directories of every view.
pub(super) const DIRECTORIES: [&str; 7] = [
    SCRATCH, "/tmp", "/var/tmp", "/proc", "/dev/pts", "/dev/shm", "/sys",
];

/// Links of every view. None of them leads out.
pub(super) const LINKS: [(&str, &str); 5] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/dev/ptmx", "pts/ptmx"),
];

/// The file systems of a view's own that its Landlock ruleset has to name.
#[derive(Debug)]
pub(super) struct Scratch {
    /// The whole directory.
    pub whole: OwnedFd,
    /// Its parts that are mounted elsewhere, too.
    pub parts: Vec<OwnedFd>,
}

/// Makes the private directory, in memory, no larger than the policy allows, and attaches it.
pub(super) fn make_scratch(
    materials: &Materials<'_>,
    root: BorrowedFd<'_>,
) -> Result<Scratch, ViewError> {
    let fault = || ViewError::at(ViewStep::Scratch);
    let size = CString::new(materials.scratch_bytes.max(4096).to_string())
        .map_err(|error| fault()(error.into()))?;
    let options = [(c"size", Some(size.as_c_str())), (c"mode", Some(c"0700"))];
    let attributes = Attributes::NOSUID.and(Attributes::NODEV);
    let whole = mount::new_filesystem(c"tmpfs", &options, attributes).map_err(fault())?;
    attach_at(whole.as_fd(), root, Path::new(SCRATCH)).map_err(fault())?;
    for (name, mode) in [("home", 0o700), ("tmp", 0o1777), ("shm", 0o1777)] {
        make_directory(whole.as_fd(), name, mode).map_err(fault())?;
    }
    home::furnish(
        materials.home_files,
        &Path::new("/proc/self/fd")
            .join(descriptor(&whole))
            .join("home"),
    );
    let mut parts = Vec::new();
    for (place, part) in PRIVATE {
        let part = open_in(whole.as_fd(), Path::new(part)).map_err(fault())?;
        let tree = mount::clone_tree(part.as_fd()).map_err(fault())?;
        attach_at(tree.as_fd(), root, Path::new(place)).map_err(fault())?;
        parts.push(part);
    }
    Ok(Scratch { whole, parts })
}

fn descriptor(of: &OwnedFd) -> String {
    use std::os::fd::AsRawFd as _;
    of.as_raw_fd().to_string()
}

/// With the mode asked for, whatever the broker's umask is.
fn make_directory(place: BorrowedFd<'_>, name: &str, mode: u32) -> io::Result<()> {
    let mode = Mode::from_bits_truncate(mode);
    nix::sys::stat::mkdirat(place, name, mode)?;
    nix::sys::stat::fchmodat(
        place,
        name,
        mode,
        nix::sys::stat::FchmodatFlags::FollowSymlink,
    )?;
    Ok(())
}

/// Opens a place of the view, by no link: what is mounted there must not be led elsewhere
/// by what an earlier command left in a grant.
pub(super) fn open_in(root: BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
    let relative = path.strip_prefix("/").unwrap_or(path);
    pin(
        root,
        &c_path(relative)?,
        Resolution::BeneathWithoutLinks,
        LastLink::Keep,
    )
}

/// Attaches a mount at a path of the view.
pub(super) fn attach_at(tree: BorrowedFd<'_>, root: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    mount::attach(tree, open_in(root, path)?.as_fd())
}

/// Terminals of the sandbox alone: those of the user are not in it.
pub(super) fn make_terminals(root: BorrowedFd<'_>) -> Result<OwnedFd, ViewError> {
    let fault = || ViewError::at(ViewStep::Devices);
    let options = [(c"ptmxmode", Some(c"0666")), (c"mode", Some(c"0600"))];
    let attributes = Attributes::NOSUID.and(Attributes::NOEXEC);
    let terminals = mount::new_filesystem(c"devpts", &options, attributes).map_err(fault())?;
    attach_at(terminals.as_fd(), root, Path::new("/dev/pts")).map_err(fault())?;
    Ok(terminals)
}

/// Entries of proc that tell about the machine more than tools need, name files of the host,
/// or act on it. The rest of what is not about processes is read-only.
const MASKED: [&str; 11] = [
    "kcore",
    "keys",
    "kmsg",
    "kallsyms",
    "key-users",
    "latency_stats",
    "sched_debug",
    "swaps",
    "sysrq-trigger",
    "timer_list",
    "vmallocinfo",
];

/// Bounds the number of processes in the pid namespace of the calling process, which is its
/// first one (Linux 6.14).
///
/// The setting is reached through a proc that is never attached anywhere. On an older kernel it
/// is the host's own, and uid 0 could write it: so it must still hold what a namespace is made
/// with, which plans see to as well by the kernel's release.
pub(super) fn limit_processes(highest: u64) -> Result<(), ViewError> {
    let fault = || ViewError::at(ViewStep::ProcessLimit);
    let attributes = Attributes::NOSUID.and(Attributes::NODEV);
    let processes = mount::new_filesystem(c"proc", &[], attributes)
        .map_err(ViewError::at(ViewStep::Processes))?;
    let flags = nix::fcntl::OFlag::O_RDWR | nix::fcntl::OFlag::O_CLOEXEC;
    let setting = nix::fcntl::openat(&processes, "sys/kernel/pid_max", flags, Mode::empty())
        .map_err(|errno| fault()(errno.into()))?;
    let holds = |wanted: &str| {
        let mut now = [0; 32];
        let count = pread(&setting, &mut now, 0).map_err(|errno| fault()(errno.into()))?;
        if now[..count].trim_ascii() == wanted.as_bytes() {
            Ok(())
        } else {
            Err(fault()(nix::errno::Errno::EOPNOTSUPP.into()))
        }
    };
    holds(&NO_LIMIT.to_string())?;
    let text = highest.to_string();
    pwrite(&setting, text.as_bytes(), 0).map_err(|errno| fault()(errno.into()))?;
    holds(&text)
}

/// A proc with the processes of the sandbox in it, and no others: the launcher, which could
/// tell where it was started, is hidden (`hidepid`).
///
/// To be called by the first process of the pid namespace, before the host's root is gone:
/// the kernel lets proc be mounted only where one can be seen already.
pub(super) fn make_processes(
    root: BorrowedFd<'_>,
    mask: BorrowedFd<'_>,
) -> Result<OwnedFd, ViewError> {
    let fault = || ViewError::at(ViewStep::Processes);
    let attributes = Attributes::NOSUID
        .and(Attributes::NODEV)
        .and(Attributes::NOEXEC)
        .and(Attributes::READ_ONLY);
    // Not `invisible`, which lets group 0 see everything.
    let options = [(c"hidepid", Some(c"ptraceable"))];
    let processes = mount::new_filesystem(c"proc", &options, attributes).map_err(fault())?;
    attach_at(processes.as_fd(), root, Path::new("/proc")).map_err(fault())?;
    for name in MASKED {
        let Ok(entry) = open_in(processes.as_fd(), Path::new(name)) else {
            continue;
        };
        let tree = mount::clone_tree(mask).map_err(fault())?;
        mount::attach(tree.as_fd(), entry.as_fd()).map_err(fault())?;
    }
    Ok(processes)
}
