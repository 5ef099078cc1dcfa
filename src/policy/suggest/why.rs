//! Why a refusal is not turned into a grant: words for the operator.

use serde::Serialize;

use crate::model::{Place, RefusalCode, Rule, Tier};

/// Why nothing is suggested.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, thiserror::Error)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum WhyNot {
    /// The policy allows it.
    #[error(
        "the policy allows this as it is now; the session may have been opened with --read-only"
    )]
    AllowedNow,
    /// Nothing stands at the path.
    #[error("nothing is there: with a grant, the answer would be that there is no such file")]
    NothingThere,
    /// A grant cannot stand for what is there.
    #[error("what is there is {what}, and a grant is a directory or a regular file")]
    NoGrantable {
        /// A link, a socket, a device.
        what: &'static str,
    },
    /// The grant would undo the policy.
    #[error("{message}")]
    Dangerous {
        /// What it would give away.
        message: String,
    },
    /// The policy takes it out of its grants.
    #[error("the policy refuses this by name{}", at(place.as_ref()))]
    Denied {
        /// Where.
        place: Option<Place>,
    },
    /// An exception of a grant.
    #[error("this is an exception of {rule}{}: remove its pattern there, if it is wrong", at(place.as_ref()))]
    Exception {
        /// The grant.
        rule: String,
        /// Where.
        place: Option<Place>,
    },
    /// The tier is below what is asked, in every grant.
    #[error("tier {tier} has no such right in any grant; raising it raises it everywhere{}", at(place.as_ref()))]
    Tier {
        /// The tier.
        tier: Tier,
        /// Where the policy says so.
        place: Option<Place>,
    },
    /// The granted directory itself lacks the right.
    #[error("{rule} lacks this right on all it grants; add it there, if that is meant{}", at(place.as_ref()))]
    WholeGrant {
        /// The grant.
        rule: String,
        /// Where.
        place: Option<Place>,
    },
    /// A grant of its own would lose the exceptions of the one around it.
    #[error("a grant of its own would lose the exceptions of {rule}{}", at(place.as_ref()))]
    Exceptions {
        /// The grant around it.
        rule: String,
        /// Where.
        place: Option<Place>,
    },
    /// The policy does not know who asked.
    #[error("the policy does not know the principal; name them under [principal] first")]
    Unknown,
    /// No right stands for the operation.
    #[error("no right in a policy stands for `{op}`")]
    NoRight {
        /// The operation.
        op: String,
    },
    /// No policy can grant it.
    #[error("{words}")]
    Never {
        /// Why.
        words: &'static str,
    },
    /// The path is no absolute one.
    #[error("the path is not known as a whole")]
    NoPath,
    /// It would be refused all the same.
    #[error("it would still be refused: {code}")]
    Still {
        /// With this code.
        code: RefusalCode,
    },
}

impl WhyNot {
    /// Why no grant helps against a refusal with this code, whatever its path; none where one
    /// might.
    pub fn never(code: &str, op: &str) -> Option<Self> {
        let words = match code {
            "network-not-granted" => "no policy can grant the network",
            "command-not-granted" => {
                "commands are granted as a whole: `run = \"all\"` under [commands], for its tier too"
            }
            "limit-exceeded" => "a limit was reached: raise it under [limits], if it is too low",
            "approval-refused" => "a person said no",
            "stopped" => "the operator had stopped everything",
            "sandbox-unavailable" => "the host cannot give the sandbox: see `lobsterpot doctor`",
            "audit-unavailable" => "the audit log could not be written",
            "bad-request" => "the request made no sense",
            "principal-unknown" => return Some(Self::Unknown),
            _ if is_privileged(op) => {
                "this changes the machine or its processes; no policy can grant it"
            }
            _ => return None,
        };
        Some(Self::Never { words })
    }

    pub(super) fn exception(rule: &Rule) -> Self {
        let Rule { name: rule, place } = rule.clone();
        Self::Exception { rule, place }
    }
}

fn at(place: Option<&Place>) -> String {
    place.map_or_else(String::new, |place| format!(" ({place})"))
}

fn is_privileged(op: &str) -> bool {
    let families = [
        "mount",
        "umount",
        "ptrace",
        "process_vm_",
        "pidfd_",
        "setuid",
        "setgid",
    ];
    families.iter().any(|family| op.starts_with(family))
        || matches!(
            op,
            "unshare"
                | "setns"
                | "clone"
                | "clone3"
                | "bpf"
                | "perf_event_open"
                | "keyctl"
                | "pivot_root"
                | "chroot"
                | "move_mount"
                | "open_tree"
                | "fsopen"
                | "fsmount"
                | "mount_setattr"
                | "kexec_load"
                | "init_module"
                | "finit_module"
                | "reboot"
                | "swapon"
                | "swapoff"
                | "kill"
                | "tkill"
                | "tgkill"
                | "setreuid"
                | "setresuid"
                | "setregid"
                | "setresgid"
                | "setgroups"
                | "io_uring_setup"
                | "userfaultfd"
                | "connect"
                | "bind"
                | "listen"
                | "socket"
                | "sendto"
                | "sendmsg"
        )
}
