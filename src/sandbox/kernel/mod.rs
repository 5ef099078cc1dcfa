//! The kernel witness: what Landlock itself says that it refused, from the host's audit.
//!
//! Landlock can make an audit record of each access that it denies, with the domain it denies
//! it to. Each command has a domain of its own, entered under a name that nobody else has, and
//! that name is in the kernel's record of the domain: the mark. So denials are joined to their
//! command without any number of a process, and whoever else uses Landlock on the host is told
//! apart. Nothing here reads anything but records, and nothing depends on them.

mod join;
mod mark;
mod offer;
mod record;
mod watch;

pub use join::{Caller, Heard, Refusal};
pub use offer::AuditRecords;
pub use record::Object;
pub(super) use watch::{Ear, KernelWatch};
