//! Why an approved command gave no result, in words for whoever asked for it.

use super::error::chain;
use crate::audit::Target;
use crate::model::shown;
use crate::sandbox::{Heard, NotEntered, RefusedCall, Seen};

/// Why an approved command gave no result.
pub(super) enum Failure {
    Command(String),
    Enter(Box<NotEntered>),
}

impl From<NotEntered> for Failure {
    fn from(failed: NotEntered) -> Self {
        Self::Enter(Box::new(failed))
    }
}

impl Failure {
    pub(super) fn text(&self, target: Target<'_>) -> String {
        let name = match target {
            Target::Argv([name, ..]) => shown(name).into_owned(),
            _ => "sh".to_owned(),
        };
        match self {
            Self::Command(text) => text.clone(),
            Self::Enter(failed) if failed.error.exit_code() == 127 => {
                format!("{name}: no such command")
            }
            Self::Enter(failed) => match failed.error.obstacle() {
                Some(obstacle) => format!("{name}: {obstacle}"),
                None => format!("{name}: {}", chain(&failed.error)),
            },
        }
    }

    /// The calls that were refused before it failed.
    pub(super) fn refused(&self) -> &[(RefusedCall, u64)] {
        match self {
            Self::Command(_) => &[],
            Self::Enter(failed) => failed.refused.calls(),
        }
    }

    /// What was seen before it failed, as when the program lies outside.
    pub(super) fn seen(&self) -> &Seen {
        const NOTHING: &Seen = &Seen {
            attempts: Vec::new(),
            counted: Vec::new(),
            elsewhere: 0,
        };
        match self {
            Self::Command(_) => NOTHING,
            Self::Enter(failed) => &failed.seen,
        }
    }

    /// What the kernel told before it failed, as when the program may not be executed.
    pub(super) fn heard(&self) -> &Heard {
        const NOTHING: &Heard = &Heard {
            mark: String::new(),
            refusals: Vec::new(),
            elsewhere: 0,
            is_incomplete: false,
        };
        match self {
            Self::Command(_) => NOTHING,
            Self::Enter(failed) => &failed.heard,
        }
    }
}
