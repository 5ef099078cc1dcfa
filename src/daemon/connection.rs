//! One connection: lines in, lines out, and what belongs to it.
//!
//! Requests to one session are passed on in the order in which they came; sessions do not wait
//! for each other. With [`MOST_REQUESTS`] unanswered requests the connection is not read until
//! one of them is answered. A peer that does not take its replies loses the connection.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use serde_json::error::Category;
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::commands::Commands;
use super::control;
use super::forward::{Job, cancel, forward};
use super::ledger::{About, Decision};
use super::lines::{LONGEST_REQUEST, Line, Lines};
use super::peer::{Asked, Members, Out, Peer};
use super::protocol::Control;
use super::refusal::{bad, denied, line, refused};
use super::server::Daemon;
use super::sessions::Right;
use super::vouched::{Stranger, Vouched};
use crate::model::{Incoming, RefusalCode};
use crate::sys::socket::{has_hung_up, know_senders};

/// How many requests of a connection are unanswered at once.
const MOST_REQUESTS: usize = 256;

/// How long a peer may let a reply wait.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is looked whether a peer that sends nothing more still listens.
const GLANCE: Duration = Duration::from_millis(100);

/// Serves a connection until it ends, and ends what ends with it.
pub(super) async fn hold(daemon: Arc<Daemon>, stream: UnixStream) {
    let Ok(uid) = stream.peer_cred().map(|peer| peer.uid()) else {
        return;
    };
    if uid != daemon.uid && uid != 0 {
        return turn_away(&daemon, stream, uid).await;
    }
    let Ok(is_known) = know_senders(&stream) else {
        return;
    };
    let (reading, writing) = stream.into_split();
    let reading = if is_known {
        Vouched::new(reading, uid)
    } else {
        Vouched::made_before(reading, uid)
    };
    let (out, queue) = mpsc::channel(64);
    let number = daemon.number();
    let peer = Arc::new(Peer {
        daemon,
        uid,
        number,
        commands: Commands::default(),
        out,
    });
    let (lost, is_lost) = oneshot::channel();
    let writer = tokio::spawn(write(writing, queue, lost));
    let mut connection = Connection {
        lines: Lines::new(BufReader::new(reading), LONGEST_REQUEST)
            .within(peer.daemon.bytes.clone()),
        slots: Arc::new(Semaphore::new(MOST_REQUESTS)),
        queues: HashMap::new(),
        tasks: JoinSet::new(),
        peer,
    };
    let mut stopping = connection.peer.daemon.stopping.subscribe();
    let is_finished = tokio::select! {
        () = connection.run() => true,
        _ = is_lost => false,
        _ = stopping.wait_for(|stopping| *stopping) => false,
    };
    connection.tasks.shutdown().await;
    let peer = connection.peer.clone();
    drop(connection);
    let (sessions, number) = (&peer.daemon.sessions, Some(peer.number));
    for session in sessions.those(|session| session.connection == number) {
        peer.daemon.end(&session);
    }
    drop(peer);
    if is_finished {
        // What is still to be written; the writer has its own patience.
        let _ = writer.await;
    } else {
        writer.abort();
    }
}

/// Someone else's uid: one answer, and nothing is read.
async fn turn_away(daemon: &Daemon, mut stream: UnixStream, uid: u32) {
    let denial = refused(
        RefusalCode::PrincipalUnknown,
        "session.open",
        &format!("uid {uid}"),
    );
    let decision = Decision {
        id: Value::Null,
        op: "session.open".into(),
        denial: Some(denial.clone()),
    };
    let audit = daemon.ledger.decided(About::Peer(uid), decision).await;
    let reply = line(&denied(Value::Null, denial, audit));
    let _ = timeout(Duration::from_secs(1), stream.write_all(&reply)).await;
}

/// Writes what is to be said. A peer that does not take it in time is lost.
async fn write(
    mut writing: OwnedWriteHalf,
    mut queue: mpsc::Receiver<Out>,
    lost: oneshot::Sender<()>,
) {
    while let Some(out) = queue.recv().await {
        let mut rest = out.bytes();
        while !rest.is_empty() {
            let Ok(Ok(count @ 1..)) = timeout(PATIENCE, writing.write(rest)).await else {
                let _ = lost.send(());
                return;
            };
            rest = &rest[count..];
        }
    }
}

struct Connection {
    lines: Lines<BufReader<Vouched>>,
    slots: Arc<Semaphore>,
    /// For each session, its requests that were not passed on yet.
    queues: HashMap<String, mpsc::Sender<Job>>,
    tasks: JoinSet<()>,
    peer: Arc<Peer>,
}

impl Connection {
    async fn run(&mut self) {
        loop {
            // It is never closed.
            let Ok(slot) = self.slots.clone().acquire_owned().await else {
                return;
            };
            while self.tasks.try_join_next().is_some() {}
            match self.next_line().await {
                Ok(Line::Whole(line)) => {
                    self.take(&line, slot).await;
                    drop(self.lines.take_room());
                }
                Ok(Line::TooLong(_)) => {
                    let denial = bad("request", "the line is longer than 16 MiB");
                    self.peer.refuse(Asked::nothing(), denial, slot).await;
                }
                Ok(Line::NoRoom) => {
                    let code = RefusalCode::LimitExceeded;
                    let denial = refused(code, "request", "room for long lines");
                    self.peer.refuse(Asked::nothing(), denial, slot).await;
                }
                Ok(Line::End) => break,
                Err(error) => return self.fail(&error).await,
            }
        }
        self.queues.clear();
        let mut glances = tokio::time::interval(GLANCE);
        let all = u32::try_from(MOST_REQUESTS).unwrap_or(u32::MAX);
        tokio::select! {
            _ = self.slots.acquire_many(all) => {}
            () = async {
                while !has_hung_up(self.lines.stream().get_ref().stream()) {
                    glances.tick().await;
                }
            } => {}
        }
    }

    /// Data of someone else is no request, and whoever passed the connection on has lost it.
    async fn fail(&self, error: &std::io::Error) {
        let Some(Stranger(uid)) = error.get_ref().and_then(|error| error.downcast_ref()) else {
            return;
        };
        let what = format!("uid {uid} on a connection of uid {}", self.peer.uid);
        let denial = refused(RefusalCode::PrincipalUnknown, "request", &what);
        let asked = Asked::nothing();
        self.peer.denied(About::Peer(*uid), asked, denial).await;
    }

    /// The next line. One that takes room from others must come to an end.
    async fn next_line(&mut self) -> std::io::Result<Line> {
        loop {
            match timeout(PATIENCE, self.lines.next()).await {
                Ok(line) => return line,
                Err(_) if self.lines.keeps_others_waiting() => {
                    return Err(std::io::ErrorKind::TimedOut.into());
                }
                Err(_) => {}
            }
        }
    }

    /// Takes one line.
    async fn take(&mut self, text: &[u8], slot: OwnedSemaphorePermit) {
        let peer = self.peer.clone();
        let mut members: Members<'_> = match serde_json::from_slice(text) {
            Ok(members) => members,
            Err(error) => {
                let why = match error.classify() {
                    Category::Data => "not a JSON object".to_owned(),
                    _ => format!("not a line of JSON: {error}"),
                };
                return peer
                    .refuse(Asked::nothing(), bad("request", &why), slot)
                    .await;
            }
        };
        let asked = match Asked::of(&mut members) {
            Ok(asked) => asked,
            Err((asked, why)) => return peer.refuse(asked, bad("request", why), slot).await,
        };
        if Control::NAMES.contains(&&*asked.op) {
            match serde_json::from_value(to_value(&members)) {
                Ok(control) => drop(self.tasks.spawn(async move {
                    let reply = control::answer(&peer, asked, control).await;
                    peer.say(&reply, slot).await;
                })),
                Err(error) => {
                    let denial = bad(&asked.op, &error.to_string());
                    peer.refuse(asked, denial, slot).await;
                }
            }
            return;
        }
        if asked.op == Incoming::CANCEL {
            self.tasks
                .spawn(cancel(peer, asked, to_value(&members), slot));
            return;
        }
        match peer.right(&asked, &mut members) {
            Ok(right) => self.pass_on(right, (asked, &members), slot).await,
            Err((about, denial)) => peer.refuse_about(about, asked, *denial, slot).await,
        }
    }

    /// Passes a request on, behind those that came for the same session before.
    async fn pass_on(
        &mut self,
        right: Right,
        (asked, members): (Asked, &Members<'_>),
        slot: OwnedSemaphorePermit,
    ) {
        let session = right.session;
        let id = asked.id.to_string();
        let mut command = None;
        if asked.op == "exec.run" {
            command = self.peer.commands.enter(session.id(), &id);
            if command.is_none() {
                let denial = bad(&asked.op, "a command with this id runs already");
                let about = About::Session(session.worker.opened().clone());
                return self.peer.refuse_about(about, asked, denial, slot).await;
            }
        }
        let job = Job {
            // Members that were read can be written.
            body: serde_json::to_vec(members).unwrap_or_default(),
            id,
            op: asked.op,
            slot,
            room: self.lines.take_room(),
            session: session.clone(),
            command,
        };
        let Self {
            tasks,
            queues,
            peer,
            ..
        } = self;
        queues.retain(|_, queue| !queue.is_closed());
        let queue = queues.entry(session.id().to_owned()).or_insert_with(|| {
            // As many as there can be, so that putting one in never waits.
            let (sender, queue) = mpsc::channel(MOST_REQUESTS);
            tasks.spawn(forward(queue, peer.clone()));
            sender
        });
        let _ = queue.send(job).await;
    }
}

fn to_value(members: &Members<'_>) -> Value {
    // Members that were read can be written.
    serde_json::to_value(members).unwrap_or_default()
}
