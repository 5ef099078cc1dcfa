//! Commands that read the files they are given, and print something made of them.

use super::super::row::{Operands, Row};
use crate::model::Right;

/// Each operand is a file to read.
const READS: Row = Row {
    operands: Operands::Each(Right::Read),
    ..Row::NONE
};

/// Each operand is a file to write, which may exist.
const WRITES: Row = Row {
    operands: Operands::Each(Right::Write),
    ..Row::NONE
};

pub(super) const ROWS: &[Row] = &[
    Row {
        names: "cat rev zcat bzcat xzcat zstdcat",
        ..READS
    },
    Row {
        names: "tac",
        text: "-s --separator",
        ..READS
    },
    Row {
        names: "nl",
        text: "-b -d -f -h -i -l -n -s -v -w",
        ..READS
    },
    Row {
        names: "head tail",
        text: "-n --lines -c --bytes -s --sleep-interval --pid",
        ..READS
    },
    Row {
        names: "less more most",
        text: "-b -D -h -j -k -o -O -p -P -t -T -x -y -z -#",
        ..READS
    },
    Row {
        names: "bat batcat",
        text: "-l --language -r --line-range -H --highlight-line --style --theme --color \
               --paging --tabs --wrap",
        ..READS
    },
    Row {
        names: "wc",
        reads: "--files0-from",
        text: "--total",
        ..READS
    },
    Row {
        names: "md5sum sha1sum sha224sum sha256sum sha384sum sha512sum b2sum cksum sum shasum",
        text: "-a --algorithm -l --length",
        ..READS
    },
    Row {
        names: "diff colordiff sdiff diff3",
        text: "-U -C -I -x -F -W -D --label --exclude --width --tabsize \
               --ignore-matching-lines --show-function-line --horizon-lines",
        reads: "-X --exclude-from --from-file --to-file",
        writes: "-o --output",
        attached: "--unified --context --color",
        ..READS
    },
    Row {
        names: "cmp",
        text: "-i --ignore-initial -n --bytes",
        operands: Operands::These(&[Right::Read, Right::Read]),
        ..Row::NONE
    },
    Row {
        names: "comm",
        text: "--output-delimiter",
        ..READS
    },
    Row {
        names: "file",
        text: "-e -F -P --separator",
        reads: "-f -m --files-from --magic-file",
        ..READS
    },
    Row {
        names: "strings",
        text: "-n -t -e -T -s --bytes --radix --encoding",
        ..READS
    },
    Row {
        names: "od",
        text: "-A -j -N -S -t -w --address-radix --skip-bytes --read-bytes --format",
        ..READS
    },
    Row {
        names: "hexdump hd",
        text: "-e -n -s",
        reads: "-f",
        ..READS
    },
    Row {
        names: "xxd",
        text: "-c -g -l -o -s -R -n",
        operands: Operands::These(&[Right::Read, Right::Write]),
        ..Row::NONE
    },
    Row {
        names: "base64 base32 basenc",
        text: "-w --wrap",
        ..READS
    },
    Row {
        names: "sort",
        text: "-k --key -t --field-separator -S --buffer-size --parallel --batch-size \
               --compress-program --sort",
        reads: "--files0-from --random-source",
        writes: "-o --output -T --temporary-directory",
        ..READS
    },
    Row {
        names: "uniq",
        text: "-f --skip-fields -s --skip-chars -w --check-chars",
        operands: Operands::These(&[Right::Read, Right::Write]),
        ..Row::NONE
    },
    Row {
        names: "cut",
        text: "-b -c -d -f --bytes --characters --delimiter --fields --output-delimiter",
        ..READS
    },
    Row {
        names: "paste",
        text: "-d --delimiters",
        ..READS
    },
    Row {
        names: "join",
        text: "-1 -2 -a -e -j -o -t -v",
        ..READS
    },
    Row {
        names: "fold fmt expand unexpand",
        text: "-w -t -g -p --width --tabs --goal --prefix",
        ..READS
    },
    Row {
        names: "column",
        text: "-s -o -c -t -N -l -H -R -T -W -O -E -n",
        ..READS
    },
    Row {
        names: "split csplit",
        text: "-a -b -C -l -n -t --bytes --lines --number --filter",
        operands: Operands::These(&[Right::Read]),
        ..Row::NONE
    },
    Row {
        names: "gunzip bunzip2 unxz unzstd",
        text: "-S",
        turns: &[("-c --stdout -t --test -l --list", Right::Read)],
        ..WRITES
    },
    Row {
        names: "vi vim nvim view nano pico emacs",
        text: "-c --cmd -S -u -U -T -t -w -W -i -s -o -r",
        ..READS
    },
];
