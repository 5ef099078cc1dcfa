//! What comes back for a request: its reply, and with commands that tell as they go, events before.
//!
//! A line of the worker is passed on as it is, but for the number in it, which becomes the
//! caller's id again.

use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::WorkerError;

/// How every line of a worker begins.
const HEAD: &[u8] = b"{\"id\":";

/// One line for a request. While it is kept, its bytes count against the worker's bound.
#[derive(Debug)]
pub struct Part {
    /// What follows the number: `,"status":…}`, and the end of the line.
    rest: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

impl Part {
    /// Whether it is the reply, after which nothing comes.
    pub fn is_reply(&self) -> bool {
        !self.rest.starts_with(b",\"event\":")
    }

    /// The line with this id, a JSON text, in place of the worker's number.
    #[must_use]
    pub fn with_id(mut self, id: &str) -> Self {
        let head = [HEAD, id.as_bytes()].concat();
        self.rest.splice(..0, head);
        self
    }

    /// The bytes of the line.
    pub fn as_bytes(&self) -> &[u8] {
        &self.rest
    }

    /// The line as a value; its id is null.
    pub fn to_value(&self) -> Value {
        // A worker writes JSON.
        serde_json::from_slice(&[HEAD, b"null", &self.rest].concat()).unwrap_or_default()
    }

    /// A line whose number was taken off.
    pub(super) fn new(mut rest: Vec<u8>, room: OwnedSemaphorePermit) -> Self {
        rest.push(b'\n');
        Self { rest, _room: room }
    }
}

/// A request that was passed on. When it is dropped without its reply, it is given up: the
/// command that it runs is ended.
#[derive(Debug)]
pub struct Pending {
    number: u64,
    parts: mpsc::UnboundedReceiver<Result<Part, WorkerError>>,
    /// Where it is told that it was given up.
    given_up: mpsc::UnboundedSender<u64>,
    is_over: bool,
}

impl Pending {
    pub(super) fn new(
        number: u64,
        parts: mpsc::UnboundedReceiver<Result<Part, WorkerError>>,
        given_up: mpsc::UnboundedSender<u64>,
    ) -> Self {
        Self {
            number,
            parts,
            given_up,
            is_over: false,
        }
    }

    /// The worker's number of the request, by which [`Worker::cancel`](super::Worker::cancel)
    /// ends it.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The next part; the reply is the last. Giving up waiting loses nothing.
    ///
    /// # Errors
    /// When there will be no reply.
    pub async fn next(&mut self) -> Result<Part, WorkerError> {
        let over = || Err(WorkerError::Ended("there is no more".into()));
        let part = self.parts.recv().await.unwrap_or_else(over);
        self.is_over |= part.as_ref().map_or(true, Part::is_reply);
        part
    }

    /// The reply; events before it are passed over.
    ///
    /// # Errors
    /// When there will be none.
    pub async fn reply(mut self) -> Result<Part, WorkerError> {
        loop {
            let part = self.next().await?;
            if part.is_reply() {
                return Ok(part);
            }
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.is_over {
            // Before the worker is told, nobody must listen.
            self.parts.close();
            let _ = self.given_up.send(self.number);
        }
    }
}

/// The number of the request that a line is about, and how long the line's head is.
pub(super) fn number_of(line: &[u8]) -> Option<(u64, usize)> {
    let rest = line.strip_prefix(HEAD)?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
    (rest.get(digits) == Some(&b',')).then_some((number, HEAD.len() + digits))
}

#[cfg(test)]
mod tests {
    use super::number_of;

    #[test]
    fn only_a_number_at_the_beginning_names_a_request() {
        assert_eq!(number_of(br#"{"id":12,"status":"ok"}"#), Some((12, 8)));
        for other in [
            "",
            "{\"id\":",
            "{\"id\":null,",
            "{\"id\":1",
            "{\"a\":1,\"id\":2}",
            "{\"id\":-1,",
        ] {
            assert_eq!(number_of(other.as_bytes()), None, "{other}");
        }
    }
}
