//! One client's session: its worker, its background commands, and the roots that it was given.
//!
//! Nothing here decides on a request. Whatever the client says can only make the session smaller
//! than what the operator chose.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
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

/// A request as a worker reads it.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    operation: &'a Operation,
}

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
        let asked = async {
            let worker = self.worker().await?;
            let pending = worker.send(&Line { operation }).await?;
            Ok((worker, pending))
        };
        let (worker, pending) = match asked.await {
            Ok(asked) => asked,
            Err(error) => return not_asked(&error),
        };
        tokio::select! {
            reply = pending.reply() => match reply {
                Ok(part) => Answer::of(&part),
                Err(error) => not_asked(&error),
            },
            () = cancelled.cancelled() => {
                worker.close().await;
                Answer::failed("it was cancelled")
            }
        }
    }

    /// Starts a command that goes on after the answer.
    pub(super) async fn start_shell(&self, operation: &Operation) -> Answer {
        if !self.shells.has_room() {
            return Answer::failed("too many background commands are running; stop one first");
        }
        let started: Result<(Worker, Pending), WorkerError> = async {
            let worker = self.start().await?;
            let pending = worker.send(&Line { operation }).await?;
            Ok((worker, pending))
        }
        .await;
        match started {
            Ok((worker, pending)) => {
                let shell = self.shells.keep(worker, pending);
                // A command that is refused is refused at once.
                shell.changes(Duration::from_millis(200)).await;
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
        shell.worker.close().await;
        let _ = tokio::time::timeout(STOPPING, shell.end_of_it()).await;
        shell.news()
    }

    /// Ends everything, and waits until it has ended.
    pub(super) async fn close(&self) {
        let mut closing = tokio::task::JoinSet::new();
        for shell in self.shells.take() {
            closing.spawn(async move { shell.worker.close().await });
        }
        if let Some(worker) = self.worker.lock().await.take() {
            closing.spawn(async move { worker.close().await });
        }
        while closing.join_next().await.is_some() {}
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
