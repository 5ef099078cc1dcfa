//! The default programs, written down: what changes there changes what is enforced.
//!
//! `LOBSTERPOT_BLESS=1` writes them anew, and a reviewer reads the difference.

use std::fmt::Write as _;

use lobsterpot::sandbox::seccomp::{Arch, SyscallRules};
use lobsterpot::sandbox::{HostFeatures, Presence, Supervision};

use crate::plans::golden::{kernel, plan, with_namespaces};

/// The filters of the plans that hosts come to most.
fn filters(arch: Arch) -> Vec<(&'static str, SyscallRules)> {
    let flat = HostFeatures {
        architecture: Some(arch),
        ..kernel(7, Supervision::Available)
    };
    let view = HostFeatures {
        fuse: Presence::Present,
        ..with_namespaces(flat.clone())
    };
    let alone = HostFeatures {
        supervision: Supervision::Taken,
        ..flat.clone()
    };
    [
        ("view, workspace", "workspace", &view),
        ("view, read-only", "read-only", &view),
        ("flat, read-only, without a supervisor", "read-only", &alone),
        ("flat, read-only", "read-only", &flat),
        ("flat, workspace", "workspace", &flat),
    ]
    .into_iter()
    .map(|(name, policy, host)| (name, plan(policy, host).unwrap().filtered()))
    .collect()
}

fn described() -> String {
    let mut text = String::new();
    for arch in Arch::ALL {
        for (name, rules) in filters(arch) {
            let length = rules.compile().unwrap().instructions().len();
            let (refused, supervised) = (rules.refused(), rules.supervised());
            writeln!(
                text,
                "{arch}, {name}: {length} instructions, refuse {refused}, supervise {supervised}"
            )
            .unwrap();
        }
    }
    let (name, rules) = filters(Arch::X86_64).pop().unwrap();
    let listing = rules.compile().unwrap().listing(Arch::X86_64);
    write!(text, "\nx86_64, {name}:\n{listing}").unwrap();
    text
}

#[test]
fn the_default_programs_are_as_they_were_read_last() {
    let stored = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/plans/seccomp/golden.txt"
    );
    let now = described();
    if std::env::var_os("LOBSTERPOT_BLESS").is_some() {
        std::fs::write(stored, &now).unwrap();
    }
    let before = std::fs::read_to_string(stored).unwrap();
    for (now, before) in now.lines().zip(before.lines()) {
        assert_eq!(
            now, before,
            "run with LOBSTERPOT_BLESS=1 and read the difference"
        );
    }
    assert_eq!(now.lines().count(), before.lines().count());
}

#[test]
fn the_default_programs_are_short() {
    // Installing runs a filter once for every call: 400 instructions cost 0.1 ms and more.
    for arch in Arch::ALL {
        for (name, rules) in filters(arch) {
            let length = rules.compile().unwrap().instructions().len();
            assert!(length < 250, "{arch}, {name}: {length}");
        }
    }
}

#[test]
fn an_ordinary_call_is_found_in_few_steps() {
    use super::{Call, bpf};
    for arch in Arch::ALL {
        for (name, rules) in filters(arch) {
            let program = bpf::ours(&rules.compile().unwrap());
            for number in 0..=arch.newest() {
                let call = Call {
                    architecture: arch.audit_value(),
                    number,
                    arguments: [0; 6],
                };
                let steps = bpf::run(&program, call).steps;
                // Tests of arguments come on top; ioctl has the most.
                let most = if rules.rules.contains_key(&number) {
                    40
                } else {
                    13
                };
                assert!(steps <= most, "{arch}, {name}, {number}: {steps}");
            }
        }
    }
}
