//! Random rules: whatever is asked for, both compilers and a plain reading agree.

use lobsterpot::sandbox::seccomp::{
    Action, Arch, Case, Errno, Origin, Rule, Sense, SyscallRules, Test,
};
use proptest::prelude::*;

use super::oracle::{agree, means_what_it_says};

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        Just(Action::Errno(Errno::EPERM)),
        Just(Action::Errno(Errno::ENOSYS)),
        Just(Action::Errno(Errno::EROFS)),
        Just(Action::Notify),
    ]
}

fn test() -> impl Strategy<Value = Test> {
    let values = || prop::collection::vec(any::<u32>(), 1..4);
    let shape = prop_oneof![
        (any::<u32>(), values(), Just(Sense::In)),
        (Just(u32::MAX), values(), Just(Sense::NotIn)),
        (any::<u32>(), Just(vec![0]), Just(Sense::NotIn)),
        (0_u32..64, values(), Just(Sense::NotIn)),
    ];
    (0_u8..6, shape).prop_map(|(argument, (mask, values, sense))| Test {
        argument,
        mask,
        values: values.iter().map(|value| value & mask).collect(),
        sense,
    })
}

fn rule() -> impl Strategy<Value = Rule> {
    let origin = Origin {
        set: "random".into(),
        reason: "a test".into(),
    };
    let always = origin.clone();
    let case = (test(), action()).prop_map(move |(test, action)| Case {
        test,
        action,
        origin: origin.clone(),
    });
    prop_oneof![
        3 => action().prop_map(move |action| Rule::Always { action, origin: always.clone() }),
        2 => prop::collection::vec(case, 1..5).prop_map(Rule::Cases),
    ]
}

fn some_rules(size: std::ops::Range<usize>) -> impl Strategy<Value = SyscallRules> {
    let arch = prop_oneof![Just(Arch::X86_64), Just(Arch::Aarch64)];
    let rules = prop::collection::btree_map(0_u32..480, rule(), size);
    (arch, rules).prop_map(|(arch, rules)| SyscallRules { arch, rules })
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 32,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_few_rules_mean_the_same_to_both_compilers(rules in some_rules(0..24)) {
        agree(&rules);
    }

    /// Long enough that jumps reach no further and must be helped.
    #[test]
    fn very_many_rules_mean_what_they_say(rules in some_rules(200..300)) {
        means_what_it_says(&rules);
    }
}
