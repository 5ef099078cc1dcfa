//! Bursts of probing: many distinct paths outside, or hidden ones, within a minute.
//!
//! Known noise at start-up is none: a program that starts looks in a dozen places, whatever it
//! is asked to do. Memory is bounded however many refusals there are.

use std::collections::{HashMap, VecDeque};

use serde::Serialize;

use super::RecordView;
use crate::model::RefusalCode;

/// How long a burst's window is, in milliseconds.
const WINDOW: i64 = 60_000;

/// How many distinct paths in a window make a burst.
const MANY: usize = 10;

/// The most refusals of one session that a window holds.
const HELD: usize = 4096;

/// One session that tried many paths outside in a short time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Burst {
    /// The session's id.
    pub session: String,
    /// Who.
    pub principal: String,
    /// When it began, in milliseconds since 1970.
    pub from: i64,
    /// When it ended.
    pub to: i64,
    /// How many refusals.
    pub denials: u64,
    /// The most distinct paths within a minute.
    pub paths: usize,
    /// A few of the paths.
    pub examples: Vec<String>,
}

/// Whether the refusal tells that somebody looked around.
pub(super) fn is_probe(record: &RecordView<'_>) -> bool {
    let probes = [RefusalCode::OutsideCapability, RefusalCode::HiddenPath];
    record.denied
        && record.noise.is_empty()
        && probes.iter().any(|probe| probe.as_str() == record.code)
}

/// What one session tried within the last minute.
#[derive(Debug, Default)]
pub(super) struct Watch {
    seen: VecDeque<(i64, String)>,
    distinct: HashMap<String, u32>,
    burst: Option<Burst>,
}

impl Watch {
    /// Whether nothing was refused within the last minute.
    pub(super) fn is_quiet(&self, now: i64) -> bool {
        let last = self.seen.back();
        last.is_none_or(|(time, _)| now - time > WINDOW)
    }

    /// Gives the burst that has not ended yet.
    pub(super) fn end(&mut self) -> Option<Burst> {
        self.burst.take()
    }

    /// Sees one more refusal; gives the burst that is over.
    pub(super) fn see(&mut self, record: &RecordView<'_>) -> Option<Burst> {
        while self.seen.len() >= HELD
            || self
                .seen
                .front()
                .is_some_and(|(time, _)| record.time - time > WINDOW)
        {
            self.forget_oldest();
        }
        let over = if self.distinct.len() < MANY {
            self.burst.take()
        } else {
            None
        };
        let path = record.subject().to_owned();
        *self.distinct.entry(path.clone()).or_default() += 1;
        self.seen.push_back((record.time, path.clone()));
        if let Some(burst) = &mut self.burst {
            burst.to = record.time;
            burst.denials += record.count;
            burst.paths = burst.paths.max(self.distinct.len());
        } else if self.distinct.len() >= MANY {
            self.burst = Some(self.begin(record));
        }
        over
    }

    fn begin(&self, record: &RecordView<'_>) -> Burst {
        let mut examples: Vec<String> = Vec::new();
        for (_, path) in &self.seen {
            if examples.len() < 3 && !examples.contains(path) {
                examples.push(path.clone());
            }
        }
        Burst {
            session: record.session.clone().into_owned(),
            principal: record.principal.clone().into_owned(),
            from: self.seen.front().map_or(record.time, |(time, _)| *time),
            to: record.time,
            denials: self.seen.len() as u64,
            paths: self.distinct.len(),
            examples,
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, path)) = self.seen.pop_front()
            && let Some(count) = self.distinct.get_mut(&path)
        {
            *count -= 1;
            if *count == 0 {
                self.distinct.remove(&path);
            }
        }
    }
}
