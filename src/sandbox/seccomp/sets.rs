//! Named sets of system calls, and the rules that a choice of sets comes to.
//!
//! The sets say what is dangerous and why; a plan says which of them are closed,
//! and how. A call is never opened here: what a set closes stays closed.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};

use super::{Action, Arch, Case, Errno, Origin, Rule, SyscallRules, Test};
use crate::model::{Mode, Wording};
use crate::policy::BuiltIn;

static BUILT_IN: BuiltIn = BuiltIn::new(
    "syscalls",
    include_str!("../../../sandbox-profiles/syscalls.toml"),
    include_bytes!("../../../sandbox-profiles/compiled/syscalls.bin"),
);

/// All sets of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct SyscallSets {
    /// In the order of the file.
    pub sets: Vec<SyscallSet>,
}

/// One named set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct SyscallSet {
    /// The name that profiles and plans use.
    pub name: Wording,
    /// What it is about, in a line.
    pub about: Wording,
    /// When it is closed.
    pub closed: Closed,
    /// Whether a profile can leave it open.
    pub openable: Openable,
    /// Its calls.
    pub entries: Vec<SetEntry>,
}

/// When a set is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Closed {
    /// In every plan.
    Always,
    /// In flat mode; in a view, namespaces do the same.
    Flat,
    /// When the plan says so, and as it says.
    ByPlan,
}

/// Whether a profile can leave a set open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Openable {
    /// A profile can: what it closes harms nobody outside.
    Yes,
    /// No profile can: a promise rests on it.
    No,
}

/// Calls that are closed for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct SetEntry {
    /// Their names.
    pub calls: Vec<Wording>,
    /// Only with such an argument; always where absent.
    pub when: Option<Test>,
    /// The error they end with.
    pub errno: Errno,
    /// The one architecture that has them; every architecture where absent.
    pub only: Option<Arch>,
    /// Why they are closed.
    pub reason: Wording,
}

/// How a plan treats a set that it closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// Each call ends with the error that its entry states.
    AsWritten,
    /// Every call ends with this error instead.
    Errno(Errno),
    /// The supervisor performs the call, or refuses it.
    Supervise,
}

/// Why sets make no rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// No set has the name.
    #[error("there is no set of system calls named `{0}`")]
    Unknown(String),
    /// Two chosen sets want different things of the same call.
    #[error("the sets `{first}` and `{second}` contradict each other about `{call}`")]
    Contradiction {
        /// The call.
        call: String,
        /// The set that came first.
        first: String,
        /// The set that contradicts it.
        second: String,
    },
}

impl SyscallSets {
    /// The sets that are part of the program.
    pub fn built_in() -> Self {
        BUILT_IN.read(Self::parse)
    }

    /// The set of this name.
    pub fn get(&self, name: &str) -> Option<&SyscallSet> {
        self.sets.iter().find(|set| set.name == name)
    }

    /// The names of the sets that are closed in a mode before the plan adds its own.
    pub fn closed_in(&self, mode: Mode) -> impl Iterator<Item = &str> {
        let closed = move |set: &&SyscallSet| match set.closed {
            Closed::Always => true,
            Closed::Flat => mode == Mode::Flat,
            Closed::ByPlan => false,
        };
        self.sets.iter().filter(closed).map(|set| set.name.as_str())
    }

    /// The names of the sets that a profile can leave open.
    pub fn openable(&self) -> impl Iterator<Item = &str> {
        let openable = |set: &&SyscallSet| set.openable == Openable::Yes;
        self.sets
            .iter()
            .filter(openable)
            .map(|set| set.name.as_str())
    }

    /// The rules for one architecture when these sets are closed, and nothing else.
    ///
    /// # Errors
    /// When there is no set of a name, or two of them contradict each other.
    pub fn rules(
        &self,
        arch: Arch,
        closed: &[(&str, Treatment)],
    ) -> Result<SyscallRules, SetError> {
        let mut rules = SyscallRules::none(arch);
        for (name, treatment) in closed {
            let set = self
                .get(name)
                .ok_or_else(|| SetError::Unknown((*name).to_owned()))?;
            for entry in &set.entries {
                add(&mut rules, set, entry, *treatment)?;
            }
        }
        Ok(rules)
    }
}

fn add(
    rules: &mut SyscallRules,
    set: &SyscallSet,
    entry: &SetEntry,
    treatment: Treatment,
) -> Result<(), SetError> {
    let action = match treatment {
        Treatment::AsWritten => Action::Errno(entry.errno),
        Treatment::Errno(errno) => Action::Errno(errno),
        Treatment::Supervise => Action::Notify,
    };
    let origin = Origin {
        set: set.name.clone(),
        reason: entry.reason.clone(),
    };
    for call in &entry.calls {
        // An entry of another architecture has no number here; the reader made sure of the rest.
        let Some(number) = rules.arch.number(call) else {
            continue;
        };
        let rule = match &entry.when {
            None => Rule::Always {
                action,
                origin: origin.clone(),
            },
            Some(test) => Rule::Cases(vec![Case {
                test: test.clone(),
                action,
                origin: origin.clone(),
            }]),
        };
        place(&mut rules.rules, number, rule).map_err(|first| SetError::Contradiction {
            call: call.to_string(),
            first,
            second: set.name.to_string(),
        })?;
    }
    Ok(())
}

/// Adds a rule beside those that the number has; the set that it contradicts otherwise.
fn place(rules: &mut BTreeMap<u32, Rule>, number: u32, rule: Rule) -> Result<(), String> {
    let mut slot = match rules.entry(number) {
        Entry::Vacant(slot) => {
            slot.insert(rule);
            return Ok(());
        }
        Entry::Occupied(slot) => slot,
    };
    match (slot.get_mut(), rule) {
        (Rule::Cases(cases), Rule::Cases(more)) => {
            for case in more {
                if let Some(other) = cases.iter().find(|other| contradict(other, &case)) {
                    return Err(other.origin.set.to_string());
                }
                cases.push(case);
            }
            Ok(())
        }
        (Rule::Always { origin, .. }, _) => Err(origin.set.to_string()),
        (Rule::Cases(cases), Rule::Always { .. }) => {
            // A rule with cases has at least one.
            Err(cases
                .first()
                .map(|case| case.origin.set.to_string())
                .unwrap_or_default())
        }
    }
}

/// Whether some argument meets both cases and they want different things of it.
pub(super) fn contradict(one: &Case, other: &Case) -> bool {
    one.action != other.action && one.test.overlaps(&other.test)
}

#[cfg(test)]
mod tests {
    use super::{BUILT_IN, SyscallSets};

    #[test]
    fn the_sets_that_are_kept_are_those_of_the_text() {
        let said = SyscallSets::parse(&BUILT_IN.source(), BUILT_IN.text);
        match said {
            Ok(sets) => BUILT_IN.check("sandbox-profiles", &sets),
            Err(found) => panic!("{found}"),
        }
    }
}
