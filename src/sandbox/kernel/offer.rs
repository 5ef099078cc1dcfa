//! Whether the kernel tells this process what Landlock refuses, and what is in the way.
//!
//! It is asked, and never changed: whoever runs the host decides whether it keeps an audit.

use std::io;

use nix::errno::Errno;
use serde::Serialize;

use crate::sys::audit::{self, AuditStatus};

/// Whether the kernel tells this process what Landlock refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditRecords {
    /// It does.
    Readable,
    /// It does not.
    Unreadable {
        /// What stands in the way.
        obstacle: String,
        /// What can be done about it.
        remedy: String,
    },
}

/// Linux 6.15: what Landlock denies is in the kernel's audit.
const TOLD_IN_AUDIT: u32 = 7;

/// Where this process stands to the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// They would arrive.
    Told,
    /// It is in a network namespace of its own, where none arrives.
    Apart,
}

impl AuditRecords {
    /// Asks.
    pub(in crate::sandbox) fn probe(landlock_abi: u32) -> Self {
        if landlock_abi < TOLD_IN_AUDIT {
            return Self::too_old(landlock_abi);
        }
        let status = audit::status();
        let standing = if status.is_err() || audit::is_told_here() {
            Standing::Told
        } else {
            Standing::Apart
        };
        Self::told(&status, standing)
    }

    /// What is known after it was asked, and could still not be listened to.
    pub(in crate::sandbox) fn lost(obstacle: &str) -> Self {
        Self::behind(
            obstacle,
            "run as root of the host, or with CAP_AUDIT_READ too",
        )
    }

    fn behind(obstacle: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Unreadable {
            obstacle: obstacle.into(),
            remedy: remedy.into(),
        }
    }

    fn too_old(abi: u32) -> Self {
        Self::behind(
            format!("landlock abi {abi} tells nobody what it refuses"),
            "use Linux 6.15 or newer, which has abi 7",
        )
    }

    fn told(status: &io::Result<AuditStatus>, standing: Standing) -> Self {
        let status = match status {
            Ok(status) => status,
            Err(error) => return Self::unasked(error),
        };
        if !status.is_enabled {
            return Self::behind(
                "the kernel's audit is off",
                "start the machine with audit=1; that makes system calls slower, for every process",
            );
        }
        // What a command tries would decide whether the machine goes on.
        if status.panics {
            return Self::behind(
                "this machine is set to panic when an audit record is lost",
                "auditctl -f 1",
            );
        }
        match standing {
            Standing::Told => Self::Readable,
            Standing::Apart => Self::behind(
                "audit records do not arrive in this network namespace",
                "run in the host's own network namespace",
            ),
        }
    }

    fn unasked(error: &io::Error) -> Self {
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EPERM | Errno::EACCES) => Self::behind(
                "this process may not read the kernel's audit",
                "run as root of the host, or with CAP_AUDIT_READ and CAP_AUDIT_CONTROL",
            ),
            Some(Errno::ECONNREFUSED) => Self::behind(
                "the kernel's audit was switched off at the start, or cannot be read in this namespace",
                "start the machine with audit=1, and run in the host's own user namespace",
            ),
            Some(Errno::EPROTONOSUPPORT | Errno::EAFNOSUPPORT) => Self::behind(
                "this kernel has no audit, or an outer sandbox closes it",
                "use a kernel with CONFIG_AUDIT",
            ),
            _ => Self::behind(
                format!("the kernel's audit does not answer: {error}"),
                "run outside other sandboxes",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AuditRecords, AuditStatus, Errno, Standing};

    const ON: AuditStatus = AuditStatus {
        is_enabled: true,
        panics: false,
        has_daemon: true,
        lost: 0,
        backlog: 0,
    };

    fn obstacle(records: &AuditRecords) -> &str {
        match records {
            AuditRecords::Readable => "",
            AuditRecords::Unreadable { obstacle, .. } => obstacle,
        }
    }

    #[test]
    fn only_a_host_that_tells_everything_at_no_risk_is_listened_to() {
        let off = AuditStatus {
            is_enabled: false,
            ..ON
        };
        let panics = AuditStatus { panics: true, ..ON };
        for (status, standing, expected) in [
            (Ok(ON), Standing::Told, ""),
            (Ok(ON), Standing::Apart, "network namespace"),
            (Ok(off), Standing::Told, "is off"),
            (Ok(panics), Standing::Told, "panic"),
            (Err(Errno::EPERM), Standing::Told, "may not read"),
            (Err(Errno::ECONNREFUSED), Standing::Told, "at the start"),
            (Err(Errno::EPROTONOSUPPORT), Standing::Told, "no audit"),
            (Err(Errno::EAGAIN), Standing::Told, "does not answer"),
        ] {
            let records = AuditRecords::told(&status.map_err(Into::into), standing);
            assert!(obstacle(&records).contains(expected), "{records:?}");
            assert_eq!(records == AuditRecords::Readable, expected.is_empty());
        }
    }

    #[test]
    fn an_old_kernel_is_not_asked() {
        let records = AuditRecords::probe(6);
        assert!(obstacle(&records).contains("abi 6"), "{records:?}");
    }
}
