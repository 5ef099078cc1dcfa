//! Supervised processes that a command left behind, where the policy lets them live on.
//!
//! Their filter asks as long as they live, and without an answer the kernel would refuse each
//! call with `ENOSYS`. What they are refused is told with the next command of their launcher.

use std::os::fd::{AsFd as _, BorrowedFd};

use super::message::RefusedCall;
use super::refusals::Refusals;
use super::supervise::Supervisor;
use crate::sys::notification::Listener;
use crate::sys::stdio::{Interest, Seen};

/// The listeners of commands whose first process has ended.
#[derive(Debug, Default)]
pub(super) struct Remaining {
    listeners: Vec<Listener>,
    untold: Refusals,
}

impl Remaining {
    /// Goes on with what a command left behind.
    pub(super) fn keep(&mut self, listener: Option<Listener>) {
        self.listeners.extend(listener);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.listeners.is_empty()
    }

    /// What is to be waited for.
    pub(super) fn interests(&self) -> impl Iterator<Item = (BorrowedFd<'_>, Interest)> {
        let listeners = self.listeners.iter();
        listeners.map(|listener| (listener.as_fd(), Interest::Readable))
    }

    /// Answers a call of each that is ready, in the order of what is waited for.
    pub(super) fn answer(&mut self, supervisor: &Supervisor, seen: &[Seen]) {
        let mut seen = seen.iter();
        let untold = &mut self.untold;
        self.listeners.retain(|listener| {
            match seen.next() {
                Some(Seen::Ready) => {}
                Some(Seen::Gone) => return false,
                Some(Seen::Nothing) | None => return true,
            }
            match supervisor.answer_next(listener) {
                Ok(refused) => {
                    if let Some(call) = refused {
                        untold.add(call, 1);
                    }
                    true
                }
                // Nobody is left.
                Err(_) => false,
            }
        });
    }

    /// What was refused since this was last asked.
    pub(super) fn take_untold(&mut self) -> Vec<(RefusedCall, u64)> {
        std::mem::take(&mut self.untold).into_calls()
    }
}
