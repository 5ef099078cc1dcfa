//! The requests of a session, each with the processes that were refused something in it.
//!
//! Bounded: those in which something was refused are kept first, the others as far as there is
//! room; what is not kept is counted by its operation.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::markup::LONGEST;
use crate::audit::RecordView;
use crate::model::fit;

/// How many requests that nothing was refused in are kept.
const MOST_PLAIN: usize = 300;

/// How many others are kept.
const MOST_REFUSED: usize = 300;

/// How many requests may be under way at the same time.
const MOST_OPEN: usize = 512;

/// How many processes of a request are told apart.
const MOST_PROCESSES: usize = 20;

/// How many refusals of a process are told apart.
const MOST_REFUSALS: usize = 8;

/// How many operations are told apart.
const MOST_OPERATIONS: usize = 64;

/// How a request ended, as far as a picture tells it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum End {
    /// Its end is not on record.
    #[default]
    Open,
    Done,
    Failed,
    Refused,
}

/// One request.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub op: String,
    /// The path or the command.
    pub subject: String,
    pub time: i64,
    /// Milliseconds.
    pub duration: u64,
    pub end: End,
    /// How it ended, in a word.
    pub outcome: String,
    /// Refusals in it, noise apart.
    pub refusals: u64,
    pub noise: u64,
    pub processes: Vec<Process>,
    /// Refusals whose process is not told.
    pub others: u64,
    number: u64,
}

/// A process that was refused something.
#[derive(Debug)]
pub(super) struct Process {
    /// 0 where it was the broker, or is not known.
    pub pid: u64,
    pub name: String,
    pub command: String,
    pub refused: Vec<Refused>,
    /// Further refusals.
    pub more: u64,
}

/// What a process was refused.
#[derive(Debug)]
pub(super) struct Refused {
    pub op: String,
    pub subject: String,
    pub code: String,
    pub count: u64,
}

/// All requests.
#[derive(Debug, Default)]
pub(super) struct Requests {
    pub all: u64,
    pub refused: u64,
    pub failed: u64,
    pub commands: u64,
    /// Those that are kept, in order once [`Self::finish`] was called.
    pub kept: Vec<Asked>,
    /// Those that are not, by operation.
    pub folded: BTreeMap<String, u64>,
    open: HashMap<String, Asked>,
    order: VecDeque<String>,
    plain: usize,
    with_refusals: usize,
}

impl Requests {
    pub(super) fn decided(&mut self, record: &RecordView<'_>) {
        self.all += 1;
        self.commands += u64::from(record.op == "exec.run");
        let mut asked = Asked {
            op: short(&record.op),
            subject: subject(record),
            time: record.time,
            outcome: "no end on record".into(),
            number: self.all,
            ..Asked::default()
        };
        if record.denied {
            self.refused += 1;
            asked.end = End::Refused;
            asked.outcome = short(&record.code);
            asked.refuse(record);
        }
        if self.order.len() == MOST_OPEN {
            self.close_oldest();
        }
        let id = record.decision.clone().into_owned();
        self.order.push_back(id.clone());
        self.open.insert(id, asked);
    }

    pub(super) fn refused_inside(&mut self, record: &RecordView<'_>) {
        if let Some(asked) = self.open.get_mut(record.decision.as_ref()) {
            asked.refuse(record);
        }
    }

    /// Notes the end, and tells which it was.
    pub(super) fn ended(&mut self, record: &RecordView<'_>) -> End {
        let end = match record.outcome.as_ref() {
            _ if record.denied => End::Refused,
            "done" => End::Done,
            "exited" if record.exit_code == Some(0) => End::Done,
            _ => End::Failed,
        };
        self.failed += u64::from(end == End::Failed);
        self.refused += u64::from(end == End::Refused);
        if let Some(asked) = self.open.get_mut(record.decision.as_ref()) {
            asked.end = end;
            asked.duration = record.duration.unwrap_or_default();
            asked.outcome = outcome(record);
            if record.denied {
                asked.refuse(record);
            }
        }
        end
    }

    /// Gives up waiting for further records.
    pub(super) fn finish(&mut self) {
        while !self.order.is_empty() {
            self.close_oldest();
        }
        self.kept.sort_by_key(|asked| asked.number);
    }

    fn close_oldest(&mut self) {
        let Some(asked) = self.order.pop_front().and_then(|id| self.open.remove(&id)) else {
            return;
        };
        let is_plain = asked.refusals + asked.noise == 0;
        let (room, most) = if is_plain {
            (&mut self.plain, MOST_PLAIN)
        } else {
            (&mut self.with_refusals, MOST_REFUSED)
        };
        if *room < most {
            *room += 1;
            self.kept.push(asked);
            return;
        }
        let is_known = self.folded.contains_key(&asked.op);
        let op = if is_known || self.folded.len() < MOST_OPERATIONS {
            asked.op
        } else {
            "other".into()
        };
        *self.folded.entry(op).or_default() += 1;
    }
}

impl Asked {
    /// When it was over.
    pub(super) fn until(&self) -> i64 {
        let duration = i64::try_from(self.duration).unwrap_or(i64::MAX);
        self.time.saturating_add(duration)
    }

    fn refuse(&mut self, record: &RecordView<'_>) {
        if !record.noise.is_empty() {
            self.noise += record.count;
            return;
        }
        self.refusals += record.count;
        if record.op != "exec.run" && record.op == self.op {
            return; // the request as a whole, which says so itself
        }
        let (pid, name, command) = match &record.process {
            Some(process) => (process.pid, &*process.name, &*process.cmd_line),
            None => (0, "", ""),
        };
        let command = short(command);
        let known = |one: &Process| one.pid == pid && one.command == command;
        let at = match self.processes.iter().position(known) {
            Some(at) => at,
            None if self.processes.len() < MOST_PROCESSES => {
                self.processes.push(Process {
                    pid,
                    name: short(name),
                    command,
                    refused: Vec::new(),
                    more: 0,
                });
                self.processes.len() - 1
            }
            None => {
                self.others += record.count;
                return;
            }
        };
        self.processes[at].refuse(record);
    }
}

impl Process {
    fn refuse(&mut self, record: &RecordView<'_>) {
        let (op, subject) = (short(&record.op), refused_subject(record));
        let known = |one: &&mut Refused| one.op == op && one.subject == subject;
        if let Some(known) = self.refused.iter_mut().find(known) {
            known.count += record.count;
        } else if self.refused.len() < MOST_REFUSALS {
            self.refused.push(Refused {
                op,
                subject,
                code: short(&record.code),
                count: record.count,
            });
        } else {
            self.more += record.count;
        }
    }
}

/// A text that is kept.
pub(super) fn short(text: &str) -> String {
    fit(text, LONGEST)
}

/// What was refused; for what stands for several, the directory.
pub(super) fn refused_subject(record: &RecordView<'_>) -> String {
    if record.folded == "below" {
        return short(&format!("below {}", record.subject()));
    }
    short(record.subject())
}

fn subject(record: &RecordView<'_>) -> String {
    if !record.command.is_empty() {
        return short(&record.command);
    }
    if record.path.is_empty() {
        return short(&record.tool);
    }
    if record.new_path.is_empty() {
        return short(&record.path);
    }
    short(&format!("{} → {}", record.path, record.new_path))
}

fn outcome(record: &RecordView<'_>) -> String {
    match record.outcome.as_ref() {
        _ if record.denied => short(&record.code),
        "exited" => format!("exit {}", record.exit_code.unwrap_or_default()),
        "signalled" => format!("signal {}", record.signal.unwrap_or_default()),
        "timeout" => "time was up".into(),
        other => short(other),
    }
}
