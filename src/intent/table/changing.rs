//! Commands that make, change or remove the files they are given.

use super::super::row::{Operands, Row};
use crate::model::Right;

/// Each operand is a file to write, which may exist.
const WRITES: Row = Row {
    operands: Operands::Each(Right::Write),
    ..Row::NONE
};

/// Each operand is something to remove.
const DELETES: Row = Row {
    operands: Operands::Each(Right::Delete),
    ..Row::NONE
};

/// Each operand is something to make.
const CREATES: Row = Row {
    operands: Operands::Each(Right::Create),
    ..Row::NONE
};

pub(super) const ROWS: &[Row] = &[
    Row {
        names: "touch",
        text: "-t -d --date --time",
        reads: "-r --reference",
        ..WRITES
    },
    Row {
        names: "tee sponge",
        attached: "--output-error",
        ..WRITES
    },
    Row {
        names: "truncate",
        text: "-s --size",
        reads: "-r --reference",
        ..WRITES
    },
    Row {
        names: "shred",
        text: "-n --iterations -s --size --random-source",
        attached: "--remove",
        ..WRITES
    },
    Row {
        names: "mkdir",
        text: "-m --mode",
        attached: "-Z --context",
        ..CREATES
    },
    Row {
        names: "mkfifo",
        text: "-m --mode",
        attached: "-Z --context",
        ..CREATES
    },
    Row {
        names: "mknod",
        text: "-m --mode",
        attached: "-Z --context",
        operands: Operands::These(&[Right::Create]),
        ..Row::NONE
    },
    Row {
        names: "mktemp",
        text: "--suffix",
        writes: "-p --tmpdir",
        ..CREATES
    },
    Row {
        names: "rm rmdir unlink",
        attached: "--interactive",
        ..DELETES
    },
    Row {
        names: "chown chgrp",
        text: "--from",
        instead_reads: "--reference",
        operands: Operands::AfterFirst(Right::Write),
        ..Row::NONE
    },
    Row {
        names: "setfattr",
        text: "-n --name -v --value -x --remove",
        ..WRITES
    },
    Row {
        names: "chattr",
        text: "-p -v",
        operands: Operands::AfterFirst(Right::Write),
        ..Row::NONE
    },
    Row {
        names: "gzip bzip2 xz zstd",
        text: "-S -T -M --threads --memlimit",
        turns: &[("-c --stdout -t --test -l --list", Right::Read)],
        ..WRITES
    },
    Row {
        names: "zip",
        text: "-b -n -P -t -tt -i -x",
        operands: Operands::WriteThenRead,
        ..Row::NONE
    },
    Row {
        names: "unzip",
        text: "-P -x",
        writes: "-d",
        operands: Operands::These(&[Right::Read]),
        ..Row::NONE
    },
    Row {
        names: "patch",
        text: "-p --strip -B -F -g -V -Y -z -D --fuzz --prefix --suffix",
        reads: "-i --input -d --directory",
        writes: "-o --output -r --reject-file",
        operands: Operands::These(&[Right::Write, Right::Read]),
        ..Row::NONE
    },
];
