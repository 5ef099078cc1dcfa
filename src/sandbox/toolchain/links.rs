//! Following symbolic links step by step, so that each step can be judged.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use super::{Disk, Seen};
use crate::model::HostPath;

/// As many links as the kernel follows.
const MOST_LINKS: usize = 40;

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Led {
    /// To something that is no link, by a path without links.
    To(HostPath, Seen),
    /// Into a grant. What it leads to from there is not followed: a command may have made it.
    IntoGrant,
    /// To nothing.
    Nowhere,
}

/// Follows every link of a path.
pub(super) fn follow(path: &HostPath, granted: &[HostPath], disk: &dyn Disk) -> Led {
    let mut here = PathBuf::from("/");
    let mut seen = disk.look(&here);
    let mut ahead = parts(path.as_path());
    let mut links = 0;
    while let Some(part) = ahead.pop_front() {
        if part == ".." {
            here.pop();
            seen = disk.look(&here);
            continue;
        }
        let next = here.join(&part);
        if granted.iter().any(|grant| next.starts_with(grant)) {
            return Led::IntoGrant;
        }
        seen = disk.look(&next);
        match &seen {
            None => return Led::Nowhere,
            Some(Seen::Link(text)) => {
                links += 1;
                if links > MOST_LINKS {
                    return Led::Nowhere;
                }
                if text.is_absolute() {
                    here = PathBuf::from("/");
                }
                let mut before = parts(text);
                before.append(&mut ahead);
                ahead = before;
            }
            Some(_) => here = next,
        }
    }
    match (HostPath::absolute(&here), seen) {
        (Ok(path), Some(seen)) => Led::To(path, seen),
        _ => Led::Nowhere,
    }
}

fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}
