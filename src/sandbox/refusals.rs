//! What the supervisor refused, within bounds: the first calls in full, then without who it
//! was, then without paths. Every one is counted.
//!
//! A command that is refused a lot must neither fill the broker's memory nor hide by that what
//! it tries afterwards.

use std::collections::HashMap;

use super::message::{RefusedCall, RefusedFor};

/// Different calls that are kept with who made them.
const MOST_IN_FULL: usize = 256;

/// Different calls that are kept with their path.
const MOST_WITH_PATH: usize = 1024;

/// Refused calls; equal ones are counted together.
#[derive(Debug, Default)]
pub struct Refusals {
    calls: Vec<(RefusedCall, u64)>,
    /// Where each of them is.
    known: HashMap<Kind, usize>,
}

/// Calls that differ in nothing that would be told of each.
type Kind = (String, Option<String>, RefusedFor);

fn kind_of(call: &RefusedCall) -> Kind {
    (call.call.clone(), call.path.clone(), call.reason)
}

impl Refusals {
    /// Takes one, as often as it was made.
    pub(super) fn add(&mut self, mut call: RefusedCall, times: u64) {
        if self.count(&call, times) {
            return;
        }
        if self.calls.len() >= MOST_IN_FULL {
            call.pid = 0;
            call.process = Vec::new();
        }
        if self.calls.len() >= MOST_WITH_PATH {
            // There are only so many system calls, and reasons.
            call.path = None;
            call.written = None;
            call.looked_up = None;
            if self.count(&call, times) {
                return;
            }
        }
        self.known.insert(kind_of(&call), self.calls.len());
        self.calls.push((call, times));
    }

    fn count(&mut self, call: &RefusedCall, times: u64) -> bool {
        let Some(place) = self.known.get(&kind_of(call)) else {
            return false;
        };
        self.calls[*place].1 += times;
        true
    }

    /// Each, and how often it was made.
    pub fn calls(&self) -> &[(RefusedCall, u64)] {
        &self.calls
    }

    /// The same, to keep.
    pub(super) fn into_calls(self) -> Vec<(RefusedCall, u64)> {
        self.calls
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_IN_FULL, MOST_WITH_PATH, Refusals};
    use crate::sandbox::message::{RefusedCall, RefusedFor};

    fn call(path: &str, pid: i32) -> RefusedCall {
        RefusedCall {
            call: "openat".into(),
            path: Some(path.into()),
            written: None,
            looked_up: None,
            reason: RefusedFor::NotGranted,
            pid,
            process: vec!["cat".into()],
        }
    }

    #[test]
    fn equal_calls_are_one() {
        let mut refusals = Refusals::default();
        for pid in 1..=1000 {
            refusals.add(call("/a", pid), 1);
        }
        refusals.add(call("/b", 7), 3);
        let other = RefusedCall {
            reason: RefusedFor::Hidden,
            ..call("/a", 1)
        };
        refusals.add(other.clone(), 1);
        let expected = [(call("/a", 1), 1000), (call("/b", 7), 3), (other, 1)];
        assert_eq!(refusals.calls(), expected);
    }

    #[test]
    fn a_flood_is_bounded_and_counted() {
        let mut refusals = Refusals::default();
        for number in 0..10_000 {
            refusals.add(call(&format!("/{number}"), 1), 1);
        }
        refusals.add(call("/9999", 1), 1);
        refusals.add(call("/1000", 1), 1);
        let calls = refusals.calls();
        assert_eq!(calls.iter().map(|(_, times)| times).sum::<u64>(), 10_002);
        assert_eq!(calls.len(), MOST_WITH_PATH + 1);
        let in_full = |(call, _): &&(RefusedCall, u64)| call.pid != 0 && !call.process.is_empty();
        assert_eq!(calls.iter().filter(in_full).count(), MOST_IN_FULL);
        assert_eq!(calls[1000].1, 2);
        let (last, times) = &calls[MOST_WITH_PATH];
        assert_eq!((last.path.as_deref(), *times), (None, 8977));
    }
}
