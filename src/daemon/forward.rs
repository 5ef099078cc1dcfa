//! From a connection to the workers of its sessions, and back.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinSet;

use super::commands::{Entered, Stage};
use super::peer::{Asked, Peer};
use super::refusal::{bad, cancelled};
use super::sessions::Session;
use super::worker::Pending;

/// A request for a session.
pub(super) struct Job {
    pub(super) body: Vec<u8>,
    pub(super) id: String,
    pub(super) op: String,
    pub(super) slot: OwnedSemaphorePermit,
    pub(super) room: Option<OwnedSemaphorePermit>,
    pub(super) session: Arc<Session>,
    pub(super) command: Option<Entered>,
}

/// Passes the requests for one session on, in order, and their replies back as they come.
pub(super) async fn forward(mut queue: mpsc::Receiver<Job>, peer: Arc<Peer>) {
    let mut replies = JoinSet::new();
    while let Some(mut job) = queue.recv().await {
        while replies.try_join_next().is_some() {}
        let in_use = job.session.use_it();
        let is_cancelled = |command: &Entered| command.is_cancelled();
        if job.command.as_ref().is_some_and(is_cancelled) {
            peer.say(&cancelled(&job.id), job.slot).await;
            continue;
        }
        let body = std::mem::take(&mut job.body);
        let sent = job.session.worker.send_text(body).await;
        drop(job.room.take());
        if let (Some(command), Ok(pending)) = (&job.command, &sent)
            && command.sent(pending.number())
        {
            let _ = job.session.worker.cancel(pending.number()).await;
        }
        let peer = peer.clone();
        replies.spawn(async move {
            let _in_use = in_use;
            match sent {
                Ok(pending) => answer(&peer, job, pending).await,
                Err(error) => peer.give_up((&job.id, &job.op), &error, job.slot).await,
            }
        });
    }
    while replies.join_next().await.is_some() {}
}

/// Passes back what comes for a request.
async fn answer(peer: &Peer, job: Job, mut pending: Pending) {
    let Job {
        id,
        op,
        slot,
        command,
        ..
    } = job;
    loop {
        match pending.next().await {
            Ok(part) if part.is_reply() => {
                // Its id is free before the reply is seen.
                drop(command);
                return peer.pass_back(part.with_id(&id), Some(slot)).await;
            }
            Ok(part) => peer.pass_back(part.with_id(&id), None).await,
            Err(error) => return peer.give_up((&id, &op), &error, slot).await,
        }
    }
}

/// `cancel`: ends a command that was asked for on this connection.
pub(super) async fn cancel(
    peer: Arc<Peer>,
    asked: Asked,
    members: Value,
    slot: OwnedSemaphorePermit,
) {
    let wanted: CancelMembers = match serde_json::from_value(members) {
        Ok(wanted) => wanted,
        Err(error) => {
            let denial = bad(&asked.op, &error.to_string());
            return peer.refuse(asked, denial, slot).await;
        }
    };
    let session = match peer.find(Some(&wanted.token), &asked.op) {
        Ok(right) => right.session,
        Err((about, denial)) => return peer.refuse_about(about, asked, *denial, slot).await,
    };
    let stage = peer
        .commands
        .cancel(session.id(), &wanted.request.to_string());
    if let Some(Stage::Sent(number)) = stage
        && let Ok(pending) = session.worker.cancel(number).await
        && let Ok(part) = pending.reply().await
    {
        let id = asked.id.to_string();
        return peer.pass_back(part.with_id(&id), Some(slot)).await;
    }
    let is_waiting = matches!(stage, Some(Stage::Waiting | Stage::Cancelled));
    let result = json!({ "cancelled": is_waiting });
    let reply = json!({ "id": asked.id, "status": "ok", "result": result });
    peer.say(&reply, slot).await;
}

/// The members of `cancel`, without its id.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CancelMembers {
    #[allow(dead_code, reason = "read before")]
    op: String,
    token: String,
    request: Value,
}
