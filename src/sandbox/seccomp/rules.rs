//! What a filter does with each system call, as plain data.
//!
//! A call that no rule names is allowed; a number that the architecture's table
//! does not know is refused with ENOSYS, whatever the rules say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Arch, Errno};
use crate::model::Wording;

/// What happens to a system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It goes on.
    Allow,
    /// It fails with this error, and nothing happens.
    Errno(Errno),
    /// The supervisor is asked. It performs the change itself, refuses, or leaves the call to
    /// the layers that check it in any case; it never allows what they do not.
    Notify,
}

/// Where a rule comes from, for a reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The set of the profile that names the call.
    pub set: Wording,
    /// Why the call is in it.
    pub reason: Wording,
}

/// How a value relates to the values of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sense {
    /// It is one of them.
    In,
    /// It is none of them.
    NotIn,
}

/// A test of one argument.
///
/// Only the lower 32 bits count. The kernel takes these arguments as 32-bit
/// integers and drops the upper half, which the caller can fill at will.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Test {
    /// Which argument, 0 to 5.
    pub argument: u8,
    /// The bits that count.
    pub mask: u32,
    /// The values that the masked argument is compared with; never empty.
    pub values: Vec<u32>,
    /// Whether it must be one of them, or none.
    pub sense: Sense,
}

impl Test {
    /// The test that asks for at least one of these bits.
    pub fn any_bit(argument: u8, bits: u32) -> Self {
        Self {
            argument,
            mask: bits,
            values: vec![0],
            sense: Sense::NotIn,
        }
    }

    /// Whether one value of one argument can meet both tests.
    ///
    /// Tests of different arguments, or of different bits, are taken not to meet:
    /// the first that holds decides then.
    pub fn overlaps(&self, other: &Self) -> bool {
        if (self.argument, self.mask) != (other.argument, other.mask) {
            return false;
        }
        let has = |test: &Self, value: &u32| test.values.contains(value);
        match (self.sense, other.sense) {
            (Sense::In, Sense::In) => self.values.iter().any(|value| has(other, value)),
            (Sense::In, Sense::NotIn) => self.values.iter().any(|value| !has(other, value)),
            (Sense::NotIn, Sense::In) => other.values.iter().any(|value| !has(self, value)),
            // Two finite lists never rule out every value of a mask with more bits than that.
            (Sense::NotIn, Sense::NotIn) => true,
        }
    }

    /// Whether the test is true for an argument of a call.
    pub fn holds(&self, value: u64) -> bool {
        // Truncation is the point: the kernel does the same.
        #[allow(
            clippy::cast_possible_truncation,
            reason = "the kernel drops these bits too"
        )]
        let low = value as u32;
        self.values.contains(&(low & self.mask)) == (self.sense == Sense::In)
    }
}

/// One case of a call whose arguments matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Case {
    /// When this case applies.
    pub test: Test,
    /// What happens then.
    pub action: Action,
    /// Where it comes from.
    pub origin: Origin,
}

/// What happens to one system call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Always the same.
    Always {
        /// What happens.
        action: Action,
        /// Where it comes from.
        origin: Origin,
    },
    /// The first case whose test holds; where none does, the call is allowed.
    Cases(Vec<Case>),
}

impl Rule {
    /// Every action that the rule can come to, except allowing by default.
    pub fn actions(&self) -> impl Iterator<Item = Action> {
        let (one, cases) = match self {
            Self::Always { action, .. } => (Some(*action), [].as_slice()),
            Self::Cases(cases) => (None, cases.as_slice()),
        };
        one.into_iter().chain(cases.iter().map(|case| case.action))
    }
}

/// The rules of one filter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SyscallRules {
    /// The architecture that the numbers belong to.
    pub arch: Arch,
    /// By number. A number above the newest known one has no effect: it is refused anyway.
    pub rules: BTreeMap<u32, Rule>,
}

impl SyscallRules {
    /// Rules that allow every known call.
    pub fn none(arch: Arch) -> Self {
        Self {
            arch,
            rules: BTreeMap::new(),
        }
    }

    /// What becomes of a call of this architecture.
    pub fn verdict(&self, number: u32, arguments: &[u64; 6]) -> Action {
        match self.rules.get(&number) {
            None => Action::Allow,
            Some(Rule::Always { action, .. }) => *action,
            Some(Rule::Cases(cases)) => cases
                .iter()
                .find(|case| {
                    let argument = arguments.get(usize::from(case.test.argument));
                    argument.is_some_and(|value| case.test.holds(*value))
                })
                .map_or(Action::Allow, |case| case.action),
        }
    }

    /// The same rules for a filter whose refusals are witnessed: the supervisor is asked, tells
    /// who tried, and gives the error that these rules state.
    ///
    /// Left out is what programs try as a matter of course and do without (`ENOSYS`, a socket
    /// to a local daemon): it would only be noise.
    #[must_use]
    pub fn witnessed(&self) -> Self {
        let watch = |action: &mut Action| {
            let is_told = [Errno::EPERM, Errno::ENETUNREACH, Errno::EAFNOSUPPORT];
            if let Action::Errno(errno) = action
                && is_told.contains(errno)
            {
                *action = Action::Notify;
            }
        };
        let mut watched = self.clone();
        for rule in watched.rules.values_mut() {
            match rule {
                Rule::Always { action, .. } => watch(action),
                Rule::Cases(cases) => cases.iter_mut().for_each(|case| watch(&mut case.action)),
            }
        }
        watched
    }

    /// Whether any call is handed to the supervisor, so that the filter needs a listener.
    pub fn notifies(&self) -> bool {
        self.rules
            .values()
            .flat_map(Rule::actions)
            .any(|action| action == Action::Notify)
    }

    /// How many system calls are refused, at least for some arguments.
    pub fn refused(&self) -> usize {
        self.rules
            .values()
            .filter(|rule| {
                rule.actions()
                    .any(|action| matches!(action, Action::Errno(_)))
            })
            .count()
    }

    /// How many system calls are supervised, at least for some arguments.
    pub fn supervised(&self) -> usize {
        self.rules
            .values()
            .filter(|rule| rule.actions().any(|action| action == Action::Notify))
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::{Sense, Test};

    #[test]
    fn the_upper_half_of_an_argument_does_not_count() {
        let family = Test {
            argument: 0,
            mask: u32::MAX,
            values: vec![1],
            sense: Sense::NotIn,
        };
        assert!(!family.holds(1));
        assert!(!family.holds(0xffff_ffff_0000_0001));
        assert!(family.holds(2));
        let namespaces = Test::any_bit(0, 0x7e02_0000);
        assert!(namespaces.holds(0x1000_0011));
        assert!(!namespaces.holds(0x1_0000_0011));
    }
}
