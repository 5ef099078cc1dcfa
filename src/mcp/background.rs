//! Commands that go on after the call that started them: what they printed since it was last
//! asked for, and how they ended.
//!
//! What is kept is bounded, and so is how many there are. None outlives the session.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::render::Answer;
use crate::daemon::{Part, Pending, Worker};

/// How many run at once.
const MOST_RUNNING: usize = 16;

/// How many are remembered, ended ones too.
const MOST_KEPT: usize = 64;

/// The most bytes of one stream that wait to be asked for.
const MOST_BYTES: usize = 1 << 20;

/// The background commands of a session.
#[derive(Debug, Default)]
pub(super) struct Shells(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    last: u64,
    shells: BTreeMap<u64, Arc<Shell>>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Shell {
    id: String,
    /// Where the command runs.
    pub(super) worker: Worker,
    /// The worker's number of it.
    pub(super) number: u64,
    told: Arc<Told>,
}

/// What is known of it. Whoever follows it has this alone: a handle of the worker would keep the
/// session, and the command in it, when the client has gone.
#[derive(Debug, Default)]
struct Told {
    output: Mutex<Output>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Output {
    stdout: Stream,
    stderr: Stream,
    was_streamed: bool,
    ended: Option<Answer>,
}

/// The end of what was printed, since the last time it was asked for.
#[derive(Debug, Default)]
struct Stream {
    text: String,
    is_cut: bool,
}

impl Stream {
    fn push(&mut self, more: &str) {
        self.text.push_str(more);
        if let Some(over) = self.text.len().checked_sub(MOST_BYTES)
            && over > 0
        {
            let cut = self.text.ceil_char_boundary(over);
            self.text.drain(..cut);
            self.is_cut = true;
        }
    }
}

/// Nothing that panics is done while one of these is locked.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shells {
    /// Remembers a command that has been started.
    pub(super) fn keep(&self, worker: Worker, pending: Pending) -> Arc<Shell> {
        let mut table = locked(&self.0);
        table.last += 1;
        let number = table.last;
        let shell = Arc::new(Shell {
            id: format!("sh-{number}"),
            worker,
            number: pending.number(),
            told: Arc::default(),
        });
        tokio::spawn(shell.told.clone().follow(pending));
        table.shells.insert(number, shell.clone());
        if table.shells.len() > MOST_KEPT {
            let ended = table
                .shells
                .iter()
                .find(|(_, shell)| !shell.told.is_running());
            if let Some(number) = ended.map(|(number, _)| *number) {
                table.shells.remove(&number);
            }
        }
        shell
    }

    /// Whether one more may be started.
    pub(super) fn has_room(&self) -> bool {
        let table = locked(&self.0);
        let running = table
            .shells
            .values()
            .filter(|shell| shell.told.is_running());
        running.count() < MOST_RUNNING
    }

    /// The command of that id.
    pub(super) fn named(&self, id: &str) -> Option<Arc<Shell>> {
        let number: u64 = id.strip_prefix("sh-")?.parse().ok()?;
        locked(&self.0).shells.get(&number).cloned()
    }

    /// Forgets them all. Each ends with the session that it runs in.
    pub(super) fn forget(&self) {
        locked(&self.0).shells.clear();
    }
}

impl Told {
    async fn follow(self: Arc<Self>, mut pending: Pending) {
        loop {
            let ended = match pending.next().await {
                Ok(part) if part.is_reply() => Some(Answer::of(&part)),
                Ok(part) => {
                    self.printed(&part);
                    None
                }
                Err(error) => Some(Answer::failed(&error.to_string())),
            };
            let is_over = ended.is_some();
            if let Some(answer) = ended {
                self.end(answer);
            }
            self.changed.notify_waiters();
            if is_over {
                return;
            }
        }
    }

    fn printed(&self, part: &Part) {
        let event = part.to_value();
        let text = event["text"].as_str().unwrap_or_default();
        let mut output = locked(&self.output);
        output.was_streamed = true;
        match event["stream"].as_str() {
            Some("stderr") => output.stderr.push(text),
            _ => output.stdout.push(text),
        }
    }

    fn end(&self, answer: Answer) {
        let mut output = locked(&self.output);
        if !output.was_streamed {
            let text = |stream: &str| answer.result[stream].as_str().unwrap_or_default();
            output.stdout.push(text("stdout"));
            output.stderr.push(text("stderr"));
        }
        output.ended = Some(answer);
    }

    fn is_running(&self) -> bool {
        locked(&self.output).ended.is_none()
    }
}

impl Shell {
    /// Waits until there is something new to tell, or the time is up.
    pub(super) async fn changes(&self, within: Duration) {
        let changed = self.told.changed.notified();
        tokio::pin!(changed);
        // From here on no change is missed.
        changed.as_mut().enable();
        let has_news = {
            let output = locked(&self.told.output);
            let printed = !output.stdout.text.is_empty() || !output.stderr.text.is_empty();
            printed || output.ended.is_some()
        };
        if !has_news {
            let _ = tokio::time::timeout(within, changed).await;
        }
    }

    /// Waits until it has ended.
    pub(super) async fn end_of_it(&self) {
        loop {
            let changed = self.told.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if !self.told.is_running() {
                return;
            }
            changed.await;
        }
    }

    /// What was printed since the last time, and how it ended if it has.
    pub(super) fn news(&self) -> Answer {
        let mut output = locked(&self.told.output);
        let stdout = std::mem::take(&mut output.stdout);
        let stderr = std::mem::take(&mut output.stderr);
        let mut result = json!({
            "id": self.id,
            "running": output.ended.is_none(),
            "stdout": stdout.text,
            "stderr": stderr.text,
            "truncated": stdout.is_cut || stderr.is_cut,
        });
        let Some(ended) = &output.ended else {
            return Answer::done(result);
        };
        let mut answer = ended.clone();
        if let (Value::Object(news), Value::Object(end)) = (&mut result, &answer.result) {
            for (name, value) in end {
                if !news.contains_key(name) {
                    news.insert(name.clone(), value.clone());
                }
            }
        }
        answer.result = result;
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_BYTES, Stream};

    #[test]
    fn of_too_much_output_the_end_is_kept() {
        let mut stream = Stream::default();
        stream.push("begin");
        assert!(!stream.is_cut);
        stream.push(&"ü".repeat(MOST_BYTES / 2));
        assert!(stream.is_cut);
        assert!(stream.text.len() <= MOST_BYTES);
        assert!(stream.text.starts_with('ü'));
    }
}
