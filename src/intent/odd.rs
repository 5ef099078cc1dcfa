//! Commands whose arguments follow no convention: `tar`, `chmod`, `dd`.

use super::reading::{Reading, Verdict};
use super::row::{Operands, Row};
use super::scope::Scope;
use super::word::Word;
use crate::model::Right;

const TAR: Row = Row {
    text: "-f --file -b --blocking-factor -C --directory -H --format -I --use-compress-program -K \
           -L -N --newer -V --label --exclude --transform --xform --strip-components --owner \
           --group --mode --mtime --level --sort --pax-option --record-size --checkpoint-action",
    reads: "-T --files-from -X --exclude-from",
    ..Row::NONE
};

const CHMOD: Row = Row {
    instead_reads: "--reference",
    operands: Operands::AfterFirst(Right::Write),
    ..Row::NONE
};

impl Reading<'_> {
    /// Reads `tar`: whether the archive or the files are read depends on its mode.
    pub(super) fn tar(&self, arguments: &[Word], scope: &Scope<'_>) -> Verdict {
        let split = TAR.split(&with_dash(arguments));
        self.option_values(&split, scope)?;
        let creates = split.has("-c -r -u -A --create --append --update --catenate --concatenate");
        let extracts = split.has("-x --extract --get");
        let (archive, directory) = match (creates, extracts) {
            (true, _) => (Right::Write, Right::Read),
            (false, true) => (Right::Read, Right::Write),
            (false, false) => (Right::Read, Right::List),
        };
        if let Some(file) = split.value("-f --file") {
            self.operand(scope, file, archive)?;
        }
        let mut inside = scope.clone();
        if let Some(place) = split.value("-C --directory") {
            self.path(scope, place, directory)?;
            inside.enter(place.whole().and_then(|text| scope.resolve(text)));
        }
        // Without creating, the operands are names inside the archive.
        let files = split.operands.iter().filter(|_| creates);
        files
            .into_iter()
            .try_for_each(|file| self.operand(&inside, file, Right::Read))
    }

    /// Reads `chmod`, whose mode can look like an option: `chmod -w file`.
    pub(super) fn chmod(&self, arguments: &[Word], scope: &Scope<'_>) -> Verdict {
        let is_mode = |word: &Word| {
            let mode = word.whole().and_then(|text| text.strip_prefix('-'));
            mode.is_some_and(|mode| {
                mode.starts_with(['r', 'w', 'x', 'X', 's', 't', 'u', 'g', 'o', 'a'])
            })
        };
        match arguments.iter().position(is_mode) {
            None => self.by_row(&CHMOD, &CHMOD.split(arguments), scope),
            Some(mode) => {
                let (before, after) = (&arguments[..mode], &arguments[mode + 1..]);
                let row = Row {
                    operands: Operands::Each(Right::Write),
                    ..Row::NONE
                };
                let words = [before, after].concat();
                self.by_row(&row, &row.split(&words), scope)
            }
        }
    }

    /// Reads `dd`, whose operands are `name=value`.
    pub(super) fn dd(&self, arguments: &[Word], scope: &Scope<'_>) -> Verdict {
        arguments.iter().try_for_each(|word| {
            if let Some(file) = word.after("if=") {
                self.path(scope, &file, Right::Read)
            } else if let Some(file) = word.after("of=") {
                self.path(scope, &file, Right::Write)
            } else {
                Ok(())
            }
        })
    }
}

/// The old form `tar xzf a.tgz`, made to look like `tar -xzf a.tgz`.
fn with_dash(arguments: &[Word]) -> Vec<Word> {
    let mut words = arguments.to_vec();
    if let Some(first) = words.first_mut()
        && let Some(letters) = first.whole()
        && !letters.starts_with('-')
        && !letters.is_empty()
        && letters.bytes().all(|byte| byte.is_ascii_alphabetic())
    {
        // The archive comes first among the values, wherever its letter stands.
        let others: String = letters.chars().filter(|letter| *letter != 'f').collect();
        let file = if letters.contains('f') { "f" } else { "" };
        *first = Word::literal(&format!("-{others}{file}"));
    }
    words
}
