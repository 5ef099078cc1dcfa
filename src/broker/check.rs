//! Deciding without doing: what would be answered, and by which rule.

use super::answer::CheckReport;
use super::brake::{Brake, stopped};
use super::error::chain;
use super::terms::Terms;
use super::{command, exec::OP};
use crate::model::{Denial, Enforced, Operation, Program, RefusalCode, Right, Rule};
use crate::policy::PathAsk;

impl Terms {
    /// Decides about a request and does nothing: nothing is started, changed or recorded.
    ///
    /// What shows only when a path is opened (a link that leads outside, a file with more
    /// than one name) is not known here.
    pub fn check(&self, operation: &Operation) -> CheckReport {
        let decided = match operation {
            operation if Brake::is_pulled_in(self.operator.state.as_path()) => {
                Err(vec![stopped(operation.name())])
            }
            Operation::ExecRun(run) => match run.program() {
                Ok(program) => self.check_command(program),
                Err(why) => Err(vec![bad(why)]),
            },
            operation => self.check_files(operation),
        };
        match decided {
            Ok((rule, enforced)) => CheckReport {
                allowed: true,
                denials: Vec::new(),
                rule: Some(rule),
                enforced,
            },
            Err(denials) => CheckReport {
                allowed: false,
                denials,
                rule: None,
                enforced: None,
            },
        }
    }

    fn check_files(&self, operation: &Operation) -> Result<Allowed, Vec<Denial>> {
        let permits = self
            .decide_on_files(operation)
            .map_err(|denial| vec![*denial])?;
        let permit = permits.first().ok_or_else(|| vec![bad("no path")])?;
        Ok((permit.rule().clone(), None))
    }

    fn check_command(&self, program: Program<'_>) -> Result<Allowed, Vec<Denial>> {
        let one = |denial: Denial| vec![denial];
        let permit = self
            .policy
            .decide_command(&self.principal, OP, &command::subject(program))
            .into_result()
            .map_err(one)?;
        let written = self.cwd.as_path().display().to_string();
        let ask = PathAsk {
            op: OP,
            subject: &written,
            path: &self.cwd,
            rights: Right::List.into(),
        };
        let directory = self.policy.decide_path(&self.principal, ask);
        drop(directory.into_result().map_err(one)?);
        let plan = self.plan(&self.tried_host()).map_err(|error| {
            let denial = permit.refuse(RefusalCode::SandboxUnavailable);
            one(denial.with_hint(chain(&error)))
        })?;
        let denials = self.read_intent(program, &self.cwd, &plan, None);
        if denials.is_empty() {
            Ok((permit.rule().clone(), Some(plan.enforced())))
        } else {
            Err(denials)
        }
    }
}

/// The rule that allows, and how a command would be contained.
type Allowed = (Rule, Option<Enforced>);

fn bad(why: &str) -> Denial {
    Denial::by_broker(RefusalCode::BadRequest, OP, why, Rule::default_deny())
}
