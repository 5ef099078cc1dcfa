//! The shape of a policy file: the types that serde reads and that the schema describes.
//!
//! Nothing is decided here. Spans are kept, so that messages can point at the text.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::terms::{
    Background, Commands, HardLinks, KernelWitness, Missing, ModeWish, Network, Notify,
};
use super::tools::ToolMark;
use crate::model::{Right, Tier, WeakerGuarantee};

/// A policy: who may do what. Whatever it does not name is refused.
#[derive(JsonSchema)]
#[schemars(rename = "Policy", deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "describes the file for the schema; the reader takes it key by key"
)]
pub(super) struct PolicyDocument {
    /// The name under which the policy is chosen: lower-case letters, digits and `-`.
    name: String,
    /// What it is for, in a sentence.
    description: String,
    /// Directories and files that are granted.
    #[schemars(default)]
    grant: Vec<GrantDocument>,
    /// Holes: nothing below them is granted, even inside a grant.
    #[schemars(default)]
    deny: Vec<DenyDocument>,
    /// Which commands may run; none where it is absent.
    commands: Option<CommandsDocument>,
    /// What commands find in their environment; nothing where it is absent.
    environment: Option<EnvironmentDocument>,
    /// What may leave the machine; nothing where it is absent.
    network: Option<NetworkDocument>,
    /// What the tools of other servers count as; each changes something where it is absent.
    tools: Option<ToolsDocument>,
    /// How much may be used.
    limits: Option<LimitsDocument>,
    /// How commands are contained.
    containment: Option<ContainmentDocument>,
    /// What each tier can do at most; a tier that is missing has nothing.
    #[schemars(default)]
    tier: BTreeMap<Tier, TierDocument>,
    /// Who belongs to which tier: `"agent:main" = "agent"`. Whoever is missing has nothing.
    #[schemars(default, with = "BTreeMap<String, Tier>")]
    principal: BTreeMap<String, Spanned<Tier>>,
}

/// A granted directory or file.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Grant")]
pub(super) struct GrantDocument {
    /// The name that tiers and records use: lower-case letters, digits and `-`.
    #[schemars(with = "String")]
    pub(super) name: Spanned<String>,
    /// `${root}` for the workspace, `~/…` for the home directory, or an absolute path.
    #[schemars(with = "String")]
    pub(super) path: Spanned<String>,
    /// What may be done below it.
    #[schemars(with = "Vec<Right>", length(min = 1))]
    pub(super) rights: Spanned<Vec<Right>>,
    /// Patterns of what cannot be seen or read.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>", length(min = 1))]
    pub(super) hide: Option<Patterns>,
    /// Patterns of what cannot be changed.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>", length(min = 1))]
    pub(super) protect: Option<Patterns>,
    /// Whether files with further names may be changed.
    #[serde(default)]
    pub(super) hard_links: HardLinks,
    /// What happens when the path does not exist.
    #[serde(default)]
    pub(super) missing: Missing,
    /// Why it is granted.
    #[schemars(with = "String")]
    pub(super) reason: Spanned<String>,
}

/// A list of patterns with their places.
pub(super) type Patterns = Spanned<Vec<Spanned<String>>>;

/// A hole in the grants.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Deny")]
pub(super) struct DenyDocument {
    /// `${root}/…`, `~/…`, or an absolute path.
    #[schemars(with = "String")]
    pub(super) path: Spanned<String>,
    /// Why it is denied.
    #[schemars(with = "String")]
    pub(super) reason: Spanned<String>,
}

/// Which commands may run.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Commands")]
pub(super) struct CommandsDocument {
    /// `none`, or `all`: any command, inside the sandbox.
    pub(super) run: Commands,
    /// Why.
    #[schemars(with = "String")]
    pub(super) reason: Spanned<String>,
}

/// The environment of commands. `PATH` and `HOME` are set by the sandbox.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Environment")]
pub(super) struct EnvironmentDocument {
    /// Names (`LANG`, `LC_*`) taken from the operator's own environment.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>", length(min = 1))]
    pub(super) pass: Option<Patterns>,
    /// Variables with fixed values.
    #[serde(default)]
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub(super) set: Option<Spanned<BTreeMap<Spanned<String>, String>>>,
    /// Names that a request may set.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>", length(min = 1))]
    pub(super) request: Option<Patterns>,
}

/// What may leave the machine.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Network")]
pub(super) struct NetworkDocument {
    /// `none`: nothing.
    pub(super) allow: Network,
}

/// What the tools of other servers count as, by their names. `*` stands for any part of a name;
/// where several lists cover one, the last of them counts.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Tools")]
pub(super) struct ToolsDocument {
    /// Tools that look, and change nothing.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>", length(min = 1))]
    pub(super) read_only: Option<Patterns>,
    /// Tools that change something: refused where the principal can change nothing.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>", length(min = 1))]
    pub(super) changing: Option<Patterns>,
    /// Tools that make something leave the machine: refused there, too.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>", length(min = 1))]
    pub(super) sending: Option<Patterns>,
    /// Tools that may not be called.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>", length(min = 1))]
    pub(super) refuse: Option<Patterns>,
    /// What a tool counts as that is in no list.
    #[serde(default)]
    #[schemars(with = "ToolMark")]
    pub(super) default: Option<Spanned<ToolMark>>,
    /// Why.
    #[schemars(with = "String")]
    pub(super) reason: Spanned<String>,
}

/// How much may be used. Absent keys keep their defaults.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Limits")]
pub(super) struct LimitsDocument {
    /// The longest a command may take, such as `1m30s`.
    #[schemars(with = "Option<String>")]
    pub(super) wall: Option<Spanned<String>>,
    /// The most processor time of one process, such as `5m`.
    #[schemars(with = "Option<String>")]
    pub(super) cpu: Option<Spanned<String>>,
    /// The most memory: bytes, or such as `4GiB`.
    #[schemars(with = "Option<Size>")]
    pub(super) memory: Option<Spanned<Size>>,
    /// The most processes.
    #[schemars(with = "Option<u64>")]
    pub(super) processes: Option<Spanned<u64>>,
    /// The most open files of one process.
    #[schemars(with = "Option<u64>")]
    pub(super) open_files: Option<Spanned<u64>>,
    /// The largest file a command may make.
    #[schemars(with = "Option<Size>")]
    pub(super) file_size: Option<Spanned<Size>>,
    /// The most a command may print in all.
    #[schemars(with = "Option<Size>")]
    pub(super) output: Option<Spanned<Size>>,
    /// The most output that a reply keeps.
    #[schemars(with = "Option<Size>")]
    pub(super) reply: Option<Spanned<Size>>,
    /// The most that a reply to `file.read` holds.
    #[schemars(with = "Option<Size>")]
    pub(super) file_read: Option<Spanned<Size>>,
    /// The most entries in a reply to `file.list`, `file.glob` and `file.grep`.
    #[schemars(with = "Option<u64>")]
    pub(super) entries: Option<Spanned<u64>>,
    /// The size of the private scratch directory.
    #[schemars(with = "Option<Size>")]
    pub(super) scratch: Option<Spanned<Size>>,
}

/// A number of bytes, or a text such as `4GiB`.
#[derive(Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expected a number of bytes, or a text such as \"4GiB\""
)]
pub(super) enum Size {
    /// Bytes.
    Bytes(u64),
    /// A number with a unit: `B`, `KiB`, `MiB`, `GiB`, `TiB`.
    Text(String),
}

/// How commands are contained.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Containment")]
pub(super) struct ContainmentDocument {
    /// `auto`, `view` (or nothing), or `flat`.
    #[serde(default)]
    pub(super) mode: ModeWish,
    /// The sandbox profiles that make up the system view.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>", length(min = 1))]
    pub(super) profiles: Option<Patterns>,
    /// The guarantees that the policy can do without on a host that cannot give them.
    #[serde(default)]
    #[schemars(with = "Option<Vec<WeakerGuarantee>>", length(min = 1))]
    pub(super) accept: Option<Spanned<Vec<Spanned<WeakerGuarantee>>>>,
    /// The lowest Landlock ABI that will do.
    #[serde(default)]
    #[schemars(with = "Option<u32>", range(min = 1))]
    pub(super) minimum_landlock_abi: Option<Spanned<u32>>,
    /// What happens to processes that outlive their command.
    #[serde(default)]
    pub(super) background: Background,
    /// Which calls are looked at before other layers refuse them: `closed-calls`, `changes`, or
    /// `opens`.
    #[serde(default)]
    pub(super) notify: Option<Notify>,
    /// Whether the kernel's audit tells what was refused: `auto`, `required` (or nothing), or
    /// `off`.
    #[serde(default)]
    pub(super) kernel_witness: KernelWitness,
}

/// What a tier can do at most.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Ceiling")]
pub(super) struct TierDocument {
    /// The rights it keeps of those that a grant gives.
    #[schemars(with = "Vec<Right>", length(min = 1))]
    pub(super) rights: Spanned<Vec<Right>>,
    /// Whether it may run commands, where the policy lets anybody.
    pub(super) commands: Commands,
    /// `all`, or the names of the grants that are for it.
    #[schemars(with = "Selection")]
    pub(super) grants: Spanned<Selection>,
    /// Why.
    #[schemars(with = "String")]
    pub(super) reason: Spanned<String>,
}

/// `all`, or names of grants.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected \"all\", or a list of names of grants")]
pub(super) enum Selection {
    /// Every grant.
    Word(AllWord),
    /// Those with these names.
    Names(Vec<String>),
}

/// The word `all`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum AllWord {
    /// Every one.
    All,
}
