//! Deciding without doing: what would be answered, and by which rule.

use super::answer::CheckReport;
use super::command;
use super::session::Session;
use crate::model::{Operation, Program};
use crate::policy::PathAsk;

impl Session {
    /// Decides about a request and does nothing: nothing is started, changed or recorded.
    ///
    /// What shows only when a path is opened (a link that leads outside, a file with more
    /// than one name) is not known here.
    pub fn check(&mut self, operation: &Operation) -> CheckReport {
        match operation {
            Operation::ExecRun(run) => match run.program() {
                Ok(program) => self.check_command(program),
                Err(why) => CheckReport {
                    allowed: false,
                    denials: vec![bad(why)],
                    rule: None,
                },
            },
            operation => match self.decide_on_files(operation) {
                Ok(permits) => CheckReport {
                    allowed: true,
                    denials: Vec::new(),
                    rule: permits.first().map(|permit| permit.rule().clone()),
                },
                Err(denial) => CheckReport {
                    allowed: false,
                    denials: vec![*denial],
                    rule: None,
                },
            },
        }
    }

    fn check_command(&mut self, program: Program<'_>) -> CheckReport {
        let subject = command::subject(program);
        let cwd = self.cwd.clone();
        let decided = self
            .policy
            .decide_command(&self.principal, super::exec::OP, &subject)
            .into_result();
        let permit = match decided {
            Ok(permit) => permit,
            Err(denial) => {
                return CheckReport {
                    allowed: false,
                    denials: vec![denial],
                    rule: None,
                };
            }
        };
        let mut denials = self.read_intent(program, &cwd);
        let written = cwd.as_path().display().to_string();
        let ask = PathAsk {
            op: super::exec::OP,
            subject: &written,
            path: &cwd,
            rights: crate::model::Right::List.into(),
        };
        if let Err(denial) = self.policy.decide_path(&self.principal, ask).into_result() {
            denials.insert(0, denial);
        }
        let allowed = denials.is_empty();
        let rule = allowed.then(|| permit.rule().clone());
        CheckReport {
            allowed,
            denials,
            rule,
        }
    }
}

fn bad(why: &str) -> crate::model::Denial {
    use crate::model::{Denial, RefusalCode, Rule};
    Denial::by_broker(
        RefusalCode::BadRequest,
        super::exec::OP,
        why,
        Rule::default_deny(),
    )
}
