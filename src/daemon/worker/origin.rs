//! What a session was opened on: the policy as it was read, and the directories as they were.
//!
//! A later worker opens both again by their paths, and a path may lead elsewhere by then. What
//! it says here is compared with what the first one said.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::broker::Ground;
use crate::policy::Policy;

/// What a session was opened on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The hash of the policy's source and text, before anything was taken away.
    policy: String,
    root: Ground,
    /// What the policy granted and was there.
    grants: Vec<Ground>,
}

impl Origin {
    /// Of a session under the policy, with its root and its grants.
    pub fn of(policy: &Policy, (root, grants): (Ground, Vec<Ground>)) -> Self {
        let mut hash = Sha256::new();
        hash.update(&policy.source);
        // No source holds it, so the two cannot be taken for one another.
        hash.update([0]);
        hash.update(policy.text.as_bytes());
        let mut digits = String::with_capacity(64);
        for byte in hash.finalize() {
            // Writing to a `String` cannot fail.
            let _ = write!(digits, "{byte:02x}");
        }
        Self {
            policy: digits,
            root,
            grants,
        }
    }

    /// Whether it is the same policy and root, and no path leads to something else than it did.
    pub fn agrees_with(&self, first: &Self) -> bool {
        let is_moved = |grant: &Ground| {
            let named = first.grants.iter().find(|one| one.path == grant.path);
            named.is_some_and(|one| one != grant)
        };
        self.policy == first.policy && self.root == first.root && !self.grants.iter().any(is_moved)
    }

    /// The same, and nothing is granted that was not there before.
    pub(crate) fn is_no_more_than(&self, first: &Self) -> bool {
        let is_known = |grant: &Ground| first.grants.contains(grant);
        self.agrees_with(first) && self.grants.iter().all(is_known)
    }
}

#[cfg(test)]
mod tests {
    use super::{Ground, Origin};
    use crate::policy::Policy;

    fn ground(path: &str, inode: u64) -> Ground {
        Ground {
            path: path.into(),
            device: 1,
            inode,
        }
    }

    fn origin(root: &Ground, grants: &[Ground]) -> Origin {
        let policy = Policy::built_in("workspace").unwrap();
        Origin::of(&policy, (root.clone(), grants.to_vec()))
    }

    #[test]
    fn only_what_was_there_is_no_more() {
        let (root, data) = (ground("/w", 1), ground("/data", 2));
        let first = origin(&root, &[root.clone(), data.clone()]);
        assert!(first.is_no_more_than(&first));
        assert!(origin(&root, &[data]).is_no_more_than(&first));
        let below = origin(&root, &[ground("/w/a", 3)]);
        assert!(below.agrees_with(&first));
        assert!(!below.is_no_more_than(&first));
        assert!(!origin(&root, &[ground("/data", 3)]).agrees_with(&first));
        assert!(!origin(&ground("/w", 4), &[]).agrees_with(&first));
        assert!(!origin(&ground("/v", 1), &[]).agrees_with(&first));
    }

    #[test]
    fn what_is_taken_away_is_no_other_policy() {
        let root = ground("/w", 1);
        let of = |policy: &Policy| Origin::of(policy, (root.clone(), Vec::new()));
        let policy = Policy::built_in("workspace").unwrap();
        let less = policy.clone().tightened_to_read_only();
        assert_eq!(of(&less), of(&policy));
        let other = Policy::built_in("locked").unwrap();
        assert!(!of(&other).agrees_with(&of(&policy)));
    }
}
