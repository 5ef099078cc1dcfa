//! How refusals inside a command are counted: the first ones in full, then by directory.
//!
//! Bounded in memory and time whatever a command does: a hundred thousand different refusals
//! are a few hundred entries. The total is exact. Known start-up noise is counted under its
//! own names, and told.

mod gathered;
mod noise;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::Path;

use gathered::{Gathered, Heap};
pub use noise::{Noise, Surroundings};

use super::{Besides, Denial, Folded, Rule, Sighting, shown, shown_path};

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
    /// How many its record stands for.
    recorded: u64,
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
        self.see_often(sighting, 1)
    }

    /// The same for so many that are equal.
    pub fn see_often(&mut self, sighting: &Sighting<'_>, times: u64) -> Option<&Denial> {
        self.total += times;
        self.set_key(sighting);
        if let Some(index) = self.known.get(&self.key).copied() {
            let told = &mut self.told[index];
            told.denial.count += times;
            if let Some(noise) = told.noise {
                self.hear(noise, sighting).count += times;
            }
            return None;
        }
        let noise = self.around.noise(sighting);
        if !self.has_room(noise, sighting, times) {
            return None;
        }
        let denial = Denial {
            noise: noise.map(|noise| noise.reason),
            count: times,
            ..self.denial(sighting)
        };
        self.known.insert(self.key.clone(), self.told.len());
        self.told.push(Told {
            denial,
            noise,
            recorded: times,
        });
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
        let again = self.told.iter();
        let again = again
            .filter(|told| told.denial.count > told.recorded)
            .map(|told| Denial {
                count: told.denial.count - told.recorded,
                folded: Some(Folded::Again),
                ..told.denial.clone()
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
    fn has_room(
        &mut self,
        noise: Option<&'static Noise>,
        sighting: &Sighting<'_>,
        times: u64,
    ) -> bool {
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
                self.gathered.see(sighting, times);
            }
            return room;
        };
        let kind = self.hear(noise, sighting);
        kind.count += times;
        let room = kind.told < most;
        if room {
            kind.told += 1;
        } else {
            kind.untold += times;
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
        let looked_up = sighting.looked_up.map(|path| shown_path(path).into());
        let written = sighting.written.map(|text| shown(text).into());
        let besides = Besides { looked_up, written };
        let is_empty = besides.looked_up.is_none() && besides.written.is_none();
        Denial {
            besides: (!is_empty).then(|| besides.into()),
            ..Denial::seen(code, op, subject.as_deref(), self.rule.clone(), source)
        }
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
