//! Finding out whether a path exists: the answers for one that does and one that does not must
//! be the same. Each attack is made on both.

use std::ffi::CStr;

use super::call::{call, structure};
use super::files::{handle, open, open_from, open2};
use super::{Outcome, Prey, done, number, text};

const HERE: i32 = libc::AT_FDCWD;
const KEEP: i32 = libc::AT_SYMLINK_NOFOLLOW;
const PLACE: i32 = libc::O_PATH | libc::O_DIRECTORY;

fn stat(directory: i64, path: &CStr, flags: i32) -> Outcome {
    let mut found = [0u8; 256];
    done(call!(
        libc::SYS_newfstatat,
        directory,
        path,
        &mut found[..],
        flags
    ))
}

/// newfstatat(2)
pub(crate) fn fstatat(prey: &Prey) -> Outcome {
    stat(HERE.into(), &prey.file, 0)
}

/// newfstatat(2), of a link itself
pub(crate) fn fstatat_keep(prey: &Prey) -> Outcome {
    stat(HERE.into(), &prey.file, KEEP)
}

/// newfstatat(2), from a handle of the directory
pub(crate) fn fstatat_handle(prey: &Prey) -> Outcome {
    stat(open(&prey.directory, PLACE)?, &prey.name(), 0)
}

/// newfstatat(2), by `..`
pub(crate) fn dots(prey: &Prey) -> Outcome {
    stat(HERE.into(), &prey.dots, 0)
}

/// newfstatat(2), through `/proc/self/root`
pub(crate) fn self_root(prey: &Prey) -> Outcome {
    let path = format!("/proc/self/root{}", prey.file.to_string_lossy());
    stat(HERE.into(), &text(&path), 0)
}

/// newfstatat(2), through the root directory of the broker
pub(crate) fn broker_root(prey: &Prey) -> Outcome {
    let path = format!("/proc/{}/root{}", prey.number, prey.file.to_string_lossy());
    stat(HERE.into(), &text(&path), 0)
}

/// newfstatat(2), through a symbolic link of the workspace
pub(crate) fn symlink(prey: &Prey) -> Outcome {
    let link = prey.own(&format!("to-{}", prey.name().to_string_lossy()));
    call!(libc::SYS_symlinkat, &prey.file, HERE, &link)?;
    stat(HERE.into(), &link, 0)
}

/// statx(2)
pub(crate) fn statx(prey: &Prey) -> Outcome {
    let mut found = [0u8; 256];
    done(call!(
        libc::SYS_statx,
        HERE,
        &prey.file,
        0,
        0x7ff,
        &mut found[..]
    ))
}

/// statfs(2)
pub(crate) fn statfs(prey: &Prey) -> Outcome {
    let mut found = [0u8; 256];
    done(call!(libc::SYS_statfs, &prey.file, &mut found[..]))
}

/// faccessat(2)
pub(crate) fn faccessat(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_faccessat, HERE, &prey.file, 0))
}

/// faccessat2(2)
pub(crate) fn faccessat2(prey: &Prey) -> Outcome {
    done(call!(number::FACCESSAT2, HERE, &prey.file, 0, KEEP))
}

/// readlinkat(2)
pub(crate) fn readlinkat(prey: &Prey) -> Outcome {
    let mut target = [0u8; 256];
    done(call!(
        libc::SYS_readlinkat,
        HERE,
        &prey.file,
        &mut target[..],
        256
    ))
}

/// openat(2) of a handle
pub(crate) fn path_handle(prey: &Prey) -> Outcome {
    done(handle(&prey.file))
}

/// openat2(2) of a handle
pub(crate) fn path_handle2(prey: &Prey) -> Outcome {
    done(open2(HERE.into(), &prey.file, libc::O_PATH, 0))
}

/// openat(2), for reading
pub(crate) fn opening(prey: &Prey) -> Outcome {
    done(open(&prey.file, libc::O_RDONLY))
}

/// openat(2) of a directory
pub(crate) fn opening_directory(prey: &Prey) -> Outcome {
    done(open(&prey.file, libc::O_RDONLY | libc::O_DIRECTORY))
}

/// openat(2) of a new file
pub(crate) fn creating(prey: &Prey) -> Outcome {
    done(open(
        &prey.file,
        libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL,
    ))
}

/// openat(2) of a name below, which is no directory
pub(crate) fn name_below(prey: &Prey) -> Outcome {
    let path = format!("{}/below", prey.file.to_string_lossy());
    done(open(&text(&path), libc::O_PATH))
}

/// `..` behind the name
pub(crate) fn dots_behind(prey: &Prey) -> Outcome {
    let path = format!("{}/..", prey.file.to_string_lossy());
    done(open_from(HERE.into(), &text(&path), libc::O_PATH))
}

/// chdir(2)
pub(crate) fn chdir(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_chdir, &prey.file))
}

/// chroot(2)
pub(crate) fn chroot(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_chroot, &prey.file))
}

/// getxattr(2)
pub(crate) fn getxattr(prey: &Prey) -> Outcome {
    let mut value = [0u8; 256];
    done(call!(
        libc::SYS_getxattr,
        &prey.file,
        c"user.none",
        &mut value[..],
        256
    ))
}

/// lgetxattr(2)
pub(crate) fn lgetxattr(prey: &Prey) -> Outcome {
    let mut value = [0u8; 256];
    done(call!(
        libc::SYS_lgetxattr,
        &prey.file,
        c"user.none",
        &mut value[..],
        256
    ))
}

/// getxattrat(2)
pub(crate) fn getxattrat(prey: &Prey) -> Outcome {
    let arguments = structure![0u64, 0u32, 0u32];
    done(call!(
        number::GETXATTRAT,
        HERE,
        &prey.file,
        0,
        c"user.none",
        &arguments,
        16
    ))
}

/// listxattr(2)
pub(crate) fn listxattr(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_listxattr, &prey.file, 0, 0))
}

/// llistxattr(2)
pub(crate) fn llistxattr(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_llistxattr, &prey.file, 0, 0))
}

/// listxattrat(2)
pub(crate) fn listxattrat(prey: &Prey) -> Outcome {
    done(call!(number::LISTXATTRAT, HERE, &prey.file, 0, 0, 0))
}

/// file_getattr(2)
pub(crate) fn file_getattr(prey: &Prey) -> Outcome {
    let mut found = [0u8; 24];
    done(call!(
        number::FILE_GETATTR,
        HERE,
        &prey.file,
        &mut found[..],
        24,
        0
    ))
}

/// name_to_handle_at(2)
pub(crate) fn file_handle(prey: &Prey) -> Outcome {
    let (mut name, mut mount) = ([0u8; 8], [0u8; 4]);
    let (name, mount) = (&mut name[..], &mut mount[..]);
    done(call!(
        libc::SYS_name_to_handle_at,
        HERE,
        &prey.file,
        name,
        mount,
        0
    ))
}

/// inotify_add_watch(2)
pub(crate) fn inotify(prey: &Prey) -> Outcome {
    let events = call!(libc::SYS_inotify_init1, 0)?;
    let wanted = libc::IN_ALL_EVENTS;
    done(call!(
        libc::SYS_inotify_add_watch,
        events,
        &prey.file,
        wanted
    ))
}

/// fanotify_mark(2)
pub(crate) fn fanotify(prey: &Prey) -> Outcome {
    // FAN_REPORT_FID; FAN_MARK_ADD, FAN_OPEN
    let events = call!(libc::SYS_fanotify_init, 0x200, libc::O_RDONLY)?;
    done(call!(
        libc::SYS_fanotify_mark,
        events,
        1,
        0x20,
        HERE,
        &prey.file
    ))
}

/// execve(2)
pub(crate) fn execve(prey: &Prey) -> Outcome {
    let nothing = structure![0u64];
    done(call!(libc::SYS_execve, &prey.file, &nothing, &nothing))
}

/// truncate(2)
pub(crate) fn truncate(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_truncate, &prey.file, 0))
}

/// mkdirat(2)
pub(crate) fn mkdir(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_mkdirat, HERE, &prey.file, 0o700))
}

/// mknodat(2)
pub(crate) fn mknod(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_mknodat,
        HERE,
        &prey.file,
        libc::S_IFIFO | 0o600,
        0
    ))
}

/// symlinkat(2)
pub(crate) fn making_symlink(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_symlinkat, c"nowhere", HERE, &prey.file))
}

/// linkat(2), to the workspace
pub(crate) fn link_from(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_linkat,
        HERE,
        &prey.file,
        HERE,
        &prey.own("spare"),
        0
    ))
}

/// linkat(2), from the workspace
pub(crate) fn link_to(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_linkat,
        HERE,
        &prey.own("own"),
        HERE,
        &prey.file,
        0
    ))
}

/// renameat2(2), to the workspace
pub(crate) fn rename_from(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_renameat2,
        HERE,
        &prey.file,
        HERE,
        &prey.own("spare"),
        0
    ))
}

/// renameat2(2), from the workspace, replacing nothing
pub(crate) fn rename_to(prey: &Prey) -> Outcome {
    let only_new = libc::RENAME_NOREPLACE;
    done(call!(
        libc::SYS_renameat2,
        HERE,
        &prey.own("own"),
        HERE,
        &prey.file,
        only_new
    ))
}

/// unlinkat(2)
pub(crate) fn unlink(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_unlinkat, HERE, &prey.file, 0))
}

/// unlinkat(2), of a directory
pub(crate) fn rmdir(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_unlinkat,
        HERE,
        &prey.file,
        libc::AT_REMOVEDIR
    ))
}

/// fchmodat(2)
pub(crate) fn chmod(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_fchmodat, HERE, &prey.file, 0o600))
}

/// fchownat(2), of nobody new
pub(crate) fn chown(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_fchownat, HERE, &prey.file, -1, -1, 0))
}

/// utimensat(2)
pub(crate) fn utimes(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_utimensat, HERE, &prey.file, 0, 0))
}

/// setxattr(2)
pub(crate) fn setxattr(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_setxattr,
        &prey.file,
        c"user.new",
        c"v",
        1,
        0
    ))
}

/// removexattr(2)
pub(crate) fn removexattr(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_removexattr, &prey.file, c"user.none"))
}

/// mount(2), from there
pub(crate) fn mount(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_mount,
        c"none",
        &prey.file,
        c"no-such-system",
        0,
        0
    ))
}

/// umount2(2)
pub(crate) fn umount(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_umount2, &prey.file, libc::UMOUNT_NOFOLLOW))
}

/// open_tree(2)
pub(crate) fn open_tree(prey: &Prey) -> Outcome {
    done(call!(number::OPEN_TREE, HERE, &prey.file, 0))
}

/// fspick(2)
pub(crate) fn fspick(prey: &Prey) -> Outcome {
    done(call!(number::FSPICK, HERE, &prey.file, 0))
}

/// mount_setattr(2)
pub(crate) fn mount_setattr(prey: &Prey) -> Outcome {
    // MOUNT_ATTR_RDONLY, on what is no mount
    let read_only = structure![1u64, 0u64, 0u64, 0u64];
    done(call!(
        number::MOUNT_SETATTR,
        HERE,
        &prey.file,
        0,
        &read_only,
        32
    ))
}

/// bind(2) of a unix socket
pub(crate) fn bind(prey: &Prey) -> Outcome {
    let socket = call!(libc::SYS_socket, libc::AF_UNIX, libc::SOCK_STREAM, 0)?;
    let address = super::sockets::at(&prey.file);
    let length = i64::try_from(address.len()).unwrap_or(0);
    done(call!(libc::SYS_bind, socket, &address, length))
}

/// connect(2) to a unix socket
pub(crate) fn connect(prey: &Prey) -> Outcome {
    let socket = call!(libc::SYS_socket, libc::AF_UNIX, libc::SOCK_STREAM, 0)?;
    let address = super::sockets::at(&prey.file);
    let length = i64::try_from(address.len()).unwrap_or(0);
    done(call!(libc::SYS_connect, socket, &address, length))
}

/// A program of bpf(2), by its path
pub(crate) fn bpf(prey: &Prey) -> Outcome {
    let path = super::call::address(prey.file.as_bytes_with_nul());
    // BPF_OBJ_GET
    let attributes = structure![path, 0u32, 0u32];
    done(call!(libc::SYS_bpf, 7, &attributes, 16))
}

/// swapon(2), of what is no swap space
pub(crate) fn swapon(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_swapon, &prey.file, 0))
}

/// Whether the process of that number is there, by its directory in proc
pub(crate) fn process(prey: &Prey) -> Outcome {
    stat(HERE.into(), &text(&format!("/proc/{}", prey.number)), 0)
}
