//! What the tripwire and the broker say to each other.
//!
//! The two trust each other: the tripwire's process is a fork of the broker. No command ever
//! holds an end of this connection.

use serde::{Deserialize, Serialize};

use crate::model::Intent;
use crate::sandbox::lane::LaneNumber;

/// From the broker to the tripwire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sandbox) enum Question {
    /// How much was seen of a lane since this was last asked? After a command has ended, the
    /// answer comes behind every attempt of it.
    Tally(LaneNumber),
}

/// A report, and the lane that it is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sandbox) struct Told {
    /// The lane.
    pub lane: LaneNumber,
    /// What is told of it.
    pub report: Report,
}

/// From the tripwire to the broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sandbox) enum Report {
    /// Somebody left the view.
    Attempt(Box<Attempt>),
    /// An equal one was seen again, so often.
    Repeated {
        /// The number of the attempt.
        of: u32,
        /// How often.
        count: u64,
    },
    /// So many more led to this path, and were only counted.
    Counted {
        /// The path.
        path: String,
        /// How many.
        count: u64,
    },
    /// The answer to a question: the end of all that belongs to it.
    Tally(Tally),
}

/// One attempt to leave the view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Counts the attempts of one command.
    pub number: u32,
    /// The system call, from the caller's registers; `lookup` where it is not known.
    pub op: String,
    /// What it would have done, where that is clear.
    pub intent: Intent,
    /// The path that the kernel's own lookup arrived at: evidence.
    pub path: String,
    /// How the path went on, as the caller's memory had it: a hint.
    pub below: Option<String>,
    /// The path that the caller wrote, where it leads there by a link: a hint.
    pub written: Option<String>,
    /// The calling thread; 0 where it lives in a pid namespace that the mount cannot see.
    pub thread: i32,
    /// The executable of its process.
    pub program: Option<String>,
    /// The arguments of its process, as far as they were read: a hint.
    pub process: Vec<String>,
}

/// How much was seen.
///
/// Sightings, their repetitions, what was counted by its path, and `elsewhere` add up to `total`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sandbox) struct Tally {
    /// Every attempt.
    pub total: u64,
    /// Those whose path was not kept, because there were too many different ones.
    pub elsewhere: u64,
}
