//! The processor architectures that filters are made for, and their system calls.
//!
//! The tables come from the `syscalls` crate. A number that no table knows is
//! never allowed, so a newer kernel's calls stay closed until they are looked at.

use std::str::FromStr as _;

use serde::{Deserialize, Serialize};
use syscalls::{aarch64, x86_64};

/// An architecture whose system calls are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arch {
    /// 64-bit x86. Its 32-bit and x32 calls are closed.
    X86_64,
    /// 64-bit ARM. Its 32-bit calls are closed.
    Aarch64,
}

impl Arch {
    /// Every architecture.
    pub const ALL: [Self; 2] = [Self::X86_64, Self::Aarch64];

    /// The architecture this program was built for, where it is one of these.
    pub const fn native() -> Option<Self> {
        if cfg!(all(target_arch = "x86_64", target_pointer_width = "64")) {
            Some(Self::X86_64)
        } else if cfg!(all(target_arch = "aarch64", target_endian = "little")) {
            Some(Self::Aarch64)
        } else {
            None
        }
    }

    /// The name, as profiles write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        }
    }

    /// The kernel's `AUDIT_ARCH_*` value (`linux/audit.h`), which a filter sees.
    pub const fn audit_value(self) -> u32 {
        match self {
            Self::X86_64 => 0xc000_003e,
            Self::Aarch64 => 0xc000_00b7,
        }
    }

    /// The number of a system call, where the architecture has it.
    pub fn number(self, name: &str) -> Option<u32> {
        let id = match self {
            Self::X86_64 => x86_64::Sysno::from_str(name).ok()?.id(),
            Self::Aarch64 => aarch64::Sysno::from_str(name).ok()?.id(),
        };
        u32::try_from(id).ok()
    }

    /// The name of a system call, where the number is known.
    pub fn name(self, number: u32) -> Option<&'static str> {
        let id = usize::try_from(number).ok()?;
        match self {
            Self::X86_64 => x86_64::Sysno::new(id).map(|call| call.name()),
            Self::Aarch64 => aarch64::Sysno::new(id).map(|call| call.name()),
        }
    }

    /// The highest number that is known.
    pub fn newest(self) -> u32 {
        let id = match self {
            Self::X86_64 => x86_64::Sysno::last().id(),
            Self::Aarch64 => aarch64::Sysno::last().id(),
        };
        // The tables hold no negative number; 0 would close everything above `read`.
        u32::try_from(id).unwrap_or(0)
    }
}

impl std::fmt::Display for Arch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Arch;

    #[test]
    fn names_and_numbers_belong_together() {
        assert_eq!(Arch::X86_64.number("openat"), Some(257));
        assert_eq!(Arch::Aarch64.number("openat"), Some(56));
        assert_eq!(Arch::Aarch64.number("open"), None);
        for arch in Arch::ALL {
            for number in 0..=arch.newest() {
                if let Some(name) = arch.name(number) {
                    assert_eq!(arch.number(name), Some(number), "{arch} {name}");
                }
            }
        }
    }

    #[test]
    fn the_tables_know_the_newest_calls_that_matter() {
        for arch in Arch::ALL {
            assert_eq!(arch.number("file_setattr"), Some(469), "{arch}");
        }
    }
}
