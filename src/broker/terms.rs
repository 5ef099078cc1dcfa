//! What a session is held under, and what can be told from that alone.
//!
//! Deciding and planning need no session: nothing here opens a directory, starts a process or
//! writes a record.

use std::sync::Arc;

use super::reach::CommandReach;
use crate::ambient::Operator;
use crate::capability::{self, Need};
use crate::intent::{World, read_argv, read_line};
use crate::model::{Denial, HostPath, Operation, PrincipalId, Program, RefusalCode, Rights, Rule};
use crate::policy::{BoundPolicy, Decision, Diagnostics, PathAsk, Permit};
use crate::sandbox::Plan;

/// The operator's choices for a session. None of them comes from a request.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The policy, bound to its directories.
    pub policy: Arc<BoundPolicy>,
    /// Who asks.
    pub principal: PrincipalId,
    /// Where relative paths start, and commands that name no directory run.
    pub cwd: HostPath,
    /// The operator's environment, of which commands get what the policy names.
    pub operator: Operator,
}

impl Terms {
    /// The same terms for what lies below these directories alone.
    ///
    /// # Errors
    /// When the policy cannot be bound to what is left.
    pub fn narrowed(&self, directories: &[HostPath]) -> Result<Self, Diagnostics> {
        let policy = self.policy.narrowed(directories);
        let holds_cwd = |directory: &&HostPath| self.cwd.beneath(directory).is_some();
        let elsewhere = directories.iter().find(holds_cwd).is_none();
        let cwd = match directories.first() {
            Some(first) if elsewhere => first.clone(),
            _ => self.cwd.clone(),
        };
        Ok(Self {
            policy: policy.bind(self.policy.anchors())?,
            cwd,
            ..self.clone()
        })
    }

    /// Whether the policy could let the operation happen at all: at some path, or for some command.
    pub fn could(&self, operation: &Operation) -> bool {
        if let Operation::ExecRun(_) = operation {
            // A policy lets all commands run, or none.
            let decision =
                self.policy
                    .decide_command(&self.principal, operation.name(), operation.name());
            return matches!(decision, Decision::Allow(_));
        }
        let Ok(reach) = self.policy.reach(&self.principal) else {
            return false;
        };
        let is_granted = |rights: &Rights| reach.iter().any(|grant| grant.rights.covers(*rights));
        capability::needs(operation)
            .iter()
            .all(|need| need.any_of.iter().any(is_granted))
    }

    /// One permit for each path of the request, in the order that the operation takes them.
    pub(super) fn decide_on_files(
        &self,
        operation: &Operation,
    ) -> Result<Vec<Permit>, Box<Denial>> {
        capability::needs(operation)
            .iter()
            .map(|need| self.decide_on_path(operation.name(), need))
            .collect()
    }

    /// The first set of rights that the policy allows becomes the permit; where it allows
    /// none, the refusal of the first is the answer.
    fn decide_on_path(&self, op: &'static str, need: &Need<'_>) -> Result<Permit, Box<Denial>> {
        let path = self.cwd.join(need.path).map_err(|error| {
            let subject = error.to_string();
            Denial::by_broker(RefusalCode::BadRequest, op, &subject, Rule::default_deny())
        })?;
        let mut refused = None;
        for rights in need.any_of {
            let ask = PathAsk {
                op,
                subject: need.path,
                path: &path,
                rights: *rights,
            };
            match self.policy.decide_path(&self.principal, ask).into_result() {
                Ok(permit) => return Ok(permit),
                Err(denial) => drop(refused.get_or_insert(denial)),
            }
        }
        let nothing_asked =
            || Denial::by_broker(RefusalCode::BadRequest, op, need.path, Rule::default_deny());
        Err(Box::new(refused.unwrap_or_else(nothing_asked)))
    }

    /// A courtesy, never the enforcement: what can only be refused is refused at once.
    ///
    /// The scratch directory is known once a sandbox is prepared.
    pub(super) fn read_intent(
        &self,
        program: Program<'_>,
        cwd: &HostPath,
        plan: &Plan,
        scratch: Option<&HostPath>,
    ) -> Vec<Denial> {
        let reach = CommandReach {
            policy: &self.policy,
            principal: &self.principal,
            plan,
            scratch,
        };
        let world = World {
            cwd,
            home: &self.policy.anchors().home,
            reach: &reach,
        };
        match program {
            Program::Argv(argv) => read_argv(argv, &world),
            Program::Shell(line) => read_line(line, &world),
        }
    }
}
