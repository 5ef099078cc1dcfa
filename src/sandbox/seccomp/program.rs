//! A filter in the form the kernel takes: classic BPF instructions.

use serde::Serialize;

use super::arch::Arch;

/// One instruction, laid out as the kernel's `struct sock_filter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Instruction {
    /// What it does.
    pub code: u16,
    /// How many instructions to skip when a comparison is true.
    pub jt: u8,
    /// How many instructions to skip when it is false.
    pub jf: u8,
    /// The value it works with.
    pub k: u32,
}

// Codes of `linux/bpf_common.h`, already combined.
/// Load a word of the call's data.
pub(super) const LOAD: u16 = 0x20;
/// Keep the bits of `k`.
pub(super) const AND: u16 = 0x54;
/// Jump always, by `k` instructions.
pub(super) const JUMP: u16 = 0x05;
/// Jump if equal to `k`.
pub(super) const JUMP_EQUAL: u16 = 0x15;
/// Jump if greater than or equal to `k`, unsigned.
pub(super) const JUMP_AT_LEAST: u16 = 0x35;
/// Jump if any bit of `k` is set.
pub(super) const JUMP_ANY_BIT: u16 = 0x45;
/// End with the verdict `k`.
pub(super) const RETURN: u16 = 0x06;

// Offsets in the kernel's `struct seccomp_data`.
/// The number of the call.
pub(super) const NUMBER: u32 = 0;
/// The architecture of the call.
pub(super) const ARCHITECTURE: u32 = 4;
/// The arguments, 8 bytes each, the lower half first on the architectures we know.
pub(super) const ARGUMENTS: u32 = 16;

/// The longest program that the kernel takes (`BPF_MAXINSNS`).
pub(super) const LONGEST: usize = 4096;

// Verdicts of `linux/seccomp.h`.
pub(super) const RETURN_ALLOW: u32 = 0x7fff_0000;
pub(super) const RETURN_ERRNO: u32 = 0x0005_0000;
pub(super) const RETURN_NOTIFY: u32 = 0x7fc0_0000;

impl Instruction {
    /// An instruction that does not jump.
    pub(super) const fn plain(code: u16, k: u32) -> Self {
        Self {
            code,
            jt: 0,
            jf: 0,
            k,
        }
    }
}

/// A complete filter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Program(Vec<Instruction>);

impl Program {
    pub(super) fn new(instructions: Vec<Instruction>) -> Self {
        Self(instructions)
    }

    /// The same, but `execveat(2)` passes whose sixth argument, which it does not have, is the
    /// key: so the launcher executes the command that it waits for, and cannot answer meanwhile.
    /// Whoever guesses the key is not told of, and gains nothing else.
    #[must_use]
    pub fn passing_executions(&self, arch: Arch, key: u64) -> Self {
        let Some(number) = arch.number("execveat") else {
            return self.clone();
        };
        let sixth = ARGUMENTS + 5 * 8;
        let [low, high] = halves(key);
        let checks = [
            (ARCHITECTURE, arch.audit_value()),
            (NUMBER, number),
            (sixth, low),
            (sixth + 4, high),
        ];
        let length = 2 * checks.len() + 1;
        let mut instructions = Vec::with_capacity(length + self.0.len());
        for (offset, wanted) in checks {
            instructions.push(Instruction::plain(LOAD, offset));
            // To the first instruction of the rest. There are a few, so the distance fits.
            let rest = u8::try_from(length - instructions.len() - 1).unwrap_or(u8::MAX);
            instructions.push(Instruction {
                code: JUMP_EQUAL,
                jt: 0,
                jf: rest,
                k: wanted,
            });
        }
        instructions.push(Instruction::plain(RETURN, RETURN_ALLOW));
        instructions.extend_from_slice(&self.0);
        Self(instructions)
    }

    /// The instructions in the order the kernel runs them.
    pub fn instructions(&self) -> &[Instruction] {
        &self.0
    }
}

/// The lower and the upper 32 bits.
fn halves(key: u64) -> [u32; 2] {
    let low = u32::try_from(key & u64::from(u32::MAX)).unwrap_or(0);
    let high = u32::try_from(key >> 32).unwrap_or(0);
    [low, high]
}
