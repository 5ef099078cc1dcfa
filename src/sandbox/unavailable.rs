//! Why no plan can be made on a host, and what the operator can do about it.

use super::seccomp::SetError;
use crate::model::WeakerGuarantee;

/// Why no plan can be made on this host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The kernel's Landlock is missing or too old.
    #[error("this kernel has landlock abi {found}, and the policy requires {required} or newer")]
    Landlock {
        /// What the kernel has; 0 for none.
        found: u32,
        /// What the policy requires.
        required: u32,
    },
    /// The policy requires a root of its own for commands.
    #[error("the policy requires view mode, and it cannot be had on this host: {obstacle}")]
    View {
        /// What stands in the way.
        obstacle: String,
        /// What can be done about it.
        remedy: String,
    },
    /// The policy requires the kernel's word on what was refused.
    #[error(
        "the policy requires the kernel's audit as a witness, and it cannot be had: {obstacle}"
    )]
    Audit {
        /// What stands in the way.
        obstacle: String,
        /// What can be done about it.
        remedy: String,
    },
    /// No command can be given its layers.
    #[error("commands cannot be contained on this host: {obstacle}")]
    Layers {
        /// What stands in the way.
        obstacle: String,
        /// What can be done about it.
        remedy: String,
    },
    /// A guarantee cannot be given, and the policy does not do without it.
    #[error("{mode} mode cannot give a guarantee on this host that the policy requires: {}", .guarantee.meaning())]
    Guarantee {
        /// The mode that was chosen.
        mode: &'static str,
        /// Which guarantee.
        guarantee: WeakerGuarantee,
    },
    /// A workspace plan in flat mode needs a supervisor.
    #[error("changes of metadata cannot be supervised: {reason}")]
    Supervision {
        /// Why not.
        reason: &'static str,
    },
    /// A profile closes a set of system calls that does not exist, or that contradicts another.
    #[error("the sandbox profiles name system calls that cannot be closed together")]
    Syscalls(#[from] SetError),
    /// There is no system call table for this machine.
    #[error("system call filters cannot be made for this architecture")]
    Architecture,
}

impl Unavailable {
    /// What the operator can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Landlock { found: 0, .. } => {
                "enable landlock in the kernel (CONFIG_SECURITY_LANDLOCK, and landlock in lsm=), \
                 and in the filter of the container, if there is one"
                    .into()
            }
            Self::Landlock { .. } => "use a newer kernel, or lower minimum-landlock-abi".into(),
            Self::View { remedy, .. }
            | Self::Audit { remedy, .. }
            | Self::Layers { remedy, .. } => remedy.clone(),
            Self::Guarantee { guarantee, .. } => {
                format!("add \"{guarantee}\" to containment.accept to do without it")
            }
            Self::Supervision { .. } => {
                "run lobsterpot outside other sandboxes, or use a read-only policy".into()
            }
            Self::Syscalls(_) => "report this: the sets are part of the program".into(),
            Self::Architecture => "x86_64 and aarch64 are supported".into(),
        }
    }
}
