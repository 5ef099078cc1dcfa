//! The process of a worker: how it starts, what it reads and writes, and how it ends.
//!
//! It is ours and unreaped as long as it is signalled here, so no signal can reach another.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Once};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::parts::{Part, number_of};
use super::{Handle, Opened, Outgoing, Selectors, Shared, Worker, WorkerError, cancel, cost};
use crate::broker::Brake;
use crate::daemon::lines::{Line, Lines};
use crate::sandbox::step_aside;

/// How long a session may take to open.
const OPENING: Duration = Duration::from_mins(1);

/// How long a worker may take to end by itself, once its input has.
const GRACE: Duration = Duration::from_secs(5);

/// How long the last replies of a worker that has ended may take to be read.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The longest line that a worker may write.
const LONGEST_REPLY: usize = 64 << 20;

/// The longest line of its standard error, and how many of the last are kept.
const LONGEST_WORD: usize = 64 << 10;
const KEPT: usize = 8;

/// Lines that wait to be written to a worker; their bytes are bounded elsewhere.
const QUEUE: usize = 64;

/// Of the front end's environment what is about the front end alone.
const NOT_PASSED: [&str; 5] = [
    "LOBSTERPOT_TOKEN",
    "LISTEN_PID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
    "NOTIFY_SOCKET",
];

/// Before the first worker: later ones would be in the way, and beside them is room.
static ASIDE: Once = Once::new();

type Output = Lines<BufReader<ChildStdout>>;

/// Starts a worker and waits until its session is open.
pub(super) async fn start(
    selectors: &Selectors,
    directory: Option<&Path>,
) -> Result<Worker, WorkerError> {
    let not_started = |error| WorkerError::NotStarted(Arc::new(error));
    ASIDE.call_once(step_aside);
    let mut child = command(selectors, directory).spawn().map_err(not_started)?;
    let (Some(input), Some(output), Some(errors)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(WorkerError::Ended("it has no streams".into()));
    };
    let errors = tokio::spawn(tail(errors));
    let mut output = Lines::new(BufReader::new(output), LONGEST_REPLY);
    let Some(opened) = opened(&mut output).await else {
        return Err(not_opened(child, errors).await);
    };
    let (shared, given_up) = Shared::new();
    let (requests, queue) = mpsc::channel(QUEUE);
    tokio::spawn(keep(Kept {
        child,
        errors,
        reader: tokio::spawn(read(output, shared.clone())),
        writer: tokio::spawn(write(input, (queue, given_up), shared.clone())),
        shared: shared.clone(),
        state: opened.state.clone(),
    }));
    Ok(Worker(Arc::new(Handle {
        requests,
        shared,
        opened: Arc::new(opened),
    })))
}

fn command(selectors: &Selectors, directory: Option<&Path>) -> Command {
    // The program that runs now, also where its file was replaced or removed since.
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0("lobsterpot")
        .arg("call")
        .args(["--concurrent", "--announce", "--json"])
        .args(selectors.options())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for name in NOT_PASSED {
        command.env_remove(name);
    }
    if let Some(directory) = directory {
        command.current_dir(directory);
    }
    command
}

async fn opened(output: &mut Output) -> Option<Opened> {
    match timeout(OPENING, output.next()).await {
        Ok(Ok(Line::Whole(line))) => serde_json::from_slice(&line).ok(),
        _ => None,
    }
}

/// What `call --json` says on standard error when it cannot begin.
#[derive(Deserialize)]
struct Failure {
    error: String,
    #[serde(default)]
    causes: Vec<String>,
    #[serde(default)]
    hint: Option<String>,
    #[serde(default)]
    findings: Vec<Finding>,
}

#[derive(Deserialize)]
struct Finding {
    message: String,
}

async fn not_opened(mut child: Child, errors: JoinHandle<Vec<String>>) -> WorkerError {
    if timeout(LAST_WORDS, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
    let said = timeout(LAST_WORDS, errors).await;
    let said = said.ok().and_then(Result::ok).unwrap_or_default();
    let failure = said
        .last()
        .map(|line| serde_json::from_str::<Failure>(line));
    match failure {
        Some(Ok(failure)) => {
            let findings = failure.findings.into_iter().map(|finding| finding.message);
            let parts: Vec<_> = std::iter::once(failure.error)
                .chain(failure.causes)
                .chain(findings)
                .collect();
            WorkerError::NotOpened {
                message: parts.join(": "),
                hint: failure.hint,
            }
        }
        _ => WorkerError::NotOpened {
            message: if said.is_empty() {
                "the session worker ended at once".into()
            } else {
                said.join(": ")
            },
            hint: None,
        },
    }
}

/// A running worker.
struct Kept {
    child: Child,
    errors: JoinHandle<Vec<String>>,
    reader: JoinHandle<()>,
    writer: JoinHandle<()>,
    shared: Arc<Shared>,
    state: PathBuf,
}

/// Waits for the end of a worker, sees to it that it comes, and tells it.
async fn keep(mut kept: Kept) {
    let status = tokio::select! {
        status = kept.child.wait() => status.ok(),
        _ = &mut kept.writer => {
            // When nobody reads its replies any more, it ends what still runs, and its record.
            kept.reader.abort();
            end(&mut kept.child).await
        }
    };
    // Replies that it wrote before its end are still replies.
    if timeout(LAST_WORDS, &mut kept.reader).await.is_err() {
        kept.reader.abort();
    }
    kept.writer.abort();
    let said = timeout(LAST_WORDS, kept.errors).await;
    let said = said.ok().and_then(Result::ok).unwrap_or_default();
    kept.shared.end(if Brake::is_pulled_in(&kept.state) {
        WorkerError::Stopped
    } else {
        WorkerError::Ended(why(status, &said).into())
    });
    kept.shared.over();
}

/// Its input has ended: it may end by itself, for a while.
async fn end(child: &mut Child) -> Option<ExitStatus> {
    if let Ok(status) = timeout(GRACE, child.wait()).await {
        return status.ok();
    }
    tracing::warn!("a session worker did not end in time, and is killed");
    let _ = child.kill().await;
    child.wait().await.ok()
}

fn why(status: Option<ExitStatus>, said: &[String]) -> String {
    let status = status.map_or_else(|| "it cannot be found".into(), |status| status.to_string());
    match said.last() {
        None => format!("its worker ended: {status}"),
        Some(last) => format!("its worker ended: {status}: {last}"),
    }
}

/// Writes what comes until nobody has a handle, the session is closed, or the worker stops
/// reading for good. Then its input ends.
async fn write(
    mut input: ChildStdin,
    (mut queue, mut given_up): (mpsc::Receiver<Outgoing>, mpsc::UnboundedReceiver<u64>),
    shared: Arc<Shared>,
) {
    let pass_on = async {
        loop {
            let line = tokio::select! {
                biased;
                // Its sender is in what is shared.
                Some(number) = given_up.recv() => {
                    if !shared.is_written(number) {
                        continue;
                    }
                    cancel(0, number)
                }
                outgoing = queue.recv() => match outgoing {
                    None => return,
                    Some(outgoing) if shared.is_wanted(outgoing.number) => outgoing.line,
                    Some(_) => continue,
                },
            };
            if input.write_all(&line).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = pass_on => {}
        () = shared.closing.notified() => {}
    }
}

/// Gives each line to whom it is for, until the worker has no more.
async fn read(mut output: Output, shared: Arc<Shared>) {
    loop {
        match output.next().await {
            Ok(Line::Whole(line)) => deliver(line, &shared).await,
            Ok(Line::TooLong(head)) => {
                if let Some((number, _)) = number_of(&head) {
                    shared.answer(number, Err(WorkerError::ReplyTooLong));
                }
            }
            // Without a budget there is always room.
            Ok(Line::End | Line::NoRoom) | Err(_) => return,
        }
    }
}

async fn deliver(mut line: Vec<u8>, shared: &Shared) {
    let Some((number, head)) = number_of(&line) else {
        // One of its requests would never be answered.
        tracing::warn!("a session worker wrote a line that is no reply");
        shared.closing.notify_one();
        return;
    };
    // It is never closed.
    let room = shared.reply_bytes.clone();
    if let Ok(room) = room.acquire_many_owned(cost(line.len())).await {
        line.drain(..head);
        shared.answer(number, Ok(Part::new(line, room)));
    }
}

/// The last lines that a worker says on standard error. All but a failure, which is told to
/// whoever wanted the session, are passed on to ours.
async fn tail(errors: ChildStderr) -> Vec<String> {
    let mut lines = Lines::new(BufReader::new(errors), LONGEST_WORD);
    let (mut kept, mut own) = (VecDeque::new(), tokio::io::stderr());
    while let Ok(Line::Whole(mut line) | Line::TooLong(mut line)) = lines.next().await {
        if !line.starts_with(b"{\"error\":") {
            line.push(b'\n');
            let _ = own.write_all(&line).await;
        }
        kept.push_back(String::from_utf8_lossy(&line).trim().to_owned());
        if kept.len() > KEPT {
            kept.pop_front();
        }
    }
    kept.into()
}
