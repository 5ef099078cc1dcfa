//! The stable refusal codes: what scripts and agents match on.
//!
//! A code is never renamed and never reused for another meaning.

use serde::{Deserialize, Serialize};

/// Why a request, or an operation inside a command, was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalCode {
    /// The path lies in no granted directory, whether or not it exists.
    OutsideCapability,
    /// The path lies in a grant, but the grant does not include the right.
    RightNotGranted,
    /// A change was asked for under a policy that allows none.
    ReadOnly,
    /// The path matches a `protect` pattern of its grant.
    ProtectedPath,
    /// The path matches a `hide` pattern of its grant.
    HiddenPath,
    /// The principal may not run this command, or any.
    CommandNotGranted,
    /// The command would use a network that is not granted.
    NetworkNotGranted,
    /// A limit of the policy was reached.
    LimitExceeded,
    /// The policy does not know the principal.
    PrincipalUnknown,
    /// A person was asked and said no.
    ApprovalRefused,
    /// The emergency brake is on.
    Stopped,
    /// The sandbox that the policy requires cannot be had on this host.
    SandboxUnavailable,
    /// The audit log cannot be written, so nothing may happen.
    AuditUnavailable,
    /// The request is malformed.
    BadRequest,
}

impl RefusalCode {
    /// Every code, in the order of the documentation.
    pub const ALL: [Self; 14] = [
        Self::OutsideCapability,
        Self::RightNotGranted,
        Self::ReadOnly,
        Self::ProtectedPath,
        Self::HiddenPath,
        Self::CommandNotGranted,
        Self::NetworkNotGranted,
        Self::LimitExceeded,
        Self::PrincipalUnknown,
        Self::ApprovalRefused,
        Self::Stopped,
        Self::SandboxUnavailable,
        Self::AuditUnavailable,
        Self::BadRequest,
    ];

    /// The code as it is written in replies and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OutsideCapability => "outside-capability",
            Self::RightNotGranted => "right-not-granted",
            Self::ReadOnly => "read-only",
            Self::ProtectedPath => "protected-path",
            Self::HiddenPath => "hidden-path",
            Self::CommandNotGranted => "command-not-granted",
            Self::NetworkNotGranted => "network-not-granted",
            Self::LimitExceeded => "limit-exceeded",
            Self::PrincipalUnknown => "principal-unknown",
            Self::ApprovalRefused => "approval-refused",
            Self::Stopped => "stopped",
            Self::SandboxUnavailable => "sandbox-unavailable",
            Self::AuditUnavailable => "audit-unavailable",
            Self::BadRequest => "bad-request",
        }
    }

    /// The few words that explain the code inside a denial's message.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::OutsideCapability => "outside every granted directory",
            Self::RightNotGranted => "the grant does not include this right",
            Self::ReadOnly => "read-only",
            Self::ProtectedPath => "protected from change",
            Self::HiddenPath => "hidden",
            Self::CommandNotGranted => "command not granted",
            Self::NetworkNotGranted => "network not granted",
            Self::LimitExceeded => "limit exceeded",
            Self::PrincipalUnknown => "unknown principal",
            Self::ApprovalRefused => "approval refused",
            Self::Stopped => "stopped by the operator",
            Self::SandboxUnavailable => "sandbox unavailable",
            Self::AuditUnavailable => "audit log unavailable",
            Self::BadRequest => "not a valid request",
        }
    }

    /// The words a program would print for the errno that belongs to the code.
    pub const fn errno_text(self) -> &'static str {
        match self {
            Self::ReadOnly => "Read-only file system",
            Self::BadRequest => "Invalid argument",
            Self::NetworkNotGranted => "Network is unreachable",
            Self::LimitExceeded => "Resource limit exceeded",
            _ => "Permission denied",
        }
    }
}

impl std::fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::RefusalCode;

    #[test]
    fn the_written_form_is_the_serialised_form() {
        for code in RefusalCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
