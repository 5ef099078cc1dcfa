//! A record as it is read back: the members that questions are asked about.
//!
//! Reading is lenient: a member that is missing is empty, one that is not known is passed
//! over, so that logs of other versions can still be read.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

type Text<'a> = Cow<'a, str>;

/// One record. Texts are empty where the record has none, and are not yet safe to show.
#[derive(Debug)]
pub struct RecordView<'a> {
    /// The record's id.
    pub id: Text<'a>,
    /// Its number in the log.
    pub sequence: u64,
    /// The id of the decision that it belongs to.
    pub decision: Text<'a>,
    /// Milliseconds since 1970.
    pub time: i64,
    /// `session`, `decision`, `effect`, `denial` or `repair`.
    pub phase: Text<'a>,
    /// The operation: a request's or a system call's.
    pub op: Text<'a>,
    /// The id that the caller gave the request; null where it gave none.
    pub request: Value,
    /// The session's id.
    pub session: Text<'a>,
    /// Who asked.
    pub principal: Text<'a>,
    /// The principal's tier.
    pub tier: Text<'a>,
    /// Whether it was refused.
    pub denied: bool,
    /// The refusal code.
    pub code: Text<'a>,
    /// One line for a person.
    pub message: Text<'a>,
    /// How many equal events it stands for.
    pub count: u64,
    /// The file that it is about, or the other end of a connection.
    pub path: Text<'a>,
    /// The new path of a move or copy.
    pub new_path: Text<'a>,
    /// The command.
    pub command: Text<'a>,
    /// The tool of another server that was called.
    pub tool: Text<'a>,
    /// The command's working directory.
    pub cwd: Text<'a>,
    /// The path that was refused, where it is another one.
    pub refused: Text<'a>,
    /// The path as it was written, where that is another text.
    pub written: Text<'a>,
    /// What is granted instead.
    pub hint: Text<'a>,
    /// Who saw the path.
    pub path_source: Text<'a>,
    /// Why programs look there whatever they are asked to do.
    pub noise: Text<'a>,
    /// `again`, `below` or `noise` where it stands for several refusals.
    pub folded: Text<'a>,
    /// The rule that decided.
    pub rule: Text<'a>,
    /// Where the rule stands, as `file:line`.
    pub place: String,
    /// The policy's name.
    pub policy: Text<'a>,
    /// The policy's file.
    pub policy_source: Text<'a>,
    /// How it ended.
    pub outcome: Text<'a>,
    /// The command's exit code.
    pub exit_code: Option<i64>,
    /// The signal that ended the command.
    pub signal: Option<i64>,
    /// Milliseconds.
    pub duration: Option<u64>,
    /// Bytes read, written or printed.
    pub bytes: Option<u64>,
    /// How many requests the session came to.
    pub requests: Option<u64>,
    /// How many refusals there were inside.
    pub denials: Option<u64>,
    /// The session's workspace.
    pub root: Text<'a>,
    /// The process that was refused.
    pub process: Option<ProcessView<'a>>,
    /// The layers in force.
    pub enforced: Option<Value>,
    /// What a repair found.
    pub repair: Option<RepairView>,
}

/// A process inside a command.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ProcessView<'a> {
    /// Its id.
    pub pid: u64,
    /// Its program's name.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// Its command line.
    #[serde(borrow)]
    pub cmd_line: Text<'a>,
    /// Its working directory.
    #[serde(borrow)]
    pub working_directory: Text<'a>,
}

/// What a repair found.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(default)]
pub struct RepairView {
    /// Records that had been written and are gone.
    pub lost: Option<LostView>,
    /// The last record was not the one that the head named.
    pub replaced: bool,
    /// The head was missing.
    pub head_missing: bool,
    /// Checkpoints or their key were gone.
    pub checkpoints_gone: bool,
}

/// Sequence numbers, first and last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
pub struct LostView {
    /// The first one that is gone.
    pub from: u64,
    /// The last one that is gone.
    pub to: u64,
}

impl<'a> RecordView<'a> {
    /// Reads a line; none where it is no record.
    pub fn of(line: &'a [u8]) -> Option<Self> {
        let raw: Raw<'a> = serde_json::from_slice(line).ok()?;
        let place = raw
            .policy
            .data
            .place
            .map(|place| format!("{}:{}", place.file, place.line));
        let path = if raw.file.path.is_empty() {
            raw.dst_endpoint.name
        } else {
            raw.file.path
        };
        Some(Self {
            id: raw.metadata.uid,
            sequence: raw.metadata.sequence,
            decision: raw.metadata.correlation_uid,
            time: raw.time,
            phase: raw.unmapped.phase,
            op: raw.unmapped.op,
            request: raw.unmapped.request,
            session: raw.actor.session.uid,
            principal: raw.actor.user.name,
            tier: raw.actor.user.tier,
            denied: raw.action_id == 2,
            code: raw.status_code,
            message: raw.message,
            count: raw.count.unwrap_or(1),
            path,
            new_path: raw.file_result.path,
            command: raw.process.cmd_line,
            tool: raw.unmapped.tool,
            cwd: raw.process.working_directory,
            refused: raw.unmapped.refused,
            written: raw.unmapped.written,
            hint: raw.unmapped.hint,
            path_source: raw.unmapped.path_source,
            noise: raw.unmapped.noise,
            folded: raw.unmapped.folded,
            rule: raw.policy.data.rule,
            place: place.unwrap_or_default(),
            policy: raw.policy.name,
            policy_source: raw.policy.uid,
            outcome: raw.unmapped.outcome,
            exit_code: raw.exit_code,
            signal: raw.unmapped.signal,
            duration: raw.duration,
            bytes: raw.unmapped.bytes,
            requests: raw.unmapped.requests,
            denials: raw.unmapped.denials,
            root: raw.unmapped.root,
            process: raw.actor.process,
            enforced: raw.unmapped.enforced,
            repair: raw.unmapped.repair,
        })
    }

    /// What the record is about, in one text: the refused path, the path, the
    /// command, the tool, or the workspace.
    pub fn subject(&self) -> &str {
        let texts = [
            &self.refused,
            &self.path,
            &self.command,
            &self.tool,
            &self.root,
        ];
        texts
            .into_iter()
            .find(|text| !text.is_empty())
            .map_or("", |text| text)
    }

    /// Every path that the record names.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        [&self.path, &self.new_path, &self.refused]
            .into_iter()
            .map(AsRef::as_ref)
            .filter(|path: &&str| !path.is_empty())
    }
}

// The shape of the line, which is OCSF's.

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Raw<'a> {
    time: i64,
    action_id: u32,
    #[serde(borrow)]
    status_code: Text<'a>,
    #[serde(borrow)]
    message: Text<'a>,
    count: Option<u64>,
    duration: Option<u64>,
    exit_code: Option<i64>,
    #[serde(borrow)]
    actor: RawActor<'a>,
    #[serde(borrow)]
    file: RawFile<'a>,
    #[serde(borrow)]
    file_result: RawFile<'a>,
    #[serde(borrow)]
    process: ProcessView<'a>,
    #[serde(borrow)]
    dst_endpoint: RawNamed<'a>,
    #[serde(borrow)]
    policy: RawPolicy<'a>,
    #[serde(borrow)]
    metadata: RawMetadata<'a>,
    #[serde(borrow)]
    unmapped: RawUnmapped<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawActor<'a> {
    #[serde(borrow)]
    user: RawUser<'a>,
    #[serde(borrow)]
    session: RawUid<'a>,
    #[serde(borrow)]
    process: Option<ProcessView<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawUser<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, rename = "type")]
    tier: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawUid<'a> {
    #[serde(borrow)]
    uid: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawNamed<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawFile<'a> {
    #[serde(borrow)]
    path: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawPolicy<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    uid: Text<'a>,
    #[serde(borrow)]
    data: RawDecided<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawDecided<'a> {
    #[serde(borrow)]
    rule: Text<'a>,
    #[serde(borrow)]
    place: Option<RawPlace<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawPlace<'a> {
    #[serde(borrow)]
    file: Text<'a>,
    line: u32,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawMetadata<'a> {
    #[serde(borrow)]
    uid: Text<'a>,
    #[serde(borrow)]
    correlation_uid: Text<'a>,
    sequence: u64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawUnmapped<'a> {
    #[serde(borrow)]
    phase: Text<'a>,
    #[serde(borrow)]
    op: Text<'a>,
    #[serde(borrow)]
    tool: Text<'a>,
    request: Value,
    #[serde(borrow)]
    refused: Text<'a>,
    #[serde(borrow)]
    written: Text<'a>,
    #[serde(borrow)]
    hint: Text<'a>,
    #[serde(borrow)]
    path_source: Text<'a>,
    #[serde(borrow)]
    noise: Text<'a>,
    #[serde(borrow)]
    folded: Text<'a>,
    #[serde(borrow)]
    outcome: Text<'a>,
    signal: Option<i64>,
    bytes: Option<u64>,
    requests: Option<u64>,
    denials: Option<u64>,
    #[serde(borrow)]
    root: Text<'a>,
    enforced: Option<Value>,
    repair: Option<RepairView>,
}
