//! What was in force while a request was carried out: part of every reply.
//!
//! A field is filled from what was really applied, never from what was wished.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a command is contained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// No command ran: the broker did the work itself on directory handles.
    Broker,
    /// A root of its own, made of namespaces and mounts, with Landlock and seccomp.
    View,
    /// Landlock and seccomp on the host's own file tree.
    Flat,
}

impl Mode {
    /// The mode as replies write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Broker => "broker",
            Self::View => "view",
            Self::Flat => "flat",
        }
    }
}

/// A guarantee that a host may be unable to give, and that a policy can do without by name.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum WeakerGuarantee {
    /// Metadata outside the grants (existence, size, owner, link targets) can be probed.
    OutsideMetadata,
    /// `hide` and `protect` bind file requests, but not commands.
    CommandExceptions,
    /// Signals can reach processes of the same user outside the sandbox.
    OutsideSignals,
    /// Nothing bounds how many processes commands of uid 0 have.
    ProcessLimit,
    /// Nothing but the disk bounds what commands keep in their private directory.
    ScratchLimit,
}

impl WeakerGuarantee {
    /// The guarantee as policies write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OutsideMetadata => "outside-metadata",
            Self::CommandExceptions => "command-exceptions",
            Self::OutsideSignals => "outside-signals",
            Self::ProcessLimit => "process-limit",
            Self::ScratchLimit => "scratch-limit",
        }
    }

    /// What a person should know who accepts it.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::OutsideMetadata => {
                "a command can learn that a path outside exists, its size and owner; not its content"
            }
            Self::CommandExceptions => {
                "hide and protect patterns bind file requests, but not commands"
            }
            Self::OutsideSignals => "a command can signal the user's other processes",
            Self::ProcessLimit => "nothing bounds how many processes a command of uid 0 has",
            Self::ScratchLimit => {
                "nothing but the disk bounds what commands keep in their private directory"
            }
        }
    }
}

impl std::fmt::Display for WeakerGuarantee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The layers in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Enforced {
    /// How the work was contained.
    pub mode: Mode,
    /// The Landlock ABI whose every right was handled, `abi 7`; `none` where no command ran.
    pub landlock: String,
    /// The system call filter, `deny 93, supervise 21`.
    pub seccomp: String,
    /// The namespaces of the view, or `none`.
    pub view: String,
    /// What watched for denials inside the command.
    pub witness: String,
    /// The name by which the host's own audit has the command, where the kernel is a witness.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// The limits that bound, `wall 120s, processes 512`.
    pub limits: String,
    /// What this host could not give, and the policy does without.
    pub weaker: Vec<WeakerGuarantee>,
}

impl Enforced {
    /// For requests that the broker answers without starting anything.
    pub fn by_broker_alone() -> Self {
        let none = || String::from("none");
        Self {
            mode: Mode::Broker,
            landlock: none(),
            seccomp: none(),
            view: none(),
            witness: String::from("broker"),
            mark: None,
            limits: none(),
            weaker: Vec::new(),
        }
    }
}
