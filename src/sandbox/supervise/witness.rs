//! What other layers refuse in any case: refused here, with their error, and told.
//!
//! It never allows: what is not expected to be refused is left to those who look for themselves.

use std::io;

use nix::errno::Errno;

use super::areas::Areas;
use super::attempts::{Attempt, Object, Wanted, is_absent};
use super::call::Call;
use super::place::Pinned;
use super::shown::Shown;
use super::{Beyond, MetadataChanges, Supervisor, refused};
use crate::model::Right;
use crate::sandbox::message::{RefusedCall, RefusedFor};
use crate::sys::notification::{Answer, Listener, Notification};

impl Supervisor {
    /// Refuses what other layers would refuse; leaves to them what they would not.
    pub(super) fn witness(
        &self,
        areas: &Areas,
        (listener, notification): (&Listener, &Notification),
        attempt: &Attempt,
    ) -> (Answer, Option<RefusedCall>) {
        let Some((reason, shown)) = self.refusal(areas, notification.pid, attempt) else {
            return (Answer::LeftToOtherLayers, None);
        };
        if !listener.is_waiting(notification.id) {
            return (Answer::Refused(Errno::EPERM as i32), None);
        }
        self.told((notification, attempt.name), shown, reason)
    }

    /// Why other layers would refuse it, and of what. The kernel comes no further than to the
    /// first name that makes the call fail.
    fn refusal(&self, areas: &Areas, pid: i32, attempt: &Attempt) -> Option<(RefusedFor, Shown)> {
        for object in &attempt.objects {
            match object.wanted(pid) {
                Ok(wanted) => {
                    if let Some(reason) = areas.refusal(&wanted) {
                        let shown = object.shown(pid, Some(&wanted.path));
                        return Some((self.expected(reason), shown));
                    }
                }
                Err(error) => {
                    let reason = self.beyond(areas, object, pid, &error)?;
                    return Some((reason, object.shown(pid, None)));
                }
            }
        }
        None
    }

    /// A refusal with the error that the kernel would have given.
    fn told(
        &self,
        call: (&Notification, &str),
        shown: Shown,
        reason: RefusedFor,
    ) -> (Answer, Option<RefusedCall>) {
        let (answer, told) = refused(call, shown, reason);
        // What is protected in a view is mounted read-only.
        let by_mount = self.metadata == MetadataChanges::LeftToMounts;
        if by_mount && reason == RefusedFor::Exception {
            return (Answer::Refused(Errno::EROFS as i32), told);
        }
        (answer, told)
    }

    /// Refuses a change of metadata that the mounts of a view would refuse; leaves to them what
    /// they would not.
    pub(super) fn witness_change(
        &self,
        listener: &Listener,
        notification: &Notification,
        call: &Call,
    ) -> (Answer, Option<RefusedCall>) {
        let Ok(pinned) = Pinned::by(notification.pid, &call.target) else {
            return (Answer::LeftToOtherLayers, None);
        };
        let wanted = Wanted::of(pinned, Right::Write);
        let reason = self.areas.as_ref().and_then(|areas| areas.refusal(&wanted));
        let Some(reason) = reason else {
            return (Answer::LeftToOtherLayers, None);
        };
        if !listener.is_waiting(notification.id) {
            return (Answer::Refused(Errno::EPERM as i32), None);
        }
        let shown = Shown::of(notification.pid, &call.target, Some(&wanted.path));
        self.told((notification, call.name), shown, self.expected(reason))
    }

    /// Why nothing is there: in a view without a tripwire, because it lies outside.
    fn beyond(
        &self,
        areas: &Areas,
        object: &Object,
        pid: i32,
        error: &io::Error,
    ) -> Option<RefusedFor> {
        if self.beyond == Beyond::Silent || !is_absent(error) {
            return None;
        }
        let path = object.written(pid)?;
        areas
            .are_left_by(path.as_path())
            .then_some(RefusedFor::NotThere)
    }

    /// The reason by which the answer is the one that the kernel would have given.
    fn expected(&self, reason: RefusedFor) -> RefusedFor {
        match reason {
            // Whatever it is, it cannot be changed.
            RefusedFor::Outside | RefusedFor::Exception
                if self.elsewhere == RefusedFor::ReadOnly =>
            {
                RefusedFor::ReadOnly
            }
            // A read-only mount of the host's.
            RefusedFor::Exception if self.metadata == MetadataChanges::Made => RefusedFor::ReadOnly,
            // In a view there is nothing else outside.
            RefusedFor::Outside if self.metadata == MetadataChanges::LeftToMounts => {
                RefusedFor::ReadOnly
            }
            reason => reason,
        }
    }
}
