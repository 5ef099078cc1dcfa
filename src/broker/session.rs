//! A session: one principal, under one policy, with one sandbox for all its commands.

use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};
use std::time::Instant;

use serde_json::Value;

use super::answer::{Answer, RunReport};
use super::baseline::Baseline;
use super::brake::Brake;
use super::error::SessionError;
use super::failure::Failure;
use super::ledger::{Heading, Ledger};
use super::protected::Watch;
use super::running::{Entered, RunningCommand};
use super::terms::Terms;
use crate::audit::{RequestInfo, SessionTotals, Target, Verdict};
use crate::capability::{Capabilities, Exceptions};
use crate::model::{Denial, Enforced, ExecRun, Operation, RefusalCode, Reply, Request, Rule};
use crate::sandbox::{Concurrency, Exit, HostFeatures, NotEntered, Plan, Sandbox, Streams};
use crate::sys::roll::Enrolled;

/// How far a request has come.
#[derive(Debug)]
pub enum Progress {
    /// It has ended.
    Answered(Box<Reply>),
    /// Its command runs.
    Running(Box<RunningCommand>),
}

/// What a session is opened with. All of it comes from the operator, none from a request.
#[derive(Debug)]
pub struct SessionConfig {
    /// What it is held under.
    pub terms: Terms,
    /// Where the audit log is.
    pub audit_directory: PathBuf,
    /// Below which directory private directories are made.
    pub scratch_base: PathBuf,
    /// How many commands run at the same time.
    pub concurrency: Concurrency,
}

/// A session.
#[derive(Debug)]
pub struct Session {
    pub(super) id: String,
    pub(super) terms: Terms,
    pub(super) scratch_base: PathBuf,
    pub(super) capabilities: Capabilities,
    pub(super) ledger: Ledger,
    /// What the host offers, as far as it is known.
    pub(super) host: Option<HostFeatures>,
    pub(super) plan: Option<Plan>,
    pub(super) sandbox: Option<Rc<Sandbox>>,
    /// How many commands run at the same time.
    pub(super) concurrency: Concurrency,
    /// The exceptions that the sandbox was prepared with.
    pub(super) covered: Option<Exceptions>,
    /// What was there before the commands that run, as long as any does.
    pub(super) watching: Weak<Watch>,
    /// What was there before the commands of all sessions.
    pub(super) baseline: Option<Baseline>,
    /// The operator's state directory.
    pub(super) state: PathBuf,
    pub(super) brake: Brake,
    /// Kept as long as anything could run.
    _enrolled: Enrolled,
    totals: SessionTotals,
    opened: Instant,
}

/// A session's id, and its ledger with the first record in it.
pub(super) fn opened(
    terms: &Terms,
    audit_directory: &Path,
) -> Result<(String, Ledger), SessionError> {
    let id = uuid::Uuid::now_v7().simple().to_string();
    let policy = terms.policy.policy();
    let ledger = Ledger::open(
        audit_directory,
        terms.operator.log_rules()?,
        Heading {
            session: id.clone(),
            principal: terms.principal.clone(),
            tier: policy.principals.get(&terms.principal).copied(),
            policy: policy.name.clone(),
            policy_source: policy.source.clone(),
        },
    )?;
    ledger.opened(&terms.policy.anchors().root, &Enforced::by_broker_alone())?;
    Ok((id, ledger))
}

impl Session {
    /// Opens a session: its audit log, and every directory that its policy grants.
    ///
    /// # Errors
    /// When either cannot be opened, or the policy does not know the principal.
    pub fn open(config: SessionConfig) -> Result<Self, SessionError> {
        let SessionConfig {
            terms,
            audit_directory,
            scratch_base,
            concurrency,
        } = config;
        // Before anything else: whoever pulls the brake ends those who are on the roll.
        let brake = Brake::of(&audit_directory)?;
        let enrolled = brake.enrol()?;
        let (id, ledger) = opened(&terms, &audit_directory)?;
        let capabilities = Capabilities::open(&terms.policy)?;
        Ok(Self {
            id,
            terms,
            scratch_base,
            capabilities,
            ledger,
            host: None,
            plan: None,
            sandbox: None,
            concurrency,
            covered: None,
            watching: Weak::new(),
            baseline: None,
            state: audit_directory,
            brake,
            _enrolled: enrolled,
            totals: SessionTotals::default(),
            opened: Instant::now(),
        })
    }

    /// Carries out a request.
    pub fn handle(&mut self, request: &Request) -> Reply {
        let answer = match &request.operation {
            Operation::ExecRun(run) if run.stream => {
                let why = "stream: this front end tells what a command wrote when it has ended";
                self.bad_request(&request.id, (request.operation.name(), Target::None), why)
            }
            Operation::ExecRun(run) => {
                let mut run = run.clone();
                let stdin = stdin_of(&mut run);
                self.execute(request.id.clone(), run, Streams::Kept { stdin })
            }
            operation => self.perform_on_files(&request.id, operation),
        };
        self.count(&answer);
        answer.into_reply(request.id.clone())
    }

    /// Begins to carry out a request: a command runs on, anything else is answered.
    pub fn start(&mut self, request: Request) -> Progress {
        let Operation::ExecRun(mut run) = request.operation else {
            return Progress::Answered(self.handle(&request).into());
        };
        let stdin = stdin_of(&mut run);
        let streams = if run.stream {
            Streams::Live { stdin }
        } else {
            Streams::Kept { stdin }
        };
        match self.begin(request.id.clone(), run, streams) {
            Ok(command) => Progress::Running(Box::new(command)),
            Err(answer) => {
                self.count(&answer);
                Progress::Answered(answer.into_reply(request.id).into())
            }
        }
    }

    /// Answers the request of a command that is over.
    pub fn end(&mut self, command: RunningCommand) -> Reply {
        let RunningCommand { visit, entered } = command;
        self.reply_to(entered, visit.conclude())
    }

    /// Ends a command that may still run, and answers its request.
    pub fn end_now(&mut self, command: RunningCommand) -> Reply {
        let RunningCommand { mut visit, entered } = command;
        visit.cancel();
        self.reply_to(entered, visit.finish())
    }

    fn reply_to(&mut self, entered: Entered, exit: Result<Exit, NotEntered>) -> Reply {
        let answer = self.conclude(&entered, exit.map_err(Failure::from));
        self.count(&answer);
        answer.into_reply(entered.asked.id)
    }

    /// Carries out the request in a line of JSON. A line that is none is answered too.
    pub fn handle_line(&mut self, line: &str) -> Reply {
        match Request::parse(line) {
            Ok(request) => self.handle(&request),
            Err(error) => self.refuse(&error.id, &error.message),
        }
    }

    /// Answers a line that cannot even be read as text, and says why.
    pub fn refuse_line(&mut self, why: &str) -> Reply {
        self.refuse(&Value::Null, why)
    }

    /// Answers what is no request that could be decided on, and says why.
    pub fn refuse(&mut self, id: &Value, why: &str) -> Reply {
        let answer = self.bad_request(id, ("request", Target::None), why);
        self.count(&answer);
        answer.into_reply(id.clone())
    }

    /// Runs a command on the caller's own standard streams.
    pub fn run(&mut self, command: ExecRun) -> RunReport {
        let answer = self.execute(Value::Null, command, Streams::Caller);
        self.count(&answer);
        RunReport {
            exit_code: answer.exit_code,
            reply: answer.into_reply(Value::Null),
        }
    }

    /// Whether the host has the program where this session's commands look for it.
    pub fn finds_program(&mut self, name: &str) -> bool {
        let Ok(plan) = self.plan() else {
            return false;
        };
        let places: Vec<_> = plan
            .search_path
            .iter()
            .map(|path| path.join(name))
            .collect();
        let operator = &self.terms.operator;
        places.iter().flatten().any(|path| operator.exists(path))
    }

    /// Ends everything that the session still runs, and closes its record.
    pub fn close(mut self) {
        self.sandbox = None;
        let totals = SessionTotals {
            duration: self.opened.elapsed(),
            ..self.totals
        };
        self.ledger.closed(totals);
    }

    /// The session's id, as it stands in the records.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn count(&mut self, answer: &Answer) {
        self.totals.requests += 1;
        self.totals.denials += answer
            .denials
            .iter()
            .map(|denial| denial.count)
            .sum::<u64>();
    }

    /// Refuses what is no request that could be decided on.
    pub(super) fn bad_request(
        &self,
        id: &Value,
        (op, target): (&str, Target<'_>),
        why: &str,
    ) -> Answer {
        let mut denial = Denial::by_broker(
            RefusalCode::BadRequest,
            op.to_owned(),
            why,
            Rule::default_deny(),
        );
        denial.path = None;
        let request = RequestInfo {
            id,
            op,
            target,
            cwd: None,
        };
        match self.ledger.decided(request, Verdict::Denied(&denial)) {
            Ok(record) => Answer::denied(vec![denial], record.to_string()),
            Err(unavailable) => Answer::denied(vec![*unavailable], String::new()),
        }
    }
}

/// Takes what the command is to read; records do not hold it.
fn stdin_of(run: &mut ExecRun) -> Vec<u8> {
    run.stdin.take().unwrap_or_default().into_bytes()
}
