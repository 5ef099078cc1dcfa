//! Where a proof is made: a world that lies in no grant, and the policy bound to it.

use std::io;
use std::path::{Path, PathBuf};

use super::adapt::{adapted, rights_at};
use super::error::ProveError;
use super::proof::Subject;
use super::trial::Promises;
use super::world::{self, ATTACKER, World};
use crate::broker::{SessionConfig, Terms};
use crate::model::{HostPath, Right};
use crate::policy::{Background, Policy};
use crate::sandbox::{Concurrency, Plan};

/// A world, and a policy that is bound to it.
pub(super) struct Ground {
    pub world: World,
    pub terms: Terms,
    pub plan: Plan,
    pub promises: Promises,
    /// What a reader of the proof has to know.
    pub notes: Vec<String>,
}

impl Ground {
    /// What a session here is opened with. Each has terms of its own.
    pub(super) fn session(&self) -> SessionConfig {
        let Terms {
            policy,
            principal,
            cwd,
            operator,
        } = &self.terms;
        SessionConfig {
            terms: Terms {
                policy: std::sync::Arc::clone(policy),
                principal: principal.clone(),
                cwd: cwd.clone(),
                operator: operator.clone(),
            },
            audit_directory: self.world.state(),
            scratch_base: self.world.scratch(),
            concurrency: Concurrency::One,
        }
    }
}

/// Finds a place for the world that lies in no grant, and binds the policy to it.
pub(super) fn find(subject: &Subject) -> Result<Ground, ProveError> {
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
    if !rights_at(&terms.policy, &subject.principal, &outside).is_empty() {
        return Ok(None);
    }
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
        .plan(&terms.tried_host())
        .map_err(|error| unavailable(&error, error.hint()))?;
    // A profile may give it, too.
    let is_given = plan
        .paths
        .iter()
        .any(|rule| !rule.access.rights.is_empty() && outside.beneath(&rule.path).is_some());
    if is_given {
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

/// The terms of a session in the world.
pub(super) fn terms(
    subject: &Subject,
    policy: Policy,
    root: &HostPath,
) -> Result<Terms, ProveError> {
    let anchors = subject.operator.anchors(root.clone());
    Ok(Terms {
        policy: policy.bind(&anchors).map_err(ProveError::Policy)?,
        principal: subject.principal.clone(),
        cwd: root.clone(),
        operator: subject.operator.clone(),
    })
}

/// The best of the places.
pub(super) fn first(places: &[PathBuf]) -> io::Result<&PathBuf> {
    places.first().ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// A path of the world, whose parts are what they seem.
pub(super) fn absolute(path: &Path) -> io::Result<HostPath> {
    HostPath::absolute(path).map_err(io::Error::other)
}

/// Why nothing can be run, with its causes in one line.
pub(super) fn unavailable(error: &dyn std::error::Error, hint: Option<String>) -> ProveError {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message.push_str(": ");
        message.push_str(&cause.to_string());
        source = cause.source();
    }
    ProveError::Unavailable { message, hint }
}
