//! Commands that list directories or describe files.

use super::super::row::{Operands, Row};
use crate::model::Right;

/// Each operand is a directory to list, or a file to describe.
const LISTS: Row = Row {
    operands: Operands::Each(Right::List),
    ..Row::NONE
};

pub(super) const ROWS: &[Row] = &[
    Row {
        names: "ls dir vdir",
        text: "-I -w -T --block-size --hide --ignore --width --tabsize --sort --time \
               --time-style --format --quoting-style --indicator-style",
        attached: "--color --hyperlink --classify",
        ..LISTS
    },
    Row {
        names: "tree",
        text: "-L -P -I --charset --filelimit --timefmt --sort",
        writes: "-o",
        ..LISTS
    },
    Row {
        names: "exa eza lsd",
        text: "-L --level -I --ignore-glob -s --sort -t --time --time-style --icon --depth",
        ..LISTS
    },
    Row {
        names: "du",
        text: "-d --max-depth -B --block-size -t --threshold --exclude --time-style",
        reads: "-X --exclude-from --files0-from",
        attached: "--time",
        ..LISTS
    },
    Row {
        names: "stat",
        text: "-c --format --printf --cached",
        ..LISTS
    },
    Row {
        names: "readlink realpath",
        text: "--relative-to --relative-base",
        ..LISTS
    },
    Row {
        names: "lsattr getfacl getfattr namei",
        text: "-n -m -e -d --name",
        ..LISTS
    },
    // What they print is text; a glob in it makes the shell list a directory.
    Row {
        names: "echo printf",
        operands: Operands::Globs,
        ..Row::NONE
    },
];
