//! Why a session cannot be held. For the operator: a principal only sees a refusal code.

use crate::ambient::{LogRulesError, ProfileError};
use crate::audit::AuditError;
use crate::capability::OpenError;
use crate::model::Denial;
use crate::sandbox::{NO_PROC, PrepareError, Unavailable};

/// Why a session cannot begin, or its commands cannot be contained.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The audit log cannot be used, so nothing may happen.
    #[error("cannot open the audit log")]
    Audit(#[from] AuditError),
    /// The emergency brake would not hold for it.
    #[error("cannot enrol the session for the emergency brake")]
    Brake(#[from] super::brake::BrakeError),
    /// Nobody knows how the audit log is to be kept.
    #[error("cannot use the rules of the audit log")]
    LogRules(#[from] LogRulesError),
    /// A granted directory cannot be opened.
    #[error("cannot open what the policy grants")]
    Capabilities(#[from] OpenError),
    /// The policy refuses the principal as such.
    #[error("{}", .0.message)]
    Principal(Box<Denial>),
    /// The host cannot give what the policy requires.
    #[error("cannot plan the sandbox")]
    Plan(#[from] Unavailable),
    /// A profile that the policy names does not exist, or cannot be used.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// A command could change a profile for the next session.
    #[error("use sandbox profile {file}: the grant `{grant}` lets commands change it")]
    ProfileInGrant {
        /// The profile's file.
        file: String,
        /// The grant that holds it.
        grant: String,
    },
    /// Nobody knows what is to be hidden and protected.
    #[error(transparent)]
    Watch(#[from] super::protected::WatchError),
    /// Nobody knows what was there before the commands of other sessions.
    #[error(transparent)]
    Baseline(#[from] super::baseline::BaselineError),
    /// The plan could not be made real.
    #[error("cannot prepare the sandbox")]
    Prepare(#[from] PrepareError),
}

impl SessionError {
    /// What the operator can do about it, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Audit(error) => error.hint(),
            Self::Brake(error) => error.hint(),
            Self::Plan(error) => Some(error.hint()),
            Self::Capabilities(OpenError::Basics { path, .. }) if path.starts_with("/proc") => {
                Some(NO_PROC.to_owned())
            }
            _ => None,
        }
    }
}

/// An error with its causes, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
