//! Opening, narrowing, listing and closing sessions.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::Selectors;
use super::ledger::{About, Decision};
use super::peer::{Asked, Peer};
use super::protocol::{Control, Given, Narrow, Open, Operations, Time};
use super::refusal::{bad, done, failed, refused};
use super::selectors::Less;
use super::sessions::{Right, Session};
use super::worker::{Worker, WorkerError};
use crate::broker::stopped;
use crate::model::{Denial, RefusalCode, Reply};

/// Why a request about sessions was not carried out.
enum No {
    /// It was refused.
    Denied(About, Box<Denial>),
    /// It did not work.
    Failed(String, Option<String>),
}

impl From<(About, Box<Denial>)> for No {
    fn from((about, denial): (About, Box<Denial>)) -> Self {
        Self::Denied(about, denial)
    }
}

impl From<WorkerError> for No {
    fn from(error: WorkerError) -> Self {
        let message = error.to_string();
        match error {
            WorkerError::NotOpened { hint, .. } => Self::Failed(message, hint),
            _ => Self::Failed(message, None),
        }
    }
}

/// What was done, and the record of it.
type Yes = (Value, String);

/// Carries out a request about sessions.
pub(super) async fn answer(peer: &Peer, asked: Asked, control: Control) -> Reply {
    let result = match control {
        Control::Open(open) => self::open(peer, &asked, &open).await,
        Control::Narrow(narrow) => self::narrow(peer, &asked, &narrow).await,
        Control::List(_) => {
            let sessions = peer.daemon.sessions.list(peer.uid);
            Ok((json!({ "sessions": sessions }), String::new()))
        }
        Control::Close(close) => self::close(peer, &asked, &close.token).await,
    };
    match result {
        Ok((result, audit)) => done(asked.id, result, audit),
        Err(No::Failed(error, hint)) => failed(asked.id, &error, hint.as_deref()),
        Err(No::Denied(about, denial)) => peer.denied(about, asked, *denial).await,
    }
}

async fn open(peer: &Peer, asked: &Asked, open: &Open) -> Result<Yes, No> {
    let selectors = open.selectors().map_err(|why| wrong(peer, asked, &why))?;
    let connection = (!open.keep).then_some(peer.number);
    let session = start(peer, asked, selectors, (connection, None)).await?;
    give(peer, &session, Operations::all(), None)
}

async fn narrow(peer: &Peer, asked: &Asked, narrow: &Narrow) -> Result<Yes, No> {
    let right = peer.find(Some(&narrow.token), &asked.op)?;
    let wanted = narrow.operations.as_deref().map(Operations::read);
    let wanted = wanted.transpose().map_err(|why| wrong(peer, asked, &why))?;
    let operations = match &wanted {
        Some(wanted) => right.operations.both(wanted),
        None => right.operations.clone(),
    };
    let timeout = narrow.timeout.as_ref().map(Time::read).transpose();
    let less = Less {
        read_only: narrow.read_only,
        timeout: timeout.map_err(|why| wrong(peer, asked, &why))?,
    };
    let selectors = right.session.selectors.narrowed(&less);
    let session = if selectors == right.session.selectors {
        right.session.clone()
    } else {
        // The broker itself holds it, not a filter of ours: a session of its own, with less.
        let parent = (right.session.connection, Some(right.session.clone()));
        start(peer, asked, selectors, parent).await?
    };
    let decision = Decision {
        id: asked.id.clone(),
        op: asked.op.clone(),
        denial: None,
    };
    let about = About::Session(session.worker.opened().clone());
    let audit = peer.daemon.ledger.decided(about, decision).await;
    let (result, _) = give(peer, &session, operations, Some(&right))?;
    Ok((result, audit))
}

async fn close(peer: &Peer, asked: &Asked, token: &str) -> Result<Yes, No> {
    let right = peer.find(Some(token), &asked.op)?;
    let freed = peer.daemon.sessions.take_back(right.key);
    let closed: Vec<_> = freed.iter().map(|one| one.id().to_owned()).collect();
    let ends: Vec<_> = freed.iter().map(|one| one.worker.ended()).collect();
    peer.daemon.close(freed);
    for end in ends {
        end.await;
    }
    Ok((json!({ "closed": closed }), String::new()))
}

/// Starts a worker for a session.
async fn start(
    peer: &Peer,
    asked: &Asked,
    selectors: Selectors,
    (connection, parent): (Option<u64>, Option<Arc<Session>>),
) -> Result<Arc<Session>, No> {
    if peer.daemon.brake.is_pulled() {
        let denial = Box::new(stopped(&asked.op));
        return Err(No::Denied(About::Peer(peer.uid), denial));
    }
    let slots = peer.daemon.session_slots.clone();
    let Ok(slot) = slots.try_acquire_owned() else {
        let denial = refused(RefusalCode::LimitExceeded, &asked.op, "sessions at once");
        return Err(No::Denied(About::Peer(peer.uid), Box::new(denial)));
    };
    let root = selectors.root.clone();
    let worker = Worker::start(&selectors, root.as_deref().map(Path::new)).await?;
    if let Some(parent) = &parent {
        // Both were looked up by their paths once more, and may lead to more by now.
        let first = parent.worker.opened();
        if !worker.opened().origin.is_no_more_than(&first.origin) {
            worker.close().await;
            return Err(No::Denied(
                About::Session(first.clone()),
                Box::new(moved(asked)),
            ));
        }
    }
    let whose = (peer.uid, connection);
    let session = Session::new((worker, selectors), whose, parent);
    peer.daemon.watch(&session, slot);
    Ok(session)
}

/// What a session was opened on is not what is there now.
fn moved(asked: &Asked) -> Denial {
    let what = "the root, a grant or the policy has been replaced";
    Denial {
        hint: Some("open a new session".into()),
        ..refused(RefusalCode::RightNotGranted, &asked.op, what)
    }
}

fn give(
    peer: &Peer,
    session: &Arc<Session>,
    operations: Operations,
    from: Option<&Right>,
) -> Result<Yes, No> {
    let token = peer.daemon.sessions.give(session, operations.clone(), from);
    let token = token.map_err(|error| No::Failed(error.to_string(), None))?;
    let opened = session.worker.opened();
    let given = Given {
        token,
        session: opened.session.clone(),
        principal: opened.principal.as_str().to_owned(),
        policy: opened.policy.clone(),
        read_only: session.selectors.read_only,
        timeout: session.selectors.timeout.map(|time| time.as_secs_f64()),
        operations,
    };
    // It has text keys, so it always has a JSON form.
    Ok((
        serde_json::to_value(given).unwrap_or_default(),
        String::new(),
    ))
}

fn wrong(peer: &Peer, asked: &Asked, why: &str) -> No {
    No::Denied(About::Peer(peer.uid), Box::new(bad(&asked.op, why)))
}
