//! Sessions for other programs, each in a process of its own.
//!
//! A front end that serves many callers has many threads or one loop for all, and launchers are
//! forked from processes with a single thread. So no front end opens a session of the broker: it
//! starts this program once more for each, as `lobsterpot call`, and passes lines to and fro.
//! Nothing here decides on a request, and nothing here touches a file or starts a command for a
//! principal.

mod lines;
mod piped;
mod selectors;
mod worker;

pub use piped::Piped;
pub use selectors::Selectors;
pub use worker::{Part, Pending, Worker, WorkerError};
