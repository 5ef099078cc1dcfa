//! What a policy hides and protects inside the workspace. Each row is made on every exception.

use super::super::row::{Group, Place, Row, Target, Witness};
use crate::model::WeakerGuarantee::CommandExceptions;
use crate::sys::attack::{Attack, carrying, contents, metadata, names, reading};

const fn hidden(name: &'static str, tries: &'static str, attack: Attack) -> Row {
    Row {
        group: Group::Exceptions,
        name,
        tries,
        attack,
        target: Target::File,
        witness: Witness::Secret,
        place: Place::Inside,
        unless: Some(CommandExceptions),
    }
}

const fn protected(name: &'static str, tries: &'static str, attack: Attack) -> Row {
    hidden(name, tries, attack).seen_by(Witness::Inodes)
}

/// What must not be read.
pub(in super::super) const HIDDEN: &[Row] = &[
    hidden("read", "openat", reading::openat),
    hidden(
        "read-handle",
        "openat from an O_PATH handle of the directory",
        reading::directory_handle,
    ),
    hidden(
        "read-self-fd",
        "open of /proc/self/fd/N of an O_PATH handle",
        reading::own_link,
    ),
    hidden(
        "read-symlink",
        "open of an own symbolic link",
        reading::symlink,
    ),
    hidden(
        "read-dots",
        "open by .. from the working directory",
        reading::dots,
    ),
    hidden(
        "read-link",
        "linkat to another name, open",
        carrying::hard_link,
    ),
    hidden(
        "read-rename",
        "renameat2 to another name, open",
        carrying::renaming_in,
    ),
];

/// What must not be changed.
pub(in super::super) const PROTECTED: &[Row] = &[
    protected("write", "write", contents::writing),
    protected(
        "write-self-fd",
        "open(O_WRONLY) of /proc/self/fd/N of an O_PATH handle",
        contents::reopening,
    ),
    protected(
        "write-link",
        "linkat to another name, write",
        contents::hard_link,
    ),
    protected("truncate", "truncate", contents::truncate),
    protected("fchmodat", "fchmodat", metadata::fchmodat),
    protected("utimensat", "utimensat", metadata::utimensat),
    protected("setxattr", "setxattr", metadata::setxattr),
    protected(
        "rename-over",
        "renameat2 of another file over it",
        names::replacing,
    ),
    protected("rename", "renameat2 to another name", names::moving_in),
    protected("unlink", "unlinkat", names::unlinkat),
];
