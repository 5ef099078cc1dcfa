//! What a command will be able to reach, for the reading of its command line.

use std::sync::Arc;

use super::exec::OP;
use crate::intent::Reach;
use crate::model::{Denial, HostPath, Mode, PrincipalId, RefusalCode, Right, Rule};
use crate::policy::{BoundPolicy, Decision, Network, PathAsk};
use crate::sandbox::{Origin, Plan};

/// Policy and system view together.
pub(super) struct CommandReach<'a> {
    pub policy: &'a Arc<BoundPolicy>,
    pub principal: &'a PrincipalId,
    pub plan: &'a Plan,
    /// Known once the sandbox is prepared.
    pub scratch: Option<&'a HostPath>,
}

impl Reach for CommandReach<'_> {
    fn judge(&self, path: &HostPath, right: Right, subject: &str) -> Result<(), Denial> {
        let is_there = self.is_in_scratch(path)
            || self.is_in_system_view(path, right)
            || self.is_of_own_processes(path, right);
        if is_there {
            return Ok(());
        }
        let ask = PathAsk {
            op: OP,
            subject,
            path,
            rights: right.into(),
        };
        match self.policy.decide_path(self.principal, ask) {
            Decision::Allow(_) => Ok(()),
            Decision::Deny(denial) => Err(denial),
        }
    }

    fn network(&self, subject: &str) -> Result<(), Denial> {
        match self.policy.policy().network {
            Network::None => Err(Denial::by_broker(
                RefusalCode::NetworkNotGranted,
                OP,
                subject,
                Rule {
                    name: "network none".into(),
                    place: None,
                },
            )),
        }
    }
}

impl CommandReach<'_> {
    fn is_in_scratch(&self, path: &HostPath) -> bool {
        self.scratch
            .is_some_and(|scratch| path.beneath(scratch).is_some())
            || self.is_in_private_place(path)
    }

    /// A grant can lie in such a place, as a workspace below `/tmp` does; there the policy decides.
    fn is_in_private_place(&self, path: &HostPath) -> bool {
        let is_in_grant = self.plan.paths.iter().any(|rule| {
            matches!(rule.origin, Origin::Grant(_)) && path.beneath(&rule.path).is_some()
        });
        let mut places = self.plan.private_places();
        !is_in_grant && places.any(|place| path.as_path().starts_with(place))
    }

    /// In a view `/proc` tells of the command's own processes, and can only be looked at.
    fn is_of_own_processes(&self, path: &HostPath, right: Right) -> bool {
        self.plan.mode == Mode::View
            && matches!(right, Right::List | Right::Read)
            && path.as_path().starts_with("/proc")
    }

    fn is_in_system_view(&self, path: &HostPath, right: Right) -> bool {
        self.plan.paths.iter().any(|rule| {
            matches!(rule.origin, Origin::System(_))
                && rule.access.rights.has(right)
                && path.beneath(&rule.path).is_some()
        })
    }
}
