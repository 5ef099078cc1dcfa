//! How a command is contained: profiles, plans, and the layers that enforce them.
//!
//! Planning is pure and its result is data; only preparing and entering touch
//! the host. Nothing here decides whether a request is allowed: that is policy.
//!
//! In reading order. Planning: `profile` and `host` say what there is; `plan` resolves it, with
//! `closing`, `watching`, `witness`, `limits` and `weaker`; `unavailable` and `obstacle` say why
//! not. Preparing: `prepare` asks `hold` to fork the `keeper`, which builds the `view` and starts
//! the `launcher` by way of `settling`. Entering: `enter` and `visit` in the broker; in the
//! launcher `lane`, `supervise` and `ending`. The witnesses: `supervise`, `tripwire`, `kernel`.

pub mod profile;
pub mod seccomp;
pub mod toolchain;

mod closing;
mod ending;
mod enter;
mod exceptions;
mod explain;
mod group;
mod hold;
mod home;
mod host;
mod keeper;
mod kernel;
mod landlock;
mod lane;
mod launcher;
mod layers;
mod limits;
mod message;
mod obstacle;
mod plan;
mod prepare;
mod reach;
mod refusals;
mod relay;
mod remaining;
mod scratch;
mod settling;
mod streams;
mod supervise;
mod surroundings;
mod territory;
mod tripwire;
mod unavailable;
mod view;
mod visit;
mod watching;
mod weaker;
mod witness;

pub use self::landlock::LandlockError;
pub use enter::{Command, EnterError, Exit, Kept, NotEntered};
pub use explain::{ExplainedCall, ExplainedPath, PlanExplanation};
pub use group::{ControlGroup, Delegation, GroupError, GroupPlan, Occupancy, step_aside};
pub use host::{HostFeatures, Layers, Namespaces, Presence, Supervision, User};
pub use kernel::{AuditRecords, Caller, Heard, Object, Refusal};
pub use lane::{Concurrency, MOST_LANES};
pub use limits::ProcessBound;
pub use message::{ExitStatus, LimitHit, RefusedCall, RefusedFor};
pub use obstacle::NO_PROC;
pub use plan::{HomeCopy, MetadataCalls, Origin, PathRule, Plan, Wish, changes_of, mode_of};
pub use prepare::{Handles, PrepareError, Sandbox, ScratchPlace};
pub use refusals::Refusals;
pub use scratch::ScratchError;
pub use streams::Streams;
pub use tripwire::{Attempt, Seen};
pub use unavailable::Unavailable;
pub use view::{ViewError, ViewStep};
pub use visit::{Visit, Way};
pub use witness::{KernelAudit, ViewRoot};
