//! Why a session cannot be held. For the operator: a principal only sees a refusal code.

use crate::ambient::LogRulesError;
use crate::audit::AuditError;
use crate::capability::OpenError;
use crate::model::Denial;
use crate::sandbox::{PrepareError, Unavailable};

/// Why a session cannot begin, or its commands cannot be contained.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The audit log cannot be used, so nothing may happen.
    #[error("cannot open the audit log")]
    Audit(#[from] AuditError),
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
    /// The policy names a profile that does not exist.
    #[error("there is no sandbox profile named `{name}`")]
    NoProfile {
        /// The name.
        name: String,
    },
    /// Nobody knows what is to be hidden and protected.
    #[error(transparent)]
    Watch(#[from] super::protected::WatchError),
    /// The plan could not be made real.
    #[error("cannot prepare the sandbox")]
    Prepare(#[from] PrepareError),
}

impl SessionError {
    /// What the operator can do about it, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Audit(error) => error.hint(),
            Self::Plan(error) => Some(error.hint()),
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
