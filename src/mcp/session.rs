//! One client's session: its worker, its background commands, and the roots that it was given.
//!
//! Nothing here decides on a request. Whatever the client says can only make the session smaller
//! than what the operator chose.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::background::Shells;
use super::render::Answer;
use crate::broker::Terms;
use crate::daemon::{Pending, Selectors, Worker, WorkerError};
use crate::model::Operation;

/// What the operator chose for every session.
#[derive(Debug)]
pub struct Setup {
    /// The terms, to be asked what they could allow.
    pub terms: Terms,
    /// The same terms, as a session worker is told them.
    pub selectors: Selectors,
    /// Where workers start.
    pub directory: PathBuf,
}

/// One client's session.
#[derive(Debug)]
pub(super) struct Session {
    setup: Arc<Setup>,
    worker: Mutex<Option<Worker>>,
    shells: Shells,
}

/// How long is waited whether a background command is refused, or ends at once.
const AT_ONCE: Duration = Duration::from_millis(200);

/// How long a background command may take to end once it was told to.
const STOPPING: Duration = Duration::from_secs(30);

impl Session {
    /// A session that is opened when it is first needed.
    pub(super) fn new(setup: Arc<Setup>) -> Self {
        Self {
            setup,
            worker: Mutex::default(),
            shells: Shells::default(),
        }
    }

    /// The terms that it is held under now.
    pub(super) fn terms(&self) -> &Terms {
        &self.setup.terms
    }

    /// The worker; a new one where the last one is gone.
    pub(super) async fn worker(&self) -> Result<Worker, WorkerError> {
        let mut kept = self.worker.lock().await;
        if let Some(worker) = kept.as_ref().filter(|worker| worker.is_alive()) {
            return Ok(worker.clone());
        }
        let worker = self.start().await?;
        Ok(kept.insert(worker).clone())
    }

    async fn start(&self) -> Result<Worker, WorkerError> {
        Worker::start(&self.setup.selectors, Some(&self.setup.directory)).await
    }

    /// Passes a request on and waits for its reply. When it is cancelled meanwhile, whatever it
    /// runs is ended, and there is nobody to answer.
    pub(super) async fn ask(&self, operation: &Operation, cancelled: &CancellationToken) -> Answer {
        let (worker, mut pending) = match self.begin(operation).await {
            Ok(begun) => begun,
            Err(error) => return not_asked(&error),
        };
        tokio::select! {
            reply = pending.next() => match reply {
                Ok(part) => Answer::of(&part),
                Err(error) => not_asked(&error),
            },
            () = cancelled.cancelled() => {
                end(&worker, pending.number()).await;
                Answer::failed("it was cancelled")
            }
        }
    }

    async fn begin(&self, operation: &Operation) -> Result<(Worker, Pending), WorkerError> {
        let worker = self.worker().await?;
        let pending = worker.send(operation).await?;
        Ok((worker, pending))
    }

    /// Starts a command that goes on after the answer.
    pub(super) async fn start_shell(&self, mut operation: Operation) -> Answer {
        if let Operation::ExecRun(run) = &mut operation {
            // What it writes is told while it runs.
            run.stream = true;
        }
        if !self.shells.has_room() {
            return Answer::failed("too many background commands are running; stop one first");
        }
        match self.begin(&operation).await {
            Ok((worker, pending)) => {
                let shell = self.shells.keep(worker, pending);
                // A command that is refused is refused at once.
                shell.changes(AT_ONCE).await;
                shell.news()
            }
            Err(error) => not_asked(&error),
        }
    }

    /// What a background command printed since the last call.
    pub(super) async fn shell_output(
        &self,
        id: &str,
        wait: Duration,
        cancelled: &CancellationToken,
    ) -> Answer {
        let Some(shell) = self.shells.named(id) else {
            return no_such_shell(id);
        };
        tokio::select! {
            () = shell.changes(wait) => {}
            () = cancelled.cancelled() => return Answer::failed("it was cancelled"),
        }
        shell.news()
    }

    /// Ends a background command and everything it started.
    pub(super) async fn stop_shell(&self, id: &str) -> Answer {
        let Some(shell) = self.shells.named(id) else {
            return no_such_shell(id);
        };
        end(&shell.worker, shell.number).await;
        let _ = tokio::time::timeout(STOPPING, shell.end_of_it()).await;
        shell.news()
    }

    /// Ends everything, and waits until it has ended.
    pub(super) async fn close(&self) {
        self.shells.forget();
        if let Some(worker) = self.worker.lock().await.take() {
            worker.close().await;
        }
    }
}

/// Ends the command of a request, and waits until it has ended.
async fn end(worker: &Worker, number: u64) {
    if let Ok(told) = worker.cancel(number).await {
        // A worker that is gone has ended all of its commands.
        let _ = told.reply().await;
    }
}

fn not_asked(error: &WorkerError) -> Answer {
    let mut answer = Answer::failed(&error.to_string());
    if let (
        WorkerError::NotOpened {
            hint: Some(hint), ..
        },
        Value::Object(result),
    ) = (error, &mut answer.result)
    {
        result.insert("hint".into(), hint.clone().into());
    }
    answer
}

fn no_such_shell(id: &str) -> Answer {
    Answer::failed(&format!(
        "there is no background command {}",
        crate::model::shown(id)
    ))
}
