//! Mode, owner, times, attributes and flags, which Landlock does not restrict.

use super::super::row::{Group, Place, Row, Target, Witness};
use crate::model::{Right, Rights};
use crate::sys::attack::{Attack, metadata};

const WRITE: Rights = Rights::only(Right::Write);

const fn both(name: &'static str, tries: &'static str, attack: Attack) -> Row {
    Row {
        group: Group::Change,
        name,
        tries,
        attack,
        target: Target::File,
        witness: Witness::Inodes,
        place: Place::Both(WRITE),
        unless: None,
    }
}

const fn everyday(name: &'static str, tries: &'static str, attack: Attack) -> Row {
    let mut row = both(name, tries, attack);
    row.place = Place::Everyday(WRITE, WRITE.union(Rights::only(Right::Read)));
    row
}

pub(super) const ROWS: &[Row] = &[
    everyday(
        "fchmod",
        "fchmod of a descriptor open for reading",
        metadata::fchmod,
    ),
    everyday("fchmodat", "fchmodat", metadata::fchmodat),
    both(
        "fchmodat-handle",
        "fchmodat from an O_PATH handle of the directory",
        metadata::fchmodat_from_handle,
    ),
    both(
        "fchmodat-self-fd",
        "fchmodat of /proc/self/fd/N of an O_PATH handle",
        metadata::fchmodat_link,
    ),
    both("fchmodat-dots", "fchmodat of ../…", metadata::fchmodat_dots),
    both("fchmodat2", "fchmodat2", metadata::fchmodat2),
    both(
        "fchmodat2-handle",
        "fchmodat2(AT_EMPTY_PATH) of an O_PATH handle",
        metadata::fchmodat2_of_handle,
    ),
    both(
        "fchmodat2-nofollow",
        "fchmodat2(AT_SYMLINK_NOFOLLOW)",
        metadata::fchmodat2_keep,
    ),
    everyday(
        "fchmodat-directory",
        "fchmodat of the directory",
        metadata::fchmodat_directory,
    ),
    both(
        "fchown",
        "fchown of a descriptor open for reading",
        metadata::fchown,
    ),
    everyday("fchownat", "fchownat", metadata::fchownat),
    both(
        "fchownat-handle",
        "fchownat(AT_EMPTY_PATH) of an O_PATH handle",
        metadata::fchownat_of_handle,
    ),
    both(
        "fchownat-nofollow",
        "fchownat(AT_SYMLINK_NOFOLLOW) of a symbolic link",
        metadata::fchownat_keep,
    ),
    everyday("utimensat", "utimensat", metadata::utimensat),
    everyday(
        "utimensat-now",
        "utimensat without times",
        metadata::utimensat_now,
    ),
    both(
        "utimensat-handle",
        "utimensat from an O_PATH handle of the directory",
        metadata::utimensat_from_handle,
    ),
    everyday(
        "futimens",
        "utimensat without a path, of a descriptor open for reading",
        metadata::futimens,
    ),
    both(
        "utimensat-empty",
        "utimensat(AT_EMPTY_PATH) of an O_PATH handle",
        metadata::utimensat_of_handle,
    ),
    both(
        "utimensat-nofollow",
        "utimensat(AT_SYMLINK_NOFOLLOW) of a symbolic link",
        metadata::utimensat_keep,
    ),
    everyday("setxattr", "setxattr", metadata::setxattr),
    both(
        "setxattr-self-fd",
        "setxattr of /proc/self/fd/N of an O_PATH handle",
        metadata::setxattr_link,
    ),
    both("lsetxattr", "lsetxattr", metadata::lsetxattr),
    both(
        "fsetxattr",
        "fsetxattr of a descriptor open for reading",
        metadata::fsetxattr,
    ),
    both("setxattrat", "setxattrat", metadata::setxattrat),
    both(
        "setxattrat-empty",
        "setxattrat(AT_EMPTY_PATH) of a descriptor open for reading",
        metadata::setxattrat_of_descriptor,
    ),
    both("removexattr", "removexattr", metadata::removexattr),
    both("lremovexattr", "lremovexattr", metadata::lremovexattr),
    both(
        "fremovexattr",
        "fremovexattr of a descriptor open for reading",
        metadata::fremovexattr,
    ),
    both("removexattrat", "removexattrat", metadata::removexattrat),
    both(
        "acl",
        "setxattr of an access control list",
        metadata::access_list,
    ),
    both(
        "setflags",
        "ioctl(FS_IOC_SETFLAGS) of a descriptor open for reading",
        metadata::flags,
    ),
    both(
        "setflags-high",
        "the same with bits in the upper half of the request",
        metadata::flags_high,
    ),
    both(
        "fssetxattr",
        "ioctl(FS_IOC_FSSETXATTR)",
        metadata::extended_flags,
    ),
    both("setversion", "ioctl(FS_IOC_SETVERSION)", metadata::version),
    both("file-setattr", "file_setattr", metadata::file_setattr),
];
