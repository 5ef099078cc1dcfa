//! The supervisor: makes metadata changes in place of a command that may not make them itself.
//!
//! Landlock does not restrict chmod, chown, utimes or xattr (ABI 7, measured). In flat mode
//! the filter hands those calls over. The supervisor pins the object that the call names,
//! finds it again beneath a writable grant's own handle, and makes the change there; anything
//! else is refused. Such a call itself never continues, so a path that is changed while it is
//! looked at gains nothing. The launcher has no capability, so it can change no more than the
//! command itself could without a sandbox.
//!
//! What other layers refuse in any case is handed over to be told of: it is refused here, and
//! what they are expected to let through is left to them, which look for themselves.

mod areas;
mod attempts;
mod call;
mod place;
mod scheduling;
mod shown;
mod witness;

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd};

use nix::errno::Errno;

use syscalls::Sysno;

pub(super) use areas::{Area, AreaSource, Areas, Known};
use attempts::{Attempt, is_absent, split};
use call::{Call, Target};
use place::{Pinned, WritableRoot};
use scheduling::Scheduling;
use shown::Shown;

use super::message::{RefusedCall, RefusedFor};
use super::seccomp::{Action, SyscallRules};
use crate::policy::PatternSet;
use crate::sys::caller;
use crate::sys::metadata::{self, Change, Identity, LastLink};
use crate::sys::notification::{Answer, Listener, Notification};

/// What becomes of the calls that are handed over.
#[derive(Debug)]
pub(super) struct Supervisor {
    roots: Vec<WritableRoot>,
    elsewhere: RefusedFor,
    /// Where calls are looked at that other layers refuse in any case.
    areas: Option<Areas>,
    metadata: MetadataChanges,
    beyond: Beyond,
    /// The rules that state the errors of closed calls, where these are handed over.
    closed: Option<SyscallRules>,
}

/// Whether names that are not there are told of, where they lie outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beyond {
    /// Something else tells, or nothing was kept from the caller.
    Silent,
    /// In a view whose root tells nobody.
    Told,
}

/// What becomes of changes of metadata that are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MetadataChanges {
    /// The supervisor makes them.
    Made,
    /// They are left to the mounts of a view; those that make a program run with other rights
    /// are made by the supervisor.
    LeftToMounts,
}

impl Supervisor {
    /// Makes changes beneath the given handles, except on what is protected there, and
    /// refuses them elsewhere for the given reason.
    ///
    /// `roots` are ordered as they are looked at; a more specific one must come first.
    pub(super) fn within(roots: Vec<(OwnedFd, RootRule)>, elsewhere: RefusedFor) -> Self {
        let roots = roots
            .into_iter()
            .map(|(handle, rule)| WritableRoot::new(handle, rule))
            .collect();
        Self {
            roots,
            elsewhere,
            areas: None,
            metadata: MetadataChanges::Made,
            beyond: Beyond::Silent,
            closed: None,
        }
    }

    /// Also refuses, and tells of, what other layers would refuse by these areas.
    #[must_use]
    pub(super) fn watching(self, areas: Areas, metadata: MetadataChanges) -> Self {
        Self {
            areas: Some(areas),
            metadata,
            ..self
        }
    }

    /// Also gives the errors that these rules state, and tells who tried.
    #[must_use]
    pub(super) fn telling_of(self, closed: SyscallRules) -> Self {
        Self {
            closed: Some(closed),
            ..self
        }
    }

    /// Also tells of names that are not there because they lie outside.
    #[must_use]
    pub(super) fn telling_of_beyond(self, beyond: Beyond) -> Self {
        Self { beyond, ..self }
    }

    /// The descriptors that it needs to keep.
    pub(super) fn descriptors(&self) -> Vec<RawFd> {
        self.roots
            .iter()
            .map(|root| root.handle().as_raw_fd())
            .collect()
    }

    /// Takes the call that waits and answers it; returns it where it was refused.
    ///
    /// # Errors
    /// When the listener has no filter any more.
    pub(super) fn answer_next(&self, listener: &Listener) -> io::Result<Option<RefusedCall>> {
        let Some(notification) = listener.receive()? else {
            return Ok(None);
        };
        let (answer, refused) = self.judge(listener, &notification);
        listener.answer(notification.id, answer)?;
        Ok(refused)
    }

    fn judge(
        &self,
        listener: &Listener,
        notification: &Notification,
    ) -> (Answer, Option<RefusedCall>) {
        if let Some(errno) = self.closed_with(notification) {
            return (Answer::Refused(errno), tell_of_closed(notification, errno));
        }
        if let Some(areas) = &self.areas {
            match Attempt::read(notification) {
                Ok(None) => {}
                Ok(Some(attempt)) => {
                    return self.witness(areas, (listener, notification), &attempt);
                }
                // Other layers check it, whatever it is.
                Err(_) => return (Answer::LeftToOtherLayers, None),
            }
        }
        match Scheduling::read(notification) {
            Ok(None) => {}
            Ok(Some(call)) => return judge_scheduling(listener, notification, &call),
            Err(error) => return (Answer::Refused(errno_of(&error)), None),
        }
        let call = match Call::read(notification) {
            Ok(call) => call,
            // Memory that cannot be read is never a reason to allow.
            Err(error) => return (Answer::Refused(errno_of(&error)), None),
        };
        if self.metadata == MetadataChanges::LeftToMounts && !asks_for_privilege(&call.change) {
            return self.witness_change(listener, notification, &call);
        }
        let pinned = match Pinned::by(notification.pid, &call.target) {
            Ok(pinned) => pinned,
            Err(error)
                if self.elsewhere == RefusedFor::ReadOnly
                    && !self.is_missing_inside(notification.pid, &call.target, &error) =>
            {
                return refuse(notification, &call, None, RefusedFor::ReadOnly);
            }
            // The path leads nowhere: the answer that the caller would have had.
            Err(error) => return (Answer::Refused(errno_of(&error)), None),
        };
        // What was read belongs to this very call, and to no other process with its number.
        if !listener.is_waiting(notification.id) {
            return (Answer::Refused(Errno::EPERM as i32), None);
        }
        match self.place_of(&pinned) {
            Ok(place) if is_no_cut(&call.change, &pinned, place.as_fd()) => {
                refuse(notification, &call, Some(&pinned), RefusedFor::Closed)
            }
            Ok(place) => perform(notification, &call, &pinned, &place),
            Err(reason) => refuse(notification, &call, Some(&pinned), reason),
        }
    }

    /// Whether a directory that commands may look at has no such name: then there is nothing to
    /// refuse.
    fn is_missing_inside(&self, pid: i32, target: &Target, error: &io::Error) -> bool {
        let (
            Some(areas),
            Target::Path {
                directory, path, ..
            },
        ) = (&self.areas, target)
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

    /// The error of a call that the filter closes, and hands over only to be told of.
    fn closed_with(&self, notification: &Notification) -> Option<i32> {
        let number = u32::try_from(notification.number).ok()?;
        let rules = self.closed.as_ref()?;
        match rules.verdict(number, &notification.arguments) {
            Action::Errno(errno) => Some(errno.number().into()),
            Action::Allow | Action::Notify => None,
        }
    }

    /// The handle on which the change may be made, if it lies in a place where it may.
    fn place_of(&self, pinned: &Pinned) -> Result<OwnedFd, RefusedFor> {
        // In a read-only plan nothing but scratch is changed, by whatever name.
        if self.elsewhere == RefusedFor::Outside && pinned.has_no_name() {
            let handle = pinned.handle().try_clone_to_owned();
            return handle.map_err(|_| RefusedFor::Outside);
        }
        let root = self.roots.iter().find(|root| root.holds(pinned));
        let root = root.ok_or(self.elsewhere)?;
        root.find(pinned).ok_or(match self.elsewhere {
            RefusedFor::ReadOnly => RefusedFor::ReadOnly,
            _ => RefusedFor::Exception,
        })
    }
}

fn judge_scheduling(
    listener: &Listener,
    notification: &Notification,
    call: &Scheduling,
) -> (Answer, Option<RefusedCall>) {
    // As below: what was read belongs to this very call.
    if !listener.is_waiting(notification.id) {
        return (Answer::Refused(Errno::EPERM as i32), None);
    }
    if !call.is_own() {
        return refused(
            (notification, call.name),
            Shown::default(),
            RefusedFor::OtherProcess,
        );
    }
    match call.perform() {
        Ok(()) => (Answer::Performed(0), None),
        Err(error) => (Answer::Refused(errno_of(&error)), None),
    }
}

fn perform(
    notification: &Notification,
    call: &Call,
    pinned: &Pinned,
    place: &OwnedFd,
) -> (Answer, Option<RefusedCall>) {
    if makes_privileged(&call.change, place.as_fd()) {
        return refuse(notification, call, Some(pinned), RefusedFor::Privileged);
    }
    match metadata::change(place.as_fd(), &call.change) {
        Ok(()) => (Answer::Performed(0), None),
        Err(error) => (Answer::Refused(errno_of(&error)), None),
    }
}

/// Whether a change of length is more than cutting off a file that has a name. The size that a
/// command's files may have binds the command and not the supervisor, and what has no name any
/// more may be in use outside.
fn is_no_cut(change: &Change, pinned: &Pinned, handle: std::os::fd::BorrowedFd<'_>) -> bool {
    let Change::Length(length) = change else {
        return false;
    };
    pinned.has_no_name() || metadata::length_of(handle).map_or(true, |size| *length > size)
}

/// What a root lets the supervisor do.
#[derive(Debug, Clone)]
pub(super) enum RootRule {
    /// Changes are made, except on these.
    Writable(PatternSet),
    /// No change is made: a grant without the right to write, inside one that has it.
    Closed,
}

/// A setuid or setgid program would run with rights that outlive the sandbox.
fn makes_privileged(change: &Change, handle: std::os::fd::BorrowedFd<'_>) -> bool {
    asks_for_privilege(change)
        && Identity::of(handle).map_or(true, |identity| identity.is_regular())
}

/// The mode stands in a register, where nobody changes it any more.
fn asks_for_privilege(change: &Change) -> bool {
    const SETUID_OR_SETGID: u32 = 0o6000;
    matches!(change, Change::Mode(mode) if mode & SETUID_OR_SETGID != 0)
}

fn refuse(
    notification: &Notification,
    call: &Call,
    pinned: Option<&Pinned>,
    reason: RefusedFor,
) -> (Answer, Option<RefusedCall>) {
    let found = pinned.map(Pinned::path);
    let shown = Shown::of(notification.pid, &call.target, found);
    refused((notification, call.name), shown, reason)
}

fn tell_of_closed(notification: &Notification, errno: i32) -> Option<RefusedCall> {
    let number = usize::try_from(notification.number).ok()?;
    let of_network = [Errno::ENETUNREACH, Errno::EAFNOSUPPORT];
    let reason = if of_network.iter().any(|one| *one as i32 == errno) {
        RefusedFor::Network
    } else {
        RefusedFor::Closed
    };
    refused(
        (notification, Sysno::new(number)?.name()),
        Shown::default(),
        reason,
    )
    .1
}

fn refused(
    (notification, name): (&Notification, &str),
    shown: Shown,
    reason: RefusedFor,
) -> (Answer, Option<RefusedCall>) {
    let refused = RefusedCall {
        call: name.to_owned(),
        path: shown.path,
        written: shown.written,
        looked_up: shown.looked_up,
        reason,
        pid: notification.pid,
        process: caller::arguments(notification.pid),
    };
    let errno = match reason {
        RefusedFor::ReadOnly => Errno::EROFS,
        RefusedFor::Outside
        | RefusedFor::Exception
        | RefusedFor::NotGranted
        | RefusedFor::OtherRight
        | RefusedFor::Hidden => Errno::EACCES,
        RefusedFor::NotThere => Errno::ENOENT,
        RefusedFor::Network => Errno::ENETUNREACH,
        RefusedFor::Closed | RefusedFor::Privileged | RefusedFor::OtherProcess => Errno::EPERM,
    };
    (Answer::Refused(errno as i32), Some(refused))
}

fn errno_of(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(Errno::EPERM as i32)
}

#[cfg(test)]
mod tests {
    use super::call::Target;
    use super::{Change, Pinned, is_no_cut};
    use std::fs::File;
    use std::os::fd::{AsFd as _, AsRawFd as _};

    fn is_cut(file: &File, length: i64) -> bool {
        let own = i32::try_from(std::process::id()).unwrap();
        let pinned = Pinned::by(own, &Target::Descriptor(file.as_raw_fd())).unwrap();
        !is_no_cut(&Change::Length(length), &pinned, file.as_fd())
    }

    /// Below Landlock ABI 3 a supervisor does it for a command, whose limits it has not.
    #[test]
    fn what_has_a_name_is_cut_off_and_nothing_is_lengthened() {
        let named = tempfile::NamedTempFile::new().unwrap();
        named.as_file().set_len(10).unwrap();
        assert!(is_cut(named.as_file(), 0));
        assert!(is_cut(named.as_file(), 10));
        assert!(!is_cut(named.as_file(), 11));
        let nameless = tempfile::tempfile().unwrap();
        nameless.set_len(10).unwrap();
        assert!(!is_cut(&nameless, 0));
    }
}
