//! Commands whose first operand is a program's file, and the others are for the program.

use super::super::row::{Operands, Order, Row};
use crate::model::Right;

/// The first operand is a program's file, the others are for the program.
const RUNS: Row = Row {
    order: Order::First,
    operands: Operands::These(&[Right::Read]),
    ..Row::NONE
};

pub(super) const ROWS: &[Row] = &[
    Row {
        names: "python python2 python3",
        text: "-W -X -Q",
        instead: "-c -m",
        ..RUNS
    },
    Row {
        names: "node nodejs",
        text: "-C --conditions --input-type --env-file -r --require --import --loader",
        instead: "-e --eval -p --print --test --run",
        ..RUNS
    },
    Row {
        names: "perl",
        attached: "-i -I -m -M -l -0 -F -x -C -D -d",
        instead: "-e -E -n -p",
        ..RUNS
    },
    Row {
        names: "ruby",
        attached: "-i -l -0 -F -x -T -W -K",
        text: "-I -r -E -C",
        instead: "-e -n -p",
        ..RUNS
    },
    Row {
        names: "php",
        text: "-c -d -z",
        instead: "-r -B -R -E -S",
        instead_reads: "-f -F",
        ..RUNS
    },
    Row {
        names: "cargo",
        text: "-p --package --bin --test --example --bench -j --jobs --profile -F --features \
               --target --color --config -Z",
        reads: "--manifest-path",
        writes: "--target-dir",
        ..Row::NONE
    },
    Row {
        names: "make gmake",
        text: "-I -j -l -o -W --jobs",
        reads: "-f --file --makefile -C --directory",
        ..Row::NONE
    },
];
