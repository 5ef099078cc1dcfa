//! Stand-ins for programs that agents already call: a shell, and ssh.
//!
//! Pure: how such a program was called, read from its words, and words made for it. What is
//! called for happens elsewhere, by the broker; nothing here starts anything or opens a file.

mod quote;
mod shell;
mod ssh;

pub use quote::{quoted, quoted_line};
pub use shell::{Dialect, ShellCall, ShellError, Source};
pub use ssh::{SshCall, SshError, Step, removing_itself};
