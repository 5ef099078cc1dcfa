//! Paths outside that exist or do not: the answers must be the same.
//!
//! Flat mode cannot keep this, and says so (`outside-metadata`).

use super::super::row::{Group, Place, Row, Target, Witness};
use crate::model::WeakerGuarantee::OutsideMetadata;
use crate::sys::attack::{Attack, learning};

pub(super) const fn row(name: &'static str, tries: &'static str, attack: Attack) -> Row {
    Row {
        group: Group::Learn,
        name,
        tries,
        attack,
        target: Target::File,
        witness: Witness::Answers,
        place: Place::Outside,
        unless: Some(OutsideMetadata),
    }
}

pub(super) const ROWS: &[Row] = &[
    row("fstatat", "newfstatat", learning::fstatat),
    row(
        "fstatat-nofollow",
        "newfstatat(AT_SYMLINK_NOFOLLOW)",
        learning::fstatat_keep,
    ),
    row(
        "fstatat-handle",
        "newfstatat from an O_PATH handle of the directory",
        learning::fstatat_handle,
    ),
    row("fstatat-dots", "newfstatat of ../outside/…", learning::dots),
    row(
        "fstatat-self-root",
        "newfstatat below /proc/self/root",
        learning::self_root,
    ),
    row(
        "fstatat-broker-root",
        "newfstatat below /proc/PID/root of the broker",
        learning::broker_root,
    )
    .about(Target::Broker),
    row(
        "fstatat-symlink",
        "newfstatat of an own symbolic link",
        learning::symlink,
    ),
    row("statx", "statx", learning::statx),
    row("statfs", "statfs", learning::statfs),
    row("faccessat", "faccessat", learning::faccessat),
    row("faccessat2", "faccessat2", learning::faccessat2),
    row("readlinkat", "readlinkat", learning::readlinkat),
    row("o-path", "openat(O_PATH)", learning::path_handle),
    row("o-path-openat2", "openat2(O_PATH)", learning::path_handle2),
    row("open", "openat(O_RDONLY)", learning::opening),
    row(
        "open-directory",
        "openat(O_DIRECTORY)",
        learning::opening_directory,
    ),
    row("open-new", "openat(O_CREAT|O_EXCL)", learning::creating),
    row(
        "name-below",
        "openat of a name below it",
        learning::name_below,
    ),
    row(
        "dots-behind",
        "openat of .. behind it",
        learning::dots_behind,
    ),
    row("chdir", "chdir", learning::chdir),
    row("chroot", "chroot", learning::chroot),
    row("getxattr", "getxattr", learning::getxattr),
    row("lgetxattr", "lgetxattr", learning::lgetxattr),
    row("getxattrat", "getxattrat", learning::getxattrat),
    row("listxattr", "listxattr", learning::listxattr),
    row("llistxattr", "llistxattr", learning::llistxattr),
    row("listxattrat", "listxattrat", learning::listxattrat),
    row("file-getattr", "file_getattr", learning::file_getattr),
    row("name-to-handle", "name_to_handle_at", learning::file_handle),
    row("inotify", "inotify_add_watch", learning::inotify),
    row("fanotify", "fanotify_mark", learning::fanotify),
    row("execve", "execve", learning::execve),
    row("truncate", "truncate", learning::truncate),
    row("mkdirat", "mkdirat", learning::mkdir),
    row("mknodat", "mknodat", learning::mknod),
    row("symlinkat", "symlinkat", learning::making_symlink),
    row(
        "linkat-from",
        "linkat into the workspace",
        learning::link_from,
    ),
    row("linkat-to", "linkat from the workspace", learning::link_to),
    row(
        "rename-from",
        "renameat2 into the workspace",
        learning::rename_from,
    ),
    row(
        "rename-to",
        "renameat2(RENAME_NOREPLACE) from the workspace",
        learning::rename_to,
    ),
    row("unlinkat", "unlinkat", learning::unlink),
    row("rmdir", "unlinkat(AT_REMOVEDIR)", learning::rmdir),
    row("fchmodat", "fchmodat", learning::chmod),
    row("fchownat", "fchownat", learning::chown),
    row("utimensat", "utimensat", learning::utimes),
    row("setxattr", "setxattr", learning::setxattr),
    row("removexattr", "removexattr", learning::removexattr),
    row("mount", "mount", learning::mount),
    row("umount", "umount2", learning::umount),
    row("open-tree", "open_tree", learning::open_tree),
    row("fspick", "fspick", learning::fspick),
    row("mount-setattr", "mount_setattr", learning::mount_setattr),
    row("bind", "bind of a unix socket", learning::bind),
    row("connect", "connect to a unix socket", learning::connect),
    row("bpf", "bpf(BPF_OBJ_GET)", learning::bpf),
    row("swapon", "swapon", learning::swapon),
];
