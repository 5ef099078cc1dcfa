//! Reads one command: finds out how it takes its arguments, and judges its operands.
//!
//! A command that is not known here is not judged, except for its own path.

use super::reading::{Reading, Verdict};
use super::row::{Arguments, Operands, Row, Takes};
use super::scope::Scope;
use super::word::{Known, Word};
use super::{fetch, table, wrapper};
use crate::model::Right;

/// A command as it would be started.
pub(super) struct Call<'a> {
    /// Its name and its arguments.
    pub(super) words: &'a [Word],
    /// The text on its standard input, where the line says it.
    pub(super) input: Option<&'a str>,
}

impl<'w> Reading<'w> {
    /// Reads one command; the first thing that would be refused is its denial.
    pub(super) fn call(&mut self, call: &Call<'_>, scope: &mut Scope<'w>) -> Verdict {
        let Some((first, arguments)) = call.words.split_first() else {
            return Ok(());
        };
        let Some(name) = first.whole() else {
            return Ok(());
        };
        let base = name.rsplit('/').next().unwrap_or(name);
        if name.contains('/') {
            self.path(scope, first, Right::Execute)?;
        } else if scope.defines(name) {
            return Ok(());
        }
        match base {
            "cd" | "pushd" | "popd" => self.change_directory(base, arguments, scope),
            "export" | "declare" | "typeset" | "local" | "readonly" => {
                declare(arguments, scope);
                Ok(())
            }
            "read" | "unset" | "mapfile" | "readarray" | "getopts" => {
                forget(arguments, scope);
                Ok(())
            }
            "source" | "." => self.source(arguments, scope),
            "eval" | "trap" => {
                self.evaluate(base, arguments, scope);
                Ok(())
            }
            "sh" | "bash" | "dash" | "zsh" | "ksh" | "ash" => {
                self.another_shell(arguments, call.input, scope)
            }
            "find" => self.find(arguments, scope),
            "git" => self.git(arguments, scope),
            "cp" | "mv" | "ln" | "install" | "rsync" | "scp" => self.copy(base, arguments, scope),
            "tar" | "bsdtar" => self.tar(arguments, scope),
            "chmod" => self.chmod(arguments, scope),
            "dd" => self.dd(arguments, scope),
            "curl" | "wget" => self.download(base, arguments, scope),
            _ => self.listed(base, call, scope),
        }
    }

    /// Reads a command that one of the tables lists.
    fn listed(&mut self, name: &str, call: &Call<'_>, scope: &mut Scope<'w>) -> Verdict {
        let arguments = &call.words[1..];
        if let Some(wrapper) = wrapper::find(name) {
            return self.wrapped(wrapper, call, scope);
        }
        if let Some(row) = table::find(name) {
            let split = row.split(arguments);
            let module = fetch::module(name, &split);
            if let Some((name, fetch)) = module.and_then(|name| Some((name, fetch::find(name)?))) {
                return self.fetch(name, fetch, &split.operands);
            }
            self.by_row(row, &split, scope)?;
        }
        match fetch::find(name) {
            Some(fetch) => self.fetch(name, fetch, arguments),
            None => Ok(()),
        }
    }

    /// Judges the arguments of a command as its row says.
    pub(super) fn by_row(&self, row: &Row, split: &Arguments, scope: &Scope<'_>) -> Verdict {
        self.option_values(split, scope)?;
        let turned = row.turns.iter().rev().find(|(names, _)| split.has(names));
        let each = |words: &[Word], right: Right| {
            let right = turned.map_or(right, |(_, right)| *right);
            words
                .iter()
                .try_for_each(|word| self.operand(scope, word, right))
        };
        match row.operands {
            Operands::Each(right) => each(&split.operands, right),
            Operands::AfterFirst(right) => each(split.after_first(), right),
            Operands::AfterScript(right) => {
                let is_path = |word: &&Word| !word.beginning().contains('=');
                let paths: Vec<Word> = split
                    .after_first()
                    .iter()
                    .filter(is_path)
                    .cloned()
                    .collect();
                each(&paths, right)
            }
            Operands::These(rights) if !split.replaces_first() => split
                .operands
                .iter()
                .zip(rights)
                .try_for_each(|(word, right)| self.operand(scope, word, *right)),
            Operands::WriteThenRead => {
                let (written, read) = split.operands.split_at(split.operands.len().min(1));
                each(written, Right::Write)?;
                each(read, Right::Read)
            }
            Operands::Globs => {
                let globs = split
                    .operands
                    .iter()
                    .filter(|word| word.lists_a_directory());
                globs
                    .into_iter()
                    .try_for_each(|word| self.path(scope, word, Right::List))
            }
            Operands::These(_) | Operands::Ignored => Ok(()),
        }
    }

    /// Judges the values of options that are paths.
    pub(super) fn option_values(&self, split: &Arguments, scope: &Scope<'_>) -> Verdict {
        split
            .options
            .iter()
            .try_for_each(|given| match (given.takes, &given.value) {
                (Takes::Path(right), Some(value)) => self.operand(scope, value, right),
                (Takes::InsteadPath, Some(value)) => self.operand(scope, value, Right::Read),
                _ => Ok(()),
            })
    }

    /// Judges an operand that is a path, unless it is `-`, a standard stream.
    pub(super) fn operand(&self, scope: &Scope<'_>, word: &Word, right: Right) -> Verdict {
        if word.whole() == Some("-") {
            return Ok(());
        }
        self.path(scope, word, right)
    }

    fn change_directory(
        &mut self,
        name: &str,
        arguments: &[Word],
        scope: &mut Scope<'w>,
    ) -> Verdict {
        let split = Row::NONE.split(arguments);
        let target = match split.operands.first() {
            // `cd` alone goes to the sandbox's own home, `popd` back to somewhere.
            Some(target) if name != "popd" && target.whole() != Some("-") => target,
            _ => {
                scope.enter(None);
                return Ok(());
            }
        };
        let verdict = self.directory(scope, target);
        let reached = match verdict {
            Ok(()) => target.whole().and_then(|text| scope.resolve(text)),
            // It will not be there, so what follows is relative to nothing known.
            Err(_) => None,
        };
        scope.enter(reached);
        verdict
    }

    fn source(&mut self, arguments: &[Word], scope: &mut Scope<'w>) -> Verdict {
        scope.forget_variables();
        match arguments.first() {
            Some(file) => self.operand(scope, file, Right::Read),
            None => Ok(()),
        }
    }

    fn evaluate(&mut self, name: &str, arguments: &[Word], scope: &mut Scope<'w>) {
        // Of `trap`, only the first argument is code, and it runs later.
        let code = match name {
            "trap" => arguments.get(..1),
            _ => Some(arguments),
        };
        let texts = code.map(|words| words.iter().map(Word::whole).collect::<Option<Vec<_>>>());
        match texts.flatten() {
            Some(texts) if name == "trap" => self.shell(&texts.join(" "), &mut scope.clone()),
            Some(texts) => self.shell(&texts.join(" "), scope),
            None => scope.forget_variables(),
        }
    }

    /// A shell as a command of its own: its script, its `-c` text, or what it reads.
    fn another_shell(
        &mut self,
        arguments: &[Word],
        input: Option<&str>,
        scope: &Scope<'w>,
    ) -> Verdict {
        let split = table::SHELL.split(arguments);
        self.option_values(&split, scope)?;
        let script = split.operands.first();
        let text = match script {
            Some(text) if split.has("-c") => text.whole(),
            Some(script) if !split.has("-s") && script.whole() != Some("-") => {
                return self.path(scope, script, Right::Read);
            }
            _ => input,
        };
        if let Some(text) = text {
            self.shell(text, &mut scope.program());
        }
        Ok(())
    }
}

/// Sets the variables of `export A=b` and the like.
fn declare(arguments: &[Word], scope: &mut Scope<'_>) {
    for word in arguments {
        let Some((name, _)) = word.beginning().split_once('=') else {
            continue;
        };
        let value = word
            .after(&format!("{name}="))
            .and_then(|value| value.value());
        // `A+=b` appends to something that may not be known.
        let (name, value) = match name.strip_suffix('+') {
            Some(name) => (name, None),
            None => (name, value),
        };
        scope.set(name, value);
    }
}

/// Forgets the variables that a builtin sets to something only the shell will know.
fn forget(arguments: &[Word], scope: &mut Scope<'_>) {
    for word in arguments {
        match word.known() {
            Known::Whole => scope.set(word.beginning(), None),
            _ => scope.forget_variables(),
        }
    }
}
