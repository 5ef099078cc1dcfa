//! Which of the located paths become mounts, in which order, and what the root holds besides.
//!
//! A path that lies in another one and needs nothing else of its mount is there already.

use std::path::Path;

use super::locate::{Found, Located};
use super::own;
use super::skeleton::{Node, Skeleton};
use crate::model::HostPath;
use crate::sandbox::plan::Origin;
use crate::sys::mount::Attributes;

/// What the root of the view holds, and what is mounted over it.
#[derive(Debug)]
pub(super) struct Layout {
    pub skeleton: Skeleton,
    /// Indices of the located paths, those above before those below.
    pub mounts: Vec<usize>,
}

/// Lays out the root.
pub(super) fn lay_out(found: &Found<'_>) -> Layout {
    let Found { located, missing } = found;
    let mut mounts: Vec<usize> = Vec::new();
    for (index, one) in located.iter().enumerate() {
        let above = mounts
            .iter()
            .rev()
            .find(|above| one.path.beneath(&located[**above].path).is_some());
        if above.is_none_or(|above| needs_its_own(one, &located[*above])) {
            mounts.push(index);
        }
    }
    let mut skeleton = Skeleton::default();
    for path in own::DIRECTORIES {
        skeleton.add(Path::new(path), Node::Directory);
    }
    for (path, text) in own::LINKS {
        skeleton.add(Path::new(path), Node::Link(text.into()));
    }
    let is_mounted = |path: &HostPath| {
        let mut mounts = mounts.iter().map(|index| &located[*index].path);
        mounts.any(|mount| path.beneath(mount).is_some() && mount != path)
    };
    for index in &mounts {
        let one = &located[*index];
        if !is_mounted(&one.path) {
            let node = if one.is_directory {
                Node::Directory
            } else {
                Node::File
            };
            skeleton.add(one.path.as_path(), node);
        }
    }
    for link in located.iter().flat_map(|one| &one.links) {
        if !is_mounted(&link.path) {
            skeleton.add(link.path.as_path(), Node::Link(link.text.clone()));
        }
    }
    for path in missing {
        if !is_mounted(path) {
            skeleton.add_absent(path.as_path());
        }
    }
    Layout { skeleton, mounts }
}

/// Whether the mount of what is around it does not do.
fn needs_its_own(one: &Located<'_>, above: &Located<'_>) -> bool {
    let (wanted, given) = (one.attributes(), above.attributes());
    match one.rule.origin {
        // The most specific grant decides, also when it gives less.
        Origin::Grant(_) => wanted != given || one.is_hole(),
        // The system view only ever adds.
        Origin::System(_) => {
            let lost =
                |attribute: Attributes| given.include(attribute) && !wanted.include(attribute);
            [Attributes::READ_ONLY, Attributes::NOEXEC, Attributes::NODEV]
                .into_iter()
                .any(lost)
        }
    }
}
