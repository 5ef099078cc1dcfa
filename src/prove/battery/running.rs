//! Programs outside, run by every way to start one.

use super::super::row::{Group, Place, Row, Target, Witness};
use crate::model::{Right, Rights};
use crate::sys::attack::{Attack, running};

const fn row(name: &'static str, tries: &'static str, attack: Attack) -> Row {
    Row {
        group: Group::Run,
        name,
        tries,
        attack,
        target: Target::File,
        witness: Witness::Secret,
        place: Place::Outside,
        unless: None,
    }
}

/// In the workspace too, without the right to execute.
const fn both(name: &'static str, tries: &'static str, attack: Attack) -> Row {
    let mut row = row(name, tries, attack);
    row.place = Place::Both(Rights::only(Right::Execute));
    row
}

pub(super) const ROWS: &[Row] = &[
    both("execve", "execve", running::execve),
    both(
        "execveat",
        "execveat from an O_PATH handle of the directory",
        running::execveat,
    ),
    both(
        "execveat-handle",
        "execveat(AT_EMPTY_PATH) of an O_PATH handle",
        running::execveat_of_handle,
    ),
    both(
        "self-fd",
        "execve of /proc/self/fd/N of an O_PATH handle",
        running::own_link,
    ),
    both(
        "symlink",
        "execve of an own symbolic link",
        running::symlink,
    ),
    row(
        "interpreter",
        "execve of a script of the workspace that names it behind #!",
        running::interpreter,
    ),
    row("shell", "/bin/sh with the script", running::shell),
    row(
        "loader",
        "the dynamic loader with the program",
        running::loader,
    )
    .about(Target::Teller),
];
