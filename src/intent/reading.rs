//! The state of one reading: what it may still cost, and what it found.

use super::scope::Scope;
use super::word::{Known, Word};
use super::{World, guard};
use crate::model::{Denial, HostPath, RefusalCode, Right};

/// How deep commands inside commands are read (`sh -c "sh -c …"`, `$($(…))`).
const DEEPEST: u32 = 8;

/// How many commands are read in all; loops over literal lists are read for each value.
const MOST_COMMANDS: u32 = 2000;

/// What a denied operand was judged to be, on the way to the caller.
pub(super) type Verdict = Result<(), Denial>;

/// One reading of one command line.
pub(super) struct Reading<'w> {
    world: &'w World<'w>,
    denials: Vec<Denial>,
    depth: u32,
    commands_left: u32,
    bytes_left: usize,
}

impl<'w> Reading<'w> {
    /// A reading that has found nothing yet.
    pub(super) fn new(world: &'w World<'w>) -> Self {
        Self {
            world,
            denials: Vec::new(),
            depth: 0,
            commands_left: MOST_COMMANDS,
            // Text inside other text is read once for each level, a loop's body for each value.
            bytes_left: 8 * guard::LONGEST_LINE,
        }
    }

    /// What is known where the command line begins.
    pub(super) fn scope(&self) -> Scope<'w> {
        Scope::new(self.world.cwd, self.world.home)
    }

    /// What was found, in the order of the line, equal ones once.
    pub(super) fn into_denials(self) -> Vec<Denial> {
        self.denials
    }

    /// How many different denials were found so far.
    pub(super) fn found(&self) -> usize {
        self.denials.len()
    }

    /// Keeps a denial; an equal one is counted instead.
    pub(super) fn note(&mut self, verdict: Verdict) {
        let Err(denial) = verdict else { return };
        let equal = |seen: &&mut Denial| seen.code == denial.code && seen.path == denial.path;
        match self.denials.iter_mut().find(equal) {
            Some(seen) => seen.count += 1,
            None => self.denials.push(denial),
        }
    }

    /// Takes one command from what may still be read; false when nothing is left.
    pub(super) fn spend_command(&mut self) -> bool {
        self.commands_left = self.commands_left.saturating_sub(1);
        self.commands_left > 0
    }

    /// Takes the length of a text from what may still be read; false when it is too much.
    pub(super) fn spend_bytes(&mut self, length: usize) -> bool {
        match self.bytes_left.checked_sub(length) {
            Some(left) => {
                self.bytes_left = left;
                true
            }
            None => false,
        }
    }

    /// Reads a command inside another one, unless they are too many or too deep.
    pub(super) fn inner(&mut self, read: impl FnOnce(&mut Self) -> Verdict) -> Verdict {
        if self.depth >= DEEPEST || !self.spend_command() {
            return Ok(());
        }
        self.depth += 1;
        let verdict = read(self);
        self.depth -= 1;
        verdict
    }

    /// Reads a text as the shell would, in the given scope.
    pub(super) fn shell(&mut self, text: &str, scope: &mut Scope<'w>) {
        if self.depth >= DEEPEST || !self.spend_bytes(text.len()) {
            return;
        }
        let Some(program) = guard::parse(text) else {
            return;
        };
        self.depth += 1;
        self.program(&program, scope);
        self.depth -= 1;
    }

    /// Judges an operand that a command takes as a path.
    pub(super) fn path(&self, scope: &Scope<'_>, word: &Word, right: Right) -> Verdict {
        let beginning = word.beginning();
        let text = match word.known() {
            Known::Whole => beginning,
            // The shell lists the directory in which the glob stands.
            Known::UntilGlob => match beginning.rfind('/') {
                Some(slash) => &beginning[..=slash],
                None => ".",
            },
            Known::UntilUnknown | Known::Several => return Ok(()),
        };
        if is_ordinary_device(text, right) {
            return Ok(());
        }
        let Some(path) = scope.resolve(text) else {
            return Ok(());
        };
        if word.known() == Known::UntilGlob {
            self.judge(&path, Right::List, word)?;
        }
        self.judge(&path, right, word)
    }

    /// Judges the directory that a command makes its working directory.
    pub(super) fn directory(&self, scope: &Scope<'_>, word: &Word) -> Verdict {
        match self.path(scope, word, Right::List) {
            // Entering a directory does not list it.
            Err(denial) if denial.code == RefusalCode::RightNotGranted => Ok(()),
            verdict => verdict,
        }
    }

    /// Judges the use of a network.
    pub(super) fn network(&self, subject: &str) -> Verdict {
        self.world.reach.network(subject)
    }

    fn judge(&self, path: &HostPath, right: Right, word: &Word) -> Verdict {
        self.world.reach.judge(path, right, word.written())
    }
}

/// The devices that every program may use: they hold nothing of the host's.
fn is_ordinary_device(text: &str, right: Right) -> bool {
    let Some(device) = text.strip_prefix("/dev/") else {
        return false;
    };
    let is_use = matches!(right, Right::Read | Right::Write | Right::List);
    let is_known = matches!(
        device,
        "null" | "zero" | "full" | "random" | "urandom" | "tty" | "stdin" | "stdout" | "stderr"
    );
    is_use && (is_known || device.starts_with("fd/"))
}
