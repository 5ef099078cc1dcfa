//! A listener of the test's own: the kernel's records, read without any code of the product but
//! the socket, and the kernel's own count of what it denied in a domain.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use lobsterpot::sys::audit::{AuditReader, CALL, Hearing, LANDLOCK_ACCESS, LANDLOCK_DOMAIN};
use regex::bytes::Regex;

use super::super::world::wait_until;

/// A denial as the kernel tells it, read without any code of the product.
pub(super) type Told = (String, Option<PathBuf>);

/// All records about Landlock since it was made.
pub(super) struct Listener {
    reader: AuditReader,
    /// Each domain's mark.
    marks: BTreeMap<String, String>,
    pub(super) denials: BTreeMap<String, Vec<Told>>,
    /// How many denials the kernel counted in a domain that has ended.
    counts: BTreeMap<String, usize>,
    pub(super) has_lost: bool,
    /// Whether the system calls of denials are told as well, as the host's rules have it.
    pub(super) has_calls: bool,
}

impl Listener {
    pub(super) fn new() -> Self {
        Self {
            reader: AuditReader::open().unwrap(),
            marks: BTreeMap::new(),
            denials: BTreeMap::new(),
            counts: BTreeMap::new(),
            has_lost: false,
            has_calls: false,
        }
    }

    pub(super) fn listen(&mut self) {
        loop {
            match self.reader.receive().unwrap() {
                Hearing::Record(record) => match record.kind {
                    LANDLOCK_ACCESS => self.hear_denial(&record.text),
                    LANDLOCK_DOMAIN => self.hear_domain(&record.text),
                    CALL => self.has_calls = true,
                    _ => {}
                },
                Hearing::Nothing => return,
                Hearing::Lost => self.has_lost = true,
            }
        }
    }

    fn hear_denial(&mut self, text: &[u8]) {
        let domain = field(text, "domain").unwrap();
        let blockers = field(text, "blockers").unwrap();
        let path = field(text, "path").map(|path| match path.strip_prefix('"') {
            Some(quoted) => PathBuf::from(quoted.trim_end_matches('"')),
            None => decoded(&path),
        });
        let denials = self.denials.entry(domain).or_default();
        denials.push((blockers, path));
    }

    fn hear_domain(&mut self, text: &[u8]) {
        let domain = field(text, "domain").unwrap();
        if let Some(count) = field(text, "denials") {
            self.counts.insert(domain, count.parse().unwrap());
        } else {
            let mark = field(text, "comm").unwrap();
            self.marks.insert(domain, mark.trim_matches('"').to_owned());
        }
    }

    /// What the kernel denied the command of this mark. Its domain is over.
    pub(super) fn told_of(&mut self, mark: &str) -> Vec<Told> {
        self.listen();
        let of_command = self.marks.iter().filter(|(_, whose)| *whose == mark);
        let domains: Vec<String> = of_command.map(|(domain, _)| domain.clone()).collect();
        wait_until("the kernel's count", || {
            self.listen();
            domains.iter().all(|one| self.counts.contains_key(one))
        });
        let told = domains.iter().filter_map(|one| self.denials.get(one));
        let told: Vec<Told> = told.flatten().cloned().collect();
        let counted: usize = domains.iter().map(|one| self.counts[one]).sum();
        assert!(
            self.has_lost || told.len() == counted,
            "{counted}: {told:?}"
        );
        told
    }
}

fn field(text: &[u8], key: &str) -> Option<String> {
    let wanted = Regex::new(&format!(r#" {key}=("[^"]*"|\S+)"#)).unwrap();
    let found = wanted.captures(text)?.get(1)?;
    Some(String::from_utf8_lossy(found.as_bytes()).into_owned())
}

fn decoded(digits: &str) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    let pair = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    let bytes = (0..digits.len()).step_by(2).map(pair).collect();
    OsString::from_vec(bytes).into()
}
