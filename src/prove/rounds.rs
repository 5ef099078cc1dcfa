//! Both rounds of the battery: outside, for the controls, and inside.

use std::io;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;

use super::entrance::{Attacker, Report};
use super::error::ProveError;
use super::phase::{Phase, Round, Start};
use super::stage::Stage;
use super::trial::{Promises, Trial, trials};
use super::verdict::{Finding, judge};
use super::world::{self, Site, World};
use crate::model::HostPath;
use crate::sys::signals::SignalSource;

/// The whole battery: controls, the same inside, and what came of both.
pub(super) fn battery(
    world: &World,
    (promises, cwd): (&Promises, &HostPath),
    inside: &Start<'_>,
    program: &Path,
) -> Result<(Vec<Finding>, Option<Report>), ProveError> {
    let signals = SignalSource::of(&STOPPING)?;
    let trials = trials(promises);
    let controls = lay_out(world, &trials, Side::Control)?;
    let targets = lay_out(world, &trials, Side::Inside)?;
    let mut stage = Stage::new(world, cwd.clone(), program)?;
    // So that a change is seen in the times, whose steps can be as long as a tick.
    std::thread::sleep(std::time::Duration::from_millis(20));
    let mut round = |sites: &[Site], start: &Start<'_>| -> Result<Round, ProveError> {
        let phase = Phase {
            stage: &mut stage,
            trials: &trials,
            sites,
            signals: &signals,
            background: promises.background,
        };
        phase.run(start)
    };
    let control = round(&controls, &|| Attacker::plain(world, cwd))?;
    let result = round(&targets, inside)?;
    let not_given = result.report.as_ref().map(Report::weaker);
    let not_given = not_given.unwrap_or_default();
    let both = control.observations.into_iter().zip(result.observations);
    let rows = trials
        .iter()
        .zip(both)
        .map(|(trial, (control, inside))| judge(trial, [control, inside], &not_given))
        .collect();
    Ok((rows, result.report))
}

/// What ends a proof before its time.
const STOPPING: [Signal; 4] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
];

/// Which of both rounds a place is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Control,
    Inside,
}

/// Everything must be there before a sandbox is prepared, as a user's files are.
fn lay_out(world: &World, trials: &[Trial], side: Side) -> io::Result<Vec<Site>> {
    let mut sites = Vec::with_capacity(trials.len());
    let mut exceptions: Vec<(PathBuf, String)> = Vec::new();
    for (index, trial) in trials.iter().enumerate() {
        let name = match side {
            Side::Control => format!("c{index:03}"),
            Side::Inside => format!("s{index:03}"),
        };
        let exception = trial.exception.as_ref().filter(|_| side == Side::Inside);
        let Some(exception) = exception else {
            sites.push(world.lay_out(&name, trial.base, trial.furniture())?);
            continue;
        };
        let path = world.workspace().join(exception);
        let known = exceptions.iter().find(|(known, _)| *known == path);
        let secret = if let Some((_, secret)) = known {
            secret.clone()
        } else {
            let secret = world::secret()?;
            world::lay_file(&path, &secret)?;
            exceptions.push((path.clone(), secret.clone()));
            secret
        };
        sites.push(world.place_at(&name, &path, &secret)?);
    }
    Ok(sites)
}
