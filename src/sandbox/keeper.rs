//! The keeper: the process between the broker and its launcher.
//!
//! It is forked from the broker while that has a single thread. For a view it makes the
//! namespaces and the mounts; then it starts the launcher and does nothing but wait for it.
//! Should the launcher be ended from outside, as by the kernel for want of memory, its
//! orphans are the keeper's, which ends them and removes the scratch directory.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use super::group::{CommandGroup, SessionGroup};
use super::landlock::{self, LandlockError};
use super::lane::{Concurrency, LaneKit};
use super::launcher::{Equipment, Launcher, Territory};
use super::message::Report;
use super::plan::Plan;
use super::prepare::Handles;
use super::reach;
use super::scratch::Scratch;
use super::supervise::Supervisor;
use super::tripwire::{Handover, Reports, Supervision, Tripwire};
use super::view::{self, Materials, Unfinished, View, ViewError, ViewStep};
use super::witness::ViewRoot;
use crate::policy::{Background, Notify};
use crate::sys::channel::Channel;
use crate::sys::launch;
use crate::sys::limits::Limit;
use crate::sys::packets::Packets;
use crate::sys::process::{self, Fork};
use crate::sys::seccomp::Filter;
use crate::sys::signals::block_all;
use crate::sys::stdio::{Interest, pipe, wait};
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
        let frame = handle.channel.receive()?;
        let mut frame = frame.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        match postcard::from_bytes(&frame.bytes).map_err(io::Error::other)? {
            Report::Ready => {
                handle.terminals = frame.descriptors.pop();
                Ok(handle)
            }
            Report::NoView(error) => Err(StartError::View(error)),
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
                process::end_now(match child(theirs, seen) {
                    Ok(()) => 0,
                    Err(_) => 1,
                })
            }
        }
    }

    /// The view's own instance of devpts, in view mode.
    pub(super) fn terminals(&self) -> Option<BorrowedFd<'_>> {
        self.terminals.as_ref().map(OwnedFd::as_fd)
    }
}

/// How long a launcher may take to clean up before the broker goes on without it.
const GRACE: Duration = Duration::from_secs(10);

/// How long a keeper lets a launcher that the broker let go of clean up by itself. One that is
/// stopped, or stuck, never will.
const PATIENCE: Duration = Duration::from_secs(5);

fn keep_flat(
    outfit: Outfit<'_>,
    ground: FlatGround,
    channel: Channel,
    lifeline: &OwnedFd,
) -> io::Result<()> {
    stand_alone()?;
    let group = outfit.group;
    let Fork::Parent { pid, pidfd } = process::fork_single_threaded()? else {
        // The launcher has closed what the keeper keeps, and must not close it again.
        process::end_now(match lead_flat(outfit, ground, channel) {
            Ok(()) => 0,
            Err(_) => 1,
        })
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

/// The life of the launcher on the host's file tree.
fn lead_flat(outfit: Outfit<'_>, ground: FlatGround, channel: Channel) -> io::Result<()> {
    let FlatGround {
        ruleset,
        supervisor,
        scratch,
        domain,
    } = ground;
    let concurrency = outfit.concurrency;
    let mut equipment = equip(outfit, (ruleset, supervisor), Territory::Host)?;
    process::drop_capabilities()?;
    if let Some(domain) = domain {
        match concurrency {
            Concurrency::One => equipment.teardown = Teardown::by_domain(domain.as_fd()),
            // A domain for each of the lanes, and none around them.
            Concurrency::Several => equipment.kit.domain = Some(domain),
        }
    }
    if let Err(error) = settle(&equipment, &channel, &scratch.descriptors()) {
        return report(
            &channel,
            &Report::NoLauncher(error.raw_os_error().unwrap_or(0)),
        );
    }
    let served = Launcher::new(equipment, channel)?.serve();
    scratch.remove();
    served
}

fn keep_view(
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
        Err(error) => return report(&channel, &Report::NoView(error)),
    };
    let forked = match fork_launcher(group) {
        Ok(forked) => forked,
        Err(error) => return report(&channel, &Report::NoView(error)),
    };
    let Fork::Parent { pid, pidfd } = forked else {
        // What the caller does after this is the keeper's.
        process::end_now(match lead(unfinished, ground.plan, outfit, channel) {
            Ok(()) => 0,
            Err(_) => 1,
        });
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

/// The life of the launcher in a view.
fn lead(
    unfinished: Unfinished<'_>,
    plan: &Plan,
    outfit: Outfit<'_>,
    channel: Channel,
) -> io::Result<()> {
    match occupy(unfinished, plan, outfit, &channel) {
        Ok(equipment) => Launcher::new(equipment, channel)?.serve(),
        Err(error) => report(&channel, &Report::NoView(error)),
    }
}

/// Finishes the view, and makes what needs it to be there.
fn occupy(
    unfinished: Unfinished<'_>,
    plan: &Plan,
    outfit: Outfit<'_>,
    channel: &Channel,
) -> Result<Equipment, ViewError> {
    let fault = || ViewError::at(ViewStep::Settle);
    let (view, password) = unfinished.finish()?;
    let ruleset = ruleset(plan, &view)?;
    let supervisor = reach::in_view(plan).map_err(fault())?;
    let kit = match outfit.concurrency {
        Concurrency::One => LaneKit::default(),
        Concurrency::Several => LaneKit {
            domain: signal_domain(plan)?,
            password,
        },
    };
    let equipment = Equipment {
        kit,
        ..equip(outfit, (ruleset, supervisor), Territory::View).map_err(fault())?
    };
    let terminals = view.terminals().try_clone_to_owned().map_err(fault())?;
    drop(view);
    settle(&equipment, channel, &[terminals.as_raw_fd()]).map_err(fault())?;
    let ready = postcard::to_stdvec(&Report::Ready).map_err(io::Error::other);
    ready
        .and_then(|ready| channel.send(&ready, &[terminals.as_fd()]))
        .map_err(fault())?;
    Ok(equipment)
}

fn ruleset(plan: &Plan, view: &View<'_>) -> Result<OwnedFd, ViewError> {
    landlock::ruleset(plan.landlock_abi, view.rules()).map_err(no_ruleset)
}

/// What keeps a lane from signalling what is not below it.
fn signal_domain(plan: &Plan) -> Result<Option<OwnedFd>, ViewError> {
    landlock::signal_domain(plan.landlock_abi).map_err(no_ruleset)
}

fn no_ruleset(error: LandlockError) -> ViewError {
    ViewError {
        step: ViewStep::Ruleset,
        path: match error {
            LandlockError::Rule { path, .. } => Some(path.into()),
            _ => None,
        },
        errno: nix::errno::Errno::EINVAL as i32,
    }
}

fn equip(
    outfit: Outfit<'_>,
    (ruleset, supervisor): (OwnedFd, Supervisor),
    territory: Territory,
) -> io::Result<Equipment> {
    let Outfit {
        filter,
        limits,
        background,
        concurrency: _,
        group,
    } = outfit;
    Ok(Equipment {
        ruleset,
        filter,
        limits,
        supervisor,
        background,
        territory,
        teardown: match territory {
            Territory::Host => Teardown::OneByOne,
            Territory::View => Teardown::Namespace,
        },
        kit: LaneKit::default(),
        group: group.map(CommandGroup::of).transpose()?,
    })
}

/// No signal, no terminal and no orphan of the broker's surroundings concerns us any more.
fn stand_alone() -> io::Result<()> {
    block_all()?;
    nix::unistd::setsid()?;
    process::adopt_orphans()
}

/// Cuts every tie of the launcher to the broker's surroundings.
fn settle(equipment: &Equipment, channel: &Channel, besides: &[i32]) -> io::Result<()> {
    nix::unistd::setsid()?;
    process::adopt_orphans()?;
    process::drop_capabilities()?;
    process::hide_memory();
    launch::detach_stdio()?;
    let mut kept = equipment.supervisor.descriptors();
    kept.push(equipment.ruleset.as_raw_fd());
    kept.extend(equipment.kit.domain.as_ref().map(OwnedFd::as_raw_fd));
    kept.extend(equipment.group.iter().flat_map(CommandGroup::descriptors));
    kept.extend(besides);
    kept.push(channel.as_fd().as_raw_fd());
    process::close_all_but(3, &mut kept)
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

fn report(channel: &Channel, report: &Report) -> io::Result<()> {
    let bytes = postcard::to_stdvec(report).map_err(io::Error::other)?;
    channel.send(&bytes, &[])
}
