//! How often somebody left the view, within bounds whatever a command does.
//!
//! The first attempts are looked at closely, which costs reads in `/proc`; later ones are
//! counted by their path, and when there are too many paths, in one number. Nothing is ever
//! left out of the total.

use std::collections::HashMap;
use std::ffi::OsString;

use super::attempt::{Report, Tally};
use super::tree::Tripped;

/// How many attempts of one command are looked at closely.
const MOST_LOOKS: u32 = 1024;
/// How many of those may lead to one path, so that one that is asked for again and again
/// does not use them all up.
const MOST_LOOKS_AT_ONE: usize = 64;
/// How many paths are kept.
const MOST_PATHS: usize = 512;

/// What was seen since the last tally.
#[derive(Debug, Default)]
pub(super) struct Counts {
    nodes: HashMap<u64, HashMap<OsString, Seen>>,
    paths: usize,
    looks: u32,
    attempts: u32,
    total: u64,
    elsewhere: u64,
}

/// What was seen at one path.
#[derive(Debug, Default)]
struct Seen {
    looks: usize,
    counted: u64,
    attempts: Vec<Told>,
}

/// A attempt that was reported.
#[derive(Debug)]
struct Told {
    signature: u64,
    number: u32,
    repeated: u64,
}

/// Whether an attempt is worth a closer look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Regard {
    /// It is.
    Close,
    /// It has been counted, and that is all.
    Counted,
}

/// Whether an equal attempt was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Novelty {
    /// It was not; this is its number.
    New(u32),
    /// It was, and has been counted.
    Repeated,
}

impl Counts {
    /// Counts an attempt.
    pub(super) fn note(&mut self, at: Tripped<'_>) -> Regard {
        self.total += 1;
        let names = self.nodes.entry(at.node).or_default();
        let seen = match names.get_mut(at.name) {
            Some(seen) => seen,
            None if self.paths < MOST_PATHS => {
                self.paths += 1;
                names.entry(at.name.to_owned()).or_default()
            }
            None => {
                self.elsewhere += 1;
                return Regard::Counted;
            }
        };
        if self.looks < MOST_LOOKS && seen.looks < MOST_LOOKS_AT_ONE {
            self.looks += 1;
            seen.looks += 1;
            return Regard::Close;
        }
        seen.counted += 1;
        Regard::Counted
    }

    /// Takes back that an attempt was to be looked at: it is only counted.
    pub(super) fn look_away(&mut self, at: Tripped<'_>) {
        match self
            .nodes
            .get_mut(&at.node)
            .and_then(|names| names.get_mut(at.name))
        {
            Some(seen) => seen.counted += 1,
            None => self.elsewhere += 1,
        }
    }

    /// Tells whether an attempt that was looked at closely is the same as an earlier one.
    pub(super) fn tell_apart(&mut self, at: Tripped<'_>, signature: u64) -> Novelty {
        let names = self.nodes.entry(at.node).or_default();
        let seen = names.entry(at.name.to_owned()).or_default();
        let told = &mut seen.attempts;
        if let Some(told) = told.iter_mut().find(|told| told.signature == signature) {
            told.repeated += 1;
            return Novelty::Repeated;
        }
        let number = self.attempts;
        self.attempts += 1;
        told.push(Told {
            signature,
            number,
            repeated: 0,
        });
        Novelty::New(number)
    }

    /// Tells what has not been told yet, and begins anew.
    pub(super) fn take(
        &mut self,
        path_of: impl Fn(Tripped<'_>) -> String,
        mut tell: impl FnMut(Report),
    ) {
        let all = std::mem::take(self);
        for (node, names) in &all.nodes {
            for (name, seen) in names {
                for told in seen.attempts.iter().filter(|told| told.repeated > 0) {
                    tell(Report::Repeated {
                        of: told.number,
                        count: told.repeated,
                    });
                }
                if seen.counted > 0 {
                    let path = path_of(Tripped { node: *node, name });
                    tell(Report::Counted {
                        path,
                        count: seen.counted,
                    });
                }
            }
        }
        tell(Report::Tally(Tally {
            total: all.total,
            elsewhere: all.elsewhere,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::super::attempt::{Report, Tally};
    use super::super::tree::Tripped;
    use super::{Counts, MOST_LOOKS, MOST_LOOKS_AT_ONE, MOST_PATHS, Novelty, Regard};
    use std::ffi::OsStr;

    fn at(name: &str) -> Tripped<'_> {
        Tripped {
            node: 1,
            name: OsStr::new(name),
        }
    }

    /// What a tally comes to, with the number of attempts told before it.
    fn sum(counts: &mut Counts, attempts: u64) -> (u64, Tally, usize) {
        let (mut sum, mut tally, mut reports) = (attempts, Tally::default(), 0);
        counts.take(
            |at| at.name.to_string_lossy().into_owned(),
            |report| {
                reports += 1;
                match report {
                    Report::Repeated { count, .. } | Report::Counted { count, .. } => sum += count,
                    Report::Tally(last) => tally = last,
                    Report::Attempt(_) => panic!("a attempt is told when it is seen"),
                }
            },
        );
        (sum + tally.elsewhere, tally, reports)
    }

    #[test]
    fn a_flood_of_one_path_is_looked_at_a_few_times_and_counted() {
        let mut counts = Counts::default();
        let mut attempts = 0;
        for round in 0..100_000u64 {
            if counts.note(at("x")) == Regard::Close
                && counts.tell_apart(at("x"), round % 2) != Novelty::Repeated
            {
                attempts += 1;
            }
        }
        assert_eq!(attempts, 2);
        assert_eq!(counts.looks as usize, MOST_LOOKS_AT_ONE);
        let (sum, tally, reports) = sum(&mut counts, attempts);
        assert_eq!((sum, tally.total, reports), (100_000, 100_000, 4));
        assert_eq!(counts.note(at("x")), Regard::Close);
    }

    #[test]
    fn a_flood_of_different_paths_is_bounded_and_counted() {
        let mut counts = Counts::default();
        let mut attempts = 0;
        for round in 0..20_000u32 {
            let name = format!("name {}", round % 10_000);
            if counts.note(at(&name)) == Regard::Close
                && counts.tell_apart(at(&name), round.into()) != Novelty::Repeated
            {
                attempts += 1;
            }
        }
        assert!(counts.looks <= MOST_LOOKS);
        let kept: usize = counts
            .nodes
            .values()
            .map(std::collections::HashMap::len)
            .sum();
        assert_eq!(kept, MOST_PATHS);
        let (sum, tally, _) = sum(&mut counts, attempts);
        assert_eq!((sum, tally.total), (20_000, 20_000));
        assert_eq!(tally.elsewhere, 20_000 - 2 * MOST_PATHS as u64);
    }
}
