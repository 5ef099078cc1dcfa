//! A proof, from the policy to the table.

use std::io;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use serde::Serialize;
use serde_json::Value;

use super::adapt::{adapted, rights_at};
use super::entrance::{Attacker, Report};
use super::error::ProveError;
use super::phase::{Phase, Round, Start};
use super::row::Group;
use super::stage::Stage;
use super::trial::{Promises, Trial, trials};
use super::verdict::{Finding, Verdict, judge};
use super::world::{self, ATTACKER, Site, World};
use crate::ambient::Operator;
use crate::broker::{Session, SessionConfig, Terms};
use crate::model::{Enforced, ExecRun, HostPath, Mode, PrincipalId, Right, Status};
use crate::policy::{Background, Commands, Policy};
use crate::sandbox::Plan;
use crate::sys::signals::SignalSource;

/// What is to be proven: a policy, for a principal, on this host.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The policy.
    pub policy: Policy,
    /// Who would ask.
    pub principal: PrincipalId,
    /// The operator, whose environment commands would have.
    pub operator: Operator,
    /// This very program, of which the attacker is a copy.
    pub program: PathBuf,
    /// The directories below which the temporary world may be made, the best first.
    pub places: Vec<PathBuf>,
}

/// How many rows came to which verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All of them.
    pub rows: usize,
    /// Those that are attacks, and not uses.
    pub attacks: usize,
    /// See [`Verdict::Held`].
    pub held: usize,
    /// See [`Verdict::Broken`].
    pub broken: usize,
    /// See [`Verdict::Weaker`].
    pub weaker: usize,
    /// See [`Verdict::NotApplicable`].
    pub not_applicable: usize,
}

/// What held on this host, and what did not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Proof {
    /// The policy's name.
    pub policy: String,
    /// The principal that would ask.
    pub principal: String,
    /// Whether commands run at all, and how they were contained.
    pub mode: Mode,
    /// The layers in force, as the reply of the attacker's own command stated them.
    pub enforced: Value,
    /// What a reader has to know to understand the rows.
    pub notes: Vec<String>,
    /// The sums.
    pub counts: Counts,
    /// Whether everything held that was promised, and something was proven.
    pub ok: bool,
    /// Every row.
    pub rows: Vec<Finding>,
}

impl Proof {
    fn new(subject: &Subject, rows: Vec<Finding>) -> Self {
        let mut counts = Counts::default();
        for row in &rows {
            counts.rows += 1;
            counts.attacks += usize::from(row.group.is_attack());
            match row.verdict {
                Verdict::Held => counts.held += 1,
                Verdict::Broken => counts.broken += 1,
                Verdict::Weaker => counts.weaker += 1,
                Verdict::NotApplicable => counts.not_applicable += 1,
            }
        }
        Self {
            policy: subject.policy.name.clone(),
            principal: subject.principal.to_string(),
            mode: Mode::Broker,
            enforced: serde_json::to_value(Enforced::by_broker_alone()).unwrap_or_default(),
            notes: Vec::new(),
            counts,
            ok: counts.broken == 0 && counts.held > 0,
            rows,
        }
    }
}

/// A world, and a policy that is bound to it.
struct Ground {
    world: World,
    terms: Terms,
    plan: Plan,
    promises: Promises,
    notes: Vec<String>,
}

/// Makes every attack, and tells what held. This process must have one thread.
///
/// # Errors
/// When nothing could be proven: no world, no sandbox, or somebody wanted it to stop.
pub fn prove(subject: &Subject) -> Result<Proof, ProveError> {
    if let Some(proof) = without_commands(subject)? {
        return Ok(proof);
    }
    let ground = ground(subject)?;
    let Ground {
        world,
        terms,
        plan,
        promises,
        notes,
    } = ground;
    let cwd = terms.cwd.clone();
    // Copied: each start needs terms of its own.
    let config = |terms: &Terms| SessionConfig {
        terms: Terms {
            policy: std::sync::Arc::clone(&terms.policy),
            principal: terms.principal.clone(),
            cwd: terms.cwd.clone(),
            operator: terms.operator.clone(),
        },
        audit_directory: world.state(),
        scratch_base: world.scratch(),
    };
    let inside = || Attacker::contained(&world, config(&terms));
    let (rows, report) = battery(&world, (&promises, &cwd), &inside, &subject.program)?;
    let mut proof = Proof::new(subject, rows);
    proof.mode = plan.mode;
    proof.notes = notes;
    if let Some(report) = report {
        proof.enforced = report.enforced;
    }
    Ok(proof)
}

/// Makes every attack with nothing in the place of the sandbox: whatever does not come out
/// broken then could not come out broken at all.
///
/// # Errors
/// As [`prove`].
pub fn prove_without_sandbox(subject: &Subject, promises: &Promises) -> Result<Proof, ProveError> {
    let world = World::make(first(&subject.places)?, &subject.program)?;
    let cwd = absolute(&world.workspace())?;
    let plain = || Attacker::plain(&world, &cwd);
    let (rows, _) = battery(&world, (promises, &cwd), &plain, &subject.program)?;
    Ok(Proof::new(subject, rows))
}

/// The whole battery: controls, the same inside, and what came of both.
fn battery(
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
    let both = control.observations.into_iter().zip(result.observations);
    let rows = trials
        .iter()
        .zip(both)
        .map(|(trial, (control, inside))| judge(trial, control, inside))
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

/// The proof for a policy that lets the principal run nothing: that this is so.
fn without_commands(subject: &Subject) -> Result<Option<Proof>, ProveError> {
    let policy = &subject.policy;
    let tier = policy.principals.get(&subject.principal);
    let ceiling = tier.and_then(|tier| policy.tiers.get(tier));
    let may_run = policy.commands.run == Commands::All
        && ceiling.is_some_and(|ceiling| ceiling.commands == Commands::All);
    if may_run {
        return Ok(None);
    }
    let world = World::make(first(&subject.places)?, &subject.program)?;
    let workspace = absolute(&world.workspace())?;
    let terms = terms(subject, policy.clone(), &workspace)?;
    let opened = Session::open(SessionConfig {
        terms,
        audit_directory: world.state(),
        scratch_base: world.scratch(),
    });
    let mut session = opened.map_err(|error| unavailable(&error, error.hint()))?;
    let report = session.run(&ExecRun {
        argv: Some(vec![world::said(&world.attacker())]),
        ..ExecRun::default()
    });
    session.close();
    let denied = report.reply.status == Status::Denied;
    let code = report
        .reply
        .denials
        .first()
        .map(|denial| denial.code.to_string());
    let row = Finding {
        group: Group::Run,
        name: "command".into(),
        tried: "a command, asked for as any other".into(),
        verdict: if denied {
            Verdict::Held
        } else {
            Verdict::Broken
        },
        answer: code.unwrap_or_else(|| "ok".into()),
        control: "ok".into(),
        seen: String::new(),
        weaker: None,
    };
    let mut proof = Proof::new(subject, vec![row]);
    proof.notes.push(format!(
        "policy {} lets {} run no command, so there is no sandbox to attack",
        policy.name, subject.principal
    ));
    Ok(Some(proof))
}

/// Finds a place for the world that lies in no grant, and binds the policy to it.
fn ground(subject: &Subject) -> Result<Ground, ProveError> {
    let mut failed = None;
    for place in &subject.places {
        match World::make(place, &subject.program) {
            Ok(world) => {
                if let Some(ground) = on(subject, world)? {
                    return Ok(ground);
                }
            }
            Err(error) => failed = Some(error),
        }
    }
    if let Some(error) = failed {
        return Err(error.into());
    }
    let places: Vec<String> = subject
        .places
        .iter()
        .map(|place| world::said(place))
        .collect();
    Err(ProveError::NoOutside {
        places: places.join(", "),
    })
}

/// The policy bound to a world; nothing where the outside of it would be granted.
fn on(subject: &Subject, world: World) -> Result<Option<Ground>, ProveError> {
    let mut notes = Vec::new();
    let workspace = absolute(&world.workspace())?;
    let outside = absolute(&world.outside())?;
    let mut terms = terms(subject, subject.policy.clone(), &workspace)?;
    let program = absolute(&world.workspace().join(ATTACKER))?;
    if let Some(policy) = adapted(&terms.policy, &subject.principal, ATTACKER) {
        terms = self::terms(subject, policy, &workspace)?;
        notes.push(
            "the policy lets nothing run that lies below its root; \
             the attacker's own directory was granted in addition"
                .into(),
        );
    }
    if !rights_at(&terms.policy, &subject.principal, &workspace).has(Right::List) {
        terms.cwd = program;
    }
    let plan = terms
        .plan()
        .map_err(|error| unavailable(&error, error.hint()))?;
    let is_granted = plan
        .paths
        .iter()
        .any(|rule| !rule.access.rights.is_empty() && outside.beneath(&rule.path).is_some());
    if is_granted {
        return Ok(None);
    }
    let promises = Promises::of(&plan, &workspace);
    if promises.background == Background::UntilSessionEnd {
        notes.push("the policy lets processes run until the session ends".into());
    }
    Ok(Some(Ground {
        world,
        terms,
        plan,
        promises,
        notes,
    }))
}

fn terms(subject: &Subject, policy: Policy, root: &HostPath) -> Result<Terms, ProveError> {
    let anchors = subject.operator.anchors(root.clone());
    Ok(Terms {
        policy: policy.bind(&anchors).map_err(ProveError::Policy)?,
        principal: subject.principal.clone(),
        cwd: root.clone(),
        operator: subject.operator.clone(),
    })
}

fn first(places: &[PathBuf]) -> io::Result<&PathBuf> {
    places.first().ok_or_else(|| io::ErrorKind::NotFound.into())
}

fn absolute(path: &Path) -> io::Result<HostPath> {
    HostPath::absolute(path).map_err(io::Error::other)
}

fn unavailable(error: &dyn std::error::Error, hint: Option<String>) -> ProveError {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message.push_str(": ");
        message.push_str(&cause.to_string());
        source = cause.source();
    }
    ProveError::Unavailable { message, hint }
}
