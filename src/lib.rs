//! Lobsterpot: a capability broker and sandbox for the tool calls of AI agents on Linux.
//!
//! A program that holds sessions itself needs four names: a [`Broker`] opens a [`Session`] as a
//! [`Choice`] says, and the session answers each [`Request`] with a [`Reply`]:
//!
//! ```no_run
//! use lobsterpot::{Broker, Choice, Request};
//!
//! let broker = Broker::of_this_user()?;
//! let mut session = broker.open(&Choice::default().root("/srv/project").read_only())?;
//! let request = Request::parse(r#"{"id": 1, "op": "exec.run", "shell": "git status"}"#)?;
//! let reply = session.handle(&request);
//! assert!(reply.denials.is_empty(), "{reply:?}");
//! session.close();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Commands are started from a process with a single thread, and from nowhere else; a program
//! with several starts `lobsterpot call`, as [`daemon::Worker`] does.
//!
//! Modules in reading order; each may use only what `docs/architecture.md` lists for it, and that
//! page follows one request through them:
//!
//! 1. [`model`]: the words.
//! 2. [`policy`]: who may do what; pure.
//! 3. [`intent`]: reads a command line before it runs; pure.
//! 4. [`sys`]: raw system calls under safe names; no policy.
//! 5. [`capability`]: opened grants, and the file operations on them.
//! 6. [`sandbox`]: how a command is contained.
//! 7. [`audit`]: what is on record.
//! 8. [`ambient`]: the operator's own environment, read once.
//! 9. [`broker`]: decide, record, perform, record.
//! 10. [`prove`]: attacks on the sandbox, and what held.
//! 11. [`daemon`]: sessions of many callers, each in a process of its own.
//! 12. [`mcp`]: the broker's operations as tools of the Model Context Protocol.
//! 13. [`shim`]: stand-ins for programs that agents already call.
//! 14. [`hooks`]: answers to agents that ask before they use a tool.
//! 15. [`cli`]: one file per command.
//!
//! # Invariants
//!
//! 1. No effect without a permit, no permit without a decision.
//! 2. Deciding and planning are pure; kernels differ only through `HostFeatures`.
//! 3. A plan is data: printable and comparable; compiling it is separate from applying it.
//! 4. Fail closed: a failed step is reported as `{step, errno}` before any exec.
//! 5. Between clone and exec only prepared data and raw system calls are used.
//! 6. Enforcement never depends on observation: a witness may record or deny, never allow.

pub mod ambient;
pub mod audit;
pub mod broker;
pub mod capability;
pub mod cli;
pub mod daemon;
pub mod hooks;
pub mod intent;
pub mod mcp;
pub mod model;
pub mod policy;
pub mod prove;
pub mod sandbox;
pub mod shim;
pub mod sys;

pub use broker::{Broker, Choice, NoSession, Session};
pub use model::{Denial, Reply, Request, Status};
