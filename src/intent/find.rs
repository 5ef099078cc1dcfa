//! `find`: starting points, then an expression that may delete, write or run commands.

use super::command::Call;
use super::reading::{Reading, Verdict};
use super::scope::Scope;
use super::word::Word;
use crate::model::Right;

impl<'w> Reading<'w> {
    /// Reads `find`.
    pub(super) fn find(&mut self, arguments: &[Word], scope: &mut Scope<'w>) -> Verdict {
        let (points, expression) = starting_points(arguments);
        for point in points {
            self.path(scope, point, Right::List)?;
        }
        let mut rest = expression;
        while let Some((test, after)) = rest.split_first() {
            rest = after;
            match test.whole() {
                Some("-delete") => {
                    for point in points {
                        self.path(scope, point, Right::Delete)?;
                    }
                }
                Some("-fprint" | "-fprint0" | "-fprintf" | "-fls") => {
                    if let Some(file) = after.first() {
                        self.path(scope, file, Right::Write)?;
                    }
                }
                Some("-exec" | "-execdir" | "-ok" | "-okdir") => {
                    let is_end = |word: &Word| matches!(word.whole(), Some(";" | "+"));
                    let end = after.iter().position(is_end).unwrap_or(after.len());
                    self.each_found(&after[..end], scope)?;
                    rest = &after[end..];
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads the command that is run for what is found, whose names are not known.
    fn each_found(&mut self, words: &[Word], scope: &Scope<'w>) -> Verdict {
        let with_names = |word: &Word| {
            if word.beginning().contains("{}") {
                Word::unknown()
            } else {
                word.clone()
            }
        };
        let words: Vec<Word> = words.iter().map(with_names).collect();
        let call = Call {
            words: &words,
            input: None,
        };
        self.inner(|reading| reading.call(&call, &mut scope.clone()))
    }
}

/// The starting points, and the expression after them.
fn starting_points(arguments: &[Word]) -> (&[Word], &[Word]) {
    let mut start = 0;
    while let Some(option) = arguments.get(start).and_then(Word::whole) {
        start += match option {
            "-H" | "-L" | "-P" => 1,
            "-D" => 2,
            _ if option.starts_with("-O") => 1,
            _ => break,
        };
    }
    let rest = arguments.get(start..).unwrap_or_default();
    let is_expression = |word: &Word| {
        word.beginning().starts_with('-') || matches!(word.whole(), Some("(" | ")" | "!" | ","))
    };
    rest.split_at(rest.iter().position(is_expression).unwrap_or(rest.len()))
}
