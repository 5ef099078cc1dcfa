//! Lanes: several commands at the same time in one sandbox.
//!
//! A lane is a launcher below the first one, with a connection of its own to the broker. It
//! starts one command after another, and ends nothing but what is below itself. Where several
//! commands may run, all of them run in lanes; the first launcher only makes these.
//!
//! A lane that ends while its connection is still there may have left processes behind that
//! nobody keeps. Then the session must end.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::enter::EnterError;
use super::message::{Order, Report, hear, say};
use super::prepare::Sandbox;
use super::tripwire::Password;
use crate::sys::channel::Channel;
use crate::sys::process::{self, Ended, Fork};

/// How many commands may run in one sandbox at the same time.
pub const MOST_LANES: u32 = 32;

/// Which lane of a sandbox.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub(super) struct LaneNumber(pub u32);

/// How many commands a sandbox runs at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concurrency {
    /// One, by the first launcher itself.
    One,
    /// Several, each in a lane.
    Several,
}

/// What makes a process a lane.
#[derive(Debug, Default)]
pub(super) struct LaneKit {
    /// A domain that keeps a lane from signalling anything that is not below it.
    pub domain: Option<OwnedFd>,
    /// What the tripwire knows a lane by.
    pub password: Option<Password>,
}

/// The lanes below a launcher.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    pids: Vec<i32>,
}

/// How it stands with the lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Each is there, or has ended because its connection had.
    Whole,
    /// One has ended otherwise.
    Broken,
}

impl Lanes {
    pub(super) fn is_empty(&self) -> bool {
        self.pids.is_empty()
    }

    /// Forks a lane, in which `life` runs.
    pub(super) fn open(
        &mut self,
        channel: Channel,
        life: impl FnOnce(Channel) -> io::Result<()>,
    ) -> io::Result<()> {
        match process::fork_single_threaded()? {
            Fork::Parent { pid, .. } => {
                self.pids.push(pid);
                Ok(())
            }
            Fork::Child => process::end_now(i32::from(life(channel).is_err())),
        }
    }

    /// Reaps what has ended: lanes, and what lanes left behind.
    pub(super) fn reap(&mut self) -> Standing {
        let mut standing = Standing::Whole;
        while let Ok(Some((pid, how))) = process::reap_any() {
            if let Some(place) = self.pids.iter().position(|lane| *lane == pid) {
                self.pids.swap_remove(place);
                if how != Ended::Exited(0) {
                    standing = Standing::Broken;
                }
            }
        }
        standing
    }
}

/// The broker's hold on a lane, or on the first launcher where that runs commands itself.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    pub number: LaneNumber,
    pub channel: Rc<Channel>,
}

/// The lanes of a sandbox, as the broker keeps them.
#[derive(Debug)]
pub(super) struct BrokerLanes {
    concurrency: Concurrency,
    idle: RefCell<Vec<Lane>>,
    opened: Cell<u32>,
}

impl BrokerLanes {
    pub(super) fn new(concurrency: Concurrency) -> Self {
        Self {
            concurrency,
            idle: RefCell::default(),
            opened: Cell::new(0),
        }
    }
}

impl Sandbox {
    /// Where the next command runs.
    pub(super) fn lane(&self) -> Result<Lane, EnterError> {
        let lanes = &self.lanes;
        if lanes.concurrency == Concurrency::One {
            return Ok(Lane {
                number: LaneNumber::default(),
                channel: Rc::clone(&self.launcher.channel),
            });
        }
        if let Some(lane) = lanes.idle.borrow_mut().pop() {
            return Ok(lane);
        }
        if lanes.opened.get() == MOST_LANES {
            return Err(EnterError::Busy);
        }
        let number = lanes.opened.get() + 1;
        lanes.opened.set(number);
        self.open_lane(LaneNumber(number))
            .map_err(EnterError::Launcher)
    }

    fn open_lane(&self, number: LaneNumber) -> io::Result<Lane> {
        let (ours, theirs) = Channel::pair()?;
        let order = Order::Lane(number);
        say(&self.launcher.channel, &order, &[theirs.as_fd()])?;
        // Its end is then the launcher's alone, so that we see when that is gone.
        drop(theirs);
        match hear(&ours)? {
            (Report::Ready, _) => Ok(Lane {
                number,
                channel: Rc::new(ours),
            }),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// A lane whose command has ended starts the next one.
    pub(super) fn give_back(&self, lane: Lane) {
        if self.lanes.concurrency == Concurrency::Several {
            self.lanes.idle.borrow_mut().push(lane);
        }
    }
}
