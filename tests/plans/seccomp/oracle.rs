//! Our programs against those of `seccompiler`, an independent compiler: the same verdict for every call.

use std::collections::{BTreeMap, BTreeSet};

use lobsterpot::sandbox::seccomp::{
    Action, Arch, Case, Errno, Rule, Sense, SyscallRules, Test, Treatment,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use super::bpf::{self, Raw};
use super::{Call, everything, interesting_calls, rules, verdict};

#[test]
fn the_built_in_sets_mean_the_same_to_both_compilers() {
    for arch in Arch::ALL {
        everything(arch).iter().for_each(agree);
        let supervised = [
            ("sockets", Treatment::AsWritten),
            ("metadata", Treatment::Supervise),
            ("inode-flags", Treatment::Errno(Errno::EPERM)),
        ];
        agree(&rules(arch, &supervised));
    }
}

/// Compares our program with a plain reading of the rules and with the other compiler's.
pub(super) fn agree(rules: &SyscallRules) {
    let ours = bpf::ours(&rules.compile().unwrap());
    let others = Others::of(rules);
    for call in interesting_calls(rules) {
        let run = bpf::run(&ours, call);
        let possible = others.verdicts(rules, call);
        assert!(possible.contains(&run.verdict), "{call:x?} {possible:x?}");
    }
    means_what_it_says(rules);
}

/// Compares our program with a plain reading of the rules.
pub(super) fn means_what_it_says(rules: &SyscallRules) {
    let ours = bpf::ours(&rules.compile().unwrap());
    for call in interesting_calls(rules) {
        let verdict = verdict(rules, call);
        let run = bpf::run(&ours, call);
        assert_eq!(run.verdict, bpf::value(verdict), "{call:x?} {verdict:?}");
    }
    let foreign = Call {
        architecture: 0x4000_0003, // i386
        number: 1,
        arguments: [0; 6],
    };
    assert_eq!(bpf::run(&ours, foreign).verdict, enosys());
}

fn enosys() -> u32 {
    bpf::value(Action::Errno(Errno::ENOSYS))
}

/// The other compiler knows one action a filter, so there is one filter an action.
struct Others(BTreeMap<Action, Vec<Raw>>);

impl Others {
    fn of(rules: &SyscallRules) -> Self {
        let actions: BTreeSet<Action> = rules.rules.values().flat_map(Rule::actions).collect();
        let filters = actions
            .into_iter()
            .filter(|action| *action != Action::Allow)
            .map(|action| (action, filter(rules, action)));
        Self(filters.collect())
    }

    /// What the filters say. Where several match, the order of the cases decides, which
    /// this compiler does not know, so each of them is possible.
    fn verdicts(&self, rules: &SyscallRules, call: Call) -> Vec<u32> {
        if rules.arch.name(call.number).is_none() {
            // A call that the table does not know: the other compiler has no word for it.
            return vec![enosys()];
        }
        let matching = self
            .0
            .iter()
            .filter(|(_, program)| bpf::run(program, call).verdict != libc::SECCOMP_RET_ALLOW)
            .map(|(action, _)| bpf::value(*action))
            .collect::<Vec<_>>();
        if matching.is_empty() {
            vec![libc::SECCOMP_RET_ALLOW]
        } else {
            matching
        }
    }
}

fn filter(rules: &SyscallRules, action: Action) -> Vec<Raw> {
    let mut map: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for (&number, rule) in &rules.rules {
        let translated = match rule {
            Rule::Always { action: one, .. } if *one == action => Vec::new(),
            Rule::Always { .. } => continue,
            Rule::Cases(cases) => {
                let cases = cases.iter().filter(|case| case.action == action);
                let translated: Vec<_> = cases.flat_map(translate).collect();
                if translated.is_empty() {
                    continue;
                }
                translated
            }
        };
        map.insert(i64::from(number), translated);
    }
    let target = match rules.arch {
        Arch::X86_64 => TargetArch::x86_64,
        Arch::Aarch64 => TargetArch::aarch64,
    };
    // The action's own value does not matter: only whether it matched.
    let filter =
        SeccompFilter::new(map, SeccompAction::Allow, SeccompAction::Trap, target).unwrap();
    let program: BpfProgram = filter.try_into().unwrap();
    program.iter().map(|i| (i.code, i.jt, i.jf, i.k)).collect()
}

/// A case as alternatives of conditions that all must hold.
fn translate(case: &Case) -> Vec<SeccompRule> {
    let Test {
        argument,
        mask,
        values,
        sense,
    } = &case.test;
    let condition = |operator, value: u32| {
        SeccompCondition::new(
            *argument,
            SeccompCmpArgLen::Dword,
            operator,
            u64::from(value),
        )
        .unwrap()
    };
    let masked = |value| {
        SeccompRule::new(vec![condition(
            SeccompCmpOp::MaskedEq(u64::from(*mask)),
            value,
        )])
        .unwrap()
    };
    match sense {
        Sense::In => values.iter().map(|value| masked(*value)).collect(),
        Sense::NotIn if *mask == u32::MAX => {
            let all = values
                .iter()
                .map(|value| condition(SeccompCmpOp::Ne, *value));
            vec![SeccompRule::new(all.collect()).unwrap()]
        }
        Sense::NotIn if values == &[0] => (0..32)
            .map(|bit| 1_u32 << bit)
            .filter(|bit| mask & bit != 0)
            .map(|bit| {
                let set = condition(SeccompCmpOp::MaskedEq(u64::from(bit)), bit);
                SeccompRule::new(vec![set]).unwrap()
            })
            .collect(),
        Sense::NotIn => {
            assert!(*mask <= 0xff, "every value of the mask is tried");
            (0..=*mask)
                .filter(|value| value & !mask == 0 && !values.contains(value))
                .map(masked)
                .collect()
        }
    }
}
