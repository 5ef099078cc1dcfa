//! Directories outside, listed by every way.

use super::super::row::{Group, Place, Row, Target, Witness};
use crate::model::{Right, Rights};
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

/// In the workspace too, without the right to list.
const fn both(name: &'static str, tries: &'static str, attack: Attack) -> Row {
    let mut row = row(name, tries, attack);
    row.place = Place::Both(Rights::only(Right::List));
    row
}

pub(super) const ROWS: &[Row] = &[
    both("getdents64", "getdents64", listing::directory),
    both(
        "self-fd",
        "getdents64 of /proc/self/fd/N of an O_PATH handle",
        listing::own_link,
    ),
    both(
        "dot-handle",
        "getdents64 of . from an O_PATH handle",
        listing::dot_of_handle,
    ),
    both(
        "dots-handle",
        "getdents64 of .. from a handle of a directory in it",
        listing::parent_of_handle,
    ),
    both(
        "chdir",
        "chdir to the directory, getdents64 of .",
        listing::working_directory,
    ),
    both(
        "symlink",
        "getdents64 of an own symbolic link to it",
        listing::symlink,
    ),
    both(
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
