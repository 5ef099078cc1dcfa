//! Every `unsafe` block and every raw system call, under safe names.
//!
//! This module knows the kernel and nothing of policies: it never decides
//! whether something is allowed, only how it is done.

pub mod private;
