//! Files outside, read by every way to open them, and brought in by every way to carry them.

use super::super::row::{Group, Place, Row, Target, Witness};
use crate::model::WeakerGuarantee::OutsideMetadata;
use crate::model::{Right, Rights};
use crate::sys::attack::{Attack, carrying, reading, ring};

const fn row(name: &'static str, tries: &'static str, attack: Attack) -> Row {
    Row {
        group: Group::Read,
        name,
        tries,
        attack,
        target: Target::File,
        witness: Witness::Secret,
        place: Place::Outside,
        unless: None,
    }
}

/// In the workspace too, without the right to read.
const fn both(name: &'static str, tries: &'static str, attack: Attack) -> Row {
    let mut row = row(name, tries, attack);
    row.place = Place::Both(Rights::only(Right::Read));
    row
}

pub(super) const ROWS: &[Row] = &[
    both("openat", "openat(O_RDONLY)", reading::openat),
    both("openat-rdwr", "openat(O_RDWR)", reading::openat_for_both),
    both("openat2", "openat2", reading::openat2),
    both(
        "openat2-in-root",
        "openat2(RESOLVE_IN_ROOT) from a handle of /",
        reading::openat2_in_root,
    ),
    both(
        "openat2-beneath",
        "openat2(RESOLVE_BENEATH) from an O_PATH handle of the directory",
        reading::openat2_beneath,
    ),
    both(
        "directory-handle",
        "openat from an O_PATH handle of the directory",
        reading::directory_handle,
    ),
    both(
        "root-handle",
        "openat from an O_PATH handle of /",
        reading::root_handle,
    ),
    both(
        "self-fd",
        "open of /proc/self/fd/N of an O_PATH handle",
        reading::own_link,
    ),
    both(
        "thread-self-fd",
        "open of /proc/thread-self/fd/N of an O_PATH handle",
        reading::thread_link,
    ),
    both(
        "dev-fd",
        "open of /dev/fd/N of an O_PATH handle",
        reading::dev_link,
    ),
    both(
        "self-fd-handle",
        "openat of N from a handle of /proc/self/fd",
        reading::link_directory,
    ),
    both(
        "symlink",
        "open of an own symbolic link to the file",
        reading::symlink,
    ),
    both(
        "symlink-directory",
        "open through an own symbolic link to the directory",
        reading::symlink_to_directory,
    ),
    both(
        "symlink-left",
        "open of a symbolic link that was in the workspace before",
        reading::symlink_left,
    ),
    row(
        "dots",
        "open of ../outside/… from the working directory",
        reading::dots,
    ),
    row(
        "dots-handle",
        "openat of ../outside/… from a handle of the working directory",
        reading::dots_from_handle,
    ),
    both(
        "chdir",
        "chdir to the directory, open of the name",
        reading::working_directory,
    ),
    both(
        "fchdir",
        "fchdir to an O_PATH handle, open of the name",
        reading::working_handle,
    ),
    both(
        "self-root",
        "open below /proc/self/root",
        reading::self_root,
    ),
    row(
        "self-cwd",
        "open below /proc/self/cwd/..",
        reading::self_cwd,
    ),
    row(
        "parent-root",
        "open below /proc/PID/root of the parent process",
        reading::parent_root,
    ),
    row(
        "broker-root",
        "open below /proc/PID/root of the broker",
        reading::broker_root,
    )
    .about(Target::Broker),
    row("first-root", "open below /proc/1/root", reading::first_root),
    row(
        "broker-fd",
        "open of /proc/PID/fd/N of the broker",
        reading::broker_descriptor,
    )
    .about(Target::BrokerDescriptor),
    both("mmap", "mmap(MAP_PRIVATE)", reading::mapping),
    both("sendfile", "sendfile to a pipe", reading::sendfile),
    row(
        "inherited",
        "read of every inherited descriptor",
        reading::inherited,
    )
    .about(Target::Inherited),
    row(
        "link",
        "linkat into the workspace, open there",
        carrying::hard_link,
    ),
    row(
        "link-self-fd",
        "linkat of /proc/self/fd/N into the workspace",
        carrying::hard_link_of_link,
    ),
    row(
        "link-handle",
        "linkat(AT_EMPTY_PATH) of a handle into the workspace",
        carrying::hard_link_of_handle,
    ),
    row(
        "rename",
        "renameat2 into the workspace, open there",
        carrying::renaming_in,
    ),
    row(
        "exchange",
        "renameat2(RENAME_EXCHANGE) with a file of the workspace",
        carrying::exchanging,
    ),
    row(
        "exchange-directory",
        "renameat2(RENAME_EXCHANGE) of the directory",
        carrying::exchanging_directories,
    ),
    row(
        "file-handle",
        "name_to_handle_at, open_by_handle_at",
        carrying::file_handle,
    ),
    row(
        "open-tree",
        "openat from open_tree of the directory",
        carrying::open_tree,
    ),
    row(
        "open-tree-clone",
        "openat from open_tree(OPEN_TREE_CLONE)",
        carrying::cloned_tree,
    ),
    row(
        "open-tree-attr",
        "openat from open_tree_attr(OPEN_TREE_CLONE)",
        carrying::cloned_tree_with_attributes,
    ),
    row(
        "bind-mount",
        "unshare(NEWNS), bind mount into the workspace",
        carrying::bind_mount,
    ),
    row(
        "bind-mount-userns",
        "unshare(NEWUSER|NEWNS), bind mount into the workspace",
        carrying::bind_mount_as_user,
    ),
    row(
        "move-mount",
        "unshare(NEWUSER|NEWNS), open_tree, move_mount",
        carrying::moved_mount,
    ),
    row(
        "overlay",
        "unshare(NEWUSER|NEWNS), overlay of the directory",
        carrying::overlay,
    ),
    row("chroot", "chroot to the directory", carrying::new_root),
    row(
        "chroot-userns",
        "unshare(NEWUSER), chroot to the directory",
        carrying::new_root_as_user,
    ),
    row(
        "chroot-escape",
        "chroot below, chdir(..) until the real root",
        carrying::out_of_a_root,
    ),
    row(
        "setns",
        "setns to the mount namespace of the broker",
        carrying::broker_namespace,
    )
    .about(Target::Broker),
    row(
        "setns-pidfd",
        "setns to the broker's pidfd",
        carrying::broker_namespace_by_pidfd,
    )
    .about(Target::Broker),
    both("io-uring", "io_uring: IORING_OP_OPENAT", ring::openat),
    row(
        "getxattr",
        "getxattr of an attribute that holds a secret",
        reading::attribute,
    )
    .unless(OutsideMetadata),
    row(
        "readlink",
        "readlinkat of a symbolic link outside",
        reading::link_target,
    )
    .unless(OutsideMetadata),
    row(
        "readlink-handle",
        "readlinkat of an O_PATH handle of a symbolic link",
        reading::link_target_of_handle,
    )
    .unless(OutsideMetadata),
];
