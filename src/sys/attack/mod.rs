//! Attacks on a sandbox, for `lobsterpot prove`: one raw system call or a few, in every spelling.
//!
//! Each attack takes its prey and gives what it got, or the errno of the step that failed.
//! They know no policy, and whether one should work is not said here. Only the attacker, a
//! process of its own that does nothing else, may make them: never the broker.

#![allow(
    clippy::doc_markdown,
    reason = "system calls are written as manual pages write them"
)]

mod call;
pub(crate) mod carrying;
pub(crate) mod child;
pub(crate) mod contents;
#[cfg(target_arch = "x86_64")]
pub(crate) mod entries;
mod files;
pub(crate) mod kernel;
pub(crate) mod learning;
#[cfg(target_arch = "x86_64")]
pub(crate) mod legacy;
pub(crate) mod listing;
pub(crate) mod metadata;
pub(crate) mod names;
pub(crate) mod namespaces;
pub(crate) mod network;
mod number;
pub(crate) mod privileges;
pub(crate) mod processes;
pub(crate) mod reading;
pub(crate) mod ring;
pub(crate) mod running;
pub(crate) mod signals;
pub(crate) mod sockets;
pub(crate) mod surviving;
pub(crate) mod using;

use std::ffi::{CStr, CString};

use nix::errno::Errno;

pub(crate) use processes::become_bystander;

/// What an attack got, or the errno of the step that failed.
pub(crate) type Outcome = Result<Vec<u8>, Errno>;

/// One attack.
pub(crate) type Attack = fn(&Prey) -> Outcome;

/// What an attack is about. Which of it counts depends on the attack.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prey {
    /// A file, absolute; for some attacks a socket, a terminal, or a path that is not there.
    pub(crate) file: CString,
    /// Its directory, absolute.
    pub(crate) directory: CString,
    /// The way to the file from the working directory, by `..`.
    pub(crate) dots: CString,
    /// A directory of the attack's own, in the workspace.
    pub(crate) workshop: CString,
    /// A program outside, for the loader.
    pub(crate) program: CString,
    /// What is to be sent, for attacks that send.
    pub(crate) token: Vec<u8>,
    /// A process, a port, or the number of another object.
    pub(crate) number: i64,
    /// A second number: an address, or a descriptor of that process.
    pub(crate) second: i64,
    /// The process that started the attacker.
    pub(crate) parent: i64,
    /// The name under which the attack's processes run.
    pub(crate) mark: CString,
}

impl Prey {
    /// A name beside the file.
    fn beside(&self, name: &str) -> CString {
        joined(&self.directory, name)
    }

    /// A name in the attack's own directory.
    fn own(&self, name: &str) -> CString {
        joined(&self.workshop, name)
    }

    /// The file's name in its directory.
    fn name(&self) -> CString {
        let path = self.file.as_bytes();
        let start = path
            .iter()
            .rposition(|byte| *byte == b'/')
            .map_or(0, |at| at + 1);
        text(&String::from_utf8_lossy(&path[start..]))
    }
}

fn joined(directory: &CStr, name: &str) -> CString {
    text(&format!("{}/{name}", directory.to_string_lossy()))
}

/// The text as system calls take it. Nothing that attacks are about holds a NUL byte.
fn text(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

/// An attack that gets nothing but its effect.
fn done<T>(result: Result<T, Errno>) -> Outcome {
    result.map(|_| Vec::new())
}
