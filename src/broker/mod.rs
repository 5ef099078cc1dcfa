//! The broker: decide, record, perform, record. The only caller of effects.
//!
//! A request comes in as data and leaves as a reply; between the two stands a decision, and a
//! record of it that was written before anything happened. Nothing outside this module may
//! start a command or touch a file for a principal.
//!
//! In reading order: `library` finds the `terms` of a `session`; `files` and `exec` carry out its
//! requests. For a command, `approve` decides, `prepare` and `protected` make ready, `running` is
//! what is known meanwhile, and `refused` and `heard` put on record what was refused inside.
//! `check`, `advise` and `tools` decide without carrying out.

mod advise;
mod answer;
mod approve;
mod baseline;
mod brake;
mod check;
mod command;
mod environment;
mod error;
mod exec;
mod exposure;
mod failure;
mod files;
mod ground;
mod heard;
mod ledger;
mod library;
mod prepare;
mod protected;
mod reach;
mod refused;
mod running;
mod session;
mod terms;
mod tools;
mod view;

pub use answer::{CheckReport, RunReport};
pub use brake::{Brake, BrakeError, Pulled, record_brake, stopped};
pub use error::SessionError;
pub use ground::Ground;
pub use ledger::audit_log;
pub use library::{Broker, Choice, NoSession, scratch_base};
pub use running::RunningCommand;
pub use session::{Progress, Session, SessionConfig};
pub use terms::Terms;
pub use tools::{ToolCall, ToolEnd, ToolSession};
pub use view::as_the_operator_wants;
