//! Directories outside, listed by every way.

use super::super::row::{Group, Place, Row, Target, Witness};
use crate::sys::attack::{Attack, listing};

const fn row(name: &'static str, tries: &'static str, attack: Attack) -> Row {
    Row {
        group: Group::List,
        name,
        tries,
        attack,
        target: Target::File,
        witness: Witness::Secret,
        place: Place::Outside,
        unless: None,
    }
}

pub(super) const ROWS: &[Row] = &[
    row(
        "getdents64",
        "getdents64 of a directory outside",
        listing::directory,
    ),
    row(
        "self-fd",
        "getdents64 of /proc/self/fd/N of an O_PATH handle",
        listing::own_link,
    ),
    row(
        "dot-handle",
        "getdents64 of . from an O_PATH handle",
        listing::dot_of_handle,
    ),
    row(
        "dots-handle",
        "getdents64 of .. from a handle of a directory in it",
        listing::parent_of_handle,
    ),
    row(
        "chdir",
        "chdir to the directory, getdents64 of .",
        listing::working_directory,
    ),
    row(
        "symlink",
        "getdents64 of an own symbolic link to it",
        listing::symlink,
    ),
    row(
        "self-root",
        "getdents64 below /proc/self/root",
        listing::self_root,
    ),
    row(
        "broker-root",
        "getdents64 below /proc/PID/root of the broker",
        listing::broker_root,
    )
    .about(Target::Broker),
    row("open-tree", "getdents64 from open_tree", listing::open_tree),
    row(
        "around",
        "getdents64 of the directory around the workspace",
        listing::around_the_workspace,
    )
    .about(Target::Around),
    row("dots", "getdents64 of ..", listing::dots).about(Target::Around),
    row(
        "self-cwd",
        "getdents64 of /proc/self/cwd/..",
        listing::self_cwd,
    )
    .about(Target::Around),
    row(
        "inotify",
        "inotify: names of files that others work on",
        listing::watching,
    )
    .about(Target::Busy),
];
