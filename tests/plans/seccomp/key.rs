//! The key by which the launcher's own `execveat` passes a filter that hands executions over.

use lobsterpot::sandbox::seccomp::{Arch, Program, Treatment};

use super::bpf::{Raw, run};
use super::{Call, interesting_calls, rules};

const KEY: u64 = 0x8123_4567_9abc_def0;
/// `SECCOMP_RET_ALLOW` and `SECCOMP_RET_USER_NOTIF`.
const ALLOW: u32 = 0x7fff_0000;
const NOTIFY: u32 = 0x7fc0_0000;

fn raw(program: &Program) -> Vec<Raw> {
    let raw = |one: &lobsterpot::sandbox::seccomp::Instruction| (one.code, one.jt, one.jf, one.k);
    program.instructions().iter().map(raw).collect()
}

#[test]
fn nothing_but_an_execution_by_the_key_passes() {
    for arch in Arch::ALL {
        let rules = rules(arch, &[("executions", Treatment::Supervise)]);
        let program = rules.compile().unwrap();
        let keyed = raw(&program.passing_executions(arch, KEY));
        let program = raw(&program);
        let execveat = |sixth: u64| Call {
            architecture: arch.audit_value(),
            number: arch.number("execveat").unwrap(),
            arguments: [0, 0, 0, 0, 0, sixth],
        };
        assert_eq!(run(&keyed, execveat(KEY)).verdict, ALLOW, "{arch}");
        for bit in 0..64 {
            let wrong = execveat(KEY ^ (1 << bit));
            assert_eq!(run(&keyed, wrong).verdict, NOTIFY, "{arch} {bit}");
        }
        for call in interesting_calls(&rules) {
            for arguments in [call.arguments, [KEY; 6]] {
                let call = Call { arguments, ..call };
                let is_execveat = arch.number("execveat") == Some(call.number);
                if is_execveat && call.architecture == arch.audit_value() {
                    continue;
                }
                let (with, without) = (run(&keyed, call), run(&program, call));
                assert_eq!(with.verdict, without.verdict, "{arch} {call:?}");
            }
        }
    }
}
