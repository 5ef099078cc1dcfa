//! Making every attack in one place: outside, for the controls, or inside.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::conversation::Told;
use super::entrance::{Attacker, Report};
use super::error::ProveError;
use super::processes;
use super::protocol::{Answer, Order};
use super::row::{Target, Witness};
use super::stage::{Scene, Stage};
use super::trial::Trial;
use super::verdict::Observation;
use super::witness::{self, Observed};
use super::world::{self, Site, said};
use crate::policy::Background;
use crate::sys::signals::SignalSource;

/// How attackers are started.
pub(super) type Start<'a> = dyn Fn() -> std::io::Result<Attacker> + 'a;

/// One round of the battery.
pub(super) struct Phase<'a, 'w> {
    pub stage: &'a mut Stage<'w>,
    pub trials: &'a [Trial],
    pub sites: &'a [Site],
    pub signals: &'a SignalSource,
    pub background: Background,
}

/// What came of a round.
pub(super) struct Round {
    pub observations: Vec<Observation>,
    /// What the last session told; absent outside.
    pub report: Option<Report>,
}

impl Phase<'_, '_> {
    /// Makes every attack.
    pub(super) fn run(mut self, start: &Start<'_>) -> Result<Round, ProveError> {
        let mut observations = Vec::with_capacity(self.trials.len());
        let mut attacker = start()?;
        while observations.len() < self.trials.len() {
            let index = observations.len();
            if let Some(observation) = self.observe(index, &mut attacker)? {
                observations.push(observation);
                continue;
            }
            let report = attacker.finish(|| ())?;
            if index == 0 {
                return Err(nothing_ran(report));
            }
            // Once more: it may have been the time of the command that was up.
            attacker = start()?;
            let again = self.observe(index, &mut attacker)?;
            if let Some(observation) = again {
                observations.push(observation);
                continue;
            }
            match attacker.finish(|| ())? {
                Some(report) if !report.failure.is_empty() => return Err(report.into_error()),
                _ => observations.push(Observation::unanswered()),
            }
            attacker = start()?;
        }
        let report = self.end(attacker, &mut observations)?;
        Ok(Round {
            observations,
            report,
        })
    }

    /// Makes one attack; nothing comes of it where the attacker has ended.
    fn observe(
        &mut self,
        index: usize,
        attacker: &mut Attacker,
    ) -> Result<Option<Observation>, ProveError> {
        let (trial, site) = (&self.trials[index], &self.sites[index]);
        let scene = match self.stage.set(trial, site, attacker.broker) {
            Ok(scene) => scene,
            Err(error) => {
                return Ok(Some(Observation {
                    answer: format!("not here: {error}"),
                    observed: Observed::default(),
                }));
            }
        };
        let Some(answer) = self.ask(attacker, &scene.order, scene.busy.as_ref())? else {
            return Ok(None);
        };
        if trial.row.witness == Witness::Answers {
            return self.compare(attacker, (trial, scene), &answer);
        }
        let word = answer.word();
        let observed = self.stage.look(trial, site, scene, &answer);
        Ok(Some(Observation {
            answer: word,
            observed,
        }))
    }

    fn ask(
        &self,
        attacker: &mut Attacker,
        order: &Order,
        busy: Option<&PathBuf>,
    ) -> Result<Option<Answer>, ProveError> {
        let stir = || {
            if let Some(file) = busy {
                world::stir(file);
            }
        };
        match attacker.talk.ask(order, self.signals, &stir)? {
            Told::Answer(answer) => Ok(Some(answer)),
            Told::Gone => Ok(None),
        }
    }

    /// Makes the attack again on what does not exist.
    fn compare(
        &self,
        attacker: &mut Attacker,
        (trial, scene): (&Trial, Scene),
        existing: &Answer,
    ) -> Result<Option<Observation>, ProveError> {
        let mut order = scene.order;
        if trial.row.target == Target::Bystander {
            order.number = i64::from(i32::MAX);
        } else {
            // In a directory that does exist, so that nothing but the name tells them apart.
            for path in [&mut order.file, &mut order.dots] {
                *path = said(&PathBuf::from(&*path).with_file_name("missing"));
            }
        }
        let Some(missing) = self.ask(attacker, &order, None)? else {
            return Ok(None);
        };
        Ok(Some(Observation {
            answer: format!("{} / {}", existing.word(), missing.word()),
            observed: Observed {
                seen: witness::answers(existing, &missing),
                claimed: None,
            },
        }))
    }

    /// Lets the command end, and looks for what outlives it.
    fn end(
        &self,
        attacker: Attacker,
        observations: &mut [Observation],
    ) -> Result<Option<Report>, ProveError> {
        let mut look = || self.look_for_survivors(observations);
        let report = match self.background {
            Background::Refuse => attacker.finish(look)?,
            Background::UntilSessionEnd => {
                let report = attacker.finish(|| ())?;
                look();
                report
            }
        };
        self.end_survivors();
        Ok(report)
    }

    /// Looks more than once: one that is replaced by its child all the time is missed easily.
    fn look_for_survivors(&self, observations: &mut [Observation]) {
        let indices = 0..self.trials.len();
        let mut missed: Vec<usize> = indices
            .filter(|index| self.trials[*index].row.witness == Witness::Survivor)
            .collect();
        for _ in 0..LOOKS {
            let is_missed = |name: &str| missed.iter().any(|index| self.sites[*index].mark == name);
            let alive = processes::alive(is_missed);
            missed.retain(|index| {
                let lives = alive
                    .iter()
                    .any(|(_, name)| *name == self.sites[*index].mark);
                if lives {
                    observations[*index].observed.seen = Some("its process lives on".into());
                }
                !lives
            });
            if missed.is_empty() {
                return;
            }
        }
    }

    /// Ends what attacks left behind where nothing kept them from it.
    fn end_survivors(&self) {
        let marks: HashSet<&str> = self.sites.iter().map(|site| site.mark.as_str()).collect();
        for (trial, site) in self.trials.iter().zip(self.sites) {
            if trial.row.witness == Witness::Survivor {
                world::lay_stop(site);
            }
        }
        let start = Instant::now();
        while start.elapsed() < LONGEST_LIFE {
            let left = processes::alive(|name| marks.contains(name));
            if left.is_empty() {
                return;
            }
            for (pid, _) in left {
                // A name that nobody can guess: it is one of ours, or gone.
                let _ = crate::sys::process::signal(pid, Signal::SIGKILL as i32);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// How often it is looked for what outlives its command.
const LOOKS: usize = 25;

/// After this, what an attack left behind has ended by itself.
const LONGEST_LIFE: Duration = Duration::from_secs(40);

/// The attacker did not even make its first attack.
fn nothing_ran(report: Option<Report>) -> ProveError {
    match report {
        Some(report) => report.into_error(),
        None => ProveError::NoControl,
    }
}
