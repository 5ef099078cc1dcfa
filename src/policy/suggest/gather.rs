//! From single wishes to grants: several on one path are one, those that lie in another are
//! part of it, and many files of one directory may be the directory.

use std::collections::BTreeMap;

use super::{Answerable, Ground, Grouped, Kind};
use crate::model::{HostPath, Rights, Tier};
use crate::policy::bind::BoundPolicy;
use crate::policy::danger::{self, Risk};

/// How many files of one directory are worth a grant of the directory.
const MANY: usize = 4;

/// The shallowest directory that files are gathered in: `/srv/data`, not `/srv`.
const SHALLOWEST: usize = 2;

/// A grant in the making.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) root: HostPath,
    pub(super) rights: Rights,
    pub(super) kind: Kind,
    /// The lowest tier that wished for it.
    pub(super) tier: Tier,
    pub(super) refusals: u64,
    pub(super) grouped: Option<Grouped>,
    pub(super) risks: Vec<Risk>,
}

/// The grants that answer the wishes, those above before those below.
pub(super) fn gathered(
    answerable: &[Answerable<'_>],
    bound: &BoundPolicy,
    ground: &dyn Ground,
) -> Vec<Target> {
    let mut targets: BTreeMap<HostPath, Target> = BTreeMap::new();
    for one in answerable {
        let target = targets.entry(one.target.clone()).or_insert_with(|| Target {
            root: one.target.clone(),
            rights: Rights::NONE,
            kind: one.kind,
            tier: one.tier,
            refusals: 0,
            grouped: None,
            risks: Vec::new(),
        });
        target.rights = target.rights.union(one.target_rights);
        target.tier = target.tier.min(one.tier);
        target.refusals += one.wish.count;
        for risk in &one.risks {
            if !target.risks.iter().any(|known| known.name == risk.name) {
                target.risks.push(risk.clone());
            }
        }
    }
    let targets = grouped(targets.into_values().collect(), bound, ground);
    without_parts(targets)
}

/// Many files of one directory become the directory, where that gives little more away.
fn grouped(targets: Vec<Target>, bound: &BoundPolicy, ground: &dyn Ground) -> Vec<Target> {
    let mut by_parent: BTreeMap<HostPath, Vec<Target>> = BTreeMap::new();
    let mut kept = Vec::new();
    for target in targets {
        match target.root.join("..") {
            Ok(parent) if target.kind == Kind::File && target.risks.is_empty() => {
                by_parent.entry(parent).or_default().push(target);
            }
            _ => kept.push(target),
        }
    }
    for (parent, files) in by_parent {
        match group(&parent, &files, (bound, ground)) {
            Some(directory) => kept.push(directory),
            None => kept.extend(files),
        }
    }
    kept.sort_by(|a, b| a.root.cmp(&b.root));
    kept
}

fn group(
    parent: &HostPath,
    files: &[Target],
    (bound, ground): (&BoundPolicy, &dyn Ground),
) -> Option<Target> {
    let first = files.first()?;
    let alike = files.iter().all(|file| file.rights == first.rights);
    let entries = ground.entries(parent)?;
    let worth = files.len() >= MANY && files.len() * 2 >= entries;
    let is_there = ground.kind(parent) == Kind::Directory && parent.depth() >= SHALLOWEST;
    let harmless = danger::risks(parent, first.rights, bound.anchors()).is_empty();
    let loses_exceptions = bound.most_specific(parent).is_some_and(|grant| {
        let relative = parent.beneath(&grant.root).unwrap_or(parent.as_path());
        grant.root == *parent
            || grant.hide.lead_below(relative)
            || grant.protect.lead_below(relative)
    });
    let holds_holes = bound
        .grants()
        .iter()
        .any(|grant| grant.root.beneath(parent).is_some());
    if !(alike && worth && is_there && harmless) || loses_exceptions || holds_holes {
        return None;
    }
    Some(Target {
        root: parent.clone(),
        rights: first.rights,
        kind: Kind::Directory,
        tier: files.iter().map(|file| file.tier).min()?,
        refusals: files.iter().map(|file| file.refusals).sum(),
        grouped: Some(Grouped {
            paths: files.len(),
            entries,
        }),
        risks: Vec::new(),
    })
}

/// Leaves out what a suggested grant above gives already; what needs more has the rights of
/// the one above too, since the deepest grant decides alone.
fn without_parts(targets: Vec<Target>) -> Vec<Target> {
    let mut kept: Vec<Target> = Vec::new();
    for mut target in targets {
        // In the order of paths, whatever holds this one comes before it.
        let above = kept
            .iter_mut()
            .filter(|above| target.root.beneath(&above.root).is_some())
            .max_by_key(|above| above.root.depth());
        if let Some(above) = above {
            target.rights = target.rights.union(above.rights);
            if target.rights == above.rights && target.tier >= above.tier {
                above.refusals += target.refusals;
                continue;
            }
        }
        kept.push(target);
    }
    kept
}
