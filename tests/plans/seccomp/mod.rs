//! System call filters: the sets that are part of the program, and what they compile to.

mod bpf;
mod golden;
mod key;
mod oracle;
mod random;
mod sets;

use lobsterpot::sandbox::seccomp::{Action, Arch, Rule, SyscallRules, SyscallSets, Treatment};

/// The sets that close calls, each in the way that plans use it most.
pub(crate) fn rules(arch: Arch, closed: &[(&str, Treatment)]) -> SyscallRules {
    SyscallSets::built_in().rules(arch, closed).unwrap()
}

/// Every set of the file, as written; in parts, for some are about the same calls, and a plan
/// takes one of them.
pub(crate) fn everything(arch: Arch) -> [SyscallRules; 3] {
    let sets = SyscallSets::built_in();
    let part = |name: &str| match name {
        "privileged-modes" | "opens" => 1,
        "truncate" | "truncate-by-path" => 2,
        _ => 0,
    };
    [0, 1, 2].map(|number| {
        let of_part = sets.sets.iter().filter(|set| part(&set.name) == number);
        let closed: Vec<_> = of_part
            .map(|set| (set.name.as_str(), Treatment::AsWritten))
            .collect();
        sets.rules(arch, &closed).unwrap()
    })
}

/// A system call as a filter sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(crate) architecture: u32,
    pub(crate) number: u32,
    pub(crate) arguments: [u64; 6],
}

/// What the rules say about a call of their own architecture, read the plain way.
pub(crate) fn verdict(rules: &SyscallRules, call: Call) -> Action {
    let enosys = Action::Errno(lobsterpot::sandbox::seccomp::Errno::ENOSYS);
    if call.architecture != rules.arch.audit_value() || rules.arch.name(call.number).is_none() {
        return enosys;
    }
    match rules.rules.get(&call.number) {
        None => Action::Allow,
        Some(Rule::Always { action, .. }) => *action,
        Some(Rule::Cases(cases)) => cases
            .iter()
            .find(|case| {
                case.test
                    .holds(call.arguments[usize::from(case.test.argument)])
            })
            .map_or(Action::Allow, |case| case.action),
    }
}

/// Calls that are worth trying: every number with ordinary arguments, and around every
/// value that a test compares with, the upper halves filled as an attacker would.
pub(crate) fn interesting_calls(rules: &SyscallRules) -> Vec<Call> {
    let architecture = rules.arch.audit_value();
    let mut calls = Vec::new();
    let numbers = (0..=1024).chain([
        0x3fff_ffff,
        0x4000_0000,
        0x4000_0029, // x32: socket
        0x4000_0200, // x32 alone: rt_sigaction
        0x7fff_ffff,
        0x8000_0000,
        u32::MAX,
    ]);
    for number in numbers {
        for argument in [0, 1, u64::MAX] {
            calls.push(Call {
                architecture,
                number,
                arguments: [argument; 6],
            });
        }
    }
    for (&number, rule) in &rules.rules {
        let Rule::Cases(cases) = rule else { continue };
        for case in cases {
            for value in values_around(&case.test.values, case.test.mask) {
                let mut arguments = [0; 6];
                arguments[usize::from(case.test.argument)] = value;
                calls.push(Call {
                    architecture,
                    number,
                    arguments,
                });
            }
        }
    }
    calls
}

fn values_around(values: &[u32], mask: u32) -> Vec<u64> {
    let near = values.iter().flat_map(|value| {
        let flipped = value ^ (mask & mask.wrapping_neg());
        [*value, value | !mask, value.wrapping_add(1), flipped]
    });
    near.chain([0, mask, !mask])
        .map(u64::from)
        .flat_map(|low| [low, low | 0xffff_ffff_0000_0000, low << 32])
        .collect()
}
