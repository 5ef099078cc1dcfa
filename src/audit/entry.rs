//! What the broker tells the log: the words of an entry, before it becomes a record.
//!
//! Entries borrow; nothing is copied until the record is written. Texts are given as they
//! are: redaction and bounds are applied by the record, so that no caller can forget them.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::model::{Denial, Enforced, HostPath, Operation, PrincipalId, Program, Rule, Tier};

/// The id of a record: a UUID of version 7, so that ids sort by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId(uuid::Uuid);

impl RecordId {
    /// A new id for a record of this moment.
    pub fn now() -> Self {
        Self(uuid::Uuid::now_v7())
    }
}

impl std::fmt::Display for RecordId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl serde::Serialize for RecordId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One thing to put on record.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Who, in which session, under which policy.
    pub context: Context<'a>,
    /// What.
    pub event: Event<'a>,
}

/// What is the same for every record of a session.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The session's id.
    pub session: &'a str,
    /// Who asks.
    pub principal: &'a PrincipalId,
    /// The principal's tier; none where the policy does not know the principal.
    pub tier: Option<Tier>,
    /// The policy's name.
    pub policy: &'a str,
    /// The policy's file, or `built-in:NAME`.
    pub policy_source: &'a str,
}

/// The kinds of things that are put on record.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A session began.
    SessionOpened {
        /// The workspace.
        root: &'a HostPath,
        /// The layers that will bind its commands.
        enforced: &'a Enforced,
    },
    /// A session ended.
    SessionClosed(SessionTotals),
    /// A request was decided on. Appended before the effect.
    Decision {
        /// What was asked.
        request: RequestInfo<'a>,
        /// What was decided.
        verdict: Verdict<'a>,
    },
    /// A request that was allowed came to its end.
    Effect {
        /// What was asked.
        request: RequestInfo<'a>,
        /// The record of the decision.
        decision: RecordId,
        /// How it ended.
        effect: Effect<'a>,
    },
    /// Something was refused in the course of a request that was allowed, or one more thing
    /// was found wrong with a request that was refused.
    Denial {
        /// What was asked.
        request: RequestInfo<'a>,
        /// The record of the decision.
        decision: RecordId,
        /// The refusal.
        denial: &'a Denial,
        /// The process that was refused; none where it was the broker's own work.
        process: Option<Process<'a>>,
    },
}

/// What a session came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SessionTotals {
    /// How many requests were made.
    pub requests: u64,
    /// How many refusals there were, inside commands too.
    pub denials: u64,
    /// How long the session lasted.
    pub duration: Duration,
}

/// What was asked.
#[derive(Debug, Clone, Copy)]
pub struct RequestInfo<'a> {
    /// The id that the caller chose; null where it had none.
    pub id: &'a Value,
    /// The operation, `file.read`; `request` for a line that is no request.
    pub op: &'a str,
    /// What it is about.
    pub target: Target<'a>,
    /// The directory that relative paths start from.
    pub cwd: Option<&'a HostPath>,
}

/// What an operation is about, as the principal wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// Nothing in particular.
    None,
    /// One file or directory.
    Path(&'a str),
    /// A move or copy.
    Paths {
        /// What is moved or copied.
        from: &'a str,
        /// Where it goes.
        to: &'a str,
    },
    /// A program with its arguments.
    Argv(&'a [String]),
    /// A line for `sh -c`.
    Shell(&'a str),
    /// A tool of another server, by its name.
    Tool(&'a str),
}

impl<'a> Target<'a> {
    /// What a request is about.
    pub fn of(operation: &'a Operation) -> Self {
        match operation {
            Operation::FileRead(ask) => Self::Path(&ask.path),
            Operation::FileWrite(ask) => Self::Path(&ask.path),
            Operation::FileAppend(ask) => Self::Path(&ask.path),
            Operation::FileEdit(ask) => Self::Path(&ask.path),
            Operation::FileList(ask) => Self::Path(&ask.path),
            Operation::FileStat(ask) => Self::Path(&ask.path),
            Operation::FileGlob(ask) => Self::maybe(ask.path.as_deref()),
            Operation::FileGrep(ask) => Self::maybe(ask.path.as_deref()),
            Operation::FileMkdir(ask) => Self::Path(&ask.path),
            Operation::FileMove(ask) => Self::Paths {
                from: &ask.from,
                to: &ask.to,
            },
            Operation::FileCopy(ask) => Self::Paths {
                from: &ask.from,
                to: &ask.to,
            },
            Operation::FileDelete(ask) => Self::Path(&ask.path),
            Operation::ExecRun(ask) => match ask.program() {
                Ok(Program::Argv(argv)) => Self::Argv(argv),
                Ok(Program::Shell(line)) => Self::Shell(line),
                Err(_) => Self::None,
            },
        }
    }

    fn maybe(path: Option<&'a str>) -> Self {
        // Without a path, the working directory is meant.
        Self::Path(path.unwrap_or("."))
    }
}

/// What was decided.
#[derive(Debug, Clone, Copy)]
pub enum Verdict<'a> {
    /// It may happen, because of this rule.
    Allowed(&'a Rule),
    /// It may not.
    Denied(&'a Denial),
}

/// How a request that was allowed ended.
#[derive(Debug, Clone, Copy)]
pub struct Effect<'a> {
    /// The end.
    pub outcome: Outcome<'a>,
    /// From the decision to the end.
    pub duration: Duration,
    /// Bytes read, written or printed, where that means something.
    pub bytes: Option<u64>,
    /// How many refusals there were inside.
    pub denials: u64,
    /// The layers that were in force.
    pub enforced: &'a Enforced,
}

/// The end of a request.
#[derive(Debug, Clone, Copy)]
pub enum Outcome<'a> {
    /// The broker did what was asked.
    Done,
    /// The command ended with this code.
    Exited(i32),
    /// A signal ended the command.
    Signalled(i32),
    /// Its time was up.
    TimedOut,
    /// It was allowed and did not work; says why, without any content.
    Failed(&'a str),
    /// It was refused when the path turned out to lead elsewhere than its letters said.
    Denied(&'a Denial),
}

/// A process inside a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process<'a> {
    /// Its id outside the sandbox.
    pub pid: u32,
    /// Its parent's id, where known.
    pub parent: Option<u32>,
    /// The program that it runs, where known.
    pub executable: Option<&'a Path>,
    /// Its arguments, where known.
    pub argv: &'a [String],
}
