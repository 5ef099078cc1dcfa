//! From the selectors to the terms of a session, and to the session itself.
//!
//! The root is chosen here, by the operator, before any request is read; no request moves it.

use std::io;
use std::time::Duration;

use super::failure::Failure;
use super::selectors::Selectors;
use crate::ambient::Operator;
use crate::broker::{Broker, Session, SessionConfig, Terms};
use crate::daemon;
use crate::model::HostPath;
use crate::policy::Policy;
use crate::sandbox::Concurrency;
use crate::sys::process;

/// Finds the policy and the root that the selectors choose, and binds the one to the other.
pub(super) fn terms(selectors: &Selectors, operator: Operator) -> Result<Terms, Failure> {
    let terms = Broker::of(operator).terms(&selectors.choice());
    terms.map_err(Failure::of_no_session)
}

/// The same for a command that somebody speaks with: how long each answer may take is for whoever
/// started it.
pub(super) fn terms_of_a_server(
    selectors: &Selectors,
    operator: Operator,
) -> Result<Terms, Failure> {
    const LONG: Duration = Duration::from_hours(24 * 365);
    let (broker, choice) = (Broker::of(operator), selectors.choice());
    let policy = broker.tightened(&choice).map_err(Failure::of_policy);
    let mut policy = policy?;
    policy.limits.wall = LONG;
    broker.bind(policy, &choice).map_err(Failure::of_no_session)
}

/// Lets the kernel end this process with the front end that started it.
pub(super) fn end_with(front_end: i32) -> Result<(), Failure> {
    process::end_with_parent(front_end).map_err(|error| Failure::usage(FrontEndGone(error)))
}

/// Whoever started this is gone, or is not who they say.
#[derive(Debug, thiserror::Error)]
#[error("cannot depend on the front end")]
struct FrontEndGone(#[source] io::Error);

/// The policy with what the operator took away for this session; never with more.
pub(super) fn tightened(selectors: &Selectors, operator: &Operator) -> Result<Policy, Failure> {
    let policy = Broker::of(operator.clone()).tightened(&selectors.choice());
    policy.map_err(Failure::of_policy)
}

/// Opens a session, in which one command runs after the other.
pub(super) fn open(terms: Terms) -> Result<Session, Failure> {
    open_for(terms, Concurrency::One)
}

/// Opens a session.
pub(super) fn open_for(terms: Terms, concurrency: Concurrency) -> Result<Session, Failure> {
    Session::open(SessionConfig::of(terms, concurrency)).map_err(Failure::of_session)
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
    let within = Broker::of(terms.operator.clone())
        .within(&selectors.choice())
        .map_err(Failure::of_no_session)?;
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
