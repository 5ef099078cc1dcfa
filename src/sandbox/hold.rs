//! The broker's hold on a launcher, by way of the keeper that it forks.
//!
//! Letting go of it ends everything below. It must never wait for that without end: what does
//! not end by itself is the keeper's.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use super::keeper::{FlatGround, Outfit, ViewGround, keep_flat, keep_view};
use super::message::{Report, hear};
use super::tripwire::Reports;
use super::view::ViewError;
use super::witness::ViewRoot;
use crate::sys::channel::Channel;
use crate::sys::packets::Packets;
use crate::sys::process::{self, Fork};
use crate::sys::stdio::{Interest, pipe, wait};

/// How long a launcher may take to clean up before the broker goes on without it.
const GRACE: Duration = Duration::from_secs(10);

/// Why there is no launcher.
#[derive(Debug)]
pub(super) enum StartError {
    /// The process could not be started, or ended at once.
    Process(io::Error),
    /// The view could not be built.
    View(ViewError),
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::Process(error)
    }
}

/// The broker's hold on a launcher. When it is let go of, the launcher ends everything, and that
/// is waited for.
#[derive(Debug)]
pub(super) struct LauncherHandle {
    // In this order: while an end of these is held, the launcher goes on.
    pub channel: Rc<Channel>,
    /// What the tripwire tells, where there is one.
    pub reports: Option<Rc<Reports>>,
    /// What ends when the broker lets go of the launcher, however it does.
    #[expect(dead_code, reason = "it is held, and that is all")]
    lifeline: OwnedFd,
    /// The view's own instance of devpts.
    terminals: Option<OwnedFd>,
    #[expect(dead_code, reason = "it is waited for when it is dropped")]
    keeper: KeeperProcess,
}

/// The keeper, a child of the broker.
#[derive(Debug)]
struct KeeperProcess {
    pid: i32,
    pidfd: OwnedFd,
}

impl Drop for KeeperProcess {
    fn drop(&mut self) {
        // The launcher needs a moment to end and reap what is left; it is never waited
        // for without end, because a broker must not hang in a destructor.
        let ended = wait(&[(self.pidfd.as_fd(), Interest::Readable)], Some(GRACE));
        if ended.is_ok_and(|ready| ready == [true]) {
            process::reap(self.pid);
        }
    }
}

impl LauncherHandle {
    /// Starts a launcher on the host's file tree. The calling process must have a single thread.
    pub(super) fn start_flat(outfit: Outfit<'_>, ground: FlatGround) -> io::Result<Self> {
        Self::fork(|channel, lifeline| keep_flat(outfit, ground, channel, &lifeline))
    }

    /// Starts a launcher in a view, and waits until that is built. The calling process must
    /// have a single thread.
    pub(super) fn start_in_view(
        outfit: Outfit<'_>,
        ground: ViewGround<'_>,
    ) -> Result<Self, StartError> {
        let (ours, theirs) = match ground.plan.root {
            ViewRoot::Tripwire => {
                Packets::pair().map(|(ours, theirs)| (Some(ours), Some(theirs)))?
            }
            ViewRoot::Empty | ViewRoot::None => (None, None),
        };
        let mut handle = Self::fork(|channel, lifeline| {
            keep_view((outfit, ground), (channel, &lifeline), theirs)
        })?;
        handle.reports = ours.map(|ours| Rc::new(Reports::from(ours)));
        match hear(&handle.channel)? {
            (Report::Ready, mut descriptors) => {
                handle.terminals = descriptors.pop();
                Ok(handle)
            }
            (Report::NoView(error), _) => Err(StartError::View(error)),
            _ => Err(io::Error::from(io::ErrorKind::InvalidData).into()),
        }
    }

    fn fork(child: impl FnOnce(Channel, OwnedFd) -> io::Result<()>) -> io::Result<Self> {
        let (ours, theirs) = Channel::pair()?;
        let (seen, lifeline) = pipe()?;
        match process::fork_single_threaded()? {
            Fork::Parent { pid, pidfd } => Ok(Self {
                channel: Rc::new(ours),
                reports: None,
                lifeline,
                terminals: None,
                keeper: KeeperProcess { pid, pidfd },
            }),
            Fork::Child => {
                drop((ours, lifeline));
                process::end_now(i32::from(child(theirs, seen).is_err()))
            }
        }
    }

    /// The view's own instance of devpts, in view mode.
    pub(super) fn terminals(&self) -> Option<BorrowedFd<'_>> {
        self.terminals.as_ref().map(OwnedFd::as_fd)
    }
}
