//! The broker for a program that holds sessions itself, as the command line does.
//!
//! What a session is opened with comes from the program, which stands for the operator; no
//! request changes it.

use std::path::PathBuf;
use std::time::Duration;

use super::error::SessionError;
use super::session::{Session, SessionConfig};
use super::terms::Terms;
use crate::ambient::{AmbientError, Operator, PolicyError};
use crate::model::{HostPath, PrincipalId};
use crate::policy::{Diagnostics, Policy};
use crate::sandbox::Concurrency;

/// A broker in the environment of the user whose process this is: their policies, their
/// sandbox profiles, their audit log.
#[derive(Debug, Clone)]
pub struct Broker {
    operator: Operator,
}

/// Which session is wanted. What is not said is as for `lobsterpot run` without options.
#[derive(Debug, Clone)]
pub struct Choice {
    policy: String,
    root: Option<PathBuf>,
    within: Vec<PathBuf>,
    is_read_only: bool,
    principal: String,
    longest: Option<Duration>,
    concurrency: Concurrency,
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            policy: Policy::DEFAULT.to_owned(),
            root: None,
            within: Vec::new(),
            is_read_only: false,
            principal: "agent:main".to_owned(),
            longest: None,
            concurrency: Concurrency::One,
        }
    }
}

impl Choice {
    /// The policy: a name, or a file (`./x.toml`).
    #[must_use]
    pub fn policy(self, name_or_file: impl Into<String>) -> Self {
        let policy = name_or_file.into();
        Self { policy, ..self }
    }

    /// The workspace, `${root}` in policies; otherwise the current directory.
    #[must_use]
    pub fn root(self, directory: impl Into<PathBuf>) -> Self {
        let root = Some(directory.into());
        Self { root, ..self }
    }

    /// Takes away what does not lie below this directory, or another one that is named so. An
    /// empty path is no directory, and alone leaves nothing.
    #[must_use]
    pub fn within(mut self, directory: impl Into<PathBuf>) -> Self {
        self.within.push(directory.into());
        self
    }

    /// Takes every right to change anything away from the policy.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self {
            is_read_only: true,
            ..self
        }
    }

    /// Who asks, as the policy knows them. One that it does not know can do nothing.
    #[must_use]
    pub fn principal(self, id: impl Into<String>) -> Self {
        let principal = id.into();
        Self { principal, ..self }
    }

    /// The most time that a command may take; it can only tighten the policy's own limit.
    #[must_use]
    pub fn at_most(self, time: Duration) -> Self {
        let longest = Some(time);
        Self { longest, ..self }
    }

    /// Several commands at the same time, for whoever starts them by [`Session::start`].
    #[must_use]
    pub fn several_commands(self) -> Self {
        Self {
            concurrency: Concurrency::Several,
            ..self
        }
    }
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum NoSession {
    /// The environment of this process cannot be used.
    #[error("cannot use the environment")]
    Environment(#[source] AmbientError),
    /// There is no such policy, or it cannot be used.
    #[error("cannot use the policy")]
    Policy(#[from] PolicyError),
    /// The workspace cannot be used.
    #[error("cannot use the workspace")]
    Root(#[source] AmbientError),
    /// The policy cannot be used in this workspace.
    #[error("cannot use the policy in this workspace")]
    Bound(#[from] Diagnostics),
    /// The session cannot begin.
    #[error("cannot begin the session")]
    Session(#[from] SessionError),
}

impl Broker {
    /// Reads the environment of this process, once.
    ///
    /// # Errors
    /// When it names no home, or something that cannot be used.
    pub fn of_this_user() -> Result<Self, NoSession> {
        let operator = Operator::read().map_err(NoSession::Environment)?;
        Ok(Self::of(operator))
    }

    /// A broker in an environment that has been read already.
    pub fn of(operator: Operator) -> Self {
        Self { operator }
    }

    /// Finds the policy and the workspace that are chosen, and binds the one to the other.
    ///
    /// # Errors
    /// When either cannot be used.
    pub fn terms(&self, choice: &Choice) -> Result<Terms, NoSession> {
        let policy = self.tightened(choice)?;
        self.bind(policy, choice)
    }

    /// The policy with what is taken away for this session; never with more.
    ///
    /// # Errors
    /// When there is no such policy, or it cannot be used.
    pub fn tightened(&self, choice: &Choice) -> Result<Policy, PolicyError> {
        let mut policy = self.operator.policy(&choice.policy)?;
        if choice.is_read_only {
            policy = policy.tightened_to_read_only();
        }
        if let Some(most) = choice.longest {
            policy.limits.wall = policy.limits.wall.min(most);
        }
        Ok(policy)
    }

    /// Binds a policy to the workspace that is chosen.
    ///
    /// # Errors
    /// When the workspace cannot be used, or the policy not in it.
    pub fn bind(&self, policy: Policy, choice: &Choice) -> Result<Terms, NoSession> {
        let operator = self.operator.clone();
        let root = operator.root(choice.root.as_deref());
        let root = root.map_err(NoSession::Root)?;
        let cwd = match operator.cwd.beneath(&root) {
            Some(_) => operator.cwd.clone(),
            None => root.clone(),
        };
        let terms = Terms {
            policy: policy.bind(&operator.anchors(root))?,
            principal: PrincipalId::new(&choice.principal),
            cwd,
            operator,
        };
        match self.within(choice)? {
            Some(directories) => Ok(terms.narrowed(&directories)?),
            None => Ok(terms),
        }
    }

    /// The directories that a session is narrowed to; none where it is not.
    ///
    /// # Errors
    /// When one of them cannot be used.
    pub fn within(&self, choice: &Choice) -> Result<Option<Vec<HostPath>>, NoSession> {
        if choice.within.is_empty() {
            return Ok(None);
        }
        let named = choice.within.iter();
        named
            .filter(|directory| !directory.as_os_str().is_empty())
            .map(|directory| self.operator.root(Some(directory)).map_err(NoSession::Root))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// Opens a session. Its commands need a process with a single thread, in which they are
    /// started: preparing a sandbox refuses anything else.
    ///
    /// # Errors
    /// When the terms cannot be had, or the session not begin.
    pub fn open(&self, choice: &Choice) -> Result<Session, NoSession> {
        let terms = self.terms(choice)?;
        Ok(Session::open(SessionConfig::of(terms, choice.concurrency))?)
    }
}

impl SessionConfig {
    /// The log and the private directories where the operator's environment has them.
    pub fn of(terms: Terms, concurrency: Concurrency) -> Self {
        Self {
            audit_directory: terms.operator.state.as_path().to_owned(),
            scratch_base: scratch_base(&terms.operator),
            concurrency,
            terms,
        }
    }
}

/// Where private directories are made: where temporary files of the operator are.
pub fn scratch_base(operator: &Operator) -> PathBuf {
    let temporary = operator.variable("TMPDIR").map(PathBuf::from);
    temporary
        .filter(|base| base.is_absolute())
        .unwrap_or_else(|| PathBuf::from("/tmp"))
}
