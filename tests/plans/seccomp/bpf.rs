//! A classic BPF machine as the kernel has it for filters, so that programs can be run without one.

use super::Call;

/// What running a program came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) verdict: u32,
    /// How many instructions were run.
    pub(crate) steps: usize,
}

/// An instruction of whatever compiler: code, jump if true, jump if false, value.
pub(crate) type Raw = (u16, u8, u8, u32);

/// Runs a program on a call. Panics where the kernel would refuse the program.
pub(crate) fn run(program: &[Raw], call: Call) -> Outcome {
    let mut accumulator = 0_u32;
    let mut at = 0;
    for steps in 1.. {
        let (code, jt, jf, k) = program[at];
        at += 1;
        let jump = |condition: bool| usize::from(if condition { jt } else { jf });
        match code {
            0x20 => accumulator = word(call, k),
            0x54 => accumulator &= k,
            0x05 => at += k as usize,
            0x15 => at += jump(accumulator == k),
            0x25 => at += jump(accumulator > k),
            0x35 => at += jump(accumulator >= k),
            0x45 => at += jump(accumulator & k != 0),
            0x06 => return Outcome { verdict: k, steps },
            other => panic!("no such instruction: {other:#x}"),
        }
    }
    unreachable!("a program ends, because it only jumps forward")
}

/// A word of the kernel's `struct seccomp_data`, on a little-endian machine.
fn word(call: Call, offset: u32) -> u32 {
    match offset {
        0 => call.number,
        4 => call.architecture,
        8 | 12 => 0x1234_5678,
        _ => {
            assert!(
                offset < 64 && offset.is_multiple_of(4),
                "a word of the data"
            );
            let argument = call.arguments[(offset as usize - 16) / 8];
            let half = if offset.is_multiple_of(8) {
                argument
            } else {
                argument >> 32
            };
            (half & 0xffff_ffff) as u32
        }
    }
}

/// Our program as raw instructions.
pub(crate) fn ours(program: &lobsterpot::sandbox::seccomp::Program) -> Vec<Raw> {
    let raw = |i: &lobsterpot::sandbox::seccomp::Instruction| (i.code, i.jt, i.jf, i.k);
    program.instructions().iter().map(raw).collect()
}

/// The value that the kernel gives an action.
pub(crate) fn value(action: lobsterpot::sandbox::seccomp::Action) -> u32 {
    use lobsterpot::sandbox::seccomp::Action;
    match action {
        Action::Allow => libc::SECCOMP_RET_ALLOW,
        Action::Errno(errno) => libc::SECCOMP_RET_ERRNO | u32::from(errno.number()),
        Action::Notify => libc::SECCOMP_RET_USER_NOTIF,
    }
}
