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
use super::roots;
use crate::broker::Terms;
use crate::daemon::{Origin, Pending, Selectors, Worker, WorkerError};
use crate::model::{HostPath, Operation};

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

/// One client's session. Its worker, and whatever runs there, ends with it: nothing but a call
/// that is under way may keep a handle of the worker elsewhere.
#[derive(Debug)]
pub(super) struct Session {
    setup: Arc<Setup>,
    state: Mutex<State>,
    shells: Shells,
}

/// What changes in a session.
#[derive(Debug)]
struct State {
    /// What it is held under now.
    terms: Arc<Terms>,
    selectors: Selectors,
    /// The roots that made it smaller, once the client has told them.
    roots: Option<Vec<HostPath>>,
    /// Whether these are the client's roots as far as anybody knows.
    knows_roots: bool,
    worker: Option<Worker>,
    /// What the first worker was opened on.
    origin: Option<Origin>,
}

/// How long is waited whether a background command is refused, or ends at once.
const AT_ONCE: Duration = Duration::from_millis(200);

/// How long a background command may take to end once it was told to.
const STOPPING: Duration = Duration::from_secs(30);

impl Session {
    /// A session that is opened when it is first needed.
    pub(super) fn new(setup: Arc<Setup>) -> Self {
        let state = State {
            terms: Arc::new(setup.terms.clone()),
            selectors: setup.selectors.clone(),
            roots: None,
            knows_roots: false,
            worker: None,
            origin: None,
        };
        Self {
            setup,
            state: Mutex::new(state),
            shells: Shells::default(),
        }
    }

    /// The terms that it is held under now.
    pub(super) async fn terms(&self) -> Arc<Terms> {
        self.state.lock().await.terms.clone()
    }

    /// Whether the client's roots are known.
    pub(super) async fn knows_roots(&self) -> bool {
        self.state.lock().await.knows_roots
    }

    /// The client has other roots now: they are to be asked for before anything else happens.
    pub(super) async fn doubt_roots(&self) {
        self.state.lock().await.knows_roots = false;
    }

    /// Makes the session as small as the client's roots say, and no larger than the operator
    /// did. What runs in one of another size is ended.
    pub(super) async fn narrow(&self, uris: Vec<String>) {
        let named = roots::directories(uris.iter().map(String::as_str), &self.setup.terms);
        let mut state = self.state.lock().await;
        state.knows_roots = true;
        if state.roots.as_ref() == Some(&named) {
            return;
        }
        self.shells.forget();
        if let Some(worker) = state.worker.take() {
            worker.close().await;
        }
        let within = match &self.setup.selectors.within {
            Some(chosen) => {
                let chosen: Vec<HostPath> = chosen.iter().flat_map(HostPath::absolute).collect();
                roots::both(&chosen, &named)
            }
            None => named.clone(),
        };
        let text = |path: &HostPath| path.as_path().to_str().map(str::to_owned);
        // Neither a path that cannot be told to the worker nor one that cannot be bound is kept.
        let told: Option<Vec<String>> = within.iter().map(text).collect();
        let narrowed = told.and_then(|told| Some((self.setup.terms.narrowed(&within).ok()?, told)));
        state.selectors.within = Some(Vec::new());
        if let Some((terms, told)) = narrowed {
            state.terms = Arc::new(terms);
            state.selectors.within = Some(told);
        } else if let Ok(nothing) = self.setup.terms.narrowed(&[]) {
            state.terms = Arc::new(nothing);
        }
        state.roots = Some(named);
    }

    /// The worker; a new one where the last one is gone.
    pub(super) async fn worker(&self) -> Result<Worker, WorkerError> {
        let mut state = self.state.lock().await;
        if let Some(worker) = state.worker.as_ref().filter(|worker| worker.is_alive()) {
            return Ok(worker.clone());
        }
        let worker = Worker::start(&state.selectors, Some(&self.setup.directory)).await?;
        // It looked everything up by its path again, and a path may lead to more by now.
        let now = &worker.opened().origin;
        if !now.agrees_with(state.origin.get_or_insert_with(|| now.clone())) {
            worker.close().await;
            let why = "the root, a grant or the policy has been replaced";
            return Err(WorkerError::Ended(why.into()));
        }
        Ok(state.worker.insert(worker).clone())
    }

    /// Passes a request on and waits for its reply. When it is cancelled meanwhile, whatever it
    /// runs is ended, and there is nobody to answer.
    pub(super) async fn ask(&self, operation: &Operation, cancelled: &CancellationToken) -> Answer {
        let begun = tokio::select! {
            begun = self.begin(operation) => begun,
            // It has not reached the session, and will not.
            () = cancelled.cancelled() => return Answer::failed("it was cancelled"),
        };
        let (worker, mut pending) = match begun {
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
        if let Some(worker) = self.state.lock().await.worker.take() {
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
