//! A policy as a value: what its text says, before any path is resolved.
//!
//! Plain data. Whatever is absent here allows nothing.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tools::ToolRule;
use crate::model::{Place, PrincipalId, Rights, Tier, WeakerGuarantee};

/// Who may do what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Policy {
    /// The name under which it is chosen.
    pub name: String,
    /// The file it was read from, or `built-in:NAME`.
    pub source: String,
    /// What it is for, in a sentence.
    pub description: String,
    /// Directories that are granted.
    pub grants: Vec<Grant>,
    /// Holes in them.
    pub denies: Vec<Deny>,
    /// Whether commands may run.
    pub commands: CommandRule,
    /// What commands find in their environment.
    pub environment: Environment,
    /// What may leave the machine.
    pub network: Network,
    /// What the tools of other servers count as.
    pub tools: ToolRule,
    /// How much may be used.
    pub limits: Limits,
    /// How commands are contained.
    pub containment: Containment,
    /// What each tier can do at most; a tier that is missing has nothing.
    pub tiers: BTreeMap<Tier, Ceiling>,
    /// Who belongs to which tier; whoever is missing has nothing.
    pub principals: BTreeMap<PrincipalId, Tier>,
    /// The text it was read from, for messages.
    #[serde(skip)]
    pub text: Arc<str>,
}

/// A granted directory or file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Grant {
    /// The name that tiers and records use.
    pub name: String,
    /// The path as written: `${root}`, `~/notes`, `/srv/data`.
    pub path: String,
    /// What may be done below it.
    pub rights: Rights,
    /// What cannot be seen or read below it.
    pub hide: Vec<String>,
    /// What cannot be changed below it.
    pub protect: Vec<String>,
    /// What happens to files that have further names.
    pub hard_links: HardLinks,
    /// What happens when the path does not exist.
    pub missing: Missing,
    /// Why it is granted.
    pub reason: String,
    /// Where the policy says so.
    pub place: Place,
    /// The bytes of the text that hold the path, for messages.
    pub span: Range<usize>,
}

/// A hole: nothing below it is granted, even inside a grant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Deny {
    /// The path as written.
    pub path: String,
    /// Why it is denied.
    pub reason: String,
    /// Where the policy says so.
    pub place: Place,
    /// The bytes of the text that hold the path, for messages.
    pub span: Range<usize>,
}

/// Whether a file with more than one name may be changed: another name may lie outside.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HardLinks {
    /// A change is refused.
    #[default]
    Refuse,
    /// A change is made, and seen under the other names too.
    Allow,
}

/// What happens when a granted path does not exist.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// The session does not start.
    #[default]
    Refuse,
    /// The grant is left out.
    Skip,
}

/// Which commands may run.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Commands {
    /// None.
    #[default]
    None,
    /// Any, inside the sandbox.
    All,
}

/// The policy's word on commands, and where it says so.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct CommandRule {
    /// Which may run.
    pub run: Commands,
    /// Why; empty where the policy does not speak of commands.
    pub reason: String,
    /// Where the policy says so.
    pub place: Option<Place>,
}

/// The environment of commands: what is not named here is not there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Environment {
    /// Names, or beginnings of names with a last `*`, taken from the operator's own environment.
    pub pass: Vec<String>,
    /// Variables with fixed values.
    pub set: BTreeMap<String, String>,
    /// Names, or beginnings of names with a last `*`, that a request may set.
    pub request: Vec<String>,
}

/// What may leave the machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// Nothing.
    #[default]
    None,
}

/// How much may be used. Bytes are bytes, counts are counts; absent means no limit of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The longest a command may take.
    pub wall: Duration,
    /// The most processor time a process may take.
    pub cpu: Option<Duration>,
    /// The most memory, in bytes.
    pub memory: Option<u64>,
    /// The most processes.
    pub processes: Option<u64>,
    /// The most open files of one process.
    pub open_files: u64,
    /// The largest file a command may make, in bytes.
    pub file_size: Option<u64>,
    /// The most bytes a command may print in all.
    pub output: u64,
    /// The most bytes of output that a reply keeps.
    pub reply: u64,
    /// The most bytes in the reply to `file.read`.
    pub file_read: u64,
    /// The most entries in the reply to `file.list`, `file.glob` and `file.grep`.
    pub entries: u64,
    /// The size of the private scratch directory, in bytes.
    pub scratch: u64,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1 << 20;
        const GIB: u64 = 1 << 30;
        Self {
            wall: Duration::from_mins(10),
            cpu: None,
            memory: None,
            processes: Some(4096),
            open_files: 4096,
            file_size: Some(16 * GIB),
            output: GIB,
            reply: MIB,
            file_read: MIB,
            entries: 1000,
            scratch: 2 * GIB,
        }
    }
}

/// How commands are contained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Containment {
    /// Which mode is wanted.
    pub mode: ModeWish,
    /// The sandbox profiles that make up the system view.
    pub profiles: Vec<String>,
    /// The guarantees it can do without.
    pub accept: Vec<WeakerGuarantee>,
    /// The lowest Landlock ABI that will do.
    pub minimum_landlock_abi: u32,
    /// What happens to processes that outlive their command.
    pub background: Background,
    /// Which calls are looked at before the kernel refuses them; by the plan where absent.
    pub notify: Option<Notify>,
    /// Whether the kernel's audit is listened to.
    pub kernel_witness: KernelWitness,
}

impl Default for Containment {
    fn default() -> Self {
        Self {
            mode: ModeWish::Auto,
            profiles: Vec::new(),
            accept: Vec::new(),
            minimum_landlock_abi: 3,
            background: Background::Refuse,
            notify: None,
            kernel_witness: KernelWitness::Auto,
        }
    }
}

/// Which calls of a command are looked at before other layers refuse them, so that it is known
/// what was tried. Each level holds the one before.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Notify {
    /// Those that the filter closes.
    ClosedCalls,
    /// And those that make, change, move or remove something.
    Changes,
    /// And those that open something to read or list it.
    Opens,
}

impl Notify {
    /// As policies and replies name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClosedCalls => "closed-calls",
            Self::Changes => "changes",
            Self::Opens => "opens",
        }
    }
}

/// Which mode a policy asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ModeWish {
    /// View mode where the host can, flat mode otherwise.
    #[default]
    Auto,
    /// View mode, or nothing.
    View,
    /// Flat mode.
    Flat,
}

/// Whether the kernel's own audit is a witness of what commands are refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KernelWitness {
    /// Where it is on, and may be read.
    #[default]
    Auto,
    /// It is, or no command runs.
    Required,
    /// It is not, and nothing of commands is in the host's audit log.
    Off,
}

/// What happens to processes that outlive their command.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Background {
    /// They are ended with it.
    #[default]
    Refuse,
    /// They may run until the session ends.
    UntilSessionEnd,
}

/// What a tier can do at most.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Ceiling {
    /// The rights it keeps of those that a grant gives.
    pub rights: Rights,
    /// Whether it may run commands, where the policy lets anybody.
    pub commands: Commands,
    /// The grants that are for it.
    pub grants: GrantSelection,
    /// Why.
    pub reason: String,
    /// Where the policy says so.
    pub place: Place,
    /// The bytes of the text that hold the tier's name, for messages.
    pub span: Range<usize>,
}

/// Which grants a tier has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum GrantSelection {
    /// All of the policy.
    All,
    /// Those with these names.
    Named(Vec<String>),
}

impl GrantSelection {
    /// Whether the grant of that name is selected.
    pub fn has(&self, grant: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.iter().any(|name| name == grant),
        }
    }
}
