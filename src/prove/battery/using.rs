//! What has to work: a sandbox that refuses everything would hold every other row.

use super::super::row::{Group, Place, Row, Target, Witness};
use crate::model::{Right, Rights};
use crate::sys::attack::{Attack, using};

const fn row(name: &'static str, tries: &'static str, attack: Attack) -> Row {
    Row {
        group: Group::Use,
        name,
        tries,
        attack,
        target: Target::Nothing,
        witness: Witness::Secret,
        place: Place::Use(Rights::NONE),
        unless: None,
    }
}

const fn file(name: &'static str, tries: &'static str, attack: Attack, right: Right) -> Row {
    let mut row = row(name, tries, attack).about(Target::File);
    row.place = Place::Use(Rights::only(right));
    row
}

const fn program(name: &'static str, tries: &'static str, attack: Attack) -> Row {
    let mut row = row(name, tries, attack).about(Target::File);
    // The shell reads what the kernel executes.
    row.place = Place::Use(Rights::only(Right::Execute).union(Rights::only(Right::Read)));
    row
}

pub(super) const ROWS: &[Row] = &[
    file(
        "read",
        "openat of a file of the workspace",
        using::reading,
        Right::Read,
    ),
    file(
        "list",
        "getdents64 of a directory of the workspace",
        using::listing,
        Right::List,
    ),
    program(
        "run",
        "execve of a program of the workspace",
        using::running,
    ),
    row("system-program", "execve of /bin/sh", using::system_program),
    row("child", "a child process and a pipe", using::child),
    row("signal", "kill of a child process", using::signal),
    row("thread", "a thread", using::thread),
    row("socketpair", "a pair of sockets", using::sockets),
    row(
        "scratch",
        "a file in the directory for temporary files",
        using::scratch,
    )
    .about(Target::Scratch),
];
