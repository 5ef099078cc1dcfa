//! Connections that have not shown the token yet: the first to go when room is short.
//!
//! Every user of the machine can open connections, and say nothing on them. It must never end
//! one that has shown the token.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;

/// The connections that have not shown the token yet, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Strangers(Mutex<Waiting>);

/// The number of a connection; later ones have higher numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number(u64);

#[derive(Debug, Default)]
struct Waiting {
    so_far: u64,
    tasks: BTreeMap<Number, AbortHandle>,
}

impl Strangers {
    /// One more, whose task is started here: it could show the token before it were known.
    pub(super) fn add(&self, start: impl FnOnce(Number) -> AbortHandle) {
        let mut waiting = self.lock();
        waiting.so_far += 1;
        let number = Number(waiting.so_far);
        waiting.tasks.insert(number, start(number));
    }

    /// It has shown the token, or is gone.
    pub(super) fn remove(&self, number: Number) {
        self.lock().tasks.remove(&number);
    }

    /// Ends the one that has been silent for longest, if there is any.
    pub(super) fn send_away_oldest(&self) {
        let oldest = self.lock().tasks.pop_first();
        if let Some((_, task)) = oldest {
            task.abort();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // The map is whole between any two statements.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
