//! A proof, from the policy to the table.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

use super::entrance::Attacker;
use super::error::ProveError;
use super::ground::{self, Ground, absolute, first, terms, unavailable};
use super::rounds::battery;
use super::row::Group;
use super::trial::Promises;
use super::verdict::{Finding, Verdict};
use super::world::{self, World};
use crate::ambient::Operator;
use crate::broker::{Session, SessionConfig};
use crate::model::{Enforced, ExecRun, Mode, PrincipalId, Status};
use crate::policy::{Commands, Policy};
use crate::sandbox::Concurrency;

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

/// Makes every attack, and tells what held. This process must have one thread.
///
/// # Errors
/// When nothing could be proven: no world, no sandbox, or somebody wanted it to stop.
pub fn prove(subject: &Subject) -> Result<Proof, ProveError> {
    if let Some(proof) = without_commands(subject)? {
        return Ok(proof);
    }
    let ground = ground::find(subject)?;
    let Ground {
        world,
        terms,
        plan,
        promises,
        notes,
    } = &ground;
    let inside = || Attacker::contained(world, ground.session());
    let (rows, report) = battery(world, (promises, &terms.cwd), &inside, &subject.program)?;
    let mut proof = Proof::new(subject, rows);
    proof.mode = plan.mode;
    proof.notes.clone_from(notes);
    if let Some(report) = report {
        proof.mode = report.mode().unwrap_or(plan.mode);
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
        concurrency: Concurrency::One,
    });
    let mut session = opened.map_err(|error| unavailable(&error, error.hint()))?;
    let report = session.run(ExecRun {
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
        group: Group::Start,
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
        "under policy {} no command of {} may run, so there is no sandbox to attack",
        policy.name, subject.principal
    ));
    Ok(Some(proof))
}
