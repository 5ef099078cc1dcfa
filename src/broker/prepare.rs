//! The plan and the sandbox of a session, made when they are first needed.
//!
//! What the host turns out not to have is planned for without it, and only where the policy
//! accepts that.

use std::rc::Rc;

use super::error::SessionError;
use super::session::Session;
use crate::model::HostPath;
use crate::sandbox::{Origin, Plan, Sandbox, ScratchPlace};

impl Session {
    /// The plan of this session's commands, made when it is first needed.
    ///
    /// # Errors
    /// When the host cannot give what the policy requires.
    pub fn plan(&mut self) -> Result<&Plan, SessionError> {
        let plan = match self.plan.take() {
            Some(plan) => plan,
            None => self
                .terms
                .plan(self.host.get_or_insert_with(|| self.terms.host()))?,
        };
        Ok(self.plan.insert(plan))
    }

    pub(super) fn prepare(&mut self) -> Result<(), SessionError> {
        if self.sandbox.is_some() {
            return Ok(());
        }
        // Whether a view can be built shows only when it is, and so does each part of it.
        self.sandbox = Some(loop {
            match self.prepare_plan() {
                Ok(sandbox) => break sandbox,
                Err(error) => self.plan_with_less(error)?,
            }
        });
        Ok(())
    }

    /// What the host does not allow at all is planned for without it, and the policy decides
    /// whether that will do. Each time the host has less, so this comes to an end.
    fn plan_with_less(&mut self, error: SessionError) -> Result<(), SessionError> {
        let (SessionError::Prepare(prepare), Some(host)) = (&error, self.host.take()) else {
            return Err(error);
        };
        let less = if let Some(obstacle) = prepare.tripwire_obstacle() {
            tracing::warn!(%obstacle, "there is no tripwire on this host");
            host.without_fuse()
        } else if let Some(obstacle) = prepare.group_obstacle() {
            tracing::warn!(%obstacle, "no control group can be used on this host");
            host.without_groups(&obstacle)
        } else if let Some(obstacle) = prepare.view_obstacle() {
            tracing::warn!(%obstacle, "no view can be built on this host");
            host.after(obstacle)
        } else if let Some(obstacle) = prepare.audit_obstacle() {
            tracing::warn!(%obstacle, "the kernel's audit is no witness on this host");
            host.without_audit(&obstacle)
        } else {
            return Err(error);
        };
        self.host = Some(less);
        self.plan = None;
        Ok(())
    }

    fn prepare_plan(&mut self) -> Result<Rc<Sandbox>, SessionError> {
        let mut plan = self.plan()?.clone();
        self.leave_out_missing(&mut plan);
        let place = ScratchPlace {
            base: &self.scratch_base,
            session: &self.id,
        };
        let sandbox = Sandbox::prepare(plan, &self.capabilities, place, self.concurrency);
        Ok(sandbox?)
    }

    /// A grant that is not there, and that the policy skips then, is nothing to be mounted. One
    /// that lies in another grant stays, and preparing fails: it would give what the grant
    /// around it gives, once a command has made it.
    fn leave_out_missing(&self, plan: &mut Plan) {
        let grants: Vec<_> = plan
            .paths
            .iter()
            .filter(|rule| matches!(rule.origin, Origin::Grant(_)))
            .map(|rule| rule.path.clone())
            .collect();
        let lies_in_another = |path: &HostPath| {
            grants
                .iter()
                .any(|grant| grant != path && path.beneath(grant).is_some())
        };
        plan.paths.retain(|rule| match rule.origin {
            Origin::Grant(grant) => {
                let is_open = self.capabilities.handle(grant).is_some();
                is_open || rule.access.rights.is_empty() || lies_in_another(&rule.path)
            }
            Origin::System(_) => true,
        });
    }
}
