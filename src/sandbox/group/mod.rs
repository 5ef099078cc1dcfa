//! Control groups of version 2: what bounds all processes of a session together.
//!
//! Where a group is delegated to this user, the commands of a session are started in one of
//! their own. It bounds their memory, shared memory included, and their number, whoever the
//! user is; its own account says which limit was met; and everything in it can be ended at once.
//! Elsewhere resource limits and the sizes of file systems are all there is.
//!
//! The groups of a session, below the one that is delegated:
//!
//! ```text
//! lobsterpot-SESSION
//!   launcher    in view mode: the first process of the pid namespace
//!   commands    the limits; and the commands, where one runs at a time
//!     N         the commands of lane N, where several do
//! ```
//!
//! A group that was not made here is never written to, but to enable its controllers.
//!
//! Reading order: `delegation` (what the host gives), `wanted` (what a plan makes of it),
//! `session` (making and removing), `commands` (starting in it, and its account).

mod commands;
mod delegation;
mod session;
mod wanted;

pub(super) use commands::CommandGroup;
pub use delegation::{ControlGroup, Delegation, Occupancy, step_aside};
pub use session::GroupError;
pub(super) use session::{Layout, SessionGroup, is_obstacle_of_the_host};
pub use wanted::GroupPlan;
