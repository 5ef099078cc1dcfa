//! Whether a name that a call changes is simply not there: then there is nothing to refuse.
//!
//! It must say so only of directories that commands may look at. What is not there because it
//! lies outside is refused, and told.

use std::io;

use super::areas::Areas;
use super::attempts::{is_absent, split};
use super::call::Target;
use super::place::Pinned;
use crate::sys::metadata::LastLink;

/// Whether a directory that commands may look at has no such name.
pub(super) fn is_missing(
    areas: Option<&Areas>,
    (pid, target): (i32, &Target),
    error: &io::Error,
) -> bool {
    let (
        Some(areas),
        Target::Path {
            directory, path, ..
        },
    ) = (areas, target)
    else {
        return false;
    };
    let (above, name) = split(path);
    let look_up = |path, last| {
        let target = Target::Path {
            directory: *directory,
            path,
            last,
        };
        Pinned::by(pid, &target)
    };
    let Ok(above) = look_up(above, LastLink::Follow) else {
        return false;
    };
    // Of a link that leads nowhere, nobody knows where it would lead.
    let itself = look_up(path.clone(), LastLink::Keep);
    is_absent(error)
        && itself.is_err_and(|error| is_absent(&error))
        && !areas.are_left_by(&above.path().join(name))
}
