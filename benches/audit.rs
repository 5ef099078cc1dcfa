//! What the audit log costs: opening it, appending to it, asking it, and verifying it.
//!
//! `cargo bench --bench audit` writes and reads a log of a million records, of which each is
//! like those of a real session; `LOBSTERPOT_BENCH_RECORDS` says another number. Nothing here
//! passes or fails on a time.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark makes its own world and measures it"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use lobsterpot::audit::{
    AuditLog, Context, Effect, Entry, Event, Filter, Known, LogReader, Outcome, RequestInfo,
    SessionTotals, Target, Verdict, newest, summarize, verify,
};
use lobsterpot::model::{
    Denial, Enforced, HostPath, PathSource, PrincipalId, RefusalCode, Rule, Tier,
};
use serde_json::Value;

/// How many records a session has.
const SESSION: u64 = 100;

/// What the records are about.
struct Asker {
    principal: PrincipalId,
    cwd: HostPath,
    rule: Rule,
    enforced: Enforced,
    argv: Vec<String>,
}

impl Asker {
    fn new() -> Self {
        Self {
            principal: PrincipalId::new("agent:main"),
            cwd: HostPath::absolute("/home/someone/project").unwrap(),
            rule: Rule::default_deny(),
            enforced: Enforced::by_broker_alone(),
            argv: ["cargo", "test", "--locked"].map(String::from).into(),
        }
    }

    fn append(
        &self,
        log: &AuditLog,
        session: &str,
        event: Event<'_>,
    ) -> lobsterpot::audit::RecordId {
        let context = Context {
            session,
            principal: &self.principal,
            tier: Some(Tier::Agent),
            policy: "workspace",
            policy_source: "built-in:workspace",
        };
        log.append(&Entry { context, event }).unwrap()
    }

    /// The record with this number: three of four are of requests, one of a refusal inside.
    fn record(&self, log: &AuditLog, session: &str, n: u64) {
        let id = Value::from(n);
        let path = format!("src/module{}/file{}.rs", n % 50, n % 997);
        let is_command = n.is_multiple_of(2);
        let request = RequestInfo {
            id: &id,
            op: if is_command { "exec.run" } else { "file.read" },
            target: if is_command {
                Target::Argv(&self.argv)
            } else {
                Target::Path(&path)
            },
            cwd: Some(&self.cwd),
        };
        let verdict = Verdict::Allowed(&self.rule);
        if n.is_multiple_of(SESSION) {
            let totals = SessionTotals::default();
            self.append(log, session, Event::SessionClosed(totals));
            return;
        }
        if !n.is_multiple_of(4) {
            self.append(log, session, Event::Decision { request, verdict });
            return;
        }
        let denial = Denial::seen(
            RefusalCode::OutsideCapability,
            "openat".into(),
            Some(&format!("/home/someone/other/{n}")),
            self.rule.clone(),
            PathSource::Tripwire,
        );
        let outcome = Outcome::Denied(&denial);
        let effect = Effect {
            outcome,
            duration: Duration::from_millis(3),
            bytes: None,
            denials: 1,
            enforced: &self.enforced,
        };
        let decision = lobsterpot::audit::RecordId::now();
        self.append(
            log,
            session,
            Event::Effect {
                request,
                decision,
                effect,
            },
        );
    }
}

/// Appends so many records; gives the time that each took.
fn fill(state: &Path, records: u64) -> Vec<Duration> {
    let (log, asker) = (AuditLog::open(state).unwrap(), Asker::new());
    let mut times = Vec::with_capacity(usize::try_from(records).unwrap());
    for n in 1..=records {
        let session = format!("0193c7a2b5e074c0a1b2{:012}", n / SESSION);
        let start = Instant::now();
        asker.record(&log, &session, n);
        times.push(start.elapsed());
    }
    times
}

fn timed<T>(action: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = action();
    (result, start.elapsed())
}

fn main() {
    let records = std::env::var("LOBSTERPOT_BENCH_RECORDS");
    let records: u64 = records.map_or(1_000_000, |text| text.parse().unwrap());
    let world = tempfile::tempdir().unwrap();
    let state = world.path().join("state");

    let (mut times, all) = timed(|| fill(&state, records));
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!(
        "append: {} a second; best {:?}, median {:?}, 99 of 100 below {:?}",
        u128::from(records) * 1000 / all.as_millis().max(1),
        at(0),
        at(50),
        at(99)
    );
    let (found, time) = timed(|| verify(&state, &Known::default(), &mut |_, _| {}).unwrap());
    assert!(found.is_sound(), "{found:?}");
    let mib = found.bytes >> 20;
    println!("verify: {} records, {mib} MiB in {time:.2?}", found.records);

    let mut opened: Vec<_> = (0..200)
        .map(|_| timed(|| AuditLog::open(&state).unwrap()).1)
        .collect();
    opened.sort();
    println!("open: median {:?}", opened[100]);
    let reader = LogReader::open(&state).unwrap();
    let (answer, time) = timed(|| newest(&reader, &Filter::default(), 20).unwrap());
    println!("the newest {}: {time:?}", answer.lines.len());
    let (sum, time) = timed(|| summarize(&reader, &Filter::default()).unwrap());
    println!("summary of {}: {time:.2?}", sum.records);
}
