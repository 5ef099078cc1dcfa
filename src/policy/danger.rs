//! Grants that would undo the policy, or give away more than their author may think.

use super::bind::Anchors;
use super::diagnostic::{Diagnostics, Source};
use super::terms::Grant;
use crate::model::HostPath;

/// Checks a grant at the directory it stands for.
pub(super) fn check(
    found: &mut Diagnostics,
    source: Source<'_>,
    grant: &Grant,
    root: &HostPath,
    anchors: &Anchors,
) {
    let touches = |other: &HostPath| root.beneath(other).is_some() || other.beneath(root).is_some();
    if root.depth() == 0 {
        let spot = source.spot(&grant.span);
        found.error(
            "grant-everything",
            spot,
            "this grants the whole file system",
        );
    } else if touches(&anchors.state) {
        let spot = source.spot(&grant.span);
        found.error("grant-state-directory", spot, "this grants the audit log");
    }
}
