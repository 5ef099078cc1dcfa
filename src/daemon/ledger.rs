//! What the daemon itself puts on record: refusals that no session sees, and tokens that it gave.
//!
//! The log is written by another thread, so that one that waits for its lock stalls nobody. A
//! flood of refusals is told in full at first, and then counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::refusal::token_rule;
use super::worker::Opened;
use crate::audit::{AuditError, AuditLog, Context, Entry, Event, RequestInfo, Target, Verdict};
use crate::model::{Denial, PrincipalId};

/// How many refusals without a session are told in full in each [`PERIOD`].
const TOLD: u64 = 32;
const PERIOD: Duration = Duration::from_mins(1);

/// The daemon's hand on the audit log.
#[derive(Debug, Clone)]
pub(super) struct Ledger(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    log: AuditLog,
    session: String,
    since: Mutex<Instant>,
    told: AtomicU64,
    untold: AtomicU64,
}

/// Whom a record is about.
#[derive(Debug, Clone)]
pub(super) enum About {
    /// A session.
    Session(Arc<Opened>),
    /// A peer that named none.
    Peer(u32),
}

/// A decision of the daemon.
#[derive(Debug, Clone)]
pub(super) struct Decision {
    pub(super) id: Value,
    pub(super) op: String,
    /// Why not; none where it was allowed.
    pub(super) denial: Option<Denial>,
}

impl Ledger {
    /// Writes to this log.
    pub(super) fn new(log: AuditLog) -> Self {
        Self(Arc::new(Inner {
            log,
            session: uuid::Uuid::now_v7().simple().to_string(),
            since: Mutex::new(Instant::now()),
            told: AtomicU64::new(0),
            untold: AtomicU64::new(0),
        }))
    }

    /// Puts a decision on record and gives the record's id; empty where there is none.
    pub(super) async fn decided(&self, about: About, decision: Decision) -> String {
        let inner = self.0.clone();
        if matches!(about, About::Peer(_)) && !inner.may_tell() {
            return String::new();
        }
        let written = tokio::task::spawn_blocking(move || inner.write(&about, &decision)).await;
        match written {
            Ok(Ok(id)) => id,
            Ok(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the audit log failed");
                String::new()
            }
            Err(_) => String::new(),
        }
    }
}

impl Inner {
    /// Whether one more refusal without a session is told in full.
    fn may_tell(&self) -> bool {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if since.elapsed() > PERIOD {
            *since = Instant::now();
            self.told.store(0, Ordering::Relaxed);
        }
        let may = self.told.fetch_add(1, Ordering::Relaxed) < TOLD;
        if !may {
            self.untold.fetch_add(1, Ordering::Relaxed);
        }
        may
    }

    fn write(&self, about: &About, decision: &Decision) -> Result<String, AuditError> {
        let untold = match about {
            About::Peer(_) => self.untold.swap(0, Ordering::Relaxed),
            About::Session(_) => 0,
        };
        let denial = decision.denial.clone().map(|denial| Denial {
            count: denial.count + untold,
            ..denial
        });
        let rule = token_rule();
        let verdict = match &denial {
            Some(denial) => Verdict::Denied(denial),
            None => Verdict::Allowed(&rule),
        };
        let request = RequestInfo {
            id: &decision.id,
            op: &decision.op,
            target: Target::None,
            cwd: None,
        };
        let event = Event::Decision { request, verdict };
        let peer;
        let context = match about {
            About::Session(opened) => Context {
                session: &opened.session,
                principal: &opened.principal,
                tier: opened.tier,
                policy: &opened.policy,
                policy_source: &opened.policy_source,
            },
            About::Peer(uid) => {
                peer = PrincipalId::new(format!("uid:{uid}"));
                Context {
                    session: &self.session,
                    principal: &peer,
                    tier: None,
                    policy: "none",
                    policy_source: "lobsterpot serve",
                }
            }
        };
        self.log
            .append(&Entry { context, event })
            .map(|id| id.to_string())
    }
}
