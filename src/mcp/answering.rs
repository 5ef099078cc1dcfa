//! The way to a server that we are the client of, whose answers may be too long to be taken.
//!
//! Whoever waits for such an answer is told at once, instead of when the time is up. Nothing of
//! it is held, and nothing else of what the server says is changed here.

use std::sync::Arc;

use rmcp::RoleClient;
use rmcp::model::{ErrorData, JsonRpcMessage, RequestId};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use rmcp::transport::async_rw::AsyncRwTransport;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use super::overlong::{LONGEST, Overlong, Watched};

/// The way to a server.
pub(super) struct Answering<R: AsyncRead + Unpin, W: AsyncWrite> {
    lines: AsyncRwTransport<RoleClient, Watched<R>, W>,
    overlong: UnboundedReceiver<Overlong>,
}

impl<R, W> Answering<R, W>
where
    R: AsyncRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin + 'static,
{
    /// Reads what the server says, and writes what it is told.
    pub(super) fn new(read: R, write: W) -> Self {
        let (told, overlong) = mpsc::unbounded_channel();
        let read = Watched::new(read, Arc::default(), told);
        let lines = AsyncRwTransport::new_client(read, write).with_max_line_length(LONGEST);
        Self { lines, overlong }
    }
}

/// What takes the place of an answer that was not taken.
fn not_taken(id: RequestId) -> RxJsonRpcMessage<RoleClient> {
    let why = "the answer is longer than 16 MiB, and was not taken";
    JsonRpcMessage::error(ErrorData::internal_error(why, None), Some(id))
}

impl<R, W> Transport<RoleClient> for Answering<R, W>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    type Error = std::io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.lines.send(message)
    }

    /// Giving it up loses nothing: what has been seen waits in the channel.
    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            let message = tokio::select! {
                biased;
                Some(seen) = self.overlong.recv() => match seen {
                    Overlong::Response(id) => return Some(not_taken(id)),
                    Overlong::Request(_) | Overlong::Notice => continue,
                },
                message = self.lines.receive() => message,
            };
            if message.is_some() || self.overlong.is_empty() {
                return message;
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.lines.close().await
    }
}
