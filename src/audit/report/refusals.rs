//! What was refused, each kind once, the most telling first; known noise apart.

use std::collections::{BTreeMap, HashMap};

use super::requests::{refused_subject, short};
use crate::audit::RecordView;
use crate::model::{RefusalCode, fit, secret_file, shown};

/// How many different refusals are told apart.
const MOST: usize = 10_000;

/// How many kinds of noise are told apart; the table of noise has fewer.
const MOST_NOISE: usize = 64;

/// How much is told of a command that was refused something; the tree tells more.
const MOST_BY: usize = 64;

/// How many paths of one kind of noise are named.
const MOST_EXAMPLES: usize = 5;

/// One refusal, as often as it happened.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub code: String,
    pub op: String,
    pub subject: String,
    pub count: u64,
    /// When it happened first and last.
    pub first: i64,
    pub last: i64,
    /// Who was refused it first: a process, or the request.
    pub by: String,
    /// The path as the process wrote it, where it is another.
    pub written: String,
    /// What a file of this name would hold.
    pub secret: Option<&'static str>,
}

/// One kind of noise.
#[derive(Debug, Default)]
pub(super) struct Noise {
    pub count: u64,
    pub examples: Vec<String>,
}

/// All refusals.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    pub all: u64,
    pub noise_count: u64,
    /// By its reason.
    pub noise: BTreeMap<String, Noise>,
    /// Those that had no room, by code.
    pub others: BTreeMap<String, u64>,
    rows: HashMap<(String, String, String), Row>,
}

impl Refusals {
    pub(super) fn add(&mut self, record: &RecordView<'_>) {
        self.all += record.count;
        let subject = refused_subject(record);
        if !record.noise.is_empty() {
            self.hear(record, subject);
            return;
        }
        let key = (short(&record.code), short(&record.op), subject);
        if let Some(row) = self.rows.get_mut(&key) {
            row.count += record.count;
            row.first = row.first.min(record.time);
            row.last = row.last.max(record.time);
        } else if self.rows.len() < MOST {
            let row = Row::of(record, &key);
            self.rows.insert(key, row);
        } else {
            *self.others.entry(key.0).or_default() += record.count;
        }
    }

    fn hear(&mut self, record: &RecordView<'_>, subject: String) {
        self.noise_count += record.count;
        let reason = short(&record.noise);
        let has_room = self.noise.len() < MOST_NOISE || self.noise.contains_key(&reason);
        let reason = if has_room { reason } else { "other".into() };
        let noise = self.noise.entry(reason).or_default();
        noise.count += record.count;
        if noise.examples.len() < MOST_EXAMPLES && !noise.examples.contains(&subject) {
            noise.examples.push(subject);
        }
    }

    /// How many different ones there are, as far as they are told apart.
    pub(super) fn different(&self) -> usize {
        self.rows.len()
    }

    /// The rows, the most telling first.
    pub(super) fn ranked(&self) -> Vec<&Row> {
        let mut rows: Vec<&Row> = self.rows.values().collect();
        rows.sort_by(|one, other| {
            let order = |row: &Row| (row.secret.is_none(), weight(&row.code));
            let names = |row: &Row| (row.subject.clone(), row.op.clone());
            order(one)
                .cmp(&order(other))
                .then(other.count.cmp(&one.count))
                .then_with(|| names(one).cmp(&names(other)))
        });
        rows
    }
}

impl Row {
    fn of(record: &RecordView<'_>, key: &(String, String, String)) -> Self {
        let (code, op, subject) = key.clone();
        let by = match &record.process {
            Some(process) if !process.cmd_line.is_empty() => {
                format!("{} [{}]", of_program(&process.cmd_line), process.pid)
            }
            Some(process) => format!("{} [{}]", process.name, process.pid),
            None if record.command.is_empty() => "the request itself".into(),
            None => of_program(&record.command),
        };
        Self {
            code,
            op,
            subject,
            count: record.count,
            first: record.time,
            last: record.time,
            by,
            written: short(&record.written),
            secret: secret_file(record.subject()).map(|kind| kind.holds),
        }
    }
}

/// A command line, shortened, with its program's name for its path.
fn of_program(command: &str) -> String {
    let (program, rest) = command.split_at(command.find(' ').unwrap_or(command.len()));
    let name = program.rsplit('/').next().unwrap_or(program);
    fit(&shown(&format!("{name}{rest}")), MOST_BY)
}

/// What tells most of an intent comes first.
fn weight(code: &str) -> usize {
    use RefusalCode as Code;
    let order = [
        Code::HiddenPath,
        Code::ProtectedPath,
        Code::PrincipalUnknown,
        Code::Stopped,
        Code::OutsideCapability,
        Code::NetworkNotGranted,
        Code::ReadOnly,
        Code::CommandNotGranted,
        Code::ApprovalRefused,
        Code::RightNotGranted,
        Code::LimitExceeded,
        Code::SandboxUnavailable,
        Code::AuditUnavailable,
        Code::BadRequest,
    ];
    let found = order.iter().position(|one| one.as_str() == code);
    found.unwrap_or(order.len())
}
