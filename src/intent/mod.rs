//! Reads a command line before it runs, and refuses what could only be refused.
//!
//! This is a courtesy to the agent and its owner: `find ~` gets one clear answer at
//! once, instead of whatever its tools make of a thousand refusals by the kernel.
//! It is never the enforcement. It must not do I/O, and it must not refuse text that
//! only mentions a path: what is not certainly a path, and not certainly known
//! before the command runs, is left to the kernel.
//!
//! In reading order: `guard` parses a line, `walk` follows it, `simple` takes one
//! command apart, `expand` reads its words as far as a `scope` tells, `command`
//! judges its operands by the rows of `table`, and by `find`, `git` and the other
//! files that are named after what they read.

mod braces;
mod command;
mod copy;
mod expand;
mod extent;
mod fetch;
mod find;
mod git;
mod guard;
mod odd;
mod reading;
mod row;
mod scope;
mod simple;
mod table;
mod walk;
mod word;
mod wrapper;

use crate::model::{Denial, HostPath, Right};
use command::Call;
use reading::Reading;
use word::Word;

/// What a command line is read against.
pub struct World<'a> {
    /// The directory in which the command will run.
    pub cwd: &'a HostPath,
    /// The operator's home, for which `~` and `$HOME` are taken; not the sandbox's own.
    pub home: &'a HostPath,
    /// What the command will be able to reach.
    pub reach: &'a dyn Reach,
}

/// Answers what a command will be able to reach.
pub trait Reach {
    /// Whether the command may use the path so; `subject` is the path as the user wrote it.
    ///
    /// # Errors
    /// The denial, when it may not.
    fn judge(&self, path: &HostPath, right: Right, subject: &str) -> Result<(), Denial>;

    /// Whether the command may use a network; `subject` is what it would connect to.
    ///
    /// # Errors
    /// The denial, when it may not.
    fn network(&self, subject: &str) -> Result<(), Denial>;
}

/// Reads a line for `sh -c`.
///
/// One denial for each simple command and each redirection that would be refused, in
/// the order of the line; equal ones are counted in one.
/// Empty also when the line cannot be parsed, or is too long or nested too deep to be
/// read safely: then nothing is known about it, and only the kernel decides.
pub fn read_line(line: &str, world: &World<'_>) -> Vec<Denial> {
    let mut reading = Reading::new(world);
    let mut scope = reading.scope();
    reading.shell(line, &mut scope);
    reading.into_denials()
}

/// Reads a program with its arguments, in which nothing is expanded.
///
/// When the program is itself a shell (`sh -c …`), or starts one, its text is read
/// like a line in [`read_line`]; otherwise no parser is involved.
pub fn read_argv(argv: &[String], world: &World<'_>) -> Vec<Denial> {
    let words: Vec<Word> = argv
        .iter()
        .map(|argument| Word::literal(argument))
        .collect();
    let mut reading = Reading::new(world);
    let mut scope = reading.scope();
    let call = Call {
        words: &words,
        input: None,
    };
    let verdict = reading.call(&call, &mut scope);
    reading.note(verdict);
    reading.into_denials()
}
