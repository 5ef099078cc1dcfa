//! Reads one simple command of a shell line: its words, assignments and redirections.

use brush_parser::ast::{
    Assignment, AssignmentName, AssignmentValue, CommandPrefixOrSuffixItem as Item,
    IoFileRedirectKind as Kind, IoFileRedirectTarget as Target, IoRedirect, SimpleCommand,
    Word as Raw,
};

use super::command::Call;
use super::expand::{Form, read};
use super::reading::{Reading, Verdict};
use super::scope::Scope;
use super::word::Word;
use crate::model::Right;

/// What one simple command consists of.
#[derive(Default)]
struct Parts<'a> {
    words: Vec<Word>,
    assignments: Vec<&'a Assignment>,
    redirects: Vec<&'a IoRedirect>,
    /// The text on its standard input, where it is known.
    input: Option<String>,
}

impl<'w> Reading<'w> {
    /// Reads a simple command; one denial for it, and one for each redirection.
    pub(super) fn simple(&mut self, command: &SimpleCommand, scope: &mut Scope<'w>) {
        let parts = self.parts(command, scope);
        for assignment in &parts.assignments {
            let value = self.assigned(assignment, scope);
            // In front of a command it is only that command's environment.
            if parts.words.is_empty()
                && let AssignmentName::VariableName(name) = &assignment.name
            {
                scope.set(name, value.and_then(|word| word.value()));
            }
        }
        let call = Call {
            words: &parts.words,
            input: parts.input.as_deref(),
        };
        let verdict = self.call(&call, scope);
        self.note(verdict);
        for redirect in parts.redirects {
            self.redirect(redirect, scope);
        }
    }

    fn parts<'a>(&mut self, command: &'a SimpleCommand, scope: &Scope<'w>) -> Parts<'a> {
        let mut parts = Parts::default();
        let prefix = command.prefix.iter().flat_map(|prefix| &prefix.0);
        for item in prefix {
            self.part(item, scope, &mut parts);
        }
        if let Some(name) = &command.word_or_name {
            parts.words.extend(self.word(name, Form::Word, scope));
        }
        for item in command.suffix.iter().flat_map(|suffix| &suffix.0) {
            match item {
                // After the command's name it is an argument like any other.
                Item::AssignmentWord(_, word) => {
                    parts.words.extend(self.word(word, Form::Assigning, scope));
                }
                other => self.part(other, scope, &mut parts),
            }
        }
        parts
    }

    fn part<'a>(&mut self, item: &'a Item, scope: &Scope<'w>, parts: &mut Parts<'a>) {
        match item {
            Item::Word(word) => parts.words.extend(self.word(word, Form::Word, scope)),
            Item::AssignmentWord(assignment, _) => parts.assignments.push(assignment),
            Item::ProcessSubstitution(_, subshell) => {
                self.list(&subshell.list, &mut scope.clone());
                parts.words.push(Word::unknown());
            }
            Item::IoRedirect(redirect) => {
                parts.input = input(redirect, scope).or(parts.input.take());
                parts.redirects.push(redirect);
            }
        }
    }

    /// The value of an assignment, where it is one word.
    fn assigned(&mut self, assignment: &Assignment, scope: &Scope<'w>) -> Option<Word> {
        match &assignment.value {
            AssignmentValue::Scalar(value) => {
                let word = self.word(value, Form::Value, scope).pop();
                word.filter(|_| !assignment.append)
            }
            AssignmentValue::Array(elements) => {
                for (_, element) in elements {
                    self.word(element, Form::Word, scope);
                }
                None
            }
        }
    }

    /// Reads a redirection, and keeps its denial.
    pub(super) fn redirect(&mut self, redirect: &IoRedirect, scope: &Scope<'w>) {
        match redirect {
            IoRedirect::File(_, kind, Target::Filename(word)) => {
                self.target(word, rights(kind), scope);
            }
            IoRedirect::File(_, Kind::DuplicateOutput, Target::Duplicate(word)) => {
                // `>&2` and `>&-` name descriptors; anything else is a file.
                let is_descriptor = word.value.trim_end_matches('-').parse::<u32>().is_ok();
                if !is_descriptor && word.value != "-" {
                    self.target(word, &[Right::Write], scope);
                }
            }
            IoRedirect::File(_, _, Target::ProcessSubstitution(_, subshell)) => {
                self.list(&subshell.list, &mut scope.clone());
            }
            IoRedirect::File(..) => {}
            IoRedirect::OutputAndError(word, _) => self.target(word, &[Right::Write], scope),
            IoRedirect::HereString(_, word) => {
                self.word(word, Form::Value, scope);
            }
            IoRedirect::HereDocument(_, document) => {
                if document.requires_expansion {
                    self.word(&document.doc, Form::Document, scope);
                }
            }
        }
    }

    fn target(&mut self, word: &Raw, rights: &[Right], scope: &Scope<'w>) {
        for target in self.word(word, Form::Word, scope) {
            let verdict = self.target_verdict(&target, rights, scope);
            self.note(verdict);
        }
    }

    fn target_verdict(&self, target: &Word, rights: &[Right], scope: &Scope<'w>) -> Verdict {
        // The shell itself opens a connection for these.
        if ["/dev/tcp/", "/dev/udp/"]
            .iter()
            .any(|net| target.beginning().starts_with(net))
        {
            return self.network(target.written());
        }
        rights
            .iter()
            .try_for_each(|right| self.path(scope, target, *right))
    }
}

fn rights(kind: &Kind) -> &'static [Right] {
    match kind {
        Kind::Read | Kind::DuplicateInput => &[Right::Read],
        Kind::ReadAndWrite => &[Right::Read, Right::Write],
        Kind::Write | Kind::Append | Kind::Clobber | Kind::DuplicateOutput => &[Right::Write],
    }
}

/// The text that a redirection puts on standard input.
fn input(redirect: &IoRedirect, scope: &Scope<'_>) -> Option<String> {
    match redirect {
        IoRedirect::HereDocument(None | Some(0), document) => Some(document.doc.value.clone()),
        IoRedirect::HereString(None | Some(0), word) => {
            // What it substitutes is read where the redirection is.
            let text = read(&word.value, Form::Value, scope, &mut Vec::new()).pop()?;
            text.whole().map(str::to_owned)
        }
        _ => None,
    }
}
