//! The emergency brake: a file in the state directory that refuses every request of this user,
//! and a roll of the processes that hold sessions.
//!
//! A session is on the roll before it looks at the brake for the first time. Whoever pulls the
//! brake makes the file first and then ends everyone on the roll. So a request either sees the
//! file, or ends with its process; once [`Brake::pull`] returns, nothing runs.
//! What cannot be read counts as pulled.

use std::ffi::CStr;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::time::Duration;

use crate::audit::{AuditError, AuditLog, Context, Entry, Event, RequestInfo, Target, Verdict};
use crate::model::{Denial, PrincipalId, RefusalCode, Rule};
use crate::sys::private::{Access, PrivateDirectory, PrivateError};
use crate::sys::process::{children_of, has_ended_within, pidfd_of};
use crate::sys::roll::{self, Enrolled, Holder};

/// It is pulled as long as there is a file of this name.
const PULLED: &CStr = c"stopped";
/// On which sessions are enrolled.
const ROLL: &CStr = c"sessions.roll";

/// How long it is waited for one process to end, and for what it has started.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why the brake cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BrakeError {
    /// The state directory or a file in it is not private to this user, or cannot be used.
    #[error(transparent)]
    Private(#[from] PrivateError),
    /// There are no locks, or the brake cannot be put on record on the disk.
    #[error("cannot use the files of the emergency brake")]
    Files(#[from] io::Error),
}

impl BrakeError {
    /// What the operator can do about it, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Private(error) => error.hint(),
            Self::Files(_) => None,
        }
    }
}

/// The brake of one user.
#[derive(Debug)]
pub struct Brake(PrivateDirectory);

/// What pulling the brake came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pulled {
    /// Whether it was pulled before.
    pub again: bool,
    /// The processes that held sessions, and have ended.
    pub ended: Vec<i32>,
    /// Those that could not be ended.
    pub left: Vec<i32>,
}

impl Brake {
    /// The brake in a state directory, which is made where it is missing.
    ///
    /// # Errors
    /// When the directory is not private to this user.
    pub fn of(state: &Path) -> Result<Self, BrakeError> {
        Ok(Self(PrivateDirectory::open_or_create(state)?))
    }

    /// Whether it is pulled.
    pub fn is_pulled(&self) -> bool {
        !matches!(self.0.state_of(PULLED), Ok(None))
    }

    /// Whether requests are let through.
    pub(super) fn admits(&self, op: &str) -> Result<(), Denial> {
        if self.is_pulled() {
            return Err(stopped(op));
        }
        Ok(())
    }

    /// Whether the brake in a state directory is pulled; nothing is made where there is none.
    pub fn is_pulled_in(state: &Path) -> bool {
        match PrivateDirectory::open(state) {
            Ok(directory) => Self(directory).is_pulled(),
            Err(PrivateError::Failed { source, .. }) => source.kind() != io::ErrorKind::NotFound,
            Err(_) => true,
        }
    }

    /// Enters this process on the roll of those that are ended when the brake is pulled.
    pub(super) fn enrol(&self) -> Result<Enrolled, BrakeError> {
        Enrolled::on(&self.0.path_of(ROLL), || {
            Ok(self.0.open_file(ROLL, Access::Update)?)
        })
    }

    /// Refuses every request from now on, and ends every session. This process must have none.
    ///
    /// # Errors
    /// When the brake cannot be pulled; then nothing was ended.
    pub fn pull(&self) -> Result<Pulled, BrakeError> {
        let mut pulled = Pulled {
            again: self.is_pulled(),
            ..Pulled::default()
        };
        let mut file = self.0.open_file(PULLED, Access::Update)?;
        // Its name alone is what counts; the text is for people.
        let _ = file.write_all(b"Stopped. `lobsterpot resume` ends this.\n");
        let roll = self.0.open_file(ROLL, Access::Update)?;
        // Who comes later sees that it is pulled.
        for place in roll::places(&roll)? {
            while let Some(holder) = place.holder(&roll)? {
                if !end(&holder) {
                    pulled.left.push(holder.pid);
                    break;
                }
                pulled.ended.push(holder.pid);
            }
        }
        Ok(pulled)
    }

    /// Lets requests through again.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn release(&self) -> Result<(), BrakeError> {
        Ok(self.0.remove(PULLED)?)
    }
}

/// Kills a process and waits until it and what it has started is gone; whether it is.
fn end(holder: &Holder) -> bool {
    let below: Vec<OwnedFd> = below(holder.pid, 3)
        .into_iter()
        .filter_map(|pid| pidfd_of(pid).ok())
        .collect();
    let Some(process) = &holder.process else {
        return false;
    };
    if holder.kill().is_err() || !has_ended_within(process.as_fd(), PATIENCE) {
        return false;
    }
    // Its launcher ends the command; nothing of that depends on us.
    for process in below {
        has_ended_within(process.as_fd(), PATIENCE);
    }
    true
}

fn below(pid: i32, depth: usize) -> Vec<i32> {
    let mut found = children_of(pid);
    if depth > 1 {
        let deeper: Vec<_> = found
            .iter()
            .flat_map(|pid| below(*pid, depth - 1))
            .collect();
        found.extend(deeper);
    }
    found
}

/// The refusal of a request while the brake is pulled.
pub fn stopped(op: &str) -> Denial {
    let rule = Rule {
        name: "emergency brake".into(),
        place: None,
    };
    Denial {
        path: None,
        ..Denial::by_broker(RefusalCode::Stopped, op.to_owned(), op, rule)
    }
}

/// Puts on record that the operator pulled or released the brake.
///
/// # Errors
/// When the log cannot be written.
pub fn record_brake(log: &AuditLog, op: &str) -> Result<(), AuditError> {
    let session = uuid::Uuid::now_v7().simple().to_string();
    let rule = Rule {
        name: "emergency brake".into(),
        place: None,
    };
    let context = Context {
        session: &session,
        principal: &PrincipalId::new("operator"),
        tier: None,
        policy: "none",
        policy_source: "lobsterpot",
    };
    let request = RequestInfo {
        id: &serde_json::Value::Null,
        op,
        target: Target::None,
        cwd: None,
    };
    let verdict = Verdict::Allowed(&rule);
    let event = Event::Decision { request, verdict };
    log.append(&Entry { context, event }).map(drop)
}
