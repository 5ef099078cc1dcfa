//! Whoever is at the other end of a connection: what they may ask, and what they are told.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::commands::Commands;
use super::ledger::{About, Decision};
use super::refusal::{bad, denied, failed, line, refused};
use super::server::Daemon;
use super::sessions::Right;
use super::worker::{Part, WorkerError};
use crate::broker::stopped;
use crate::model::{Denial, Operation, RefusalCode, Reply};

/// A line on its way out, with what it keeps taken until it is written.
pub(super) struct Out {
    line: Outgoing,
    _slot: Option<OwnedSemaphorePermit>,
}

enum Outgoing {
    /// Of a worker.
    Part(Part),
    /// Of our own.
    Own(Vec<u8>),
}

impl Out {
    /// What is to be written.
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.line {
            Outgoing::Part(part) => part.as_bytes(),
            Outgoing::Own(bytes) => bytes,
        }
    }
}

/// The members of a request, each as it was written.
pub(super) type Members<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

/// What the tasks of a connection share.
pub(super) struct Peer {
    pub(super) daemon: Arc<Daemon>,
    pub(super) uid: u32,
    pub(super) number: u64,
    pub(super) commands: Commands,
    pub(super) out: mpsc::Sender<Out>,
}

/// The head of a request.
pub(super) struct Asked {
    pub(super) id: Value,
    pub(super) op: String,
}

impl Asked {
    pub(super) fn nothing() -> Self {
        Self {
            id: Value::Null,
            op: "request".into(),
        }
    }

    /// Takes the id out and reads the operation.
    pub(super) fn of(members: &mut Members<'_>) -> Result<Self, (Self, &'static str)> {
        let nothing = Self::nothing();
        let id = match members.remove("id") {
            None => return Err((nothing, "id is missing")),
            Some(id) => serde_json::from_str(id.get()).unwrap_or_default(),
        };
        if !matches!(id, Value::String(_) | Value::Number(_)) {
            return Err((nothing, "id is neither a string nor a number"));
        }
        let op = members.get("op").map(|op| serde_json::from_str(op.get()));
        match op {
            Some(Ok(op)) => Ok(Self { id, op }),
            Some(Err(_)) => Err((Self { id, ..nothing }, "op is not a string")),
            None => Err((Self { id, ..nothing }, "op is missing")),
        }
    }
}

impl Peer {
    /// What the request's token allows it, once the token is taken out.
    pub(super) fn right(
        &self,
        asked: &Asked,
        members: &mut Members<'_>,
    ) -> Result<Right, (About, Box<Denial>)> {
        let op = &asked.op;
        let token = members.remove("token");
        let token = token.and_then(|token| serde_json::from_str::<String>(token.get()).ok());
        let right = self.find(token.as_deref(), op)?;
        let about = || About::Session(right.session.worker.opened().clone());
        if !Operation::NAMES.contains(&&**op) {
            let why = format!("unknown operation `{op}`");
            return Err((about(), Box::new(bad("request", &why))));
        }
        if !right.operations.contains(op) {
            let code = RefusalCode::RightNotGranted;
            return Err((about(), Box::new(refused(code, op, op))));
        }
        Ok(right)
    }

    /// What a token stands for.
    pub(super) fn find(
        &self,
        token: Option<&str>,
        op: &str,
    ) -> Result<Right, (About, Box<Denial>)> {
        let found = token.and_then(|token| self.daemon.sessions.find(token, self.uid));
        if self.daemon.brake.is_pulled() {
            let about = match &found {
                Some(right) => About::Session(right.session.worker.opened().clone()),
                None => About::Peer(self.uid),
            };
            return Err((about, Box::new(stopped(op))));
        }
        found.ok_or_else(|| {
            let what = match token {
                Some(_) => "a token that names no session of yours",
                None => "no token",
            };
            let denial = refused(RefusalCode::PrincipalUnknown, op, what);
            (About::Peer(self.uid), Box::new(denial))
        })
    }

    pub(super) async fn refuse(&self, asked: Asked, denial: Denial, slot: OwnedSemaphorePermit) {
        let about = About::Peer(self.uid);
        self.refuse_about(about, asked, denial, slot).await;
    }

    pub(super) async fn refuse_about(
        &self,
        about: About,
        asked: Asked,
        denial: Denial,
        slot: OwnedSemaphorePermit,
    ) {
        let reply = self.denied(about, asked, denial).await;
        self.say(&reply, slot).await;
    }

    /// Puts a refusal on record, and gives the reply.
    pub(super) async fn denied(&self, about: About, asked: Asked, denial: Denial) -> Reply {
        let decision = Decision {
            id: asked.id.clone(),
            op: asked.op,
            denial: Some(denial.clone()),
        };
        let audit = self.daemon.ledger.decided(about, decision).await;
        denied(asked.id, denial, audit)
    }

    pub(super) async fn say(&self, reply: &impl Serialize, slot: OwnedSemaphorePermit) {
        let out = Out {
            line: Outgoing::Own(line(reply)),
            _slot: Some(slot),
        };
        // A connection that is gone takes nothing.
        let _ = self.out.send(out).await;
    }

    pub(super) async fn pass_back(&self, part: Part, slot: Option<OwnedSemaphorePermit>) {
        let out = Out {
            line: Outgoing::Part(part),
            _slot: slot,
        };
        let _ = self.out.send(out).await;
    }

    pub(super) async fn give_up(
        &self,
        (id, op): (&str, &str),
        error: &WorkerError,
        slot: OwnedSemaphorePermit,
    ) {
        let id = serde_json::from_str(id).unwrap_or_default();
        let reply = match error {
            // The stop itself is on record, and so is the request.
            WorkerError::Stopped => denied(id, stopped(op), String::new()),
            WorkerError::RequestTooLong | WorkerError::TooDeep => {
                denied(id, bad(op, &error.to_string()), String::new())
            }
            error => failed(id, &error.to_string(), None),
        };
        self.say(&reply, slot).await;
    }
}
