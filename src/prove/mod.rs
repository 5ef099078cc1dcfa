//! `lobsterpot prove`: a battery of attacks on the user's own host, against the policy they name.
//!
//! Each attack is made twice, by the same attacker: outside the sandbox, where it has to work,
//! and inside. Whether it worked is looked at from outside, never taken from the attacker. The
//! proof touches nothing but its own temporary world, and leaves nothing behind.

mod adapt;
mod attacker;
mod battery;
mod bystander;
mod conversation;
mod entrance;
mod error;
mod ground;
mod listener;
mod phase;
mod processes;
mod proof;
mod props;
mod protocol;
mod rounds;
mod row;
mod stage;
mod trial;
mod verdict;
mod witness;
mod world;

pub use attacker::run_if_named;
pub use error::ProveError;
pub use proof::{Counts, Proof, Subject, prove, prove_without_sandbox};
pub use row::Group;
pub use trial::Promises;
pub use verdict::{Finding, Verdict};
