//! The same policy for less of the file system: what lies below some directories, and nothing
//! else.
//!
//! A grant that holds one of the directories becomes a grant of that directory, with what its
//! exceptions say of it. So whatever is made of a policy, decisions and mounts alike, is narrowed
//! with it, and nothing has to remember to look.

use std::collections::BTreeMap;
use std::path::Path;

use super::bind::{BoundGrant, BoundPolicy, patterns};
use super::pattern::{Pattern, Remaining};
use super::terms::{Grant, GrantSelection, Policy};
use crate::model::{HostPath, Rights};

const SUFFIX: &str = " (narrowed)";

impl BoundPolicy {
    /// The policy with what it gives below these directories; with nothing where there are none.
    pub fn narrowed(&self, directories: &[HostPath]) -> Policy {
        let mut policy = self.policy().clone();
        let outermost = outermost(directories);
        let lies_within = |path: &str| {
            let path = self.anchors().resolve(path);
            path.is_some_and(|path| outermost.iter().any(|one| path.beneath(one).is_some()))
        };
        policy.grants.retain(|grant| lies_within(&grant.path));
        policy.denies.retain(|deny| lies_within(&deny.path));
        let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for directory in &outermost {
            let Some(holder) = self.most_specific(directory) else {
                continue;
            };
            // The hole or the grant at the very directory has been kept.
            if holder.rights.is_empty() || holder.root == **directory {
                continue;
            }
            let written = self.policy().grants.iter();
            let Some(grant) = written.clone().find(|grant| grant.name == holder.name) else {
                continue;
            };
            let Some(mut narrowed) = cut(grant, holder, directory) else {
                continue;
            };
            let taken = names.entry(grant.name.clone()).or_default();
            if !taken.is_empty() {
                narrowed.name = free_name(&grant.name, &policy.grants);
            }
            taken.push(narrowed.name.clone());
            policy.grants.push(narrowed);
        }
        rename(&mut policy, &names);
        if !policy.name.ends_with(SUFFIX) {
            policy.name.push_str(SUFFIX);
        }
        policy
    }
}

/// The directories that lie below none of the others.
fn outermost(directories: &[HostPath]) -> Vec<&HostPath> {
    let mut found: Vec<&HostPath> = Vec::new();
    for directory in directories {
        let is_covered = directories
            .iter()
            .any(|other| other != directory && directory.beneath(other).is_some());
        if !is_covered && !found.contains(&directory) {
            found.push(directory);
        }
    }
    found
}

/// The grant for a directory below its own; nothing where that cannot be seen, or be written.
fn cut(grant: &Grant, bound: &BoundGrant, directory: &HostPath) -> Option<Grant> {
    let relative = directory.beneath(&bound.root)?;
    let path = directory.as_path().to_str()?.to_owned();
    let hide = remaining(&grant.hide, relative)?;
    let (protect, rights) = match remaining(&grant.protect, relative) {
        Some(protect) => (protect, grant.rights),
        // All of it is protected.
        None => (Vec::new(), grant.rights.without(Rights::CHANGING)),
    };
    (!rights.is_empty()).then(|| Grant {
        path,
        rights,
        hide,
        protect,
        ..grant.clone()
    })
}

/// What the patterns say below the path; nothing where one of them covers the path itself.
fn remaining(texts: &[String], relative: &Path) -> Option<Vec<String>> {
    let mut left: Vec<String> = Vec::new();
    for pattern in patterns(texts) {
        match pattern.below(relative) {
            Remaining::All => return None,
            Remaining::Patterns(patterns) => {
                let texts = patterns.iter().map(Pattern::as_str).map(str::to_owned);
                left.extend(texts);
            }
        }
    }
    left.sort();
    left.dedup();
    Some(left)
}

/// A name that no grant has.
fn free_name(name: &str, grants: &[Grant]) -> String {
    let mut numbered = (2_usize..).map(|number| format!("{name}-{number}"));
    let is_free = |name: &String| !grants.iter().any(|grant| grant.name == *name);
    numbered.find(is_free).unwrap_or_default()
}

/// Tiers have the parts of what they had.
fn rename(policy: &mut Policy, names: &BTreeMap<String, Vec<String>>) {
    let grants: Vec<String> = policy
        .grants
        .iter()
        .map(|grant| grant.name.clone())
        .collect();
    for ceiling in policy.tiers.values_mut() {
        if let GrantSelection::Named(selected) = &mut ceiling.grants {
            let parts: Vec<String> = selected
                .iter()
                .flat_map(|name| names.get(name).cloned().unwrap_or_default())
                .collect();
            selected.extend(parts);
            selected.sort();
            selected.dedup();
            selected.retain(|name| grants.contains(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::model::{HostPath, PrincipalId, RefusalCode, Right};
    use crate::policy::{Anchors, BoundPolicy, Decision, PathAsk, Policy};

    fn at(path: &str) -> HostPath {
        HostPath::absolute(path).unwrap()
    }

    fn anchors() -> Anchors {
        Anchors {
            root: at("/home/u/p"),
            home: at("/home/u"),
            state: at("/home/u/.local/state/lobsterpot"),
            config: at("/home/u/.config/lobsterpot"),
        }
    }

    const TEXT: &str = r#"
name = "test"
description = "A test."
[[grant]]
name = "root"
path = "${root}"
rights = ["list", "read", "write", "create"]
hide = ["a/secrets", "**/.env", "b/*/keys/x"]
protect = ["a/fixed/deep", "c"]
reason = "a test"
[[grant]]
name = "inner"
path = "${root}/a/inner"
rights = ["list"]
reason = "a test"
[[deny]]
path = "${root}/a/hole"
reason = "a test"
[[grant]]
name = "notes"
path = "~/notes"
rights = ["read"]
reason = "a test"
[tier.owner]
rights = ["list", "read", "write", "create"]
commands = "none"
grants = "all"
reason = "a test"
[tier.agent]
rights = ["list", "read", "write", "create"]
commands = "none"
grants = ["root", "inner"]
reason = "a test"
[principal]
me = "agent"
"#;

    fn policy() -> Arc<BoundPolicy> {
        let policy = Policy::parse("test", TEXT).unwrap();
        policy.bind(&anchors()).unwrap()
    }

    fn narrowed(directories: &[&str]) -> Arc<BoundPolicy> {
        let directories: Vec<HostPath> = directories.iter().map(|path| at(path)).collect();
        policy().narrowed(&directories).bind(&anchors()).unwrap()
    }

    fn may(policy: &Arc<BoundPolicy>, right: Right, path: &str) -> Result<(), RefusalCode> {
        let ask = PathAsk {
            op: "file.read",
            subject: path,
            path: &at(path),
            rights: right.into(),
        };
        match policy.decide_path(&PrincipalId::new("me"), ask) {
            Decision::Allow(_) => Ok(()),
            Decision::Deny(denial) => Err(denial.code),
        }
    }

    #[test]
    fn what_is_left_is_what_was_there_below_the_directories() {
        let (whole, less) = (
            policy(),
            narrowed(&["/home/u/p/a", "/home/u/p/b/1", "/srv"]),
        );
        for path in [
            "a",
            "a/x",
            "a/secrets",
            "a/secrets/x",
            "a/.env",
            "a/x/.env",
            "a/fixed",
            "a/fixed/deep",
            "a/fixed/deep/x",
            "a/inner",
            "a/inner/x",
            "a/hole",
            "a/hole/x",
            "b/1",
            "b/1/keys/x",
            "b/1/keys/y",
            "b/1/.ENV",
        ] {
            let path = format!("/home/u/p/{path}");
            for right in Right::ALL {
                assert_eq!(
                    may(&less, right, &path),
                    may(&whole, right, &path),
                    "{right} {path}"
                );
            }
        }
        for path in [
            "/home/u/p",
            "/home/u/p/x",
            "/home/u/p/b",
            "/home/u/p/b/2",
            "/home/u/notes",
            "/srv",
        ] {
            for right in Right::ALL {
                let refused = Err(RefusalCode::OutsideCapability);
                assert_eq!(may(&less, right, path), refused, "{right} {path}");
            }
        }
    }

    #[test]
    fn what_is_hidden_or_protected_as_a_whole_stays_so() {
        let outside = Err(RefusalCode::OutsideCapability);
        let hidden = narrowed(&["/home/u/p/a/secrets/x"]);
        assert_eq!(may(&hidden, Right::Read, "/home/u/p/a/secrets/x"), outside);
        let fixed = narrowed(&["/home/u/p/c/d"]);
        assert_eq!(may(&fixed, Right::Read, "/home/u/p/c/d/x"), Ok(()));
        assert!(may(&fixed, Right::Write, "/home/u/p/c/d/x").is_err());
        let hole = narrowed(&["/home/u/p/a/hole/x"]);
        assert_eq!(may(&hole, Right::Read, "/home/u/p/a/hole/x"), outside);
    }

    #[test]
    fn nothing_is_nothing_and_everything_all() {
        let nothing = narrowed(&[]);
        assert!(nothing.grants().is_empty());
        let all = narrowed(&["/"]);
        assert_eq!(all.grants().len(), policy().grants().len());
        let twice = narrowed(&["/home/u/p/x", "/home/u/p/x", "/home/u/p/x/y", "/home/u/p/y"]);
        let names: Vec<&str> = twice.grants().iter().map(|grant| &*grant.name).collect();
        assert_eq!(names, ["root", "root-2"]);
        assert_eq!(may(&twice, Right::Read, "/home/u/p/y/z"), Ok(()));
    }
}
