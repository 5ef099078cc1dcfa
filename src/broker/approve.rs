//! Everything that is decided before a command starts: the command itself, its variables, where
//! it runs, and what its line says.
//!
//! Nothing is started here. The directory that was decided on is opened, so that what runs
//! there cannot be led elsewhere by a name.

use serde_json::Value;

use super::answer::Answer;
use super::command::{self, WorkingDirectory};
use super::exec::OP;
use super::running::Asked;
use super::session::Session;
use crate::audit::Target;
use crate::capability;
use crate::model::{Denial, ExecRun, HostPath, Program, RefusalCode, Right, Rule};
use crate::policy::{CommandPermit, PathAsk};

/// A command that may run, and where.
pub(super) struct Approved {
    pub permit: CommandPermit,
    pub directory: WorkingDirectory,
}

/// What was asked for, and what was decided about it.
pub(super) struct Considered {
    pub asked: Asked,
    /// Where it may not run, there is always a first denial.
    pub approved: Result<Approved, Vec<Denial>>,
}

impl Session {
    /// Decides whether a command may run.
    ///
    /// # Errors
    /// The answer to what is no request for a command.
    pub(super) fn consider(&mut self, id: Value, run: ExecRun) -> Result<Considered, Box<Answer>> {
        let program = match run.program() {
            Ok(program) => program,
            Err(why) => return Err(self.bad_request(&id, (OP, Target::None), why).into()),
        };
        let cwd = self.working_directory(&run);
        let approved = match &cwd {
            Ok(cwd) => self.approve((&run, program), cwd),
            Err(denial) => Err(vec![denial.clone()]),
        };
        let cwd = cwd.ok();
        let asked = Asked { id, run, cwd };
        Ok(Considered { asked, approved })
    }

    /// The directory that the command is to run in, by its letters.
    fn working_directory(&self, run: &ExecRun) -> Result<HostPath, Denial> {
        let Some(cwd) = &run.cwd else {
            return Ok(self.terms.cwd.clone());
        };
        self.terms.cwd.join(cwd).map_err(|error| {
            Denial::by_broker(
                RefusalCode::BadRequest,
                OP,
                &format!("cwd: {error}"),
                Rule::default_deny(),
            )
        })
    }

    fn approve(
        &mut self,
        (run, program): (&ExecRun, Program<'_>),
        cwd: &HostPath,
    ) -> Result<Approved, Vec<Denial>> {
        let subject = command::subject(program);
        let one = |denial: Denial| vec![denial];
        self.brake.admits(OP).map_err(one)?;
        let permit = self
            .terms
            .policy
            .decide_command(&self.terms.principal, OP, &subject)
            .into_result()
            .map_err(one)?;
        self.approve_variables(run, &permit).map_err(one)?;
        let directory = self.open_directory(run, cwd).map_err(one)?;
        let denials = self.read_intent(program, cwd);
        if denials.is_empty() {
            Ok(Approved { permit, directory })
        } else {
            Err(denials)
        }
    }

    fn approve_variables(&self, run: &ExecRun, permit: &CommandPermit) -> Result<(), Denial> {
        let allowed = &self.terms.policy.policy().environment;
        match run.env.keys().find(|name| !allowed.may_request(name)) {
            Some(name) => Err(Denial::by_broker(
                RefusalCode::RightNotGranted,
                OP,
                &format!("environment variable {name}"),
                permit.rule().clone(),
            )),
            None => Ok(()),
        }
    }

    fn open_directory(&self, run: &ExecRun, cwd: &HostPath) -> Result<WorkingDirectory, Denial> {
        let written = cwd.as_path().display().to_string();
        let subject = run.cwd.as_deref().unwrap_or(&written);
        let ask = PathAsk {
            op: OP,
            subject,
            path: cwd,
            rights: Right::List.into(),
        };
        let permit = self
            .terms
            .policy
            .decide_path(&self.terms.principal, ask)
            .into_result()?;
        match capability::directory(&self.capabilities, permit) {
            Ok(handle) => Ok(WorkingDirectory {
                path: cwd.clone(),
                handle,
            }),
            Err(capability::Refusal::Denied(denial)) => Err(*denial),
            Err(capability::Refusal::Failed(error)) => Err(Denial::by_broker(
                RefusalCode::BadRequest,
                OP,
                &format!("cwd: {error}"),
                Rule::default_deny(),
            )),
        }
    }

    fn read_intent(&mut self, program: Program<'_>, cwd: &HostPath) -> Vec<Denial> {
        // Where no plan can be made, preparing the sandbox will say so.
        if self.plan().is_err() {
            return Vec::new();
        }
        let scratch = self.sandbox.as_ref().map(|sandbox| sandbox.scratch());
        match &self.plan {
            Some(plan) => self.terms.read_intent(program, cwd, plan, scratch),
            None => Vec::new(),
        }
    }
}
