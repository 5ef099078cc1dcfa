//! The names in directories: made, removed, moved, linked.

use super::super::row::{Group, Place, Row, Target, Witness};
use crate::model::{Right, Rights};
use crate::sys::attack::{Attack, names, ring};

const CREATE: Rights = Rights::only(Right::Create);
const DELETE: Rights = Rights::only(Right::Delete);
const FILL: Rights = CREATE.union(Rights::only(Right::Write));
const MOVE: Rights = CREATE.union(DELETE);

const fn row(name: &'static str, tries: &'static str, attack: Attack, place: Place) -> Row {
    Row {
        group: Group::Change,
        name,
        tries,
        attack,
        target: Target::File,
        witness: Witness::Inodes,
        place,
        unless: None,
    }
}

const fn outside(name: &'static str, tries: &'static str, attack: Attack) -> Row {
    row(name, tries, attack, Place::Outside)
}

pub(super) const ROWS: &[Row] = &[
    row(
        "o-creat",
        "openat(O_CREAT)",
        names::creating,
        Place::Everyday(CREATE, FILL),
    ),
    row(
        "o-creat-handle",
        "openat(O_CREAT) from an O_PATH handle of the directory",
        names::creating_from_handle,
        Place::Both(CREATE),
    ),
    row(
        "o-creat-openat2",
        "openat2(O_CREAT)",
        names::creating_by_openat2,
        Place::Both(CREATE),
    ),
    row(
        "o-tmpfile",
        "openat(O_TMPFILE), linkat",
        names::unnamed_file,
        Place::Both(CREATE),
    ),
    outside(
        "o-tmpfile-inside",
        "openat(O_TMPFILE) in the workspace, linkat outside",
        names::unnamed_file_of_the_workspace,
    ),
    row(
        "mkdirat",
        "mkdirat",
        names::mkdirat,
        Place::Everyday(CREATE, CREATE),
    ),
    row(
        "mkdirat-handle",
        "mkdirat from an O_PATH handle of the directory",
        names::mkdirat_from_handle,
        Place::Both(CREATE),
    ),
    row(
        "mkfifo",
        "mknodat(S_IFIFO)",
        names::mkfifo,
        Place::Everyday(CREATE, CREATE),
    ),
    row(
        "mknodat-file",
        "mknodat(S_IFREG)",
        names::mknod_file,
        Place::Both(CREATE),
    ),
    row(
        "mknodat-socket",
        "mknodat(S_IFSOCK)",
        names::mknod_socket,
        Place::Both(CREATE),
    ),
    outside("mknodat-device", "mknodat(S_IFCHR)", names::mknod_device),
    row(
        "mknodat-whiteout",
        "mknodat of a whiteout",
        names::mknod_whiteout,
        Place::Both(CREATE),
    ),
    row(
        "symlinkat",
        "symlinkat",
        names::symlinkat,
        Place::Everyday(CREATE, CREATE),
    ),
    row(
        "linkat",
        "linkat",
        names::linkat,
        Place::Everyday(CREATE, CREATE),
    ),
    row(
        "linkat-self-fd",
        "linkat of /proc/self/fd/N of an O_PATH handle",
        names::linkat_of_link,
        Place::Both(CREATE),
    ),
    outside(
        "linkat-out",
        "linkat of a file of the workspace",
        names::linking_out,
    ),
    row(
        "unlinkat",
        "unlinkat",
        names::unlinkat,
        Place::Everyday(DELETE, DELETE),
    ),
    row(
        "unlinkat-handle",
        "unlinkat from an O_PATH handle of the directory",
        names::unlinkat_from_handle,
        Place::Both(DELETE),
    ),
    row(
        "rmdir",
        "unlinkat(AT_REMOVEDIR)",
        names::unlinkat_directory,
        Place::Everyday(DELETE, DELETE),
    ),
    row(
        "rename",
        "renameat2",
        names::renameat2,
        Place::Everyday(MOVE, MOVE),
    ),
    row(
        "rename-directory",
        "renameat2 of a directory",
        names::renaming_directory,
        Place::Everyday(MOVE, MOVE),
    ),
    row(
        "rename-whiteout",
        "renameat2(RENAME_WHITEOUT)",
        names::renaming_with_whiteout,
        Place::Both(MOVE),
    ),
    row(
        "rename-itself",
        "renameat2 of the directory itself",
        names::moving_the_directory,
        Place::Both(MOVE),
    ),
    outside(
        "rename-over",
        "renameat2 of a file of the workspace over it",
        names::replacing,
    ),
    outside(
        "rename-out",
        "renameat2 of a file of the workspace beside it",
        names::moving_out,
    ),
    outside(
        "rename-out-directory",
        "renameat2 of a directory of the workspace beside it",
        names::moving_directory_out,
    ),
    outside(
        "rename-in",
        "renameat2 into the workspace",
        names::moving_in,
    ),
    outside(
        "exchange",
        "renameat2(RENAME_EXCHANGE) with a file of the workspace",
        names::exchanging,
    ),
    row(
        "bind",
        "bind of a unix socket",
        names::socket_file,
        Place::Both(CREATE),
    ),
    row(
        "io-uring-unlink",
        "io_uring: IORING_OP_UNLINKAT",
        ring::unlinking,
        Place::Both(DELETE),
    ),
];
