//! Rules to program: a binary search over the call numbers, then the tests of the call found.
//!
//! The kernel runs a filter once for every number when it is installed, so a short
//! path counts more than anything. Jumps lead only forward; the program is therefore
//! built from its end, where every target is already in place.

use std::collections::BTreeMap;

use super::program::{
    AND, ARCHITECTURE, ARGUMENTS, Instruction, JUMP, JUMP_ANY_BIT, JUMP_AT_LEAST, JUMP_EQUAL, LOAD,
    LONGEST, NUMBER, Program, RETURN, RETURN_ALLOW, RETURN_ERRNO, RETURN_NOTIFY,
};
use super::{Action, Arch, Case, Errno, Rule, Sense, SyscallRules, Test};

/// Why rules make no program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// The kernel takes no program of this length.
    #[error("the system call filter has {instructions} instructions; the kernel takes {LONGEST}")]
    TooLong {
        /// How many instructions the program would have.
        instructions: usize,
    },
    /// A test names an argument that no call has.
    #[error("a test of system call {number} names argument {argument}; there are 0 to 5")]
    NoSuchArgument {
        /// The number of the call.
        number: u32,
        /// The argument that was named.
        argument: u8,
    },
    /// A test compares with nothing, so that what it means is anyone's guess.
    #[error("a test of system call {number} has no values")]
    NoValues {
        /// The number of the call.
        number: u32,
    },
}

impl SyscallRules {
    /// The program that carries the rules out.
    ///
    /// Calls of another architecture (i386, x32, 32-bit ARM) and numbers that the
    /// architecture's table does not know end with ENOSYS.
    ///
    /// # Errors
    /// When the program would be too long, or a test makes no sense.
    pub fn compile(&self) -> Result<Program, CompileError> {
        self.check()?;
        let mut emitter = Emitter::default();
        let tree = emitter.search(&spans(self));
        let load = emitter.push(Instruction::plain(LOAD, NUMBER));
        debug_assert_eq!(load, tree + 1, "the search begins right after the load");
        let foreign = emitter.verdict(Action::Errno(Errno::ENOSYS));
        emitter.branch(JUMP_EQUAL, self.arch.audit_value(), load, foreign);
        emitter.push(Instruction::plain(LOAD, ARCHITECTURE));
        emitter.finish()
    }

    fn check(&self) -> Result<(), CompileError> {
        for (&number, rule) in &self.rules {
            let Rule::Cases(cases) = rule else { continue };
            for Case { test, .. } in cases {
                if test.argument > 5 {
                    let argument = test.argument;
                    return Err(CompileError::NoSuchArgument { number, argument });
                }
                if test.values.is_empty() {
                    return Err(CompileError::NoValues { number });
                }
            }
        }
        Ok(())
    }
}

/// What to do with a number: the end of the search.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Leaf<'a> {
    Verdict(Action),
    Cases(&'a [Case]),
}

/// Numbers from `start` to the start of the next span, all with the same leaf.
#[derive(Debug, Clone, Copy)]
struct Span<'a> {
    start: u32,
    leaf: Leaf<'a>,
}

/// The number line, cut where the leaf changes. The first span starts at 0, the last has no end.
fn spans(rules: &SyscallRules) -> Vec<Span<'_>> {
    let mut spans: Vec<Span<'_>> = Vec::new();
    for start in 0..=rules.arch.newest() {
        let leaf = leaf(rules, start);
        if spans.last().is_none_or(|last| last.leaf != leaf) {
            spans.push(Span { start, leaf });
        }
    }
    let start = rules.arch.newest() + 1;
    let leaf = UNKNOWN;
    if spans.last().is_none_or(|last| last.leaf != leaf) {
        spans.push(Span { start, leaf });
    }
    spans
}

/// For numbers that no table knows, x32 numbers among them.
const UNKNOWN: Leaf<'_> = Leaf::Verdict(Action::Errno(Errno::ENOSYS));

fn leaf(rules: &SyscallRules, number: u32) -> Leaf<'_> {
    match rules.rules.get(&number) {
        _ if !is_known(rules.arch, number) => UNKNOWN,
        None => Leaf::Verdict(Action::Allow),
        Some(Rule::Always { action, .. }) => Leaf::Verdict(*action),
        Some(Rule::Cases(cases)) => Leaf::Cases(cases),
    }
}

fn is_known(arch: Arch, number: u32) -> bool {
    arch.name(number).is_some()
}

/// An instruction's place, counted from the end of the program.
type Label = usize;

/// How far a conditional jump reaches, less room for the two helping jumps it may need.
const REACH: usize = 255 - 2;

/// Builds a program from its end to its beginning.
#[derive(Default)]
struct Emitter {
    /// The last instruction first.
    reversed: Vec<Instruction>,
    /// Where each verdict was last written.
    verdicts: BTreeMap<Action, Label>,
}

impl Emitter {
    fn push(&mut self, instruction: Instruction) -> Label {
        self.reversed.push(instruction);
        self.reversed.len() - 1
    }

    /// A return with this verdict within reach; written anew where the last one is too far away.
    fn verdict(&mut self, action: Action) -> Label {
        if let Some(&label) = self.verdicts.get(&action)
            && self.reversed.len() - label <= REACH
        {
            return label;
        }
        let value = match action {
            Action::Allow => RETURN_ALLOW,
            Action::Errno(errno) => RETURN_ERRNO | u32::from(errno.number()),
            Action::Notify => RETURN_NOTIFY,
        };
        let label = self.push(Instruction::plain(RETURN, value));
        self.verdicts.insert(action, label);
        label
    }

    /// The target itself, or a jump to it, within reach of the next instruction.
    fn near(&mut self, target: Label) -> Label {
        let distance = self.reversed.len() - target - 1;
        if distance < REACH {
            return target;
        }
        // A program is far shorter than 2^32; a longer one is refused at the end.
        let k = u32::try_from(distance).unwrap_or(u32::MAX);
        self.push(Instruction::plain(JUMP, k))
    }

    fn branch(&mut self, code: u16, k: u32, yes: Label, no: Label) -> Label {
        let (yes, no) = (self.near(yes), self.near(no));
        let here = self.reversed.len();
        let offset = |label: Label| {
            u8::try_from(here - label - 1).expect("`near` keeps every target within 255")
        };
        let (jt, jf) = (offset(yes), offset(no));
        self.push(Instruction { code, jt, jf, k })
    }

    /// The search over these spans. The number is in the accumulator.
    fn search(&mut self, spans: &[Span<'_>]) -> Label {
        if let [span] = spans {
            return self.leaf(span.leaf);
        }
        if let Some(label) = self.singles(spans) {
            return label;
        }
        let (low, high) = spans.split_at(spans.len() / 2);
        let above = self.search(high);
        let below = self.search(low);
        self.branch(JUMP_AT_LEAST, high[0].start, above, below)
    }

    /// A few single numbers in front of one background are compared one by one:
    /// half as many instructions as cutting around each of them.
    fn singles(&mut self, spans: &[Span<'_>]) -> Option<Label> {
        let background = spans[0].leaf;
        let singles: Vec<_> = spans.iter().skip(1).step_by(2).collect();
        let fits = spans.len() % 2 == 1
            && singles.len() <= 3
            && spans.iter().step_by(2).all(|span| span.leaf == background)
            && spans
                .windows(2)
                .skip(1)
                .step_by(2)
                .all(|pair| pair[1].start == pair[0].start + 1);
        if !fits {
            return None;
        }
        let targets: Vec<_> = singles.iter().map(|span| self.leaf(span.leaf)).collect();
        let mut label = self.leaf(background);
        for (span, target) in singles.iter().zip(targets) {
            label = self.branch(JUMP_EQUAL, span.start, target, label);
        }
        Some(label)
    }

    fn leaf(&mut self, leaf: Leaf<'_>) -> Label {
        match leaf {
            Leaf::Verdict(action) => self.verdict(action),
            Leaf::Cases(cases) => self.cases(cases),
        }
    }

    /// The cases in order; where none holds, the call is allowed.
    fn cases(&mut self, cases: &[Case]) -> Label {
        let mut next = self.verdict(Action::Allow);
        for (index, case) in cases.iter().enumerate().rev() {
            let hit = self.verdict(case.action);
            next = self.comparisons(&case.test, hit, next);
            // A case is reached only from the one before it, which may have loaded the same.
            let before = index.checked_sub(1).map(|before| &cases[before].test);
            if before.is_none_or(|before| accumulator(before) != accumulator(&case.test)) {
                next = self.load(&case.test);
            }
        }
        next
    }

    fn comparisons(&mut self, test: &Test, hit: Label, miss: Label) -> Label {
        if is_any_bit(test) {
            return self.branch(JUMP_ANY_BIT, test.mask, hit, miss);
        }
        let (found, mut next) = match test.sense {
            Sense::In => (hit, miss),
            Sense::NotIn => (miss, hit),
        };
        for &value in &test.values {
            next = self.branch(JUMP_EQUAL, value, found, next);
        }
        next
    }

    fn load(&mut self, test: &Test) -> Label {
        let (argument, mask) = accumulator(test);
        if mask != u32::MAX {
            self.push(Instruction::plain(AND, mask));
        }
        let offset = ARGUMENTS + 8 * u32::from(argument);
        self.push(Instruction::plain(LOAD, offset))
    }

    fn finish(mut self) -> Result<Program, CompileError> {
        let instructions = self.reversed.len();
        if instructions > LONGEST {
            return Err(CompileError::TooLong { instructions });
        }
        self.reversed.reverse();
        Ok(Program::new(self.reversed))
    }
}

fn is_any_bit(test: &Test) -> bool {
    test.sense == Sense::NotIn && test.values == [0]
}

/// What a test needs in the accumulator: an argument, and the bits kept of it.
fn accumulator(test: &Test) -> (u8, u32) {
    let mask = if is_any_bit(test) {
        u32::MAX
    } else {
        test.mask
    };
    (test.argument, mask)
}
