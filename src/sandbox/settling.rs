//! How a launcher settles in, between its fork and its first order.
//!
//! It gives up every capability, every descriptor but the few that it needs, and every tie to
//! the broker's surroundings; in a view it first finishes that. Where anything fails, it ends
//! without having started a command.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};

use super::group::CommandGroup;
use super::keeper::{FlatGround, Outfit};
use super::landlock::{self, LandlockError};
use super::lane::{Concurrency, LaneKit};
use super::launcher::{Equipment, Launcher};
use super::message::{Report, say};
use super::plan::Plan;
use super::reach;
use super::supervise::Supervisor;
use super::territory::Territory;
use super::view::{Unfinished, View, ViewError, ViewStep};
use crate::sys::channel::Channel;
use crate::sys::launch;
use crate::sys::process;
use crate::sys::teardown::Teardown;

/// The life of the launcher on the host's file tree.
pub(super) fn lead_flat(
    outfit: Outfit<'_>,
    ground: FlatGround,
    channel: Channel,
) -> io::Result<()> {
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
        let report = Report::NoLauncher(error.raw_os_error().unwrap_or(0));
        return say(&channel, &report, &[]);
    }
    let served = Launcher::new(equipment, channel)?.serve();
    scratch.remove();
    served
}

/// The life of the launcher in a view.
pub(super) fn lead_in_view(
    unfinished: Unfinished<'_>,
    plan: &Plan,
    outfit: Outfit<'_>,
    channel: Channel,
) -> io::Result<()> {
    match occupy(unfinished, plan, outfit, &channel) {
        Ok(equipment) => Launcher::new(equipment, channel)?.serve(),
        Err(error) => say(&channel, &Report::NoView(error), &[]),
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
    say(channel, &Report::Ready, &[terminals.as_fd()]).map_err(fault())?;
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
