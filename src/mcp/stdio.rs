//! A client on standard input and output, and what it may have under way.
//!
//! A client can write without end, reuse ids, and never read. What is held for it is bounded:
//! requests without an answer by number, answers that it does not read by reading no more.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ErrorData, JsonRpcMessage, RequestId,
    ServerJsonRpcMessage,
};
use rmcp::service::{RxJsonRpcMessage, ServerInitializeError, ServiceExt as _, TxJsonRpcMessage};
use rmcp::transport::Transport;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::{RoleServer, ServerHandler, transport};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::Notify;

use super::McpError;

/// How many requests may be without an answer.
const MOST_REQUESTS: usize = 4096;

/// How many bytes of them are kept; no more is read until some are answered.
const MOST_BYTES: u64 = 32 << 20;

/// How many messages may wait for the client to read them.
const MOST_UNREAD: usize = 256;

/// Serves the one client, until it has gone or a signal ends it.
pub(super) async fn serve(server: impl ServerHandler) -> Result<(), McpError> {
    let (read, write) = transport::stdio_pipes();
    let (read, taken) = Counted::new(read);
    let transport = Bounded::new(AsyncRwTransport::new_server(read, write), taken);
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
}

/// A stream that counts what is read from it.
struct Counted<R> {
    stream: R,
    taken: Arc<AtomicU64>,
}

impl<R> Counted<R> {
    fn new(stream: R) -> (Self, Arc<AtomicU64>) {
        let taken = Arc::<AtomicU64>::default();
        let counted = Self {
            stream,
            taken: taken.clone(),
        };
        (counted, taken)
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Counted<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        let read = buffer.filled().len() - before;
        self.taken.fetch_add(read as u64, Ordering::Relaxed);
        polled
    }
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
    fn new(inner: T, taken: Arc<AtomicU64>) -> Self {
        Self {
            inner,
            state: Arc::default(),
            taken,
            before: 0,
        }
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
            let message = self.inner.receive().await?;
            let taken = self.taken.load(Ordering::Relaxed);
            let bytes = taken - std::mem::replace(&mut self.before, taken);
            let Some((error, id)) = self.state.refusal(&message, bytes) else {
                return Some(message);
            };
            self.state.kept().unread += 1;
            // The other request of this id is still without an answer.
            let refused = self.pass_on(ServerJsonRpcMessage::error(error, Some(id)));
            tokio::spawn(refused);
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.inner.close().await
    }
}
