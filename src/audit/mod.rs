//! The audit log: what was asked, what was decided, what happened, and what the kernel refused.
//!
//! A record is appended before the effect that it announces; when it cannot be written the
//! effect must not happen. Nothing here decides anything, and nothing here ever records the
//! value of an environment variable or the content of a file.

mod attest;
mod burst;
mod chain;
mod checkpoint;
mod classify;
mod encode;
mod entry;
mod error;
mod export;
mod files;
mod follow;
mod head;
mod hex;
mod keeping;
mod key;
mod lock;
mod log;
mod notary;
mod own;
mod query;
mod read;
mod record;
mod redact;
mod repair;
mod report;
mod retention;
mod schema;
mod summary;
mod verify;
mod view;
mod vouched;

pub use burst::Burst;
pub use checkpoint::Checkpoint;
pub use entry::{
    Context, Effect, Entry, Event, Outcome, Process, RecordId, RequestInfo, SessionTotals, Target,
    Verdict,
};
pub use error::AuditError;
pub use export::{Exporter, Format};
pub use follow::Follower;
pub use keeping::Keeping;
pub use key::PublicKey;
pub use log::AuditLog;
pub use query::{Answer, Filter, Pattern, PatternError, VisitRecord, Wanted, each, names, newest};
pub use read::{Line, LogReader, Visit};
pub use report::{Case, ExposedName, Exposure, Head, Story, incident_page};
pub use summary::{Summary, Tally, summarize};
pub use verify::{Break, Loss, Problem, Progress, Verification, newest_checkpoint, verify};
pub use view::{LostView, ProcessView, RecordView, RepairView};
pub use vouched::{Doubt, Known, Vouched};
