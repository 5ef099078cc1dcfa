//! Opened grants, and the operations on files that principals ask for.
//!
//! The only code that touches files on behalf of a principal. Every operation takes a
//! [`crate::policy::Permit`] and consumes it. None may look at anything outside the
//! grant, answer about a hidden name, follow a link that was not decided about, or block.

#![allow(
    clippy::needless_pass_by_value,
    reason = "an operation consumes its permit: one decision, one effect"
)]

mod append;
mod base64;
mod copy;
mod delete;
mod directory;
mod edit;
mod error;
mod exposed;
mod glob;
mod grep;
mod list;
mod mkdir;
mod name;
mod open;
mod protected;
mod read;
mod rename;
mod resolve;
mod rights;
mod stat;
mod store;
mod table;
mod tree;
mod walk;
mod write;

pub use append::append;
pub use copy::copy;
pub use delete::{DeleteResult, delete};
pub use directory::directory;
pub use edit::{EditResult, edit};
pub use error::{FileError, Problem, Refusal};
pub use exposed::{ExposedFiles, exposed_files};
pub use glob::{Found, GlobResult, glob};
pub use grep::{GrepResult, Match, grep};
pub use list::{Entry, ListResult, list};
pub use mkdir::{MkdirResult, mkdir};
pub use protected::{Before, Exceptions, Names, SetAside};
pub use read::{Encoding, ReadResult, read};
pub use rename::{MoveResult, rename};
pub use rights::{Need, needs};
pub use stat::{StatResult, stat};
pub use table::{Capabilities, OpenError, Resolver};
pub use write::{WriteResult, write};
