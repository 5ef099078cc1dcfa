//! Commands that take sources and a destination: `cp`, `mv`, `ln`, `install`, `rsync`, `scp`.

use super::git::is_remote;
use super::reading::{Reading, Verdict};
use super::row::Row;
use super::scope::Scope;
use super::word::Word;
use crate::model::Right;

const ROWS: &[Row] = &[
    Row {
        names: "cp mv ln",
        text: "-S --suffix",
        attached: "--backup --preserve --no-preserve --reflink --sparse --context --update",
        writes: "-t --target-directory",
        ..Row::NONE
    },
    Row {
        names: "install",
        text: "-S --suffix -m --mode -o --owner -g --group --strip-program",
        attached: "--backup --context",
        writes: "-t --target-directory",
        ..Row::NONE
    },
    Row {
        names: "rsync",
        text: "-e --rsh -f --filter --exclude --include --rsync-path --chmod --chown --bwlimit \
               --timeout --port --max-size --min-size --suffix --info --debug --out-format \
               --compress-level --block-size -B -M --usermap --groupmap --modify-window",
        reads: "--exclude-from --include-from --files-from --password-file --compare-dest \
                --copy-dest --link-dest",
        writes: "-T --temp-dir --backup-dir --partial-dir --log-file",
        ..Row::NONE
    },
    Row {
        names: "scp",
        text: "-c -D -J -l -o -P -S -X",
        reads: "-F -i",
        ..Row::NONE
    },
];

impl Reading<'_> {
    /// Reads a command that takes sources and a destination.
    pub(super) fn copy(&self, name: &str, arguments: &[Word], scope: &Scope<'_>) -> Verdict {
        let Some(row) = ROWS.iter().find(|row| row.is_for(name)) else {
            return Ok(());
        };
        let split = row.split(arguments);
        self.option_values(&split, scope)?;
        let operands = split.operands.as_slice();
        if let ("rsync" | "scp", Some(remote)) =
            (name, operands.iter().find(|word| is_remote(word)))
        {
            return self.network(remote.written());
        }
        if name == "install" && split.has("-d --directory") {
            return self.all(operands, Right::Create, scope);
        }
        let (sources, destination) = match operands {
            _ if split.has("-t --target-directory") => (operands, None),
            [sources @ .., destination] if !sources.is_empty() => (sources, Some(destination)),
            // One operand: `ln` makes a link to it here; for the others it is a mistake.
            _ => (operands, None),
        };
        match name {
            // The target of a symbolic link is only text.
            "ln" if split.has("-s --symbolic") => {}
            "mv" => self.all(sources, Right::Delete, scope)?,
            _ => self.all(sources, Right::Read, scope)?,
        }
        match destination {
            Some(destination) if name == "ln" => self.path(scope, destination, Right::Create),
            Some(destination) => self.path(scope, destination, Right::Write),
            None => Ok(()),
        }
    }

    fn all(&self, words: &[Word], right: Right, scope: &Scope<'_>) -> Verdict {
        words
            .iter()
            .try_for_each(|word| self.operand(scope, word, right))
    }
}
