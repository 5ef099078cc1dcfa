//! How refusals inside a command are counted: the first ones in full, then by directory.
//!
//! Bounded in memory and time whatever a command does: a hundred thousand different refusals
//! are a few hundred entries. The total is exact. Known start-up noise is counted under its
//! own names, and told.

mod gathered;
mod noise;

use std::collections::HashMap;
use std::path::Path;

use gathered::{Gathered, Heap};
pub use noise::{Noise, Surroundings};

use super::{Denial, Folded, Rule, Sighting, shown_path};

/// The longest path that is kept, in bytes; no system call takes a longer one.
const LONGEST_PATH: usize = 4096;

/// How many refusals are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Different ones that are kept in full.
    pub in_full: usize,
    /// Directories by which the others are gathered.
    pub directories: usize,
    /// Different ones of each kind of noise that are kept in full.
    pub noise: usize,
}

impl Bounds {
    /// What is put on record.
    pub const RECORD: Self = Self {
        in_full: 256,
        directories: 64,
        noise: 16,
    };
}

/// The refusals of one command.
#[derive(Debug)]
pub struct Tally {
    rule: Rule,
    around: Surroundings,
    bounds: Bounds,
    told: Vec<Told>,
    /// From a refusal's kind and path to its number in `told`.
    known: HashMap<Vec<u8>, usize>,
    gathered: Gathered,
    noise: Vec<Kind>,
    /// How many of `told` are no noise.
    plain: usize,
    total: u64,
    /// Kept between calls, so that a refusal that is known already allocates nothing.
    key: Vec<u8>,
}

/// A refusal that is kept in full.
#[derive(Debug)]
struct Told {
    denial: Denial,
    noise: Option<&'static Noise>,
}

/// One kind of noise that was heard.
#[derive(Debug)]
struct Kind {
    noise: &'static Noise,
    first: Denial,
    told: usize,
    count: u64,
    /// How many are counted here alone, and not in full.
    untold: u64,
}

impl Tally {
    /// An empty tally; `rule` is what stands behind the refusals.
    pub fn new(rule: Rule, around: Surroundings) -> Self {
        Self::bounded(rule, around, Bounds::RECORD)
    }

    /// An empty tally with bounds of one's own.
    pub fn bounded(rule: Rule, around: Surroundings, bounds: Bounds) -> Self {
        Self {
            rule,
            around,
            bounds,
            told: Vec::new(),
            known: HashMap::new(),
            gathered: Gathered::new(bounds.directories),
            noise: Vec::new(),
            plain: 0,
            total: 0,
            key: Vec::new(),
        }
    }

    /// Counts a sighting. Gives the denial where it is to be put on record now, in full;
    /// what gives none is in [`Self::unrecorded`] at the end.
    pub fn see(&mut self, sighting: &Sighting<'_>) -> Option<&Denial> {
        self.total += 1;
        self.set_key(sighting);
        if let Some(index) = self.known.get(&self.key).copied() {
            let told = &mut self.told[index];
            told.denial.count += 1;
            if let Some(noise) = told.noise {
                self.hear(noise, sighting).count += 1;
            }
            return None;
        }
        let noise = self.around.noise(sighting);
        if !self.has_room(noise, sighting) {
            return None;
        }
        let denial = Denial {
            noise: noise.map(|noise| noise.reason),
            ..self.denial(sighting)
        };
        self.known.insert(self.key.clone(), self.told.len());
        self.told.push(Told { denial, noise });
        self.told.last().map(|told| &told.denial)
    }

    /// How many refusals there were.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// All refusals for a reply: at most so many in full, the others by directory, and each
    /// kind of noise in one. Their counts come to the total.
    pub fn denials(&self, in_full: usize) -> Vec<Denial> {
        let told = || self.told.iter().filter(|told| told.noise.is_none());
        let mut denials: Vec<Denial> = told()
            .take(in_full)
            .map(|told| told.denial.clone())
            .collect();
        let mut others = Gathered::new(self.bounds.directories.min(in_full));
        for Told { denial, .. } in told().skip(in_full) {
            let kind = (denial.code, denial.op.as_ref(), denial.path_source);
            others.add_at(denial.path.as_deref().unwrap_or(""), kind, denial.count);
        }
        others.add_all(&self.gathered);
        denials.extend(others.in_order().into_iter().map(|heap| self.heap(heap)));
        denials.extend(self.noise.iter().map(|kind| Denial {
            count: kind.count,
            folded: Some(Folded::Noise),
            ..kind.first.clone()
        }));
        denials
    }

    /// What [`Self::see`] gave no denial for: repetitions, and what is not told one by one.
    pub fn unrecorded(&self) -> Vec<Denial> {
        let again = self.told.iter().map(|told| &told.denial);
        let again = again
            .filter(|denial| denial.count > 1)
            .map(|denial| Denial {
                count: denial.count - 1,
                folded: Some(Folded::Again),
                ..denial.clone()
            });
        let heaps = self.gathered.in_order();
        let heaps = heaps.into_iter().map(|heap| self.heap(heap));
        let noise = self.noise.iter().filter(|kind| kind.untold > 0);
        let noise = noise.map(|kind| Denial {
            count: kind.untold,
            folded: Some(Folded::Noise),
            ..kind.first.clone()
        });
        again.chain(heaps).chain(noise).collect()
    }

    /// Whether one more is kept in full; counts it where it is not.
    fn has_room(&mut self, noise: Option<&'static Noise>, sighting: &Sighting<'_>) -> bool {
        let Bounds {
            in_full,
            noise: most,
            ..
        } = self.bounds;
        let Some(noise) = noise else {
            let room = self.plain < in_full;
            if room {
                self.plain += 1;
            } else {
                self.gathered.see(sighting);
            }
            return room;
        };
        let kind = self.hear(noise, sighting);
        kind.count += 1;
        let room = kind.told < most;
        if room {
            kind.told += 1;
        } else {
            kind.untold += 1;
        }
        room
    }

    fn hear(&mut self, noise: &'static Noise, sighting: &Sighting<'_>) -> &mut Kind {
        let found = self
            .noise
            .iter()
            .position(|kind| std::ptr::eq(kind.noise, noise));
        let index = found.unwrap_or_else(|| {
            let first = Denial {
                noise: Some(noise.reason),
                ..self.denial(sighting)
            };
            self.noise.push(Kind {
                noise,
                first,
                told: 0,
                count: 0,
                untold: 0,
            });
            self.noise.len() - 1
        });
        &mut self.noise[index]
    }

    fn denial(&self, sighting: &Sighting<'_>) -> Denial {
        let Sighting {
            code, op, source, ..
        } = *sighting;
        let subject = subject(sighting);
        let op = op.to_owned().into();
        Denial::seen(code, op, subject.as_deref(), self.rule.clone(), source)
    }

    fn heap(&self, heap: &Heap) -> Denial {
        let Heap {
            code, op, source, ..
        } = heap;
        let directory = Some(heap.directory.as_str()).filter(|text| !text.is_empty());
        let rule = self.rule.clone();
        Denial {
            count: heap.count,
            ..Denial::below(*code, op.clone().into(), directory, rule, *source)
        }
    }

    fn set_key(&mut self, sighting: &Sighting<'_>) {
        let path = sighting.path.map_or(&b""[..], |path| bounded(path));
        self.key.clear();
        self.key
            .extend_from_slice(sighting.code.as_str().as_bytes());
        self.key.push(0);
        self.key.extend_from_slice(sighting.op.as_bytes());
        self.key.push(0);
        self.key.extend_from_slice(path);
    }
}

fn bounded(path: &Path) -> &[u8] {
    let bytes = path.as_os_str().as_encoded_bytes();
    &bytes[..bytes.len().min(LONGEST_PATH)]
}

/// The sighting's path as text, bounded; what deceives a reader is escaped where it is shown.
fn subject(sighting: &Sighting<'_>) -> Option<String> {
    use std::os::unix::ffi::OsStrExt as _;
    let path = bounded(sighting.path?);
    Some(shown_path(Path::new(std::ffi::OsStr::from_bytes(path))))
}

#[cfg(test)]
mod tests {
    use super::{Bounds, Surroundings, Tally};
    use crate::model::{Denial, Folded, Intent, PathSource, RefusalCode, Rule, Sighting};
    use std::path::Path;

    fn tally() -> Tally {
        let around = Surroundings {
            homes: vec!["/home/me".into()],
            ..Surroundings::default()
        };
        let bounds = Bounds {
            in_full: 4,
            directories: 3,
            noise: 2,
        };
        Tally::bounded(Rule::default_deny(), around, bounds)
    }

    fn see(tally: &mut Tally, op: &str, path: &str) -> Option<Denial> {
        let sighting = Sighting {
            code: RefusalCode::OutsideCapability,
            op,
            path: (!path.is_empty()).then(|| Path::new(path)),
            intent: Intent::Look,
            pid: 7,
            process: &[],
            source: PathSource::Tripwire,
        };
        tally.see(&sighting).cloned()
    }

    fn sum(denials: &[Denial]) -> u64 {
        denials.iter().map(|denial| denial.count).sum()
    }

    #[test]
    fn the_first_ones_are_told_in_full_and_repetitions_counted() {
        let mut tally = tally();
        let first = see(&mut tally, "openat", "/srv/a").unwrap();
        assert_eq!((first.path.as_deref(), first.count), (Some("/srv/a"), 1));
        assert_eq!(see(&mut tally, "openat", "/srv/a"), None);
        assert!(
            see(&mut tally, "statx", "/srv/a").is_some(),
            "another operation"
        );
        assert!(see(&mut tally, "socket", "").is_some(), "no path");
        let denials = tally.denials(50);
        assert_eq!(denials.len(), 3);
        assert_eq!((denials[0].count, denials[0].folded), (2, None));
        assert_eq!(tally.total(), 4);
        let rest = tally.unrecorded();
        assert_eq!(rest.len(), 1);
        assert_eq!((rest[0].count, rest[0].folded), (1, Some(Folded::Again)));
    }

    #[test]
    fn the_others_are_gathered_by_directory() {
        let mut tally = tally();
        for n in 0..4 {
            assert!(see(&mut tally, "openat", &format!("/first/{n}")).is_some());
        }
        for n in 0..10 {
            assert_eq!(see(&mut tally, "openat", &format!("/srv/x/{n}")), None);
            assert_eq!(see(&mut tally, "openat", &format!("/srv/y/{n}")), None);
        }
        let denials = tally.denials(50);
        let told: Vec<_> = denials[4..]
            .iter()
            .map(|denial| (denial.path.as_deref().unwrap(), denial.count))
            .collect();
        assert_eq!(told, [("/srv/x", 10), ("/srv/y", 10)]);
        assert_eq!(denials[4].folded, Some(Folded::Below));
        assert_eq!(
            denials[4].message,
            "sandbox: below /srv/x: Permission denied (blocked by sandbox: \
             outside every granted directory) [code=outside-capability]"
        );
        assert_eq!(sum(&denials), tally.total());
        assert_eq!(sum(&tally.unrecorded()) + 4, tally.total());
    }

    #[test]
    fn too_many_directories_become_the_ones_above_them() {
        let mut tally = tally();
        for n in 0..100 {
            see(&mut tally, "openat", &format!("/srv/{}/{n}/x", n % 2));
        }
        let denials = tally.denials(50);
        let below = &denials[4..];
        let told: Vec<_> = below
            .iter()
            .map(|one| one.path.as_deref().unwrap())
            .collect();
        assert_eq!(told, ["/srv/0", "/srv/1"]);
        for n in 0..100 {
            see(&mut tally, &format!("op{n}"), "/x");
        }
        let denials = tally.denials(50);
        assert_eq!(
            denials[4].op, "several",
            "at the end only codes are told apart"
        );
        assert_eq!(denials.len(), 5);
        assert_eq!(sum(&denials), 200);
    }

    #[test]
    fn a_reply_can_hold_fewer_than_the_record() {
        let mut tally = tally();
        for n in 0..3 {
            see(&mut tally, "openat", &format!("/srv/{n}"));
        }
        let denials = tally.denials(1);
        assert_eq!(denials.len(), 2);
        assert_eq!(
            (denials[1].path.as_deref(), denials[1].count),
            (Some("/srv"), 2)
        );
        assert_eq!(tally.denials(0).len(), 1);
        assert_eq!(sum(&tally.denials(0)), 3);
    }

    #[test]
    fn noise_is_counted_apart_and_told() {
        let mut tally = tally();
        for path in [
            ".gitconfig",
            ".config/git/config",
            ".config/git/ignore",
            ".gitconfig",
        ] {
            see(&mut tally, "openat", &format!("/home/me/{path}"));
        }
        see(&mut tally, "openat", "/home/me/.ssh/id_ed25519");
        let denials = tally.denials(50);
        assert_eq!(denials.len(), 2);
        assert_eq!(denials[0].path.as_deref(), Some("/home/me/.ssh/id_ed25519"));
        assert_eq!(
            (denials[1].count, denials[1].folded),
            (4, Some(Folded::Noise))
        );
        assert!(denials[1].noise.unwrap().starts_with("git reads"));
        let rest = tally.unrecorded();
        assert_eq!(rest.len(), 2, "the repetition, and the third path");
        assert_eq!(sum(&rest), 2);
    }

    #[test]
    fn a_flood_is_bounded_and_its_total_exact() {
        let around = Surroundings::default();
        let mut tally = Tally::new(Rule::default_deny(), around);
        for n in 0..100_000_u64 {
            let path = format!("/{}/{}/{}/{}", n % 3, n % 101, n % 10_007, n);
            see(&mut tally, "openat", &path);
        }
        let denials = tally.denials(50);
        let Bounds {
            in_full,
            directories,
            ..
        } = Bounds::RECORD;
        assert_eq!(tally.told.len(), in_full);
        assert!(denials.len() <= 50 + directories, "{}", denials.len());
        assert_eq!(sum(&denials), 100_000);
        assert_eq!(sum(&tally.unrecorded()) + in_full as u64, 100_000);
    }

    #[test]
    fn names_from_outside_forge_nothing() {
        let mut tally = tally();
        let first = see(&mut tally, "openat", "/x\n[code=ok]\u{202e}").unwrap();
        assert_eq!(first.path.as_deref(), Some("/x\\u{a}[code=ok]\\u{202e}"));
    }
}
