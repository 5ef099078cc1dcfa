//! Commands whose first operand is a pattern or a script, and the others are files.

use super::super::row::{Operands, Row};
use crate::model::Right;

/// The first operand is a pattern or a script, the others are files to read.
const SEARCHES: Row = Row {
    operands: Operands::AfterFirst(Right::Read),
    ..Row::NONE
};

pub(super) const ROWS: &[Row] = &[
    Row {
        names: "grep egrep fgrep zgrep",
        text: "-A -B -C -m -D -d --after-context --before-context --context --max-count \
               --include --exclude --exclude-dir --label --binary-files --devices \
               --directories --group-separator",
        attached: "--color --colour",
        reads: "--exclude-from",
        instead: "-e --regexp",
        instead_reads: "-f --file",
        ..SEARCHES
    },
    Row {
        names: "rg",
        text: "-A -B -C -E -g -j -M -m -r -t -T -d --after-context --before-context \
               --context --encoding --glob --iglob --threads --max-columns --max-count \
               --max-depth --max-filesize --replace --type --type-not --type-add \
               --type-clear --sort --sortr --color --colors --engine --pre --pre-glob \
               --path-separator --dfa-size-limit --regex-size-limit --context-separator \
               --field-match-separator",
        reads: "--ignore-file",
        instead: "-e --regexp",
        alone: "--files --type-list",
        instead_reads: "-f --file",
        ..SEARCHES
    },
    Row {
        names: "ag ack",
        text: "-A -B -C -m -G -p --ignore --ignore-dir --depth --pager --type",
        ..SEARCHES
    },
    Row {
        names: "fd fdfind",
        text: "-d --max-depth --min-depth --exact-depth -e --extension -E --exclude -t \
               --type -S --size -c --color -j --threads -o --owner --changed-within \
               --changed-before --max-results --path-separator --batch-size -x --exec -X \
               --exec-batch",
        reads: "--ignore-file",
        operands: Operands::AfterFirst(Right::List),
        ..Row::NONE
    },
    Row {
        names: "sed",
        text: "-l --line-length",
        attached: "-i --in-place",
        instead: "-e --expression",
        instead_reads: "-f --file",
        turns: &[("-i --in-place", Right::Write)],
        ..SEARCHES
    },
    Row {
        names: "awk gawk mawk nawk",
        text: "-F -v -b --field-separator --assign -M -m -W -l -i",
        instead: "-e --source",
        instead_reads: "-f --file -E --exec",
        operands: Operands::AfterScript(Right::Read),
        ..Row::NONE
    },
    Row {
        names: "jq",
        text: "--indent",
        pairs: "--arg --argjson --slurpfile --rawfile",
        reads: "-L",
        instead_reads: "-f --from-file",
        ..SEARCHES
    },
];
