//! Which paths were touched, and which were refused, as a tree of their names.
//!
//! Bounded: when there are too many names, or too many levels, what is new is counted at the
//! deepest directory that is there. The sums stay exact.

use std::collections::BTreeMap;

use crate::model::fit;

/// The most names.
const MOST_NAMES: usize = 4000;

/// The most levels.
const MOST_LEVELS: usize = 16;

/// The longest name that is kept.
const LONGEST_NAME: usize = 80;

/// How often something happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub touched: u64,
    pub refused: u64,
}

impl Counts {
    pub(super) const fn touched(count: u64) -> Self {
        Self {
            touched: count,
            refused: 0,
        }
    }

    pub(super) const fn refused(count: u64) -> Self {
        Self {
            touched: 0,
            refused: count,
        }
    }

    pub(super) fn all(self) -> u64 {
        self.touched + self.refused
    }

    pub(super) fn add(&mut self, other: Self) {
        self.touched += other.touched;
        self.refused += other.refused;
    }
}

/// One name.
#[derive(Debug, Default)]
struct Node {
    name: String,
    children: BTreeMap<String, usize>,
    own: Counts,
}

/// All paths.
#[derive(Debug)]
pub(super) struct Places {
    /// Each behind the one that it lies in; the first is the root directory.
    nodes: Vec<Node>,
}

impl Default for Places {
    fn default() -> Self {
        let root = Node::default();
        Self { nodes: vec![root] }
    }
}

/// A directory with what is in it, for a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Branch {
    /// Its name, or several: `/home/me`.
    pub label: String,
    /// With everything below.
    pub counts: Counts,
    /// The largest first.
    pub inner: Vec<Branch>,
    /// How many names stand behind this one, which is none itself.
    pub names: u64,
}

impl Places {
    /// Counts at a path.
    pub(super) fn add(&mut self, path: &str, counts: Counts) {
        let mut at = 0;
        let names = path.split('/').filter(|name| !name.is_empty());
        for (level, name) in names.take(MOST_LEVELS).enumerate() {
            let mut name = fit(name, LONGEST_NAME);
            if level == 0 && path.starts_with('/') {
                name.insert(0, '/');
            }
            at = match self.nodes[at].children.get(&name) {
                Some(known) => *known,
                None if self.nodes.len() < MOST_NAMES => self.grow(at, name),
                None => break,
            };
        }
        if at == 0 {
            // The root directory is an end, too: its own, and that of what has no room elsewhere.
            let root = String::from("/");
            at = match self.nodes[0].children.get(&root) {
                Some(known) => *known,
                None => self.grow(0, root),
            };
        }
        self.nodes[at].own.add(counts);
    }

    fn grow(&mut self, above: usize, name: String) -> usize {
        let new = self.nodes.len();
        self.nodes[above].children.insert(name.clone(), new);
        self.nodes.push(Node {
            name,
            ..Node::default()
        });
        new
    }

    pub(super) fn is_empty(&self) -> bool {
        self.total() == Counts::default()
    }

    pub(super) fn total(&self) -> Counts {
        let mut sum = Counts::default();
        for node in &self.nodes {
            sum.add(node.own);
        }
        sum
    }

    /// The tree, with at most so many ends, and so many levels. What has no room is summed up.
    pub(super) fn branches(&self, ends: usize, levels: usize) -> Vec<Branch> {
        let mut sums: Vec<Counts> = self.nodes.iter().map(|node| node.own).collect();
        let mut leaves = vec![0; self.nodes.len()];
        // A node stands behind the one that holds it, so one pass from the end is enough.
        for at in (0..self.nodes.len()).rev() {
            for child in self.nodes[at].children.values() {
                let sum = sums[*child];
                sums[at].add(sum);
                leaves[at] += leaves[*child];
            }
            leaves[at] = leaves[at].max(1);
        }
        let draw = Draw {
            places: self,
            sums,
            leaves,
        };
        draw.inner(0, ends, levels)
    }
}

/// A tree that is being cut down to what a picture has room for.
struct Draw<'a> {
    places: &'a Places,
    sums: Vec<Counts>,
    leaves: Vec<usize>,
}

impl Draw<'_> {
    /// What lies in a node, within so many ends.
    fn inner(&self, at: usize, ends: usize, levels: usize) -> Vec<Branch> {
        let mut children: Vec<usize> = self.places.nodes[at].children.values().copied().collect();
        children.retain(|child| self.sums[*child].all() > 0);
        // The names are in order already, and the sort keeps it among equals.
        children.sort_by_key(|child| std::cmp::Reverse(self.sums[*child].all()));
        if ends < 2 && children.len() > 1 {
            return Vec::new(); // the directory itself is the end
        }
        let shown = match children.len() {
            many if many > ends => ends.saturating_sub(1),
            few => few,
        };
        let (shown, rest) = children.split_at(shown);
        let mut spare = ends.saturating_sub(shown.len() + usize::from(!rest.is_empty()));
        let mut branches = Vec::new();
        for (at, child) in shown.iter().enumerate() {
            // An equal share of what is left, of which the first, the largest, take the rest.
            let fair = spare.div_ceil(shown.len() - at);
            let more = fair.min(self.leaves[*child].saturating_sub(1));
            let branch = self.branch(*child, 1 + more, levels);
            spare = (spare + 1).saturating_sub(branch.ends());
            branches.push(branch);
        }
        branches.extend(self.rest(rest));
        branches
    }

    fn branch(&self, start: usize, ends: usize, levels: usize) -> Branch {
        let nodes = &self.places.nodes;
        let (mut at, mut label) = (start, nodes[start].name.clone());
        // One name in one directory is one step.
        while nodes[at].own == Counts::default()
            && let Some(only) = self.only_child(at)
            && label.chars().count() < LONGEST_NAME
        {
            at = only;
            label.push('/');
            label.push_str(&nodes[at].name);
        }
        Branch {
            label,
            counts: self.sums[at],
            inner: if levels > 1 {
                self.inner(at, ends, levels - 1)
            } else {
                Vec::new()
            },
            names: 0,
        }
    }

    fn only_child(&self, at: usize) -> Option<usize> {
        let mut children = self.places.nodes[at].children.values();
        match (children.next(), children.next()) {
            (Some(only), None) => Some(*only),
            _ => None,
        }
    }

    fn rest(&self, rest: &[usize]) -> Option<Branch> {
        let mut counts = Counts::default();
        for child in rest {
            counts.add(self.sums[*child]);
        }
        (!rest.is_empty()).then(|| Branch {
            label: String::new(),
            counts,
            inner: Vec::new(),
            names: rest.len() as u64,
        })
    }
}

impl Branch {
    /// How many ends it has.
    fn ends(&self) -> usize {
        self.inner.iter().map(Self::ends).sum::<usize>().max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::{Branch, Counts, MOST_NAMES, Places};

    #[test]
    fn a_flood_is_bounded_and_its_sums_are_exact() {
        let mut places = Places::default();
        for n in 0..50_000 {
            places.add(&format!("/a/{}/{n}", n % 100), Counts::refused(1));
        }
        places.add(&"/x".repeat(10_000), Counts::touched(3));
        assert!(
            places.nodes.len() <= MOST_NAMES + 1,
            "and the root directory"
        );
        assert_eq!(
            places.total(),
            Counts {
                touched: 3,
                refused: 50_000
            }
        );
        let branches = places.branches(20, 4);
        let ends: usize = branches.iter().map(Branch::ends).sum();
        assert!(ends <= 20, "{ends}");
        let mut sum = Counts::default();
        for branch in &branches {
            sum.add(branch.counts);
        }
        assert_eq!(sum, places.total());
    }

    #[test]
    fn names_that_stand_alone_are_one_step() {
        let mut places = Places::default();
        places.add("/home/me/a", Counts::touched(2));
        places.add("/home/me/b", Counts::touched(1));
        let branches = places.branches(10, 4);
        assert_eq!(branches.len(), 1);
        assert_eq!(branches[0].label, "/home/me");
        let inner: Vec<_> = branches[0].inner.iter().map(|one| &*one.label).collect();
        assert_eq!(inner, ["a", "b"]);
    }

    #[test]
    fn what_has_no_room_is_summed_up() {
        let mut places = Places::default();
        for n in 0..30 {
            places.add(&format!("/{n}"), Counts::refused(1));
        }
        let branches = places.branches(10, 4);
        assert_eq!(branches.len(), 10);
        assert_eq!((branches[9].names, branches[9].counts.refused), (21, 21));
    }
}
