//! The operator's own environment: variables, directories, policies, profiles. Read once.
//!
//! The only place that reads `std::env` and configuration files. Nothing here acts for a
//! principal, and nothing a principal says may reach it.

#![allow(
    clippy::disallowed_methods,
    reason = "this module owns the operator's environment and configuration files"
)]

mod log_rules;
mod policies;
mod profiles;
mod settings;
mod trusted;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

pub use log_rules::{LogRules, LogRulesError};
pub use policies::{Listed, PolicyError, is_policy_file};
pub use profiles::ProfileError;
pub use settings::FileError;
pub use trusted::SecretError;

use crate::model::{HostPath, shown_path};
use crate::policy::{Anchors, Environment, Ground, Kind};

/// Why the operator's environment cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AmbientError {
    /// Neither `HOME` nor the user database names a home directory.
    #[error(
        "cannot find the home directory of user {uid}: HOME is not set, and the user has no entry"
    )]
    NoHome {
        /// The user.
        uid: u32,
    },
    /// A variable that names a directory holds something else.
    #[error("cannot use {variable}: `{}` is not an absolute path", shown_path(.value))]
    NotAbsolute {
        /// The variable.
        variable: &'static str,
        /// What it holds.
        value: PathBuf,
    },
    /// The working directory is gone, or cannot be named.
    #[error("cannot find the working directory")]
    NoWorkingDirectory(#[source] io::Error),
    /// A link on the way to a directory cannot be followed.
    #[error("cannot resolve the path `{}`", shown_path(.path))]
    Unresolvable {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The root that was chosen is no directory.
    #[error("cannot use `{}` as the root: it is not a directory", shown_path(.path))]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
}

/// Who started the program, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// The home directory, links resolved.
    pub home: HostPath,
    /// Where the audit log and the sessions are: `$XDG_STATE_HOME/lobsterpot`, links resolved.
    pub state: HostPath,
    /// Where the operator's policies are: `$XDG_CONFIG_HOME/lobsterpot`, links resolved.
    pub config: HostPath,
    /// The working directory, links resolved.
    pub cwd: HostPath,
    /// The effective user.
    pub uid: u32,
    environment: BTreeMap<OsString, OsString>,
    /// Where the administrator's policies are.
    system: PathBuf,
}

/// What the program was started with, before anything is made of it.
#[derive(Debug, Clone)]
pub struct Start {
    /// The environment variables.
    pub environment: BTreeMap<OsString, OsString>,
    /// The effective user.
    pub uid: u32,
    /// The home directory in the user database; not needed where `HOME` is set.
    pub database_home: Option<PathBuf>,
    /// The working directory.
    pub cwd: PathBuf,
    /// The directory of the administrator's configuration.
    pub system: PathBuf,
}

impl Operator {
    /// Reads the environment of this process.
    ///
    /// # Errors
    /// When there is no home or working directory, or a variable that names one is relative.
    pub fn read() -> Result<Self, AmbientError> {
        let uid = nix::unistd::geteuid();
        let environment: BTreeMap<_, _> = std::env::vars_os().collect();
        // The database is asked only where HOME does not say it: it may be a network away.
        let database_home = match environment.get(OsStr::new("HOME")) {
            Some(home) if !home.is_empty() => None,
            // No entry, or no answer from the database.
            _ => nix::unistd::User::from_uid(uid).ok().flatten(),
        };
        Self::from_start(Start {
            environment,
            uid: uid.as_raw(),
            database_home: database_home.map(|user| user.dir),
            cwd: std::env::current_dir().map_err(AmbientError::NoWorkingDirectory)?,
            system: PathBuf::from("/etc/lobsterpot"),
        })
    }

    /// Makes sense of what the program was started with.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_start(start: Start) -> Result<Self, AmbientError> {
        let Start {
            environment,
            uid,
            database_home,
            cwd,
            system,
        } = start;
        let directory = |variable| directory(&environment, variable);
        let home = directory("HOME")?
            .or(database_home.filter(|home| home.is_absolute()))
            .ok_or(AmbientError::NoHome { uid })?;
        let state = directory("XDG_STATE_HOME")?.unwrap_or_else(|| home.join(".local/state"));
        let config = directory("XDG_CONFIG_HOME")?.unwrap_or_else(|| home.join(".config"));
        Ok(Self {
            state: resolved(&state.join("lobsterpot"))?,
            config: resolved(&config.join("lobsterpot"))?,
            home: resolved(&home)?,
            cwd: resolved(&cwd)?,
            uid,
            environment,
            system,
        })
    }

    /// A variable of the operator's environment.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.environment
            .get(OsStr::new(name))
            .map(OsString::as_os_str)
    }

    /// Whether commands are to run in flat mode even where a view could be built
    /// (`LOBSTERPOT_FORCE_FLAT`, anything but `0`).
    pub fn forces_flat(&self) -> bool {
        self.setting("FORCE_FLAT").is_some_and(|value| value != "0")
    }

    /// A variable of our own: `setting("LOG")` is `LOBSTERPOT_LOG`. Absent when empty.
    pub fn setting(&self, name: &str) -> Option<&OsStr> {
        self.variable(&format!("LOBSTERPOT_{name}"))
            .filter(|value| !value.is_empty())
    }

    /// The same operator in another working directory, links resolved.
    ///
    /// # Errors
    /// When it does not exist, cannot be reached, or is no directory.
    pub fn standing_in(mut self, directory: &Path) -> Result<Self, AmbientError> {
        self.cwd = self.root(Some(directory))?;
        Ok(self)
    }

    /// The variables that a policy lets commands have: those it passes, and those it sets.
    pub fn environment_for(&self, rule: &Environment) -> BTreeMap<OsString, OsString> {
        let passed = self.environment.iter().filter(|(name, _)| {
            // A name that is no text is never named by a policy.
            name.to_str().is_some_and(|name| rule.passes(name))
        });
        let set = rule.set.iter();
        passed
            .map(|(name, value)| (name.clone(), value.clone()))
            .chain(set.map(|(name, value)| (name.into(), value.into())))
            .collect()
    }

    /// The workspace: the directory that was chosen, or the working directory; links resolved.
    ///
    /// # Errors
    /// When it does not exist, cannot be reached, or is no directory.
    pub fn root(&self, chosen: Option<&Path>) -> Result<HostPath, AmbientError> {
        let Some(chosen) = chosen else {
            return Ok(self.cwd.clone());
        };
        let path = self.cwd.as_path().join(chosen);
        let unresolvable = |source| AmbientError::Unresolvable {
            path: path.clone(),
            source,
        };
        let real = std::fs::canonicalize(&path).map_err(unresolvable)?;
        if !real.is_dir() {
            return Err(AmbientError::NotADirectory { path });
        }
        absolute(&real)
    }

    /// Whether something stands at the path, also a link that leads to nothing; for lint, which
    /// decides nothing. What cannot be looked at counts as there.
    pub fn exists(&self, path: &HostPath) -> bool {
        let found = std::fs::symlink_metadata(path);
        !found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    }

    /// The directories that a policy is bound to in a session with this root.
    pub fn anchors(&self, root: HostPath) -> Anchors {
        Anchors {
            root,
            home: self.home.clone(),
            state: self.state.clone(),
            config: self.config.clone(),
        }
    }
}

/// For suggestions to the operator, who may look at everything of their own.
impl Ground for Operator {
    fn kind(&self, path: &HostPath) -> Kind {
        match std::fs::symlink_metadata(path) {
            Ok(found) if found.is_dir() => Kind::Directory,
            Ok(found) if found.is_file() => Kind::File,
            Ok(found) if found.is_symlink() => Kind::Link,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Kind::Nothing,
            Ok(_) | Err(_) => Kind::Other,
        }
    }

    fn entries(&self, directory: &HostPath) -> Option<usize> {
        Some(std::fs::read_dir(directory).ok()?.count())
    }
}

/// The directory that a variable names; absent when it is empty.
fn directory(
    environment: &BTreeMap<OsString, OsString>,
    variable: &'static str,
) -> Result<Option<PathBuf>, AmbientError> {
    match environment.get(OsStr::new(variable)).map(PathBuf::from) {
        Some(value) if value.as_os_str().is_empty() => Ok(None),
        Some(value) if !value.is_absolute() => Err(AmbientError::NotAbsolute { variable, value }),
        value => Ok(value),
    }
}

/// The path with every link resolved; what does not exist yet is kept as it is written.
///
/// A link that leads to nothing is an error: what is made there later would be elsewhere.
fn resolved(path: &Path) -> Result<HostPath, AmbientError> {
    let unresolvable = |source| AmbientError::Unresolvable {
        path: path.to_owned(),
        source,
    };
    for existing in path.ancestors() {
        match std::fs::canonicalize(existing) {
            Ok(real) => {
                let rest = path.strip_prefix(existing).unwrap_or(Path::new(""));
                return absolute(&real.join(rest));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(unresolvable(error));
            }
            Err(error) if std::fs::symlink_metadata(existing).is_ok() => {
                return Err(unresolvable(error));
            }
            Err(_) => {}
        }
    }
    absolute(path)
}

fn absolute(path: &Path) -> Result<HostPath, AmbientError> {
    HostPath::absolute(path).map_err(|error| AmbientError::Unresolvable {
        path: path.to_owned(),
        source: io::Error::new(io::ErrorKind::InvalidInput, error),
    })
}

/// The path of this program, for settings that name it.
///
/// # Errors
/// When the system does not tell.
pub fn own_program() -> io::Result<PathBuf> {
    std::env::current_exe()
}

/// Whether the path leads to this program.
pub fn is_own_program(path: &Path) -> bool {
    match (std::fs::canonicalize(path), own_program()) {
        (Ok(one), Ok(own)) => std::fs::canonicalize(own).is_ok_and(|own| own == one),
        _ => false,
    }
}
