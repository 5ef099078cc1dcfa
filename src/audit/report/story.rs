//! A session's records, gathered for a page: bounded, whatever the session did.
//!
//! Nothing here does I/O. What is left out is counted, and the page says so.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::columns::{Column, Columns};
use super::places::{Counts, Places};
use super::refusals::Refusals;
use super::requests::{End, Requests, short};
use crate::audit::RecordView;
use crate::audit::burst::{Burst, Watch, is_probe};
use crate::model::{HostPath, RefusalCode, secret_file};

/// The most bursts that are told one by one.
const MOST_BURSTS: usize = 50;

/// The most names of secrets, of peers, and of ways of containment that are remembered.
const MOST_NAMES: usize = 2000;

/// What is told at the top of the page.
#[derive(Debug, Default)]
pub struct Head {
    /// The session's id.
    pub session: String,
    /// Who asked.
    pub principal: String,
    /// The principal's tier.
    pub tier: String,
    /// The policy's name.
    pub policy: String,
    /// The policy's file, or `built-in:NAME`.
    pub policy_source: String,
    /// The workspace; empty where the record of it is gone.
    pub root: String,
    /// The time of the first record, in milliseconds since 1970.
    pub from: Option<i64>,
    /// The time of the last.
    pub to: Option<i64>,
    /// Whether the end of the session is on record.
    pub is_closed: bool,
    /// How many records there are.
    pub records: u64,
}

/// What is on record of one session.
#[derive(Debug, Default)]
pub struct Story {
    head: Head,
    pub(super) requests: Requests,
    pub(super) refusals: Refusals,
    /// Below what is granted, as far as the refusal code tells.
    pub(super) inside: Places,
    pub(super) outside: Places,
    /// Other ends of connections that were refused.
    pub(super) peers: BTreeMap<String, u64>,
    pub(super) columns: Columns,
    pub(super) bursts: Vec<Burst>,
    pub(super) bursts_more: u64,
    /// The layers that were in force, and in how many requests.
    pub(super) enforced: BTreeMap<String, (Value, u64)>,
    pub(super) read: BTreeSet<String>,
    pub(super) named: BTreeSet<String>,
    watch: Watch,
}

impl Story {
    /// Takes in the next record of the session.
    pub fn add(&mut self, record: &RecordView<'_>) {
        self.see_head(record);
        match record.phase.as_ref() {
            "decision" => {
                self.requests.decided(record);
                if record.denied {
                    self.mark(record, |column| column.refused = 1);
                } else {
                    self.name_secrets(record);
                }
            }
            "denial" => self.requests.refused_inside(record),
            "effect" => self.ended(record),
            _ => {}
        }
        if record.denied {
            self.refused(record);
        }
    }

    /// What is told at the top of the page.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Gives up waiting for further records.
    pub fn finish(&mut self) {
        self.requests.finish();
        let last = self.watch.end();
        self.keep_burst(last);
    }

    fn see_head(&mut self, record: &RecordView<'_>) {
        let head = &mut self.head;
        head.records += 1;
        head.from.get_or_insert(record.time);
        head.to = head.to.max(Some(record.time));
        head.is_closed |= record.op == "session.close";
        for (known, told) in [
            (&mut head.session, &record.session),
            (&mut head.principal, &record.principal),
            (&mut head.tier, &record.tier),
            (&mut head.policy, &record.policy),
            (&mut head.policy_source, &record.policy_source),
            (&mut head.root, &record.root),
        ] {
            if known.is_empty() {
                *known = told.clone().into_owned();
            }
        }
    }

    fn ended(&mut self, record: &RecordView<'_>) {
        let end = self.requests.ended(record);
        self.mark(record, |column| match end {
            End::Done | End::Open => column.done = 1,
            End::Failed => column.failed = 1,
            End::Refused => column.refused = 1,
        });
        if let Some(enforced) = &record.enforced {
            let key = enforced.to_string();
            let has_room = self.enforced.len() < MOST_NAMES || self.enforced.contains_key(&key);
            if has_room {
                let known = self.enforced.entry(key);
                known.or_insert_with(|| (enforced.clone(), 0)).1 += 1;
            }
        }
        if record.denied {
            return;
        }
        if record.op == "exec.run" {
            self.inside.add(&record.cwd, Counts::touched(1));
            return;
        }
        for path in [&record.path, &record.new_path] {
            if !path.is_empty() && end == End::Done {
                self.inside.add(path, Counts::touched(1));
            }
        }
        let reads = ["file.read", "file.copy", "file.grep"].contains(&record.op.as_ref());
        if reads && end == End::Done && secret_file(&record.path).is_some() {
            remember(&mut self.read, &record.path);
        }
    }

    fn refused(&mut self, record: &RecordView<'_>) {
        self.refusals.add(record);
        if !record.noise.is_empty() {
            return; // told in one place, with its reasons
        }
        let count = record.count;
        self.mark(record, |column| column.refusals = count);
        if is_probe(record) {
            let over = self.watch.see(record);
            self.keep_burst(over);
        }
        let counts = Counts::refused(record.count);
        let code = RefusalCode::ALL
            .into_iter()
            .find(|code| code.as_str() == record.code);
        match code {
            Some(RefusalCode::OutsideCapability) => {
                let path = self.whole(record);
                self.outside.add(&path, counts);
            }
            Some(
                RefusalCode::RightNotGranted
                | RefusalCode::ReadOnly
                | RefusalCode::ProtectedPath
                | RefusalCode::HiddenPath,
            ) => {
                let path = self.whole(record);
                if !path.is_empty() {
                    self.inside.add(&path, counts);
                }
            }
            Some(RefusalCode::NetworkNotGranted) => {
                let peer = short(record.subject());
                // A socket that was never connected has no other end.
                let is_address = peer.contains(['.', ':']);
                let has_room = self.peers.len() < MOST_NAMES || self.peers.contains_key(&peer);
                if is_address && has_room {
                    *self.peers.entry(peer).or_default() += record.count;
                }
            }
            _ => {}
        }
    }

    /// The refused path from the root directory, by letters.
    fn whole(&self, record: &RecordView<'_>) -> String {
        let written = [&record.refused, &record.path];
        let written = written.into_iter().find(|path| !path.is_empty());
        let written = written.map_or("", |path| path.as_ref());
        if written.is_empty() || written.starts_with(['/', '~']) {
            return written.to_owned();
        }
        let start = [record.cwd.as_ref(), &self.head.root];
        let start = start
            .into_iter()
            .find_map(|path| HostPath::absolute(path).ok());
        let whole = start.and_then(|start| start.join(written).ok());
        whole.map_or_else(
            || written.to_owned(),
            |path| path.as_path().to_string_lossy().into_owned(),
        )
    }

    fn name_secrets(&mut self, record: &RecordView<'_>) {
        let is_part = |c: char| c.is_alphanumeric() || "/._-~+@".contains(c);
        for word in record.command.split(|c| !is_part(c)) {
            if secret_file(word).is_some() {
                remember(&mut self.named, word);
            }
        }
    }

    fn mark(&mut self, record: &RecordView<'_>, set: impl FnOnce(&mut Column)) {
        let mut column = Column::default();
        set(&mut column);
        self.columns.add(record.time, column);
    }

    fn keep_burst(&mut self, burst: Option<Burst>) {
        if let Some(burst) = &burst {
            let bursts = 1;
            let began = Column {
                bursts,
                ..Column::default()
            };
            self.columns.add(burst.from, began);
        }
        match burst {
            Some(burst) if self.bursts.len() < MOST_BURSTS => self.bursts.push(burst),
            Some(_) => self.bursts_more += 1,
            None => {}
        }
    }

    /// A path, or a command, as it reads from the workspace.
    pub(super) fn local<'a>(&self, text: &'a str) -> &'a str {
        match text.strip_prefix(self.head.root.as_str()) {
            Some("") if !self.head.root.is_empty() => ".",
            Some(below) if self.head.root.len() > 1 => below.strip_prefix('/').unwrap_or(text),
            _ => text,
        }
    }

    /// How the session came by a file: nothing, named it in a command, or read it.
    pub(super) fn use_of(&self, path: &str) -> Use {
        let is_named = |word: &String| {
            let relative = word.trim_start_matches("./").trim_start_matches("~/");
            let before = path.strip_suffix(relative);
            word == path
                || !word.starts_with('/') && before.is_some_and(|before| before.ends_with('/'))
        };
        if self.read.contains(path) {
            Use::Read
        } else if self.named.iter().any(is_named) {
            Use::Named
        } else {
            Use::None
        }
    }
}

/// What a session did with a file that may hold a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    /// The broker read it for the session.
    Read,
    /// A command named it, and may have read it.
    Named,
    /// Nothing that is on record.
    None,
}

fn remember(names: &mut BTreeSet<String>, name: &str) {
    if names.len() < MOST_NAMES {
        names.insert(name.to_owned());
    }
}
