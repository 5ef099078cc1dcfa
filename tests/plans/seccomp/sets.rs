//! The sets that are part of the program, and what is wrong with sets that are not.

use lobsterpot::sandbox::seccomp::{Arch, SyscallSets};

use super::everything;

#[test]
fn the_built_in_sets_are_read_on_every_architecture() {
    let text = include_str!("../../../sandbox-profiles/syscalls.toml");
    if let Err(found) = SyscallSets::parse("sandbox-profiles/syscalls.toml", text) {
        panic!("{found}");
    }
    for arch in Arch::ALL {
        assert!(everything(arch).refused() > 80, "{arch}");
    }
}
