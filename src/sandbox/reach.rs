//! Where the supervisor makes changes of metadata, on a command's behalf: the plan's writable
//! grants and the private directory, as handles; and by which paths it tells what other layers
//! will refuse.
//!
//! More specific roots come first, so that a lesser grant inside a writable one is found first.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use super::message::RefusedFor;
use super::plan::{MetadataCalls, Origin, PathRule, Plan};
use super::supervise::{
    Area, AreaSource, Areas, Beyond, Known, MetadataChanges, RootRule, Supervisor,
};
use super::view;
use super::witness::ViewRoot;
use crate::model::Rights;
use crate::policy::{Notify, PatternSet};
use crate::sys::metadata::pin_host_path;

/// A path of the plan and its handle.
pub(super) type OpenedRule<'a> = (&'a PathRule, BorrowedFd<'a>);

/// On the host's own file tree.
pub(super) fn in_flat_mode(
    plan: &Plan,
    scratch: BorrowedFd<'_>,
    opened: &[OpenedRule<'_>],
) -> io::Result<Supervisor> {
    let mut roots = vec![(scratch.try_clone_to_owned()?, everything())];
    if plan.metadata == MetadataCalls::Supervised {
        let is_grant = |(rule, _): &&OpenedRule<'_>| matches!(rule.origin, Origin::Grant(_));
        let mut grants: Vec<_> = opened.iter().filter(is_grant).collect();
        grants.sort_by_key(|(rule, _)| std::cmp::Reverse(rule.path.depth()));
        for (rule, handle) in grants {
            roots.push((handle.try_clone_to_owned()?, rule_of(rule)));
        }
    }
    let supervisor = supervisor(plan, roots);
    if plan.notify < Some(Notify::Changes) {
        return Ok(supervisor);
    }
    let mut areas = vec![Area::of(scratch, AreaSource::Grant, Rights::ALL)?];
    for (rule, handle) in opened {
        areas.push(area(rule, *handle)?);
    }
    let areas = Areas::new(areas, Known::Everything);
    Ok(supervisor.watching(areas, MetadataChanges::Made))
}

fn supervisor(plan: &Plan, roots: Vec<(OwnedFd, RootRule)>) -> Supervisor {
    let supervisor = Supervisor::within(roots, elsewhere(plan));
    match plan.notify {
        None => supervisor,
        Some(_) => supervisor.telling_of(plan.syscalls.clone()),
    }
}

/// In the view that the calling process lives in.
pub(super) fn in_view(plan: &Plan) -> io::Result<Supervisor> {
    let mut roots: Vec<(OwnedFd, RootRule)> = Vec::new();
    let mut areas = Vec::new();
    let is_seen = |rule: &&PathRule| !rule.access.rights.is_empty();
    let is_grant = |rule: &&PathRule| matches!(rule.origin, Origin::Grant(_));
    let mut grants: Vec<_> = plan.paths.iter().filter(is_grant).filter(is_seen).collect();
    grants.sort_by_key(|rule| std::cmp::Reverse(rule.path.depth()));
    for rule in grants {
        let handle = pin_host_path(rule.path.as_path())?;
        areas.push(area(rule, handle.as_fd())?);
        roots.push((handle, rule_of(rule)));
    }
    // Last, because a grant can lie in one of them, as a workspace below `/tmp` does.
    let own = view::PRIVATE.iter().map(|(place, _)| *place);
    for place in own.chain([view::SCRATCH]) {
        let handle = pin_host_path(Path::new(place))?;
        areas.push(Area::of(handle.as_fd(), AreaSource::Grant, Rights::ALL)?);
        roots.push((handle, everything()));
    }
    let supervisor = supervisor(plan, roots);
    if plan.notify < Some(Notify::Changes) {
        return Ok(supervisor);
    }
    let mut known = Known::GrantsAlone;
    if plan.notify == Some(Notify::Opens) {
        areas.extend(system_areas(plan)?);
        known = Known::Everything;
    }
    let metadata = match plan.metadata {
        MetadataCalls::Watched => MetadataChanges::LeftToMounts,
        _ => MetadataChanges::Made,
    };
    let beyond = match plan.root {
        ViewRoot::Empty => Beyond::Told,
        ViewRoot::Tripwire | ViewRoot::None => Beyond::Silent,
    };
    Ok(supervisor
        .watching(Areas::new(areas, known), metadata)
        .telling_of_beyond(beyond))
}

/// What a view shows beside the grants. To look at all of it takes time that a command would
/// have to wait, and nothing but opens for reading is worth that.
fn system_areas(plan: &Plan) -> io::Result<Vec<Area>> {
    let system = plan
        .paths
        .iter()
        .filter(|rule| !matches!(rule.origin, Origin::Grant(_)));
    let mut areas = Vec::new();
    for rule in system {
        // What is not on this host is not in the view, and looking for it does not leave it.
        let path = rule.path.as_path();
        areas.push(Area::by_letters(path, rule.access.rights));
        if let Ok(handle) = pin_host_path(path) {
            areas.push(area(rule, handle.as_fd())?);
        }
    }
    for place in ["/proc", "/dev/pts"] {
        if let Ok(handle) = pin_host_path(Path::new(place)) {
            areas.push(Area::of(handle.as_fd(), AreaSource::System, Rights::ALL)?);
        }
    }
    Ok(areas)
}

fn area(rule: &PathRule, handle: BorrowedFd<'_>) -> io::Result<Area> {
    let source = match rule.origin {
        Origin::Grant(_) => AreaSource::Grant,
        Origin::System(_) => AreaSource::System,
    };
    let area = Area::of(handle, source, rule.access.rights)?;
    Ok(area.except(rule.hide.clone()))
}

fn everything() -> RootRule {
    RootRule::Writable(PatternSet::default())
}

fn rule_of(rule: &PathRule) -> RootRule {
    if rule.is_changeable() {
        RootRule::Writable(rule.protect.union(&rule.hide))
    } else {
        RootRule::Closed
    }
}

fn elsewhere(plan: &Plan) -> RefusedFor {
    match plan.metadata {
        MetadataCalls::Supervised
        | MetadataCalls::PrivilegedSupervised
        | MetadataCalls::Watched => RefusedFor::Outside,
        _ => RefusedFor::ReadOnly,
    }
}
