//! Decisions: what policies say, from text to answer. Nothing here touches a file for a principal.

mod any; // any policy, and any question to it, for the properties
mod cases; // *.toml: policy, principal, path, rights → code and rule
mod documents; // every policy and every example in the docs is valid
mod hostile_lines; // command lines that are made to hurt their reader
mod intent; // command_lines/*.toml: which lines are refused before they run, and which are not
mod messages; // what an author is told about a broken policy
mod patterns; // what hide and protect cover
mod permits; // what a permit admits afterwards
mod properties; // for all policies: more denies never allow more, and the like

use std::sync::Arc;

use lobsterpot::model::{HostPath, PrincipalId, Rights};
use lobsterpot::policy::{Anchors, BoundPolicy, Decision, PathAsk, Policy};

/// A path, which the test writes correctly.
fn at(path: &str) -> HostPath {
    HostPath::absolute(path).expect("an absolute path")
}

/// The directories of every session in these tests.
fn anchors() -> Anchors {
    Anchors {
        root: at("/home/u/project"),
        home: at("/home/u"),
        state: at("/home/u/.local/state/lobsterpot"),
        config: at("/home/u/.config/lobsterpot"),
    }
}

/// A policy at the directories of these tests.
fn bound(policy: Policy) -> Arc<BoundPolicy> {
    policy
        .bind(&anchors())
        .unwrap_or_else(|found| panic!("{found}"))
}

/// A policy from its text.
fn parsed(text: &str) -> Policy {
    Policy::parse("test.toml", text).unwrap_or_else(|found| panic!("{found}"))
}

/// How far below its path an operation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// The file or directory alone.
    Entry,
    /// With everything below it in one step, as a rename does.
    Tree,
}

/// One question.
fn ask(
    policy: &Arc<BoundPolicy>,
    principal: &str,
    path: &str,
    rights: impl Into<Rights>,
) -> Decision {
    let path_asked = at(path);
    let ask = PathAsk {
        op: "file.test",
        subject: path,
        path: &path_asked,
        rights: rights.into(),
    };
    policy.decide_path(&PrincipalId::new(principal), ask)
}

/// One question about a path, or about everything below it too.
fn ask_about(
    policy: &Arc<BoundPolicy>,
    (principal, extent): (&str, Extent),
    path: &str,
    rights: impl Into<Rights>,
) -> Decision {
    match ask(policy, principal, path, rights) {
        Decision::Allow(permit) if extent == Extent::Tree => {
            match permit.admits_tree(permit.relative()) {
                Ok(_) => Decision::Allow(permit),
                Err(denial) => Decision::Deny(denial),
            }
        }
        decision => decision,
    }
}
