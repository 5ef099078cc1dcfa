//! Scripts that wait for the call that runs them.
//!
//! They lie in the state directory, which no policy grants, so that no command reads or changes
//! the script of another, and a policy under which nothing may be written has a place for them,
//! too. Nothing here runs one, and how much is kept is bounded.

use std::ffi::{CStr, CString};
use std::io::{self, Read as _, Write as _};
use std::time::{Duration, SystemTime};

use crate::ambient::Operator;
use crate::sys::private::{Access, PrivateDirectory, PrivateError};

/// The largest script.
const LARGEST: usize = 1 << 20;

/// How many wait at once.
const MOST: usize = 256;

/// After which time nobody comes for one any more.
const FORGOTTEN: Duration = Duration::from_hours(24);

/// Why a script cannot be kept or taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum StagedError {
    /// The directory or the file is not private, or cannot be used.
    #[error(transparent)]
    Private(#[from] PrivateError),
    /// Reading or writing failed.
    #[error("cannot keep the script for the next call")]
    Io(#[from] io::Error),
    /// There is no end of it.
    #[error("the script for the next call is longer than 1 MiB")]
    TooLong,
    /// It cannot be told to the broker.
    #[error("the script for the next call is no text (UTF-8)")]
    NoText,
    /// Somebody stages scripts and never runs them.
    #[error("too many scripts wait for the call that runs them")]
    TooMany,
    /// It was taken, removed, or never there.
    #[error("no script waits for this call")]
    NotThere,
}

/// The scripts of one user.
pub(super) struct Staged(PrivateDirectory);

impl Staged {
    pub(super) fn of(operator: &Operator) -> Result<Self, StagedError> {
        // The directory above is made as private as this one.
        let state = PrivateDirectory::open_or_create(operator.state.as_path())?;
        let path = state.path().join("ssh");
        Ok(Self(PrivateDirectory::open_or_create(&path)?))
    }

    /// Keeps what comes on standard input.
    pub(super) fn keep(&self, name: &str) -> Result<(), StagedError> {
        let mut script = Vec::new();
        let most = LARGEST as u64 + 1;
        io::stdin().lock().take(most).read_to_end(&mut script)?;
        if script.len() > LARGEST {
            return Err(StagedError::TooLong);
        }
        if std::str::from_utf8(&script).is_err() {
            return Err(StagedError::NoText);
        }
        self.make_room()?;
        let name = as_file(name)?;
        let mut file = self.0.open_file(&name, Access::New)?;
        if let Err(error) = file.write_all(&script) {
            // Half a script must never run.
            self.0.remove(&name)?;
            return Err(error.into());
        }
        Ok(())
    }

    /// Gives a script away: it runs once.
    pub(super) fn take(&self, name: &str) -> Result<String, StagedError> {
        let name = as_file(name)?;
        if self.0.state_of(&name)?.is_none() {
            return Err(StagedError::NotThere);
        }
        let file = self.0.open_file(&name, Access::Read)?;
        self.0.remove(&name)?;
        let mut script = String::new();
        file.take(LARGEST as u64).read_to_string(&mut script)?;
        Ok(script)
    }

    /// Removes a script; one that is gone already is no error.
    pub(super) fn forget(&self, name: &str) -> Result<(), StagedError> {
        Ok(self.0.remove(&as_file(name)?)?)
    }

    /// Removes what nobody came for.
    fn make_room(&self) -> Result<(), StagedError> {
        let mut waiting = 0;
        for name in self.0.names()? {
            if self.is_forgotten(&name) {
                self.0.remove(&name)?;
            } else {
                waiting += 1;
            }
        }
        if waiting < MOST {
            Ok(())
        } else {
            Err(StagedError::TooMany)
        }
    }

    fn is_forgotten(&self, name: &CStr) -> bool {
        let file = self.0.open_file(name, Access::Read);
        let made = file
            .ok()
            .and_then(|file| file.metadata().ok()?.modified().ok());
        let age = made.and_then(|made| SystemTime::now().duration_since(made).ok());
        age.is_some_and(|age| age > FORGOTTEN)
    }
}

/// The name holds nothing but letters, digits and dashes.
fn as_file(name: &str) -> Result<CString, StagedError> {
    CString::new(name).map_err(|_| StagedError::NotThere)
}
