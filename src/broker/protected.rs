//! The exceptions of grants: looked for before a command and after it.

use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::baseline::{Baseline, Joined};
use super::error::SessionError;
use super::exec::OP;
use super::session::Session;
use crate::audit::{RecordId, RequestInfo};
use crate::capability::{Before, SetAside};
use crate::model::{Denial, RefusalCode, Rule, shown_path};
use crate::policy::EffectiveGrant;

/// What was hidden and protected when a command started.
#[derive(Debug)]
pub(super) struct Watch {
    reach: Vec<EffectiveGrant>,
    pub before: Before,
    /// Until the last of the commands has ended and been looked after.
    _joined: Option<Joined>,
}

/// A grant that cannot be looked through, so that nobody knows what is in it.
#[derive(Debug, thiserror::Error)]
#[error("cannot look for hidden and protected names below {}", shown_path(.path))]
pub struct WatchError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl WatchError {
    fn new((path, source): (PathBuf, io::Error)) -> Self {
        Self { path, source }
    }
}

impl Session {
    /// Notes which exceptions exist.
    ///
    /// # Errors
    /// When a grant cannot be looked through.
    fn watch_exceptions(&mut self) -> Result<Watch, SessionError> {
        let reach = self.terms.policy.reach(&self.terms.principal);
        let reach = reach.unwrap_or_default();
        let own = self.capabilities.exceptions(&reach);
        let own = own.map_err(WatchError::new)?;
        let (joined, first) = if reach.iter().any(|grant| grant.rights.change_something()) {
            let baseline = match &mut self.baseline {
                Some(baseline) => baseline,
                none => none.insert(Baseline::of(&self.state, (&self.capabilities, &reach))?),
            };
            let (joined, first) = baseline.join(&own)?;
            (Some(joined), first)
        } else {
            (None, own.names())
        };
        let before = self.capabilities.before(own, first);
        Ok(Watch {
            reach,
            before,
            _joined: joined,
        })
    }

    /// What counts as there before a command: what was there before the first of those that run.
    ///
    /// A name that a running command has made under a protected pattern is set aside only when
    /// that command ends. Were it taken for one that had been there, another command could
    /// make it once more, and nobody would set that aside.
    fn watch(&mut self) -> Result<Rc<Watch>, SessionError> {
        match self.watching.upgrade() {
            Some(watch) => Ok(watch),
            None => self.watch_exceptions().map(Rc::new),
        }
    }

    /// Prepares the sandbox, anew where the host has meanwhile what the present one does not
    /// cover: then everything in its private directory is lost.
    ///
    /// # Errors
    /// When the sandbox cannot be prepared, or a grant cannot be looked through.
    pub(super) fn prepare_and_watch(&mut self) -> Result<Rc<Watch>, SessionError> {
        let watch = self.watch()?;
        if self.covered.as_ref() != Some(&watch.before.own) {
            // What still runs in it keeps it until that has ended.
            self.sandbox = None;
        }
        self.prepare()?;
        self.covered = Some(watch.before.own.clone());
        self.watching = Rc::downgrade(&watch);
        Ok(watch)
    }

    /// Sets aside what was made under a protected name, and puts that on record.
    pub(super) fn set_aside(
        &self,
        watch: &Watch,
        (request, record): (RequestInfo<'_>, RecordId),
    ) -> Vec<Denial> {
        let denials = match self.capabilities.set_aside(&watch.before, &watch.reach) {
            Ok(made) => made.iter().map(|one| told(one, &watch.reach)).collect(),
            Err(fault) => {
                let error = WatchError::new(fault);
                let denial = refused(&error.path, &watch.reach);
                vec![denial.with_hint(super::error::chain(&error))]
            }
        };
        for denial in &denials {
            // It has happened already; a log that fails now refuses the next request.
            let _ = self.ledger.refused(request, record, denial);
        }
        denials
    }
}

fn told(made: &SetAside, reach: &[EffectiveGrant]) -> Denial {
    refused(&made.path, reach).with_hint(match &made.now {
        Ok(now) => format!(
            "the name is protected; what was made there is now {}",
            shown_path(now)
        ),
        Err(error) => {
            format!("the name is protected; what was made there could not be renamed: {error}")
        }
    })
}

fn refused(path: &Path, reach: &[EffectiveGrant]) -> Denial {
    let rule = reach
        .iter()
        .filter(|grant| path.starts_with(grant.root.as_path()))
        .max_by_key(|grant| grant.root.depth())
        .map_or_else(Rule::default_deny, |grant| grant.rule.clone());
    let path = path.to_string_lossy();
    Denial::by_broker(RefusalCode::ProtectedPath, OP, &path, rule)
}
