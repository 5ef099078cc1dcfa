//! `git`: where it is told to work, and the remotes that a command certainly uses.

use super::reading::{Reading, Verdict};
use super::row::{Arguments, Operands, Order, Row};
use super::scope::Scope;
use super::word::Word;
use crate::model::Right;

/// The options before the subcommand.
const GIT: Row = Row {
    text: "-c --namespace --config-env --attr-source",
    reads: "-C --git-dir --work-tree",
    order: Order::First,
    ..Row::NONE
};

const CLONE: Row = Row {
    text: "-b --branch -o --origin -u --upload-pack -c --config -j --jobs --depth --filter \
           --shallow-since --shallow-exclude --server-option --bundle-uri --ref-format",
    reads: "--reference --reference-if-able --template",
    writes: "--separate-git-dir",
    ..Row::NONE
};

const TRANSFER: Row = Row {
    text: "-o --push-option --depth --deepen -j --jobs --upload-pack --receive-pack --refmap \
           -s --strategy -X --strategy-option --negotiation-tip --shallow-since --sort",
    ..Row::NONE
};

const WORKTREE: Row = Row {
    text: "-b -B --reason",
    ..Row::NONE
};

/// The subcommands with operands that are paths anywhere on the host.
const SUBCOMMANDS: &[Row] = &[
    Row {
        names: "init",
        text: "-b --initial-branch --object-format --ref-format",
        attached: "--shared",
        reads: "--template",
        writes: "--separate-git-dir",
        operands: Operands::Each(Right::Create),
        ..Row::NONE
    },
    Row {
        names: "apply am",
        text: "-C -p --exclude --include --directory --whitespace",
        operands: Operands::Each(Right::Read),
        ..Row::NONE
    },
    Row {
        names: "archive",
        text: "--format --prefix --remote --exec",
        reads: "--add-file",
        writes: "-o --output",
        ..Row::NONE
    },
    Row {
        names: "format-patch",
        text: "-n -v --start-number --subject-prefix --to --cc",
        writes: "-o --output-directory",
        ..Row::NONE
    },
    Row {
        names: "hash-object",
        text: "-t --path",
        operands: Operands::Each(Right::Read),
        ..Row::NONE
    },
];

impl<'w> Reading<'w> {
    /// Reads `git`.
    pub(super) fn git(&mut self, arguments: &[Word], scope: &Scope<'w>) -> Verdict {
        let split = GIT.split(arguments);
        self.option_values(&split, scope)?;
        let Some((command, rest)) = split.operands.split_first() else {
            return Ok(());
        };
        let mut inside = scope.clone();
        for directory in split.options.iter().filter(|given| given.name == "-C") {
            let whole = directory.value.as_ref().and_then(Word::whole);
            inside.enter(whole.and_then(|text| inside.resolve(text)));
        }
        match command.whole().unwrap_or_default() {
            "clone" => self.git_clone(&CLONE.split(rest), &inside),
            "fetch" | "pull" | "push" | "ls-remote" => {
                // A remote's name says nothing: it may be a directory.
                match TRANSFER.split(rest).operands.first() {
                    Some(remote) if is_remote(remote) => self.network(remote.written()),
                    _ => Ok(()),
                }
            }
            "diff" => {
                let split = Row::NONE.split(rest);
                let paths = split.operands.iter().filter(|_| split.has("--no-index"));
                paths
                    .into_iter()
                    .try_for_each(|path| self.operand(&inside, path, Right::Read))
            }
            "worktree" => match WORKTREE.split(rest).operands.as_slice() {
                [action, path, ..] if action.whole() == Some("add") => {
                    self.path(&inside, path, Right::Create)
                }
                _ => Ok(()),
            },
            name => match SUBCOMMANDS.iter().find(|row| row.is_for(name)) {
                Some(row) => self.by_row(row, &row.split(rest), &inside),
                None => Ok(()),
            },
        }
    }

    fn git_clone(&self, split: &Arguments, scope: &Scope<'_>) -> Verdict {
        self.option_values(split, scope)?;
        let mut operands = split.operands.iter();
        if let Some(source) = operands.next() {
            if is_remote(source) {
                return self.network(source.written());
            }
            let path = source.after("file://").unwrap_or_else(|| source.clone());
            self.path(scope, &path, Right::Read)?;
        }
        match operands.next() {
            Some(directory) => self.path(scope, directory, Right::Create),
            None => Ok(()),
        }
    }
}

/// Whether a repository's name is certainly on another machine: `https://…`, `host:path`.
pub(super) fn is_remote(word: &Word) -> bool {
    let text = word.beginning();
    match text.split_once(':') {
        None | Some(("file" | "", _)) => false,
        Some((scheme, rest)) if rest.starts_with("//") => !scheme.contains('/'),
        Some((host, _)) => word.whole().is_some() && !host.contains('/'),
    }
}
