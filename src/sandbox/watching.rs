//! Which calls of a command are handed to the supervisor, by policy, mode and host.
//!
//! Pure. What is looked at more closely is never allowed for that.

use super::closing;
use super::host::{HostFeatures, Presence, Supervision};
use super::plan::{MetadataCalls, Unavailable, changes_of};
use super::profile::Changes;
use crate::model::{Mode, Right};
use crate::policy::{Containment, EffectiveGrant, Notify};

/// A mount that lets names be made lets everything on it be changed. Where a grant has not the
/// right to write, the supervisor sees to metadata as it does in flat mode.
fn mode_for_metadata(mode: Mode, reach: &[EffectiveGrant]) -> Mode {
    let is_partly_changeable =
        |grant: &EffectiveGrant| grant.rights.change_something() && !grant.rights.has(Right::Write);
    if reach.iter().any(is_partly_changeable) {
        Mode::Flat
    } else {
        mode
    }
}

/// What the policy chose; where it chose nothing, what the tripwire does not see. There is none
/// in flat mode.
pub(super) fn notify(mode: Mode, containment: &Containment, host: &HostFeatures) -> Option<Notify> {
    if host.supervision != Supervision::Available {
        return None;
    }
    if host.landlock_abi < closing::TRUNCATION {
        return Some(Notify::ClosedCalls);
    }
    containment.notify.or(Some(match (mode, host.fuse) {
        (Mode::View, Presence::Present) => Notify::Changes,
        (Mode::View, Presence::Absent) | (Mode::Flat | Mode::Broker, _) => Notify::Opens,
    }))
}

/// What happens to changes of metadata.
///
/// # Errors
/// When they would have to be supervised, and nobody can.
pub(super) fn metadata_calls(
    reach: &[EffectiveGrant],
    (mode, notify): (Mode, Option<Notify>),
    host: &HostFeatures,
) -> Result<MetadataCalls, Unavailable> {
    let mode = mode_for_metadata(mode, reach);
    match (changes_of(reach), host.supervision) {
        (Changes::Workspace, Supervision::Available)
            if mode == Mode::View && notify >= Some(Notify::Changes) =>
        {
            Ok(MetadataCalls::Watched)
        }
        (Changes::ReadOnly, Supervision::Available) => Ok(MetadataCalls::Witnessed),
        (_, Supervision::Available) if mode == Mode::View => {
            Ok(MetadataCalls::PrivilegedSupervised)
        }
        (_, _) if mode == Mode::View => Ok(MetadataCalls::PrivilegedRefused),
        (Changes::ReadOnly, _) => Ok(MetadataCalls::Refused),
        (Changes::Workspace, Supervision::Available) => Ok(MetadataCalls::Supervised),
        (Changes::Workspace, Supervision::TooOld) => Err(Unavailable::Supervision {
            reason: "the kernel is older than 5.0",
        }),
        (Changes::Workspace, Supervision::Taken) => Err(Unavailable::Supervision {
            reason: "an outer sandbox already supervises system calls",
        }),
    }
}
