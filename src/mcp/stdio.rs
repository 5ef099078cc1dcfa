//! A client on standard input and output, and what it may have under way.
//!
//! A client can write without end, reuse ids, and never read. What is held for it is bounded:
//! requests without an answer by number, answers that it does not read by reading no more. What
//! is not taken is answered, where somebody waits for that, and never held.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ErrorData, JsonRpcMessage, RequestId,
    ServerJsonRpcMessage,
};
use rmcp::service::{RxJsonRpcMessage, ServerInitializeError, ServiceExt as _, TxJsonRpcMessage};
use rmcp::transport::Transport;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::{RoleServer, ServerHandler, transport};
use tokio::sync::Notify;
use tokio::sync::mpsc::{self, UnboundedReceiver};

use super::McpError;
use super::overlong::{LONGEST, Overlong, Watched};

/// How many requests may be without an answer.
const MOST_REQUESTS: usize = 4096;

/// How many bytes of them are kept; no more is read until some are answered.
const MOST_BYTES: u64 = 32 << 20;

/// What a client hears of a message that was too long.
const TOO_LONG: &str = "the message is longer than 16 MiB, and was not taken";

/// How many messages may wait for the client to read them.
const MOST_UNREAD: usize = 256;

/// Serves the one client, until it has gone or a signal ends it.
pub(super) async fn serve(server: impl ServerHandler) -> Result<(), McpError> {
    let (read, write) = transport::stdio_pipes();
    let (told, overlong) = mpsc::unbounded_channel();
    let taken = Arc::<AtomicU64>::default();
    let read = Watched::new(read, taken.clone(), told);
    let lines = AsyncRwTransport::new_server(read, write).with_max_line_length(LONGEST);
    let transport = Bounded::new(lines, taken, overlong);
    let until_gone = async {
        match server.serve(transport).await {
            Ok(running) => {
                // It has ended either way.
                let _ = running.waiting().await;
                Ok(())
            }
            Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
            Err(error) => Err(McpError::Handshake(error.to_string())),
        }
    };
    tokio::select! {
        ended = until_gone => ended,
        () = told_to_end() => Ok(()),
    }
}

/// Waits for a signal that asks the server to end.
pub(super) async fn told_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut signals = tokio::task::JoinSet::new();
    for kind in [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::hangup(),
    ] {
        if let Ok(mut signal) = signal(kind) {
            signals.spawn(async move { signal.recv().await });
        }
    }
    if signals.join_next().await.is_none() {
        // There are no signals to wait for; the default action of each ends the process.
        std::future::pending::<()>().await;
    }
}

/// A transport whose other side cannot make us keep more than this.
struct Bounded<T> {
    inner: T,
    state: Arc<State>,
    /// How many bytes have been read in all, and how many when the last message was there.
    taken: Arc<AtomicU64>,
    before: u64,
    /// Messages that were too long to be among those of `inner`.
    overlong: UnboundedReceiver<Overlong>,
}

#[derive(Default)]
struct State {
    kept: Mutex<Kept>,
    was_read: Notify,
}

#[derive(Default)]
struct Kept {
    /// The ids of requests without an answer, and about how many bytes each had.
    open: HashMap<RequestId, u64>,
    /// How many these are together.
    bytes: u64,
    /// Messages that the client has not taken.
    unread: usize,
}

impl Kept {
    fn close(&mut self, id: &RequestId) {
        self.bytes -= self.open.remove(id).unwrap_or_default();
    }
}

impl State {
    /// Nothing that panics is done while it is locked.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn has_room(&self) {
        loop {
            let read = self.was_read.notified();
            tokio::pin!(read);
            read.as_mut().enable();
            let has_room = {
                let kept = self.kept();
                kept.unread < MOST_UNREAD && kept.bytes < MOST_BYTES
            };
            if has_room {
                return;
            }
            read.await;
        }
    }

    /// Why the message cannot be taken; what is taken is kept in mind.
    fn refusal(
        &self,
        message: &ClientJsonRpcMessage,
        bytes: u64,
    ) -> Option<(ErrorData, RequestId)> {
        let mut kept = self.kept();
        match message {
            JsonRpcMessage::Request(request) => {
                let id = request.id.clone();
                let why = if kept.open.contains_key(&id) {
                    "the id is that of another request without an answer"
                } else if kept.open.len() >= MOST_REQUESTS {
                    "too many requests are without an answer"
                } else {
                    kept.open.insert(id, bytes);
                    kept.bytes += bytes;
                    return None;
                };
                Some((ErrorData::invalid_request(why, None), id))
            }
            JsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(cancelled) =
                    &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    // It gets no answer.
                    kept.close(id);
                }
                None
            }
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => None,
        }
    }

    fn answered(&self, message: &ServerJsonRpcMessage) {
        let mut kept = self.kept();
        kept.unread += 1;
        match message {
            JsonRpcMessage::Response(response) => kept.close(&response.id),
            JsonRpcMessage::Error(error) => {
                if let Some(id) = &error.id {
                    kept.close(id);
                }
            }
            JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_) => {}
        }
    }
}

/// A message on its way.
type Sending<E> = Pin<Box<dyn Future<Output = Result<(), E>> + Send>>;

impl<T: Transport<RoleServer>> Bounded<T> {
    fn new(inner: T, taken: Arc<AtomicU64>, overlong: UnboundedReceiver<Overlong>) -> Self {
        Self {
            inner,
            state: Arc::default(),
            taken,
            before: 0,
            overlong,
        }
    }

    /// About how many bytes have been read since the last time.
    fn newly_taken(&mut self) -> u64 {
        let taken = self.taken.load(Ordering::Relaxed);
        taken - std::mem::replace(&mut self.before, taken)
    }

    /// Answers what was not taken.
    fn refuse(&mut self, error: ErrorData, id: Option<RequestId>) {
        self.state.kept().unread += 1;
        tokio::spawn(self.pass_on(ServerJsonRpcMessage::error(error, id)));
    }

    fn pass_on(&mut self, message: ServerJsonRpcMessage) -> Sending<T::Error> {
        let sent: Sending<T::Error> = Box::pin(self.inner.send(message));
        let state = self.state.clone();
        Box::pin(async move {
            let sent = sent.await;
            state.kept().unread -= 1;
            state.was_read.notify_waiters();
            sent
        })
    }
}

impl<T: Transport<RoleServer> + 'static> Transport<RoleServer> for Bounded<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.state.answered(&message);
        self.pass_on(message)
    }

    /// Giving it up loses nothing: what was taken is either given back at once, or refused by a
    /// task of its own.
    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            self.state.clone().has_room().await;
            let message = tokio::select! {
                biased;
                Some(seen) = self.overlong.recv() => {
                    self.newly_taken();
                    if let Overlong::Request(id) = seen {
                        self.refuse(ErrorData::invalid_request(TOO_LONG, None), id);
                    }
                    continue;
                }
                message = self.inner.receive() => message,
            };
            if message.is_none() && !self.overlong.is_empty() {
                // The last word of a client that has gone was too long.
                continue;
            }
            let message = message?;
            let bytes = self.newly_taken();
            let Some((error, id)) = self.state.refusal(&message, bytes) else {
                return Some(message);
            };
            // The other request of this id is still without an answer.
            self.refuse(error, Some(id));
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.inner.close().await
    }
}
