//! A filter for a reader: one line per instruction, calls by their names.

use std::fmt::Write as _;

use super::program::{
    AND, ARCHITECTURE, ARGUMENTS, Instruction, JUMP, JUMP_ANY_BIT, JUMP_AT_LEAST, JUMP_EQUAL, LOAD,
    NUMBER, Program, RETURN, RETURN_ALLOW, RETURN_ERRNO, RETURN_NOTIFY,
};
use super::{Arch, Errno};

impl Program {
    /// The program as text, one instruction a line.
    pub fn listing(&self, arch: Arch) -> String {
        let loaded = loaded(self.instructions());
        let mut text = String::new();
        for (index, instruction) in self.instructions().iter().enumerate() {
            // Writing to a String cannot fail.
            let _ = write!(text, "{index:4}  ");
            line(&mut text, index, *instruction);
            if loaded[index] == Some(NUMBER)
                && matches!(instruction.code, JUMP_EQUAL | JUMP_AT_LEAST)
                && let Some(name) = arch.name(instruction.k)
            {
                let _ = write!(text, "  ; {name}");
            }
            text.push('\n');
        }
        text
    }
}

fn line(text: &mut String, index: usize, instruction: Instruction) {
    let k = instruction.k;
    let yes = index + 1 + usize::from(instruction.jt);
    let no = index + 1 + usize::from(instruction.jf);
    // Writing to a String cannot fail.
    let _ = match instruction.code {
        LOAD => match k {
            NUMBER => write!(text, "load number"),
            ARCHITECTURE => write!(text, "load architecture"),
            _ => write!(text, "load argument {}", k.saturating_sub(ARGUMENTS) / 8),
        },
        AND => write!(text, "and {k:#x}"),
        JUMP => write!(text, "goto {}", index as u64 + 1 + u64::from(k)),
        JUMP_EQUAL => write!(text, "if = {} goto {yes} else {no}", value(k)),
        JUMP_AT_LEAST => write!(text, "if >= {} goto {yes} else {no}", value(k)),
        JUMP_ANY_BIT => write!(text, "if any bit of {k:#x} goto {yes} else {no}"),
        RETURN => write!(text, "return {}", verdict(k)),
        code => write!(text, "code {code:#x} {k:#x}"),
    };
}

/// Call numbers are read in decimal, everything larger in hexadecimal.
fn value(k: u32) -> String {
    if k < 1000 {
        k.to_string()
    } else {
        format!("{k:#x}")
    }
}

fn verdict(k: u32) -> String {
    match k {
        RETURN_ALLOW => "allow".into(),
        RETURN_NOTIFY => "notify".into(),
        _ if k & 0xffff_0000 == RETURN_ERRNO => Errno::numbered(k & 0xffff).to_string(),
        _ => format!("{k:#x}"),
    }
}

/// Which word of the call's data is in the accumulator before each instruction.
fn loaded(instructions: &[Instruction]) -> Vec<Option<u32>> {
    let mut before = vec![None; instructions.len()];
    for (index, instruction) in instructions.iter().enumerate() {
        let after = match instruction.code {
            LOAD => Some(instruction.k),
            AND => None,
            _ => before[index],
        };
        let (yes, no) = match instruction.code {
            RETURN => continue,
            JUMP => (instruction.k as usize, instruction.k as usize),
            _ => (usize::from(instruction.jt), usize::from(instruction.jf)),
        };
        for skip in [yes, no] {
            if let Some(slot) = before.get_mut(index + 1 + skip) {
                *slot = after;
            }
        }
    }
    before
}
