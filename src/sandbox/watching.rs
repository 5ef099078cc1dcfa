//! Which calls of a command are handed to the supervisor, by policy, mode and host.
//!
//! Pure. What is looked at more closely is never allowed for that.

use super::closing;
use super::host::{HostFeatures, Presence, Supervision};
use super::plan::{MetadataCalls, changes_of};
use super::profile::Changes;
use super::unavailable::Unavailable;
use crate::model::{Mode, Right};
use crate::policy::{Containment, EffectiveGrant, Notify};

/// Whether a view's mounts restrict changes of metadata as the grants do. One that lets names be
/// made lets everything on it be changed: where a grant has not the right to write, the
/// supervisor sees to metadata as it does in flat mode.
fn mounts_restrict(mode: Mode, reach: &[EffectiveGrant]) -> bool {
    let is_partly_changeable =
        |grant: &EffectiveGrant| grant.rights.change_something() && !grant.rights.has(Right::Write);
    mode == Mode::View && !reach.iter().any(is_partly_changeable)
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
    let by_mounts = mounts_restrict(mode, reach);
    match (changes_of(reach), host.supervision) {
        (Changes::ReadOnly, Supervision::Available) => Ok(MetadataCalls::Witnessed),
        (Changes::Workspace, Supervision::Available) if by_mounts => {
            Ok(if notify >= Some(Notify::Changes) {
                MetadataCalls::Watched
            } else {
                MetadataCalls::PrivilegedSupervised
            })
        }
        (_, _) if by_mounts => Ok(MetadataCalls::PrivilegedRefused),
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
