//! From the selectors to the terms of a session, and to the session itself.
//!
//! The root is chosen here, by the operator, before any request is read; no request moves it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::failure::Failure;
use super::selectors::Selectors;
use crate::ambient::Operator;
use crate::broker::{Session, SessionConfig, Terms};
use crate::daemon;
use crate::model::{HostPath, PrincipalId};
use crate::policy::Policy;
use crate::sandbox::Concurrency;
use crate::sys::process;

/// Finds the policy and the root that the selectors choose, and binds the one to the other.
pub(super) fn terms(selectors: &Selectors, operator: Operator) -> Result<Terms, Failure> {
    let policy = tightened(selectors, &operator)?;
    bound(policy, selectors, operator)
}

/// The same for a command that somebody speaks with: how long each answer may take is for whoever
/// started it.
pub(super) fn terms_of_a_server(
    selectors: &Selectors,
    operator: Operator,
) -> Result<Terms, Failure> {
    const LONG: Duration = Duration::from_hours(24 * 365);
    let mut policy = tightened(selectors, &operator)?;
    policy.limits.wall = LONG;
    bound(policy, selectors, operator)
}

/// Lets the kernel end this process with the front end that started it.
pub(super) fn end_with(front_end: i32) -> Result<(), Failure> {
    process::end_with_parent(front_end).map_err(|error| Failure::usage(FrontEndGone(error)))
}

/// Whoever started this is gone, or is not who they say.
#[derive(Debug, thiserror::Error)]
#[error("cannot depend on the front end")]
struct FrontEndGone(#[source] io::Error);

fn bound(policy: Policy, selectors: &Selectors, operator: Operator) -> Result<Terms, Failure> {
    let root = operator
        .root(selectors.root.as_deref())
        .map_err(Failure::usage)?;
    let cwd = match operator.cwd.beneath(&root) {
        Some(_) => operator.cwd.clone(),
        None => root.clone(),
    };
    let terms = Terms {
        policy: policy
            .bind(&operator.anchors(root))
            .map_err(Failure::policy)?,
        principal: PrincipalId::new(&selectors.principal),
        cwd,
        operator,
    };
    match within(selectors, &terms.operator)? {
        Some(directories) => terms.narrowed(&directories).map_err(Failure::policy),
        None => Ok(terms),
    }
}

/// The directories that the session is narrowed to.
fn within(selectors: &Selectors, operator: &Operator) -> Result<Option<Vec<HostPath>>, Failure> {
    if selectors.within.is_empty() {
        return Ok(None);
    }
    let named = selectors.within.iter();
    named
        .filter(|directory| !directory.as_os_str().is_empty())
        .map(|directory| operator.root(Some(directory)).map_err(Failure::usage))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// The policy with what the operator took away for this session; never with more.
pub(super) fn tightened(selectors: &Selectors, operator: &Operator) -> Result<Policy, Failure> {
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

/// Opens a session, in which one command runs after the other.
pub(super) fn open(terms: Terms) -> Result<Session, Failure> {
    open_for(terms, Concurrency::One)
}

/// Opens a session.
pub(super) fn open_for(terms: Terms, concurrency: Concurrency) -> Result<Session, Failure> {
    let config = SessionConfig {
        audit_directory: terms.operator.state.as_path().to_owned(),
        scratch_base: scratch_base(&terms.operator),
        concurrency,
        terms,
    };
    Session::open(config).map_err(Failure::of_session)
}

/// The same choices, as a session worker that starts in the same directory is told them.
pub(super) fn of_a_worker(
    selectors: &Selectors,
    terms: &Terms,
) -> Result<daemon::Selectors, Failure> {
    let text = |path: &HostPath| {
        let text = path.as_path().to_str().map(str::to_owned);
        text.ok_or_else(|| Failure::usage(RootIsNoText))
    };
    let within = within(selectors, &terms.operator)?;
    let within = within.map(|directories| directories.iter().map(text).collect());
    Ok(daemon::Selectors {
        policy: Some(selectors.policy.clone()),
        root: Some(text(&terms.policy.anchors().root)?),
        within: within.transpose()?,
        read_only: selectors.read_only,
        principal: Some(selectors.principal.clone()),
        timeout: selectors.timeout,
    })
}

/// The path of a directory would have to be told to another program, and cannot be.
#[derive(Debug, thiserror::Error)]
#[error("the path of the root, or of a directory that narrows it, is no text (UTF-8)")]
struct RootIsNoText;

/// Where private directories are made: where temporary files of the operator are.
pub(super) fn scratch_base(operator: &Operator) -> PathBuf {
    operator
        .variable("TMPDIR")
        .map(PathBuf::from)
        .filter(|base| base.is_absolute())
        .unwrap_or_else(|| PathBuf::from("/tmp"))
}
