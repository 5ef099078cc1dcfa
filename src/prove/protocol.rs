//! What prove and the attacker say to each other: one line of JSON for each order and answer.

use std::ffi::CString;

use serde::{Deserialize, Serialize};

use crate::sys::attack::Prey;

/// One attack to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Order {
    /// What is attacked, as the row's group.
    pub group: String,
    /// The row's name.
    pub name: String,
    /// The name under which the attack's processes run.
    pub mark: String,
    /// A file, or what stands in its place.
    pub file: String,
    /// Its directory.
    pub directory: String,
    /// The way to the file from the working directory.
    pub dots: String,
    /// A directory of the attack's own in the workspace.
    pub workshop: String,
    /// A program outside.
    pub program: String,
    /// What is to be sent; empty where the attacker has to find out.
    pub token: String,
    /// A process, a port, or another object.
    pub number: i64,
    /// A second number.
    pub second: i64,
}

impl Order {
    /// The attack's prey. `parent` is whoever started the attacker.
    pub(super) fn prey(&self, parent: i64) -> Prey {
        // What holds a NUL byte was never written by us, and names nothing.
        let text = |text: &str| CString::new(text).unwrap_or_default();
        Prey {
            file: text(&self.file),
            directory: text(&self.directory),
            dots: text(&self.dots),
            workshop: text(&self.workshop),
            program: text(&self.program),
            token: self.token.clone().into_bytes(),
            number: self.number,
            second: self.second,
            parent,
            mark: text(&self.mark),
        }
    }
}

/// What came of an attack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answer {
    /// 0 where every step of it worked; absent where it was ended before it could tell.
    pub errno: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// What it got.
    pub loot: String,
}

impl Answer {
    /// Whether every step worked.
    pub(super) fn worked(&self) -> bool {
        self.errno == Some(0)
    }

    /// The answer in a word: `ok`, an errno, a signal.
    pub(super) fn word(&self) -> String {
        match (self.errno, self.signal) {
            (Some(0), _) => "ok".into(),
            (Some(errno), _) => format!("{:?}", nix::errno::Errno::from_raw(errno)),
            (None, Some(signal)) => match nix::sys::signal::Signal::try_from(signal) {
                Ok(signal) => signal.as_str().into(),
                Err(_) => format!("signal {signal}"),
            },
            (None, None) => "no answer".into(),
        }
    }
}
