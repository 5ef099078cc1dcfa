//! A session worker: this program once more, as `lobsterpot call --concurrent`, with one session
//! in it.
//!
//! [`Worker::start`] gives a worker whose session is open; [`Worker::send`] passes it a request
//! and gives what comes back. Requests and replies belong together by numbers of the worker's
//! own: ids that callers chose never reach it. What is under way is bounded, in number and in
//! bytes; whoever sends more waits.
//!
//! A command that writes with `"stream": true` tells as it goes, and its reply comes last.
//! A request whose [`Pending`] is dropped is given up, and a command of it ended.
//!
//! A worker that ends answers everything that is open with an error. It ends when its last handle
//! is dropped, and so it does when the front end is killed: nobody reads its replies any more, so
//! it ends what still runs, closes its record, and is gone. One that does not end in time is killed.
//!
//! Nothing here decides anything, or passes a reply to anyone but who asked.

mod origin;
mod parts;
mod process;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::Selectors;
use super::lines::LONGEST_REQUEST;
use crate::model::{PrincipalId, Tier};
use crate::sandbox::MOST_LANES;
pub use origin::Origin;
pub use parts::{Part, Pending};

/// How many requests a worker has at once.
const MOST_REQUESTS: usize = 1024;

/// How many of them run commands, as many as a session can run at once.
const MOST_COMMANDS: usize = MOST_LANES as usize;

/// How many bytes of requests wait for a worker, and how many of its replies wait for readers.
const MOST_BYTES: usize = 8 << 20;

/// How much longer a request becomes by the worker's number.
const LONGEST_ID: usize = 64;

/// How deeply a request may be nested.
const DEEPEST: usize = 64;

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
    /// The operator has pulled the emergency brake.
    #[error("stopped by the operator")]
    Stopped,
    /// The request is too long for any worker.
    #[error("the request is longer than 16 MiB")]
    RequestTooLong,
    /// The request is nested more deeply than a worker reads, so it could not even answer.
    #[error("the request is nested too deeply")]
    TooDeep,
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
    opened: Arc<Opened>,
}

/// What a worker says first, once its session is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// The session's id in the audit log.
    pub session: String,
    /// Who asks.
    pub principal: PrincipalId,
    /// The principal's tier; none where the policy does not know the principal.
    pub tier: Option<Tier>,
    /// The policy's name.
    pub policy: String,
    /// The policy's file, or `built-in:NAME`.
    pub policy_source: String,
    /// The state directory, where its emergency brake is.
    pub state: PathBuf,
    /// What it was opened on.
    pub origin: Origin,
}

/// What the handles and the tasks of a worker share.
#[derive(Debug)]
struct Shared {
    open: Mutex<Open>,
    slots: Arc<Semaphore>,
    command_slots: Arc<Semaphore>,
    given_up: mpsc::UnboundedSender<u64>,
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
    ended: Option<WorkerError>,
}

/// Whom a reply is for. A slot stays taken until the worker is done, wanted or not.
#[derive(Debug)]
struct Asked {
    sender: mpsc::UnboundedSender<Result<Part, WorkerError>>,
    /// Whether the worker has it.
    is_written: bool,
    _slots: Slots,
}

/// What a request keeps taken until its reply: its place, and one among the commands.
type Slots = [Option<OwnedSemaphorePermit>; 2];

/// A line on its way to the worker.
#[derive(Debug)]
struct Outgoing {
    number: u64,
    line: Vec<u8>,
    _room: Option<OwnedSemaphorePermit>,
}

/// What tells a command from other requests.
#[derive(Deserialize)]
struct Head {
    op: String,
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

    /// The session that it has.
    pub fn opened(&self) -> &Arc<Opened> {
        &self.0.opened
    }

    /// Passes a request to the worker: a JSON object with `op` and its arguments. An `id` in it
    /// is replaced. Waits while the worker has as much as it may have.
    ///
    /// # Errors
    /// When the worker has ended, or the request cannot be passed on.
    pub async fn send(&self, request: &impl Serialize) -> Result<Pending, WorkerError> {
        let line = serde_json::to_vec(request).map_err(|_| WorkerError::NoObject)?;
        self.send_text(line).await
    }

    /// The same with a request that is a text already.
    pub(super) async fn send_text(&self, mut line: Vec<u8>) -> Result<Pending, WorkerError> {
        let Handle {
            requests, shared, ..
        } = &*self.0;
        let head: Head = serde_json::from_slice(&line).map_err(|_| WorkerError::NoObject)?;
        let is_command = head.op == "exec.run";
        if line.pop() != Some(b'}') {
            return Err(WorkerError::NoObject);
        }
        if line.len() > LONGEST_REQUEST - LONGEST_ID {
            return Err(WorkerError::RequestTooLong);
        }
        if depth(&line) > DEEPEST {
            return Err(WorkerError::TooDeep);
        }
        // None of them is ever closed.
        let slot = shared.slots.clone().acquire_owned().await.ok();
        let command_slot = if is_command {
            shared.command_slots.clone().acquire_owned().await.ok()
        } else {
            None
        };
        let bytes = shared.request_bytes.clone();
        let room = bytes.acquire_many_owned(cost(line.len())).await.ok();
        let (number, pending) = shared.ask([slot, command_slot])?;
        // Of two members with one name, the last counts.
        line.extend_from_slice(format!(",\"id\":{number}}}\n").as_bytes());
        let outgoing = Outgoing {
            number,
            line,
            _room: room,
        };
        // When nobody takes it, the worker's end answers the request.
        let _ = requests.send(outgoing).await;
        Ok(pending)
    }

    /// Ends the command of the request with this number, which then has its own reply. The reply
    /// to this says whether there was such a command: `{"cancelled": true}`.
    ///
    /// # Errors
    /// When the worker has ended.
    pub async fn cancel(&self, number: u64) -> Result<Pending, WorkerError> {
        let Handle {
            requests, shared, ..
        } = &*self.0;
        // It takes no place: there may be none because of what is to be ended.
        let (own, pending) = shared.ask([None, None])?;
        let outgoing = Outgoing {
            number: own,
            line: cancel(own, number),
            _room: None,
        };
        let _ = requests.send(outgoing).await;
        Ok(pending)
    }

    /// Whether the session is still there.
    pub fn is_alive(&self) -> bool {
        self.0.shared.open().ended.is_none()
    }

    /// Waits until the worker and everything it ran has ended. Waiting does not keep it.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut over = self.0.shared.over.subscribe();
        // A sender that is gone is over, too.
        async move { drop(over.wait_for(|over| *over).await) }
    }

    /// Ends the session, and waits until the worker has ended. Other handles see it as dead.
    pub async fn close(&self) {
        self.0
            .shared
            .end(WorkerError::Ended("it was closed".into()));
        self.0.shared.closing.notify_one();
        self.ended().await;
    }
}

impl Shared {
    /// With where the numbers of requests that were given up come out.
    fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<u64>) {
        let (given_up, numbers) = mpsc::unbounded_channel();
        let shared = Self {
            open: Mutex::default(),
            given_up,
            command_slots: Arc::new(Semaphore::new(MOST_COMMANDS)),
            slots: Arc::new(Semaphore::new(MOST_REQUESTS)),
            request_bytes: Arc::new(Semaphore::new(MOST_BYTES)),
            reply_bytes: Arc::new(Semaphore::new(MOST_BYTES)),
            closing: Notify::new(),
            over: watch::Sender::new(false),
        };
        (Arc::new(shared), numbers)
    }

    /// Nothing that panics is done while it is locked.
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, slots: Slots) -> Result<(u64, Pending), WorkerError> {
        let mut open = self.open();
        if let Some(why) = &open.ended {
            return Err(why.clone());
        }
        let (sender, receiver) = mpsc::unbounded_channel();
        open.last += 1;
        let number = open.last;
        let asked = Asked {
            sender,
            is_written: false,
            _slots: slots,
        };
        open.requests.insert(number, asked);
        let pending = Pending::new(number, receiver, self.given_up.clone());
        Ok((number, pending))
    }

    /// Whether somebody still waits for a request that is to be written now.
    fn is_wanted(&self, number: u64) -> bool {
        let mut open = self.open();
        let Some(asked) = open.requests.get_mut(&number) else {
            return false;
        };
        asked.is_written = !asked.sender.is_closed();
        if !asked.is_written {
            open.requests.remove(&number);
        }
        open.requests.contains_key(&number)
    }

    /// Whether the worker has a request, and has not answered it.
    fn is_written(&self, number: u64) -> bool {
        let open = self.open();
        open.requests
            .get(&number)
            .is_some_and(|asked| asked.is_written)
    }

    /// Answers everything that is open, and refuses what comes. The first reason stays.
    fn end(&self, why: WorkerError) {
        let mut open = self.open();
        let why = open.ended.get_or_insert(why).clone();
        for (_, asked) in open.requests.drain() {
            let _ = asked.sender.send(Err(why.clone()));
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

/// The line that ends the command of a request.
fn cancel(own: u64, number: u64) -> Vec<u8> {
    format!("{{\"op\":\"cancel\",\"request\":{number},\"id\":{own}}}\n").into()
}

/// How deeply a JSON text is nested.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_text, mut is_escaped) = (false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// What a line takes of the bytes that may wait; one that is longer than all takes all.
fn cost(bytes: usize) -> u32 {
    u32::try_from(bytes.clamp(1, MOST_BYTES)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::depth;

    #[test]
    fn brackets_in_texts_are_no_depth() {
        for (json, found) in [
            (r#"{"a":1}"#, 1),
            (r#"{"a":[[1],{"b":[]}]}"#, 4),
            (r#"{"a":"[[[{{{"}"#, 1),
            (r#"{"a\"[[":"\\"}"#, 1),
            (r#"{"a":"\\","b":[1]}"#, 2),
        ] {
            assert_eq!(depth(json.as_bytes()), found, "{json}");
        }
    }
}
