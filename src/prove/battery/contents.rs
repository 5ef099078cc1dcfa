//! What files hold, changed by every way to write.

use super::super::row::{Group, Place, Row, Target, Witness};
use crate::model::{Right, Rights};
use crate::sys::attack::{Attack, contents, ring};

const WRITE: Rights = Rights::only(Right::Write);
const READ_WRITE: Rights = WRITE.union(Rights::only(Right::Read));

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

const fn both(name: &'static str, tries: &'static str, attack: Attack) -> Row {
    row(name, tries, attack, Place::Both(WRITE))
}

const fn everyday(name: &'static str, tries: &'static str, attack: Attack) -> Row {
    row(name, tries, attack, Place::Everyday(WRITE, READ_WRITE))
}

pub(super) const ROWS: &[Row] = &[
    everyday("write", "write", contents::writing),
    everyday("append", "write(O_APPEND)", contents::appending),
    both("openat2", "openat2, write", contents::openat2),
    both(
        "directory-handle",
        "openat from an O_PATH handle of the directory, write",
        contents::directory_handle,
    ),
    everyday("pwrite", "pwrite64", contents::pwrite),
    both("pwritev2", "pwritev2", contents::pwritev2),
    everyday("o-trunc", "openat(O_WRONLY|O_TRUNC)", contents::emptying),
    both(
        "o-trunc-reader",
        "openat(O_RDONLY|O_TRUNC)",
        contents::emptying_reader,
    ),
    both(
        "o-trunc-odd",
        "openat(O_ACCMODE|O_TRUNC)",
        contents::emptying_odd,
    ),
    everyday("truncate", "truncate", contents::truncate),
    both(
        "truncate-self-fd",
        "truncate of /proc/self/fd/N of an O_PATH handle",
        contents::truncate_link,
    ),
    everyday("ftruncate", "ftruncate", contents::ftruncate),
    everyday("fallocate", "fallocate", contents::fallocate),
    both(
        "punch-hole",
        "fallocate(FALLOC_FL_PUNCH_HOLE)",
        contents::punching,
    ),
    everyday(
        "mmap-shared",
        "mmap(MAP_SHARED), written to",
        contents::shared_mapping,
    ),
    everyday(
        "copy-file-range",
        "copy_file_range",
        contents::copy_file_range,
    ),
    everyday("sendfile", "sendfile", contents::sendfile),
    everyday("splice", "splice", contents::splice),
    both("ficlone", "ioctl(FICLONE)", contents::cloning),
    both(
        "self-fd",
        "open(O_WRONLY) of /proc/self/fd/N of an O_PATH handle",
        contents::reopening,
    ),
    both(
        "self-fd-reader",
        "open(O_WRONLY) of /proc/self/fd/N of a descriptor open for reading",
        contents::reopening_reader,
    ),
    outside(
        "symlink",
        "open(O_WRONLY) of an own symbolic link",
        contents::symlink,
    ),
    outside(
        "symlink-left",
        "open(O_WRONLY) of a symbolic link that was there before",
        contents::symlink_left,
    ),
    outside(
        "hard-link",
        "linkat into the workspace, write there",
        contents::hard_link,
    ),
    outside(
        "broker-root",
        "open(O_WRONLY) below /proc/PID/root of the broker",
        contents::broker_root,
    )
    .about(Target::Broker),
    both(
        "io-uring-trunc",
        "io_uring: IORING_OP_OPENAT(O_TRUNC)",
        ring::emptying,
    ),
    outside(
        "named-pipe",
        "write into a named pipe that is read outside",
        contents::named_pipe,
    )
    .about(Target::NamedPipe)
    .seen_by(Witness::Heard),
    outside(
        "terminal",
        "write to a terminal outside",
        contents::terminal,
    )
    .about(Target::Terminal)
    .seen_by(Witness::Heard),
    outside(
        "inherited",
        "write to every inherited descriptor",
        contents::inherited,
    )
    .about(Target::Inherited),
];
