//! Whose denial each record is: joined by domain, and the domain by its mark.
//!
//! Pure. The record of a denial comes before the one that names its domain, so it is kept until
//! that is known. What belongs to others who use Landlock on this host is dropped. Bounded,
//! whatever a command or the host does; the counts are exact.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;

use super::mark::Mark;
use super::record::{Access, Call, Object, Record};

/// Different denials of a command that are kept; others are counted.
const MOST_REFUSALS: usize = 2048;
/// Denials whose domain is not known yet. It is told with the first of them, so those that
/// stay belong to domains that were told of before anybody listened here.
const MOST_UNKNOWN: usize = 1024;
/// Domains of others that are remembered, so that they take no room among the unknown.
const MOST_STRANGERS: usize = 1024;
/// Denials whose system call may still be told.
const MOST_RECENT: usize = 256;

/// What the kernel refused a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The rights that were missing, `fs.write_file,fs.truncate`.
    pub blockers: String,
    /// What it was to.
    pub object: Object,
    /// Who it was, on hosts with audit rules.
    pub caller: Option<Caller>,
}

/// Who was refused something, and in which system call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The number of the system call, in the table of the machine.
    pub call: u32,
    /// The process, by the number that the host gave it.
    pub pid: u32,
    /// Its program.
    pub program: Option<PathBuf>,
}

/// What the kernel told about one command.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The name by which the host's own audit log knows the command; empty where nobody listened.
    pub mark: String,
    /// Denials, each with how often an equal one was told.
    pub refusals: Vec<(Refusal, u64)>,
    /// Denials that are not kept, because there were too many different ones.
    pub elsewhere: u64,
    /// Whether records were lost meanwhile, which may have been about this command.
    pub is_incomplete: bool,
}

/// Records on their way to the commands that they are about.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    commands: HashMap<Mark, Gathering>,
    domains: HashMap<u64, Mark>,
    unknown: VecDeque<Access>,
    strangers: VecDeque<u64>,
    /// Events of late, and which refusal they are.
    recent: VecDeque<(u64, Mark, usize)>,
}

#[derive(Debug, Default)]
struct Gathering {
    heard: Heard,
    known: HashMap<(String, Object), usize>,
    /// Domains that are still there.
    open: usize,
    /// How many denials there were in those that are gone, by the kernel's own count.
    counted: u64,
    /// Whether records were lost meanwhile, whoever they were about.
    in_doubt: bool,
}

impl Joiner {
    /// Expects denials under this mark from now on.
    pub(super) fn expect(&mut self, mark: Mark) {
        self.commands.insert(mark, Gathering::default());
    }

    /// Gives what was told of a command that is over.
    pub(super) fn take(&mut self, mark: Mark) -> Heard {
        let ended: Vec<_> = self
            .domains
            .extract_if(|_, whose| *whose == mark)
            .map(|(domain, _)| domain)
            .collect();
        for domain in ended {
            self.estrange(domain);
        }
        self.recent.retain(|(_, whose, _)| *whose != mark);
        let gathering = self.commands.remove(&mark).unwrap_or_default();
        let is_incomplete = match gathering.has_all() {
            Some(has_all) => !has_all,
            None => gathering.in_doubt,
        };
        Heard {
            mark: mark.to_string(),
            is_incomplete,
            ..gathering.heard
        }
    }

    /// Records were lost: whatever is under way may have more denials than are told.
    pub(super) fn doubt(&mut self) {
        for gathering in self.commands.values_mut() {
            gathering.in_doubt = true;
        }
    }

    /// Records of somebody were lost, or were just not printed: what is under way may have more
    /// denials, if it has any.
    pub(super) fn doubt_what_is_heard(&mut self) {
        for gathering in self.commands.values_mut() {
            gathering.in_doubt |= gathering.heard.total() > 0;
        }
    }

    /// Whether the end of a command's domains may tell what was lost of it.
    pub(super) fn may_be_settled(&self, mark: Mark) -> bool {
        let gathering = self.commands.get(&mark);
        gathering.is_some_and(|one| one.in_doubt && one.open > 0)
    }

    pub(super) fn hear(&mut self, record: Record) {
        match record {
            Record::Access(access) => self.hear_access(access),
            Record::Domain { domain, mark } => self.hear_domain(domain, mark),
            Record::Gone { domain, denials } => self.hear_end(domain, denials),
            Record::Call(call) => self.hear_call(&call),
        }
    }

    fn hear_access(&mut self, access: Access) {
        if let Some(mark) = self.domains.get(&access.domain) {
            self.gather(*mark, access);
        } else if !self.strangers.contains(&access.domain) {
            push(&mut self.unknown, access, MOST_UNKNOWN);
        }
    }

    fn hear_domain(&mut self, domain: u64, mark: Option<Mark>) {
        let mark = mark.filter(|mark| self.commands.contains_key(mark));
        let Some(mark) = mark else {
            self.estrange(domain);
            return;
        };
        if self.domains.insert(domain, mark).is_none()
            && let Some(gathering) = self.commands.get_mut(&mark)
        {
            gathering.open += 1;
        }
        let unknown = std::mem::take(&mut self.unknown);
        for access in unknown {
            self.hear_access(access);
        }
    }

    fn hear_end(&mut self, domain: u64, denials: u64) {
        self.strangers.retain(|stranger| *stranger != domain);
        self.unknown.retain(|access| access.domain != domain);
        let mark = self.domains.remove(&domain);
        if let Some(gathering) = mark.and_then(|mark| self.commands.get_mut(&mark)) {
            gathering.open -= 1;
            gathering.counted += denials;
        }
    }

    fn estrange(&mut self, domain: u64) {
        self.unknown.retain(|access| access.domain != domain);
        push(&mut self.strangers, domain, MOST_STRANGERS);
    }

    fn gather(&mut self, mark: Mark, access: Access) {
        let Some(gathering) = self.commands.get_mut(&mark) else {
            return;
        };
        let serial = access.serial;
        if let Some(place) = gathering.add(access) {
            push(&mut self.recent, (serial, mark, place), MOST_RECENT);
        }
    }

    /// The system call of an event is told when it ends, after what was denied in it.
    fn hear_call(&mut self, call: &Call) {
        let of_event = |recent: &&(u64, Mark, usize)| recent.0 == call.serial;
        for (_, mark, place) in self.recent.iter().filter(of_event) {
            let gathering = self.commands.get_mut(mark);
            let refusal = gathering.and_then(|one| one.heard.refusals.get_mut(*place));
            if let Some((refusal, _)) = refusal {
                refusal.caller.get_or_insert_with(|| Caller {
                    call: call.number,
                    pid: call.pid,
                    program: call.program.clone(),
                });
            }
        }
    }
}

impl Gathering {
    /// Whether every denial was told, where the kernel's own count is known.
    fn has_all(&self) -> Option<bool> {
        let is_known = self.open == 0 && self.heard.total() > 0;
        is_known.then(|| self.counted == self.heard.total())
    }

    /// Counts a denial; its place, where it is kept.
    fn add(&mut self, access: Access) -> Option<usize> {
        let refusals = &mut self.heard.refusals;
        let key = (access.blockers, access.object);
        if let Some(place) = self.known.get(&key).copied() {
            refusals[place].1 += 1;
            return Some(place);
        }
        if refusals.len() == MOST_REFUSALS {
            self.heard.elsewhere += 1;
            return None;
        }
        let place = refusals.len();
        self.known.insert(key.clone(), place);
        let (blockers, object) = key;
        let refusal = Refusal {
            blockers,
            object,
            caller: None,
        };
        refusals.push((refusal, 1));
        Some(place)
    }
}

impl Heard {
    /// How many denials there were in all.
    pub fn total(&self) -> u64 {
        let kept: u64 = self.refusals.iter().map(|(_, times)| times).sum();
        kept + self.elsewhere
    }
}

fn push<T>(queue: &mut VecDeque<T>, item: T, most: usize) {
    if queue.len() == most {
        queue.pop_front();
    }
    queue.push_back(item);
}

#[cfg(test)]
mod tests;
