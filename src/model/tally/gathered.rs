//! Refusals that are no longer told one by one, gathered by the directory they lie in.
//!
//! Bounded: when there are too many directories, the deepest become the one above them, and
//! at the very last only the refusal code is told apart. The counts stay exact throughout.

use std::collections::HashMap;

use super::subject;
use crate::model::{PathSource, RefusalCode, Sighting};

/// The operation of a heap in which several are gathered.
const SEVERAL: &str = "several";

/// Refusals of one kind below one directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heap {
    pub(super) code: RefusalCode,
    pub(super) op: String,
    /// The directory, without a last slash but for the root; empty where no path was involved.
    pub(super) directory: String,
    pub(super) count: u64,
    pub(super) source: PathSource,
    /// The number of the first one, by which heaps are ordered.
    first: u64,
}

/// How far refusals are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Apart {
    /// By code, operation and directory, of which so many names count.
    Depth(usize),
    /// By code.
    Code,
}

/// All heaps.
#[derive(Debug)]
pub(super) struct Gathered {
    most: usize,
    apart: Apart,
    heaps: HashMap<String, Heap>,
    next: u64,
}

impl Gathered {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            apart: Apart::Depth(usize::MAX),
            heaps: HashMap::new(),
            next: 0,
        }
    }

    pub(super) fn see(&mut self, sighting: &Sighting<'_>) {
        let text = subject(sighting).unwrap_or_default();
        self.add(Heap {
            code: sighting.code,
            op: sighting.op.to_owned(),
            directory: parent(&text).to_owned(),
            count: 1,
            source: sighting.source,
            first: 0,
        });
    }

    /// Adds refusals of one kind at a path.
    pub(super) fn add_at(&mut self, path: &str, heap: (RefusalCode, &str, PathSource), count: u64) {
        let (code, op, source) = heap;
        self.add(Heap {
            code,
            op: op.to_owned(),
            directory: parent(path).to_owned(),
            count,
            source,
            first: 0,
        });
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        for heap in other.in_order() {
            self.add(heap.clone());
        }
    }

    fn add(&mut self, mut heap: Heap) {
        heap.first = self.next;
        self.next += 1;
        put(&mut self.heaps, self.apart, heap);
        while self.heaps.len() > self.most && self.apart != Apart::Code {
            self.coarsen();
        }
    }

    fn coarsen(&mut self) {
        let deepest = self.heaps.values().map(|heap| depth(&heap.directory)).max();
        self.apart = match deepest {
            Some(deepest) if deepest > 0 => Apart::Depth(deepest - 1),
            _ => Apart::Code,
        };
        let mut heaps: Vec<Heap> = self.heaps.drain().map(|(_, heap)| heap).collect();
        heaps.sort_by_key(|heap| heap.first);
        for heap in heaps {
            put(&mut self.heaps, self.apart, heap);
        }
    }

    /// The heaps in the order of their first refusals.
    pub(super) fn in_order(&self) -> Vec<&Heap> {
        let mut heaps: Vec<&Heap> = self.heaps.values().collect();
        heaps.sort_by_key(|heap| heap.first);
        heaps
    }
}

fn put(heaps: &mut HashMap<String, Heap>, apart: Apart, mut heap: Heap) {
    match apart {
        Apart::Depth(most) => cut(&mut heap.directory, most),
        Apart::Code => {
            heap.directory.clear();
            heap.op = SEVERAL.into();
        }
    }
    let key = format!("{} {} {}", heap.code, heap.op, heap.directory);
    match heaps.get_mut(&key) {
        Some(known) => known.count += heap.count,
        None => {
            heaps.insert(key, heap);
        }
    }
}

/// The directory that a path lies in, as far as its letters tell; empty for what has none.
fn parent(path: &str) -> &str {
    match path.rfind('/') {
        None => "",
        Some(0) => "/",
        Some(at) => &path[..at],
    }
}

fn depth(directory: &str) -> usize {
    directory.split('/').filter(|name| !name.is_empty()).count()
}

/// Keeps so many names of the directory.
fn cut(directory: &mut String, most: usize) {
    let root = usize::from(directory.starts_with('/'));
    let name_ends = directory.match_indices('/').map(|(at, _)| at).skip(root);
    let end = match most {
        0 => Some(root),
        most => name_ends.clone().nth(most - 1),
    };
    if let Some(end) = end {
        directory.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::{cut, parent};

    #[test]
    fn directories_lose_their_last_names() {
        let cut = |text: &str, most| {
            let mut text = text.to_owned();
            cut(&mut text, most);
            text
        };
        assert_eq!(cut("/a/b/c", 2), "/a/b");
        assert_eq!(cut("/a/b/c", 3), "/a/b/c");
        assert_eq!(cut("/a/b/c", 0), "/");
        assert_eq!(cut("/", 0), "/");
        assert_eq!(cut("", 0), "");
        assert_eq!(cut("a/b/c", 2), "a/b");
        assert_eq!(cut("a/b/c", 3), "a/b/c");
        assert_eq!(cut("a/b/c", 0), "");
        assert_eq!(parent("/a/b"), "/a");
        assert_eq!(parent("/a"), "/");
        assert_eq!(parent("a/b"), "a");
        assert_eq!(parent("example.com:443"), "");
    }
}
