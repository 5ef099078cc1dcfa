//! Who tried what, how often: counts, and bursts of probing.
//!
//! Memory is bounded whatever the log holds: what does not fit is counted without its name,
//! and the summary says so.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::ControlFlow;

use serde::Serialize;

use super::burst::{Burst, Watch, is_probe};
use super::query::{Filter, each};
use super::{AuditError, LogReader, RecordView};

/// The most names that are counted one by one.
const NAMES: usize = 20_000;

/// The most sessions that are watched for bursts at once.
const SESSIONS: usize = 1000;

/// What the log tells as a whole.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// How many records were looked at.
    pub records: u64,
    /// The time of the first, in milliseconds since 1970.
    pub from: Option<i64>,
    /// The time of the last.
    pub to: Option<i64>,
    /// How many requests were decided on.
    pub requests: u64,
    /// How many of them were refused.
    pub requests_denied: u64,
    /// How many refusals there were in all, inside commands too.
    pub denials: u64,
    /// How many of them are known noise at start-up, which the tables below leave out.
    pub noise: u64,
    /// The noise by its reason, most first.
    pub by_noise: Vec<Tally>,
    /// Refusals by principal and code, most first.
    pub by_principal: Vec<Tally>,
    /// Refusals by path and code, most first.
    pub by_path: Vec<Tally>,
    /// Refusals by operation, most first.
    pub by_op: Vec<Tally>,
    /// Refusals whose names did not fit any more.
    pub not_named: u64,
    /// Many distinct paths outside in a short time, in order.
    pub bursts: Vec<Burst>,
    /// How often the log was repaired.
    pub repairs: u64,
    /// How many lines were no records.
    pub unreadable: u64,
}

/// How often something was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// The principal, path, operation or reason.
    pub name: String,
    /// The refusal code; empty where it is not told apart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub code: String,
    /// How often.
    pub count: u64,
}

/// Sums up the records that match.
///
/// # Errors
/// When the log cannot be read.
pub fn summarize(reader: &LogReader, filter: &Filter) -> Result<Summary, AuditError> {
    let mut sums = Sums::default();
    let unreadable = each(reader, filter, &mut |_, record| {
        sums.add(record);
        Ok(ControlFlow::Continue(()))
    })?;
    let mut summary = sums.finish();
    summary.unreadable = unreadable;
    Ok(summary)
}

#[derive(Default)]
struct Sums {
    summary: Summary,
    principals: Counter<(String, String)>,
    paths: Counter<(String, String)>,
    ops: Counter<(String, String)>,
    noise: Counter<(String, String)>,
    watch: HashMap<String, Watch>,
}

impl Sums {
    fn add(&mut self, record: &RecordView<'_>) {
        let summary = &mut self.summary;
        summary.records += 1;
        summary.from.get_or_insert(record.time);
        summary.to = Some(record.time);
        match record.phase.as_ref() {
            "repair" => summary.repairs += 1,
            "decision" => {
                summary.requests += 1;
                summary.requests_denied += u64::from(record.denied);
            }
            _ => {}
        }
        if !record.denied {
            return;
        }
        summary.denials += record.count;
        if !record.noise.is_empty() {
            summary.noise += record.count;
            let reason = record.noise.clone().into_owned();
            self.noise.add((reason, String::new()), record.count);
            return;
        }
        let code = || record.code.clone().into_owned();
        self.principals.add(
            (record.principal.clone().into_owned(), code()),
            record.count,
        );
        self.ops.add(
            (record.op.clone().into_owned(), String::new()),
            record.count,
        );
        self.paths
            .add((record.subject().to_owned(), code()), record.count);
        if is_probe(record) {
            self.watch(record);
        }
    }

    fn watch(&mut self, record: &RecordView<'_>) {
        let session = record.session.as_ref();
        if !self.watch.contains_key(session) {
            if self.watch.len() >= SESSIONS {
                self.end_old_watches(record.time);
            }
            self.watch.insert(session.to_owned(), Watch::default());
        }
        if let Some(watch) = self.watch.get_mut(session) {
            self.summary.bursts.extend(watch.see(record));
        }
    }

    /// Ends the watch on sessions that have been quiet, or on all where none has.
    fn end_old_watches(&mut self, now: i64) {
        let quiet = |watch: &Watch| watch.is_quiet(now);
        let any_quiet = self.watch.values().any(quiet);
        let bursts = &mut self.summary.bursts;
        self.watch.retain(|_, watch| {
            let ends = !any_quiet || quiet(watch);
            if ends {
                bursts.extend(watch.end());
            }
            !ends
        });
    }

    fn finish(mut self) -> Summary {
        let mut summary = self.summary;
        summary
            .bursts
            .extend(self.watch.values_mut().filter_map(Watch::end));
        summary.bursts.sort_by_key(|burst| (burst.from, burst.to));
        // A refusal has one name of each kind, so the largest number is that of refusals.
        summary.not_named = self
            .principals
            .others
            .max(self.paths.others)
            .max(self.ops.others);
        summary.by_principal = self.principals.most();
        summary.by_path = self.paths.most();
        summary.by_op = self.ops.most();
        summary.by_noise = self.noise.most();
        summary
    }
}

/// Counts by name, as many names as fit.
#[derive(Default)]
struct Counter<K> {
    counts: HashMap<K, u64>,
    others: u64,
}

impl<K: Hash + Eq> Counter<K> {
    fn add(&mut self, key: K, count: u64) {
        if let Some(known) = self.counts.get_mut(&key) {
            *known += count;
        } else if self.counts.len() < NAMES {
            self.counts.insert(key, count);
        } else {
            self.others += count;
        }
    }
}

impl Counter<(String, String)> {
    /// The tallies, most first, and by name where they are equal.
    fn most(self) -> Vec<Tally> {
        let mut tallies: Vec<Tally> = self
            .counts
            .into_iter()
            .map(|((name, code), count)| Tally { name, code, count })
            .collect();
        tallies.sort_by(|a, b| {
            let names = || (&a.name, &a.code).cmp(&(&b.name, &b.code));
            b.count.cmp(&a.count).then_with(names)
        });
        tallies
    }
}
