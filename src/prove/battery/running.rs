//! Programs outside, run by every way to start one.

use super::super::row::{Group, Place, Row, Target, Witness};
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

pub(super) const ROWS: &[Row] = &[
    row("execve", "execve of a program outside", running::execve),
    row(
        "execveat",
        "execveat from an O_PATH handle of the directory",
        running::execveat,
    ),
    row(
        "execveat-handle",
        "execveat(AT_EMPTY_PATH) of an O_PATH handle",
        running::execveat_of_handle,
    ),
    row(
        "self-fd",
        "execve of /proc/self/fd/N of an O_PATH handle",
        running::own_link,
    ),
    row(
        "symlink",
        "execve of an own symbolic link",
        running::symlink,
    ),
    row(
        "interpreter",
        "execve of a script of the workspace that names it behind #!",
        running::interpreter,
    ),
    row("shell", "/bin/sh with the script outside", running::shell),
    row(
        "loader",
        "the dynamic loader with the program outside",
        running::loader,
    )
    .about(Target::Teller),
];
