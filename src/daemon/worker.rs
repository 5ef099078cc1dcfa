//! A session worker: this program once more, as `lobsterpot call`, with one session in it.
//!
//! [`Worker::start`] gives a worker whose session is open; [`Worker::send`] passes it a request
//! and gives what comes back. Requests and replies belong together by numbers of the worker's
//! own: ids that callers chose never reach it. What is under way is bounded, in number and in
//! bytes; whoever sends more waits.
//!
//! A worker that ends answers everything that is open with an error. It ends when its last handle
//! is dropped: it is told by the end of its input, and killed when it does not end in time. When
//! the front end itself is killed, the kernel kills the worker, and its launcher ends the rest.
//!
//! Nothing here decides anything, or passes a reply to anyone but who asked.

mod parts;
mod process;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::{AcquireError, Notify, OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::Selectors;
use super::lines::LONGEST_REQUEST;
pub use parts::{Part, Pending};

/// How many requests a worker has at once.
const MOST_REQUESTS: usize = 1024;

/// How many bytes of requests wait for a worker, and how many of its replies wait for readers.
const MOST_BYTES: usize = 32 << 20;

/// Why a request has no reply.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WorkerError {
    /// No process could be started.
    #[error("cannot start a session worker: {0}")]
    NotStarted(Arc<std::io::Error>),
    /// The session could not be opened, for this reason: the policy, the root, the audit log.
    #[error("{message}")]
    NotOpened {
        /// In one line.
        message: String,
        /// What can be done about it.
        hint: Option<String>,
    },
    /// The worker has ended, so its session is over.
    #[error("the session has ended: {0}")]
    Ended(Arc<str>),
    /// The request is too long for any worker.
    #[error("the request is longer than 16 MiB")]
    RequestTooLong,
    /// The reply is too long to be passed on.
    #[error("the reply is longer than 64 MiB")]
    ReplyTooLong,
    /// The request is no JSON object.
    #[error("the request is not a JSON object")]
    NoObject,
}

/// A session in a process of its own. Clones are handles of the same one.
#[derive(Debug, Clone)]
pub struct Worker(Arc<Handle>);

/// When it is dropped, the channel closes, and with it the worker's input.
#[derive(Debug)]
struct Handle {
    requests: mpsc::Sender<Outgoing>,
    shared: Arc<Shared>,
    session: String,
}

/// What the handles and the tasks of a worker share.
#[derive(Debug)]
struct Shared {
    open: Mutex<Open>,
    slots: Arc<Semaphore>,
    request_bytes: Arc<Semaphore>,
    reply_bytes: Arc<Semaphore>,
    /// Its session is to end, whoever has a handle.
    closing: Notify,
    /// Its process has ended.
    over: watch::Sender<bool>,
}

/// The requests without a final reply.
#[derive(Debug, Default)]
struct Open {
    last: u64,
    requests: HashMap<u64, Asked>,
    /// Why there will be no more.
    ended: Option<Arc<str>>,
}

/// Whom a reply is for. A slot stays taken until the worker is done, wanted or not.
#[derive(Debug)]
struct Asked {
    sender: mpsc::UnboundedSender<Result<Part, WorkerError>>,
    _slot: OwnedSemaphorePermit,
}

/// A line on its way to the worker.
#[derive(Debug)]
struct Outgoing {
    line: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

impl Worker {
    /// Starts a worker and waits until its session is open.
    ///
    /// `directory` is its working directory: relative paths of the selectors start there, and
    /// commands run there where it lies below the root. To be called within a tokio runtime.
    ///
    /// # Errors
    /// When no process can be started, or the session cannot be opened.
    pub async fn start(
        selectors: &Selectors,
        directory: Option<&Path>,
    ) -> Result<Self, WorkerError> {
        process::start(selectors, directory).await
    }

    /// The session's id in the audit log.
    pub fn session(&self) -> &str {
        &self.0.session
    }

    /// Passes a request to the worker: a JSON object with `op` and its arguments. An `id` in it
    /// is replaced. Waits while the worker has as much as it may have.
    ///
    /// # Errors
    /// When the worker has ended, or the request cannot be passed on.
    pub async fn send(&self, request: &impl Serialize) -> Result<Pending, WorkerError> {
        let Handle {
            requests, shared, ..
        } = &*self.0;
        let mut line = serde_json::to_vec(request).map_err(|_| WorkerError::NoObject)?;
        if !line.starts_with(b"{\"") || line.pop() != Some(b'}') {
            return Err(WorkerError::NoObject);
        }
        if line.len() > LONGEST_REQUEST {
            return Err(WorkerError::RequestTooLong);
        }
        // Neither is ever closed.
        let slot = taken(shared.slots.clone().acquire_owned().await)?;
        let room = taken(
            shared
                .request_bytes
                .clone()
                .acquire_many_owned(cost(line.len()))
                .await,
        )?;
        let (number, pending) = shared.ask(slot)?;
        // Of two members with one name, the last counts.
        line.extend_from_slice(format!(",\"id\":{number}}}\n").as_bytes());
        let outgoing = Outgoing { line, _room: room };
        // When nobody takes it, the worker's end answers the request.
        let _ = requests.send(outgoing).await;
        Ok(pending)
    }

    /// Whether the session is still there.
    pub fn is_alive(&self) -> bool {
        self.0.shared.open().ended.is_none()
    }

    /// Waits until the worker and everything it ran has ended.
    pub async fn ended(&self) {
        let mut over = self.0.shared.over.subscribe();
        // The sender is in what is shared, so it is not gone.
        let _ = over.wait_for(|over| *over).await;
    }

    /// Ends the session, and waits until the worker has ended. Other handles see it as dead.
    pub async fn close(&self) {
        self.0.shared.end("it was closed");
        self.0.shared.closing.notify_one();
        self.ended().await;
    }
}

impl Shared {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            open: Mutex::default(),
            slots: Arc::new(Semaphore::new(MOST_REQUESTS)),
            request_bytes: Arc::new(Semaphore::new(MOST_BYTES)),
            reply_bytes: Arc::new(Semaphore::new(MOST_BYTES)),
            closing: Notify::new(),
            over: watch::Sender::new(false),
        })
    }

    /// Nothing that panics is done while it is locked.
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, slot: OwnedSemaphorePermit) -> Result<(u64, Pending), WorkerError> {
        let mut open = self.open();
        if let Some(why) = &open.ended {
            return Err(WorkerError::Ended(why.clone()));
        }
        let (sender, receiver) = mpsc::unbounded_channel();
        open.last += 1;
        let number = open.last;
        let asked = Asked {
            sender,
            _slot: slot,
        };
        open.requests.insert(number, asked);
        Ok((number, Pending::new(number, receiver)))
    }

    /// Answers everything that is open, and refuses what comes. The first reason stays.
    fn end(&self, why: &str) {
        let mut open = self.open();
        let why = open.ended.get_or_insert_with(|| why.into()).clone();
        for (_, asked) in open.requests.drain() {
            let _ = asked.sender.send(Err(WorkerError::Ended(why.clone())));
        }
    }

    /// Gives a line, or why there is none, to whom it is for; the reply is the last.
    fn answer(&self, number: u64, part: Result<Part, WorkerError>) {
        let mut open = self.open();
        let is_last = part.as_ref().map_or(true, Part::is_reply);
        let Some(asked) = open.requests.get(&number) else {
            return;
        };
        // Whoever asked may be gone.
        let _ = asked.sender.send(part);
        if is_last {
            open.requests.remove(&number);
        }
    }

    fn over(&self) {
        self.over.send_replace(true);
    }
}

/// What a line takes of the bytes that may wait; one that is longer than all takes all.
fn cost(bytes: usize) -> u32 {
    u32::try_from(bytes.clamp(1, MOST_BYTES)).unwrap_or(u32::MAX)
}

fn taken(
    permit: Result<OwnedSemaphorePermit, AcquireError>,
) -> Result<OwnedSemaphorePermit, WorkerError> {
    permit.map_err(|_| WorkerError::Ended("it was closed".into()))
}
