//! Walks through a parsed shell line, and reads each simple command in it.
//!
//! It follows the working directory and literal variables as far as they are
//! certain; what a branch may or may not have changed is unknown after it.

use brush_parser::ast::{
    AndOr, AndOrList, CaseClauseCommand, Command, CompoundCommand, CompoundList, ExtendedTestExpr,
    ForClauseCommand, IfClauseCommand, Pipeline, Program, RedirectList, SeparatorOperator,
    WhileOrUntilClauseCommand, Word as Raw,
};

use super::expand::{Form, read};
use super::reading::Reading;
use super::scope::Scope;
use super::word::Word;
use crate::model::Right;

/// How many values of a literal list a loop's body is read with.
const MOST_VALUES: usize = 16;

impl<'w> Reading<'w> {
    /// Reads a whole program.
    pub(super) fn program(&mut self, program: &Program, scope: &mut Scope<'w>) {
        for list in &program.complete_commands {
            self.list(list, scope);
        }
    }

    /// Reads a list of commands one after the other.
    pub(super) fn list(&mut self, list: &CompoundList, scope: &mut Scope<'w>) {
        for item in &list.0 {
            match item.1 {
                SeparatorOperator::Sequence => self.and_or(&item.0, scope),
                SeparatorOperator::Async => self.and_or(&item.0, &mut scope.clone()),
            }
        }
    }

    fn and_or(&mut self, list: &AndOrList, scope: &mut Scope<'w>) {
        self.pipeline(&list.first, scope);
        if list.additional.is_empty() {
            return;
        }
        // What follows `&&` sees what came before; after the list nobody knows how far it came.
        let mut success = scope.clone();
        for item in &list.additional {
            match item {
                AndOr::And(pipeline) => self.pipeline(pipeline, &mut success),
                AndOr::Or(pipeline) => self.branch(&mut success, |reading, scope| {
                    reading.pipeline(pipeline, scope);
                }),
            }
        }
        scope.forget_differences(&success);
    }

    /// Reads something that may or may not run.
    fn branch(&mut self, scope: &mut Scope<'w>, body: impl FnOnce(&mut Self, &mut Scope<'w>)) {
        let mut inside = scope.clone();
        body(self, &mut inside);
        scope.forget_differences(&inside);
    }

    fn pipeline(&mut self, pipeline: &Pipeline, scope: &mut Scope<'w>) {
        match pipeline.seq.as_slice() {
            [only] => self.command(only, scope),
            // Each part of a pipeline is a process of its own.
            parts => {
                for part in parts {
                    self.command(part, &mut scope.clone());
                }
            }
        }
    }

    fn command(&mut self, command: &Command, scope: &mut Scope<'w>) {
        if !self.spend_command() {
            return;
        }
        match command {
            Command::Simple(simple) => self.simple(simple, scope),
            Command::Compound(compound, redirects) => {
                self.redirects(redirects.as_ref(), scope);
                self.compound(compound, scope);
            }
            Command::Function(function) => {
                scope.define(&function.fname.value);
                let mut inside = scope.clone();
                self.redirects(function.body.1.as_ref(), &inside);
                self.compound(&function.body.0, &mut inside);
                // A call may change what the line has set, at any time.
                scope.forget_differences(&inside);
            }
            Command::ExtendedTest(test, redirects) => {
                self.redirects(redirects.as_ref(), scope);
                self.test(&test.expr, scope);
            }
        }
    }

    fn redirects(&mut self, redirects: Option<&RedirectList>, scope: &Scope<'w>) {
        for redirect in redirects.iter().flat_map(|list| &list.0) {
            self.redirect(redirect, scope);
        }
    }

    fn compound(&mut self, compound: &CompoundCommand, scope: &mut Scope<'w>) {
        match compound {
            CompoundCommand::BraceGroup(group) => self.list(&group.list, scope),
            CompoundCommand::Subshell(subshell) => self.list(&subshell.list, &mut scope.clone()),
            CompoundCommand::ForClause(clause) => self.for_clause(clause, scope),
            CompoundCommand::CaseClause(clause) => self.case_clause(clause, scope),
            CompoundCommand::IfClause(clause) => self.if_clause(clause, scope),
            CompoundCommand::WhileClause(clause) | CompoundCommand::UntilClause(clause) => {
                self.while_clause(clause, scope);
            }
            CompoundCommand::ArithmeticForClause(clause) => {
                self.branch(scope, |reading, scope| {
                    reading.list(&clause.body.list, scope);
                });
            }
            CompoundCommand::Coprocess(process) => self.command(&process.body, &mut scope.clone()),
            CompoundCommand::Arithmetic(_) => {}
        }
    }

    fn for_clause(&mut self, clause: &ForClauseCommand, scope: &mut Scope<'w>) {
        let values = match &clause.values {
            Some(values) => self.words(values, scope),
            // The arguments of the script or function.
            None => vec![Word::unknown()],
        };
        let mut globs = values.iter().filter(|value| value.lists_a_directory());
        let verdict = globs.try_for_each(|glob| self.path(scope, glob, Right::List));
        self.note(verdict);
        let mut inside = scope.clone();
        for value in values.iter().take(MOST_VALUES) {
            let before = self.found();
            inside.set(&clause.variable_name, value.value());
            self.list(&clause.body.list, &mut inside);
            if self.found() > before {
                break;
            }
        }
        inside.set(&clause.variable_name, None);
        scope.forget_differences(&inside);
    }

    fn case_clause(&mut self, clause: &CaseClauseCommand, scope: &mut Scope<'w>) {
        self.words(std::slice::from_ref(&clause.value), scope);
        let before = scope.clone();
        for case in &clause.cases {
            self.words(&case.patterns, &before);
            let mut inside = before.clone();
            if let Some(list) = &case.cmd {
                self.list(list, &mut inside);
            }
            scope.forget_differences(&inside);
        }
    }

    fn if_clause(&mut self, clause: &IfClauseCommand, scope: &mut Scope<'w>) {
        self.list(&clause.condition, scope);
        let before = scope.clone();
        let mut inside = before.clone();
        self.list(&clause.then, &mut inside);
        scope.forget_differences(&inside);
        for other in clause.elses.iter().flatten() {
            let mut inside = before.clone();
            if let Some(condition) = &other.condition {
                self.list(condition, &mut inside);
            }
            self.list(&other.body, &mut inside);
            scope.forget_differences(&inside);
        }
    }

    fn while_clause(&mut self, clause: &WhileOrUntilClauseCommand, scope: &mut Scope<'w>) {
        self.list(&clause.0, scope);
        self.branch(scope, |reading, scope| reading.list(&clause.1.list, scope));
    }

    /// Asking about a path is harmless; a command inside the question is still read.
    fn test(&mut self, test: &ExtendedTestExpr, scope: &Scope<'w>) {
        match test {
            ExtendedTestExpr::And(left, right) | ExtendedTestExpr::Or(left, right) => {
                self.test(left, scope);
                self.test(right, scope);
            }
            ExtendedTestExpr::Not(inside) | ExtendedTestExpr::Parenthesized(inside) => {
                self.test(inside, scope);
            }
            ExtendedTestExpr::UnaryTest(_, word) => {
                self.word(word, Form::Value, scope);
            }
            ExtendedTestExpr::BinaryTest(_, left, right) => {
                self.word(left, Form::Value, scope);
                self.word(right, Form::Value, scope);
            }
        }
    }

    fn words(&mut self, words: &[Raw], scope: &Scope<'w>) -> Vec<Word> {
        words
            .iter()
            .flat_map(|word| self.word(word, Form::Word, scope))
            .collect()
    }

    /// Reads a word, and the commands that are substituted in it.
    pub(super) fn word(&mut self, word: &Raw, form: Form, scope: &Scope<'w>) -> Vec<Word> {
        if !self.spend_bytes(word.value.len()) {
            return vec![Word::unknown()];
        }
        let mut commands = Vec::new();
        let words = read(&word.value, form, scope, &mut commands);
        for command in commands {
            self.shell(&command, &mut scope.clone());
        }
        words
    }
}
