//! One connection: lines in, lines out, and what belongs to it.
//!
//! Requests to one session are passed on in the order in which they came; sessions do not wait
//! for each other. With [`MOST_REQUESTS`] unanswered requests the connection is not read until
//! one of them is answered. A peer that does not take its replies loses the connection.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use serde_json::error::Category;
use serde_json::value::RawValue;
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::control;
use super::ledger::{About, Decision};
use super::lines::{LONGEST_REQUEST, Line, Lines};
use super::protocol::Control;
use super::refusal::{bad, denied, failed, line, refused};
use super::server::Daemon;
use super::sessions::{Right, Session};
use super::worker::{Part, WorkerError};
use crate::broker::stopped;
use crate::model::{Denial, Operation, RefusalCode, Reply};
use crate::sys::socket::has_hung_up;

/// How many requests of a connection are unanswered at once.
const MOST_REQUESTS: usize = 256;

/// How long a peer may let a reply wait.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is looked whether a peer that sends nothing more still listens.
const GLANCE: Duration = Duration::from_millis(100);

/// A line on its way out, with what it keeps taken until it is written.
pub(super) struct Out {
    bytes: Vec<u8>,
    _slot: Option<OwnedSemaphorePermit>,
    _part: Option<Part>,
}

/// The members of a request, each as it was written.
pub(super) type Members<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

/// A request for a session.
struct Job {
    body: Vec<u8>,
    id: String,
    op: String,
    slot: OwnedSemaphorePermit,
    room: Option<OwnedSemaphorePermit>,
    session: Arc<Session>,
}

/// What the tasks of a connection share.
pub(super) struct Peer {
    pub(super) daemon: Arc<Daemon>,
    pub(super) uid: u32,
    pub(super) number: u64,
    out: mpsc::Sender<Out>,
}

/// Serves a connection until it ends, and ends what ends with it.
pub(super) async fn hold(daemon: Arc<Daemon>, stream: UnixStream) {
    let Ok(uid) = stream.peer_cred().map(|peer| peer.uid()) else {
        return;
    };
    if uid != daemon.uid && uid != 0 {
        return turn_away(&daemon, stream, uid).await;
    }
    let (reading, writing) = stream.into_split();
    let (out, queue) = mpsc::channel(64);
    let number = daemon.number();
    let peer = Arc::new(Peer {
        daemon,
        uid,
        number,
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
        let mut rest = &out.bytes[..];
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
    lines: Lines<BufReader<OwnedReadHalf>>,
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
                Err(_) => return,
            }
        }
        self.queues.clear();
        let mut glances = tokio::time::interval(GLANCE);
        let all = u32::try_from(MOST_REQUESTS).unwrap_or(u32::MAX);
        tokio::select! {
            _ = self.slots.acquire_many(all) => {}
            () = async {
                while !has_hung_up(self.lines.stream().get_ref().as_ref()) {
                    glances.tick().await;
                }
            } => {}
        }
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
            let control = serde_json::to_value(&members).and_then(serde_json::from_value);
            match control {
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
        let id = session.id().to_owned();
        let job = Job {
            // Members that were read can be written.
            body: serde_json::to_vec(members).unwrap_or_default(),
            id: asked.id.to_string(),
            op: asked.op,
            slot,
            room: self.lines.take_room(),
            session: session.clone(),
        };
        let Self {
            tasks,
            queues,
            peer,
            ..
        } = self;
        queues.retain(|_, queue| !queue.is_closed());
        let queue = queues.entry(id).or_insert_with(|| {
            // As many as there can be, so that putting one in never waits.
            let (sender, queue) = mpsc::channel(MOST_REQUESTS);
            tasks.spawn(forward(queue, peer.clone()));
            sender
        });
        let _ = queue.send(job).await;
    }
}

/// Passes the requests for one session on, in order, and their replies back as they come.
async fn forward(mut queue: mpsc::Receiver<Job>, peer: Arc<Peer>) {
    let mut replies = JoinSet::new();
    while let Some(job) = queue.recv().await {
        while replies.try_join_next().is_some() {}
        let Job {
            body,
            id,
            op,
            slot,
            room,
            session,
        } = job;
        let in_use = session.use_it();
        let sent = session.worker.send_text(body).await;
        drop(room);
        let peer = peer.clone();
        replies.spawn(async move {
            let _in_use = in_use;
            let mut pending = match sent {
                Ok(pending) => pending,
                Err(error) => return peer.give_up((&id, &op), &error, slot).await,
            };
            loop {
                match pending.next().await {
                    Ok(part) if part.is_reply() => {
                        return peer.pass_back(part.with_id(&id), Some(slot), part).await;
                    }
                    Ok(part) => peer.pass_back(part.with_id(&id), None, part).await,
                    Err(error) => return peer.give_up((&id, &op), &error, slot).await,
                }
            }
        });
    }
    while replies.join_next().await.is_some() {}
}

/// The head of a request.
pub(super) struct Asked {
    pub(super) id: Value,
    pub(super) op: String,
}

impl Asked {
    fn nothing() -> Self {
        Self {
            id: Value::Null,
            op: "request".into(),
        }
    }

    /// Takes the id out and reads the operation.
    fn of(members: &mut Members<'_>) -> Result<Self, (Self, &'static str)> {
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
    fn right(
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

    async fn refuse(&self, asked: Asked, denial: Denial, slot: OwnedSemaphorePermit) {
        let about = About::Peer(self.uid);
        self.refuse_about(about, asked, denial, slot).await;
    }

    async fn refuse_about(
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

    async fn say(&self, reply: &Reply, slot: OwnedSemaphorePermit) {
        let out = Out {
            bytes: line(reply),
            _slot: Some(slot),
            _part: None,
        };
        // A connection that is gone takes nothing.
        let _ = self.out.send(out).await;
    }

    async fn pass_back(&self, bytes: Vec<u8>, slot: Option<OwnedSemaphorePermit>, part: Part) {
        let out = Out {
            bytes,
            _slot: slot,
            _part: Some(part),
        };
        let _ = self.out.send(out).await;
    }

    async fn give_up(
        &self,
        (id, op): (&str, &str),
        error: &WorkerError,
        slot: OwnedSemaphorePermit,
    ) {
        let id = serde_json::from_str(id).unwrap_or_default();
        let reply = match error {
            // The stop itself is on record, and so is the request.
            WorkerError::Stopped => denied(id, stopped(op), String::new()),
            error => failed(id, &error.to_string(), None),
        };
        self.say(&reply, slot).await;
    }
}
