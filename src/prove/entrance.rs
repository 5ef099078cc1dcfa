//! Starting the attacker: outside, as a plain child, for the controls; and in a session, by the
//! broker, as any other command.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Child, Command, Stdio};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::conversation::Conversation;
use super::error::ProveError;
use super::world::World;
use crate::broker::{RunReport, Session, SessionConfig};
use crate::model::{Enforced, ExecRun, HostPath, Mode, Status, WeakerGuarantee};
use crate::sys::launch::take_stdio;
use crate::sys::process::{self, Fork};
use crate::sys::stdio::{duplicate, pipe};

/// An attacker that runs.
#[derive(Debug)]
pub(super) struct Attacker {
    pub talk: Conversation,
    /// The process that is the broker to it; outside, the proof itself.
    pub broker: i32,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Plain(Child),
    Contained {
        /// Closed to let the session end.
        leave: OwnedFd,
        pid: i32,
    },
}

/// What a session told when its command had ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Report {
    /// How the command ended.
    pub exit_code: u8,
    /// Why nothing ran; empty where something did.
    pub failure: String,
    /// What can be done about it.
    pub hint: Option<String>,
    /// The layers in force, as the reply stated them.
    pub enforced: Value,
}

impl Attacker {
    /// Starts one as a plain child of this process.
    #[allow(
        clippy::disallowed_methods,
        reason = "the control: the same attacker without any sandbox"
    )]
    pub(super) fn plain(world: &World, cwd: &HostPath) -> io::Result<Self> {
        let mut child = Command::new(world.attacker())
            .current_dir(cwd.as_path())
            .env_clear()
            .env("TMPDIR", world.scratch())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        Ok(Self {
            talk: Conversation::new(to.into(), from.into(), None),
            broker: std::process::id().cast_signed(),
            body: Body::Plain(child),
        })
    }

    /// Starts one in a session that a process of its own holds. This one must have one thread.
    pub(super) fn contained(world: &World, config: SessionConfig) -> io::Result<Self> {
        let (orders, to) = pipe()?;
        let (from, answers) = pipe()?;
        let (reports, to_reports) = pipe()?;
        let (wait_for_leave, leave) = pipe()?;
        match process::fork_single_threaded()? {
            Fork::Parent { pid, .. } => Ok(Self {
                talk: Conversation::new(to, from, Some(reports)),
                broker: pid,
                body: Body::Contained { leave, pid },
            }),
            Fork::Child => {
                // Whoever holds the other end of a pipe never sees it end.
                drop((to, from, reports, leave));
                let ends = Ends {
                    streams: [orders, answers],
                    reports: to_reports,
                    leave: wait_for_leave,
                };
                let program = super::world::said(&world.attacker());
                process::end_now(i32::from(hold_session(ends, config, program).is_err()))
            }
        }
    }

    /// Says that there are no more orders, waits until the command has ended, calls `look`, and
    /// lets the session end.
    pub(super) fn finish(self, look: impl FnOnce()) -> io::Result<Option<Report>> {
        let Self { talk, body, .. } = self;
        let reports = talk.close();
        match body {
            Body::Plain(mut child) => {
                child.wait()?;
                look();
                Ok(None)
            }
            Body::Contained { leave, pid } => {
                let mut text = Vec::new();
                if let Some(reports) = reports {
                    std::fs::File::from(reports).read_to_end(&mut text)?;
                }
                look();
                drop(leave);
                process::reap(pid);
                Ok(serde_json::from_slice(&text).ok())
            }
        }
    }
}

/// The ends of the pipes that the session's process has.
struct Ends {
    streams: [OwnedFd; 2],
    reports: OwnedFd,
    leave: OwnedFd,
}

/// The life of the process that holds the session.
fn hold_session(ends: Ends, config: SessionConfig, program: String) -> io::Result<()> {
    let Ends {
        streams: [orders, answers],
        reports,
        leave,
    } = ends;
    let stderr = duplicate(io::stderr().as_fd())?;
    take_stdio([orders.as_fd(), answers.as_fd(), stderr.as_fd()])?;
    drop((orders, answers));
    let session = match Session::open(config) {
        Ok(session) => session,
        Err(error) => return tell(reports, &Report::of_failure(&error, error.hint())),
    };
    let session = run(session, reports, program)?;
    // What the command left behind is looked at before the session ends it.
    std::fs::File::from(leave).read_to_end(&mut Vec::new())?;
    session.close();
    Ok(())
}

fn run(mut session: Session, reports: OwnedFd, program: String) -> io::Result<Session> {
    let RunReport { exit_code, reply } = session.run(ExecRun {
        argv: Some(vec![program]),
        ..ExecRun::default()
    });
    let first = reply.denials.first();
    let failure = match reply.status {
        Status::Denied => first.map(|denial| denial.message.clone()),
        Status::Failed => reply
            .result
            .get("error")
            .and_then(Value::as_str)
            .map(str::to_owned),
        Status::Ok | Status::Timeout => None,
    };
    let report = Report {
        exit_code,
        failure: failure.unwrap_or_default(),
        hint: first.and_then(|denial| denial.hint.clone()),
        enforced: serde_json::to_value(&reply.enforced)?,
    };
    tell(reports, &report)?;
    Ok(session)
}

fn tell(reports: OwnedFd, report: &Report) -> io::Result<()> {
    let text = serde_json::to_vec(report)?;
    std::fs::File::from(reports).write_all(&text)
}

impl Report {
    fn of_failure(error: &dyn std::error::Error, hint: Option<String>) -> Self {
        let mut failure = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            failure.push_str(": ");
            failure.push_str(&cause.to_string());
            source = cause.source();
        }
        Self {
            exit_code: 125,
            failure,
            hint,
            enforced: serde_json::to_value(Enforced::by_broker_alone()).unwrap_or_default(),
        }
    }

    /// The mode that the command ran in.
    pub(super) fn mode(&self) -> Option<Mode> {
        serde_json::from_value(self.enforced.get("mode")?.clone()).ok()
    }

    /// The guarantees that were not given.
    pub(super) fn weaker(&self) -> Vec<WeakerGuarantee> {
        let weaker = self.enforced.get("weaker").cloned();
        weaker
            .and_then(|weaker| serde_json::from_value(weaker).ok())
            .unwrap_or_default()
    }

    /// As an error, where nothing ran.
    pub(super) fn into_error(self) -> ProveError {
        let message = if self.failure.is_empty() {
            format!("the attacker ended with exit code {}", self.exit_code)
        } else {
            self.failure
        };
        ProveError::Unavailable {
            message,
            hint: self.hint,
        }
    }
}
