//! From the selectors to what a session is made of: a bound policy, a principal, a directory.
//!
//! The root is chosen here, by the operator, before any request is read; no request moves it.

use std::path::PathBuf;
use std::sync::Arc;

use super::failure::Failure;
use super::selectors::Selectors;
use crate::ambient::Operator;
use crate::broker::{Session, SessionConfig};
use crate::model::{HostPath, PrincipalId};
use crate::policy::{BoundPolicy, Policy};

/// What the selectors chose.
#[derive(Debug)]
pub(super) struct Chosen {
    /// The policy, bound to the root.
    pub(super) policy: Arc<BoundPolicy>,
    /// Who asks.
    pub(super) principal: PrincipalId,
    /// Where commands start.
    pub(super) cwd: HostPath,
}

impl Chosen {
    /// Finds the policy and the root, and binds the one to the other.
    pub(super) fn by(selectors: &Selectors, operator: &Operator) -> Result<Self, Failure> {
        let root = operator
            .root(selectors.root.as_deref())
            .map_err(Failure::usage)?;
        let policy = tightened(selectors, operator)?;
        let cwd = match operator.cwd.beneath(&root) {
            Some(_) => operator.cwd.clone(),
            None => root.clone(),
        };
        Ok(Self {
            policy: policy
                .bind(&operator.anchors(root))
                .map_err(Failure::policy)?,
            principal: PrincipalId::new(&selectors.principal),
            cwd,
        })
    }

    /// Opens the session.
    pub(super) fn open(self, operator: Operator) -> Result<Session, Failure> {
        let Self {
            policy,
            principal,
            cwd,
        } = self;
        let scratch_base = operator.variable("TMPDIR").map(PathBuf::from);
        let config = SessionConfig {
            policy,
            principal,
            cwd,
            audit_directory: operator.state.as_path().to_owned(),
            scratch_base: scratch_base
                .filter(|base| base.is_absolute())
                .unwrap_or_else(|| PathBuf::from("/tmp")),
            operator,
        };
        Session::open(config).map_err(|error| {
            let hint = error.hint();
            let failure = Failure::unavailable(error);
            match hint {
                Some(hint) => failure.with_hint(hint),
                None => failure,
            }
        })
    }
}

/// The policy with what the operator took away for this session; never with more.
fn tightened(selectors: &Selectors, operator: &Operator) -> Result<Policy, Failure> {
    let mut policy = operator
        .policy(&selectors.policy)
        .map_err(Failure::of_policy)?;
    if selectors.read_only {
        policy = policy.tightened_to_read_only();
    }
    if let Some(most) = selectors.timeout {
        policy.limits.wall = policy.limits.wall.min(most);
    }
    Ok(policy)
}
