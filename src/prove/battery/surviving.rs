//! Processes that outlive their command.

use super::super::row::{Group, Place, Row, Target, Witness};
use crate::sys::attack::{Attack, surviving};

const fn row(name: &'static str, tries: &'static str, attack: Attack) -> Row {
    Row {
        group: Group::Survival,
        name,
        tries,
        attack,
        target: Target::Nothing,
        witness: Witness::Survivor,
        place: Place::Outside,
        unless: None,
    }
}

pub(super) const ROWS: &[Row] = &[
    row("child", "a child that is left behind", surviving::child),
    row(
        "double-fork",
        "a grandchild whose parent has ended",
        surviving::double_fork,
    ),
    row("setsid", "a session of its own", surviving::session),
    row(
        "daemon",
        "a daemon: setsid, fork, setsid",
        surviving::daemon,
    ),
    row(
        "subreaper",
        "a reaper of its own for its orphans",
        surviving::reaper,
    ),
    row(
        "undumpable",
        "a process that is closed to inspection",
        surviving::undumpable,
    ),
    row("stopped", "a process that is stopped", surviving::stopped),
    row("sibling", "clone(CLONE_PARENT)", surviving::sibling),
    row(
        "headless",
        "a process whose first thread has ended",
        surviving::headless,
    ),
    row(
        "running-away",
        "a process that is replaced by its child all the time",
        surviving::running_away,
    ),
];
