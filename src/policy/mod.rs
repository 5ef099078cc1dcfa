//! Who may do what: a policy is read, checked, bound to a session's directories, and asked.
//!
//! Pure: no I/O, no clock, no environment. Reading order: `terms` (what a policy says),
//! `read` and `lint` (from text), `bind` (to paths), `decide` (allow or deny).

mod bind;
mod builtin;
mod compiled;
mod danger;
mod decide;
mod diagnostic;
mod document;
mod environment;
mod explain;
mod lint;
mod narrow;
mod pattern;
mod permit;
mod print;
mod quantity;
mod read;
mod schema;
mod sections;
mod suggest;
mod terms;
mod tighten;
mod tools;

pub use bind::{Anchors, BoundGrant, BoundPolicy, EffectiveGrant, GrantId};
pub(crate) use compiled::BuiltIn;
pub use decide::{Decision, PathAsk};
pub(crate) use diagnostic::Source;
pub use diagnostic::{Diagnostic, Diagnostics, Severity, Spot};
pub use explain::{EnvironmentReach, Explanation, GrantReach, TierReach};
pub use pattern::{Below, Pattern, PatternError, PatternSet};
pub use permit::{CommandPermit, Permit};
pub(crate) use quantity::size;
pub use quantity::{duration, time_limit};
pub(crate) use read::Reader;
pub use schema::schema;
pub use suggest::{Ground, Grouped, Kind, Proposed, Spared, Suggestion, WhyNot, Wish};
pub use terms::{
    Background, Ceiling, CommandRule, Commands, Containment, Deny, Environment, Grant,
    GrantSelection, HardLinks, KernelWitness, Limits, Missing, ModeWish, Network, Notify, Policy,
};
pub use tools::{ToolMark, ToolPermit, ToolRule};
