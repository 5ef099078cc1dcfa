//! System call filters: from named sets of calls to one short BPF program.
//!
//! Everything here is pure: a filter is computed and printed here, and installed
//! elsewhere. A filter must never let a call continue because of what it saw in
//! the caller's memory; it judges by the call's number and its register arguments.

mod arch;
mod compile;
mod constants;
mod errno;
mod listing;
mod program;
mod read;
mod rules;
mod sets;

pub use arch::Arch;
pub use compile::CompileError;
pub use errno::Errno;
pub use program::{Instruction, Program};
pub use rules::{Action, Case, Origin, Rule, Sense, SyscallRules, Test};
pub use sets::{Closed, Openable, SetEntry, SetError, SyscallSet, SyscallSets, Treatment};
