//! The keeper: the process between the broker and its launcher.
//!
//! It is forked from the broker (`hold.rs`) while that has a single thread. For a view it makes
//! the namespaces and the mounts; then it starts the launcher (`settling.rs`) and does nothing
//! but wait for it. Should the launcher be ended from outside, as by the kernel for want of
//! memory, its orphans are the keeper's, which ends them and removes the scratch directory.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::time::Duration;

use super::group::SessionGroup;
use super::lane::Concurrency;
use super::message::{Report, say};
use super::plan::Plan;
use super::prepare::Handles;
use super::scratch::Scratch;
use super::settling::{lead_flat, lead_in_view};
use super::supervise::Supervisor;
use super::tripwire::{Handover, Supervision, Tripwire};
use super::view::{self, Materials, ViewError, ViewStep};
use crate::policy::{Background, Notify};
use crate::sys::channel::Channel;
use crate::sys::launch;
use crate::sys::limits::Limit;
use crate::sys::packets::Packets;
use crate::sys::process::{self, Fork};
use crate::sys::seccomp::Filter;
use crate::sys::signals::block_all;
use crate::sys::stdio::{Interest, wait};
use crate::sys::teardown::Teardown;

/// What every command of a session is started with, whatever the mode.
#[derive(Debug)]
pub(super) struct Outfit<'a> {
    pub filter: Filter,
    /// The limits of each process.
    pub limits: Vec<Limit>,
    pub background: Background,
    pub concurrency: Concurrency,
    /// The control group of the session.
    pub group: Option<&'a SessionGroup>,
}

/// What flat mode needs besides, made by the broker.
#[derive(Debug)]
pub(super) struct FlatGround {
    pub ruleset: OwnedFd,
    pub supervisor: Supervisor,
    pub scratch: Scratch,
    /// The launcher's own domain, in which its commands' domains lie.
    pub domain: Option<OwnedFd>,
}

/// What a view is built from.
#[derive(Clone, Copy)]
pub(super) struct ViewGround<'a> {
    pub plan: &'a Plan,
    pub handles: &'a dyn Handles,
}

/// How long a keeper lets a launcher that the broker let go of clean up by itself. One that is
/// stopped, or stuck, never will.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn keep_flat(
    outfit: Outfit<'_>,
    ground: FlatGround,
    channel: Channel,
    lifeline: &OwnedFd,
) -> io::Result<()> {
    stand_alone()?;
    let group = outfit.group;
    let Fork::Parent { pid, pidfd } = process::fork_single_threaded()? else {
        // The launcher has closed what the keeper keeps, and must not close it again.
        process::end_now(i32::from(lead_flat(outfit, ground, channel).is_err()))
    };
    // The broker must see that the launcher is gone, so nobody else may hold its channel.
    let FlatGround { scratch, .. } = ground;
    drop(channel);
    let mut besides = scratch.descriptors().to_vec();
    besides.extend(group.iter().flat_map(|group| group.descriptors()));
    let waited = await_launcher(pid, &pidfd, lifeline, &besides);
    if let Some(group) = group {
        group.remove();
    }
    Teardown::OneByOne.end_all();
    scratch.remove();
    waited
}

pub(super) fn keep_view(
    (outfit, ground): (Outfit<'_>, ViewGround<'_>),
    (channel, lifeline): (Channel, &OwnedFd),
    reports: Option<Packets>,
) -> io::Result<()> {
    stand_alone()?;
    let supervision = if ground.plan.notify >= Some(Notify::Changes) {
        Supervision::Tells
    } else {
        Supervision::IsSilent
    };
    let start = |reports| Tripwire::start(reports, supervision);
    let (tripwire, handover) = reports.map(start).transpose()?.unzip();
    let ties = (channel, lifeline);
    let group = outfit.group;
    let kept = keep_launcher((outfit, ground), ties, (tripwire.as_ref(), handover));
    // Nobody is left who could leave the view.
    if let Some(tripwire) = tripwire {
        tripwire.end();
    }
    if let Some(group) = group {
        group.remove();
    }
    kept
}

fn keep_launcher(
    (outfit, ground): (Outfit<'_>, ViewGround<'_>),
    (channel, lifeline): (Channel, &OwnedFd),
    (tripwire, handover): (Option<&Tripwire>, Option<Handover>),
) -> io::Result<()> {
    let group = outfit.group;
    let materials = Materials::of(ground.plan, group);
    let unfinished = match view::begin(materials, ground.handles, handover) {
        Ok(unfinished) => unfinished,
        Err(error) => return say(&channel, &Report::NoView(error), &[]),
    };
    let forked = match fork_launcher(group) {
        Ok(forked) => forked,
        Err(error) => return say(&channel, &Report::NoView(error), &[]),
    };
    let Fork::Parent { pid, pidfd } = forked else {
        // What the caller does after this is the keeper's.
        process::end_now(i32::from(
            lead_in_view(unfinished, ground.plan, outfit, channel).is_err(),
        ));
    };
    // The kernel ends everything in the pid namespace with its first process, the launcher.
    drop((channel, unfinished));
    let mut besides: Vec<_> = tripwire.map(Tripwire::descriptor).into_iter().collect();
    besides.extend(group.iter().flat_map(|group| group.descriptors()));
    await_launcher(pid, &pidfd, lifeline, &besides)
}

/// The launcher of a view begins in the session's control group: whoever starts a process in
/// a group must see both that one and its own (`nsdelegate`).
fn fork_launcher(group: Option<&SessionGroup>) -> Result<Fork, ViewError> {
    match group.and_then(SessionGroup::for_launcher) {
        Some(group) => process::fork_single_threaded_into(group.as_fd())
            .map_err(ViewError::at(ViewStep::ControlGroup)),
        None => process::fork_single_threaded().map_err(ViewError::at(ViewStep::Settle)),
    }
}

/// No signal, no terminal and no orphan of the broker's surroundings concerns us any more.
fn stand_alone() -> io::Result<()> {
    block_all()?;
    nix::unistd::setsid()?;
    process::adopt_orphans()
}

fn await_launcher(
    pid: i32,
    pidfd: &OwnedFd,
    lifeline: &OwnedFd,
    besides: &[i32],
) -> io::Result<()> {
    // What could not be given up is no reason to leave the launcher alone.
    let stood_back = stand_back([pidfd, lifeline], besides);
    let its_end = (pidfd.as_fd(), Interest::Readable);
    let ready = wait(&[its_end, (lifeline.as_fd(), Interest::Readable)], None)?;
    if ready != [true, false] && wait(&[its_end], Some(PATIENCE))? != [true] {
        let _ = process::signal(pid, nix::sys::signal::Signal::SIGKILL as i32);
    }
    process::reap(pid);
    stood_back
}

/// Gives up what only a launcher needs.
fn stand_back(watched: [&OwnedFd; 2], besides: &[i32]) -> io::Result<()> {
    process::drop_capabilities()?;
    process::hide_memory();
    launch::detach_stdio()?;
    let mut kept = besides.to_vec();
    kept.extend(watched.map(OwnedFd::as_raw_fd));
    process::close_all_but(3, &mut kept)
}
