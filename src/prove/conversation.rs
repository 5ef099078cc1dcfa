//! The talk with an attacker: an order, an answer, and an eye on its end and on whoever wants
//! the proof to stop.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

use super::error::ProveError;
use super::protocol::{Answer, Order};
use crate::sys::signals::SignalSource;
use crate::sys::stdio::{Interest, wait};

/// How long an answer is waited for. Attacks end themselves long before.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often somebody works in a directory that an attack watches.
const STIR: Duration = Duration::from_millis(20);

/// What came back for an order.
#[derive(Debug)]
pub(super) enum Told {
    /// An answer.
    Answer(Answer),
    /// None: the attacker has ended, or says nothing.
    Gone,
}

/// A talk.
#[derive(Debug)]
pub(super) struct Conversation {
    to: File,
    from: File,
    unread: Vec<u8>,
    /// Readable once the attacker's command has ended, where its output does not tell.
    ended: Option<OwnedFd>,
}

impl Conversation {
    pub(super) fn new(to: OwnedFd, from: OwnedFd, ended: Option<OwnedFd>) -> Self {
        Self {
            to: to.into(),
            from: from.into(),
            unread: Vec::new(),
            ended,
        }
    }

    /// Says that there are no more orders; gives what tells of the end.
    pub(super) fn close(self) -> Option<OwnedFd> {
        self.ended
    }

    /// Gives an order and waits for its answer, while `stir` is called again and again.
    pub(super) fn ask(
        &mut self,
        order: &Order,
        signals: &SignalSource,
        stir: &dyn Fn(),
    ) -> Result<Told, ProveError> {
        let mut line = serde_json::to_vec(order).map_err(io::Error::from)?;
        line.push(b'\n');
        if self.to.write_all(&line).is_err() {
            return Ok(Told::Gone);
        }
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(line) = self.take_line() {
                let answer = serde_json::from_slice(&line).map_err(io::Error::from)?;
                return Ok(Told::Answer(answer));
            }
            let mut interests = vec![
                (self.from.as_fd(), Interest::Readable),
                (signals.as_fd(), Interest::Readable),
            ];
            if let Some(ended) = &self.ended {
                interests.push((ended.as_fd(), Interest::Readable));
            }
            let ready = wait(&interests, Some(STIR))?;
            if ready[1]
                && let Some(signal) = signals.next()
            {
                return Err(ProveError::Interrupted { signal });
            }
            if ready[0] {
                if !self.read_more()? {
                    return Ok(Told::Gone);
                }
            } else if ready.get(2) == Some(&true) {
                return Ok(Told::Gone);
            }
            stir();
        }
        Ok(Told::Gone)
    }

    fn take_line(&mut self) -> Option<Vec<u8>> {
        let end = self.unread.iter().position(|byte| *byte == b'\n')?;
        let rest = self.unread.split_off(end + 1);
        Some(std::mem::replace(&mut self.unread, rest))
    }

    /// `false` at the end.
    fn read_more(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 16 << 10];
        let count = self.from.read(&mut chunk)?;
        self.unread.extend_from_slice(&chunk[..count]);
        Ok(count > 0)
    }
}
