//! What had a protected name before any command ran in these grants, whichever session's it was.
//!
//! Two sessions on one root could otherwise help each other: what one makes under a protected
//! name counts as there before a command of the other, which makes it once more when the first
//! has set it aside, and nobody sets that aside. So the first command to run writes down what
//! is there, and those that start while any runs go by that.
//!
//! Sessions share it where the same grants have the same exceptions. The file is locked as long
//! as a command runs; without the lock it means nothing, and a crash leaves nothing to repair.

use std::ffi::{CStr, CString};
use std::fs::{File, TryLockError};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::rc::Rc;

use crate::capability::{Capabilities, Exceptions, Names};
use crate::policy::EffectiveGrant;
use crate::sys::metadata::Identity;
use crate::sys::private::{Access, PrivateDirectory, PrivateError, state_of_open};

/// Why it is not known what was there.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// The state directory or the file in it is not private to this user, or cannot be used.
    #[error(transparent)]
    Private(#[from] PrivateError),
    /// The file cannot be locked, read or written.
    #[error("cannot use the list of what was there before commands ran")]
    File(#[from] io::Error),
}

/// The place of the list.
#[derive(Debug)]
pub(super) struct Baseline {
    directory: PrivateDirectory,
    name: CString,
    file: Option<Rc<File>>,
}

/// As long as this lives, those that start go by the same list.
#[derive(Debug)]
pub(super) struct Joined(Rc<File>);

/// What holds for whoever starts now.
enum Turn {
    /// Nobody's command runs.
    First,
    /// Some run, and these were there before them.
    Later(Names),
    /// The file has lost its name meanwhile.
    Again,
}

impl Baseline {
    /// The list for these grants, in the state directory.
    pub(super) fn of(
        state: &Path,
        (capabilities, reach): (&Capabilities, &[EffectiveGrant]),
    ) -> Result<Self, BaselineError> {
        let mut hasher = DefaultHasher::new();
        for grant in reach {
            if let Some(handle) = capabilities.handle(grant.grant) {
                let Identity { device, inode, .. } = Identity::of(handle)?;
                (device, inode).hash(&mut hasher);
            }
            format!("{:?} {:?}", grant.protect, grant.hide).hash(&mut hasher);
        }
        let name = CString::new(format!("running-{:016x}", hasher.finish()));
        Ok(Self {
            directory: PrivateDirectory::open_or_create(state)?,
            name: name.map_err(io::Error::other)?,
            file: None,
        })
    }

    /// Begins with what is there now, or goes by what was there when others began.
    pub(super) fn join(&mut self, own: &Exceptions) -> Result<(Joined, Names), BaselineError> {
        loop {
            let file = match self.file.take() {
                Some(file) => file,
                None => Rc::new(self.directory.open_file(&self.name, Access::Update)?),
            };
            let names = match self.turn(&file)? {
                Turn::Again => continue,
                Turn::First => {
                    let names = own.names();
                    write(&file, &names)?;
                    // Another may come first in between: then its command and ours begin at
                    // the same time, and what it wrote down is as good.
                    file.lock_shared()?;
                    names
                }
                Turn::Later(names) => names,
            };
            self.file = Some(Rc::clone(&file));
            return Ok((Joined(file), names));
        }
    }

    fn turn(&self, file: &File) -> Result<Turn, BaselineError> {
        let is_first = match file.try_lock() {
            Ok(()) => true,
            // Only while it is written.
            Err(TryLockError::WouldBlock) => {
                file.lock_shared()?;
                false
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        };
        if !has_name(&self.directory, &self.name, file)? {
            return Ok(Turn::Again);
        }
        if is_first {
            return Ok(Turn::First);
        }
        Ok(Turn::Later(read(file)?))
    }
}

impl Drop for Baseline {
    /// Takes the file away, unless somebody's command runs.
    fn drop(&mut self) {
        let Some(file) = &self.file else { return };
        if file.try_lock().is_ok()
            && has_name(&self.directory, &self.name, file).is_ok_and(|has_name| has_name)
        {
            let _ = self.directory.remove(&self.name);
        }
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        // It cannot fail on an open file, and closing the last descriptor unlocks too.
        let _ = self.0.unlock();
    }
}

fn has_name(directory: &PrivateDirectory, name: &CStr, file: &File) -> Result<bool, BaselineError> {
    let (named, own) = (directory.state_of(name)?, state_of_open(file)?);
    Ok(named.is_some_and(|named| named.is_same_file(&own)))
}

fn write(file: &File, names: &Names) -> io::Result<()> {
    let bytes = serde_json::to_vec(names)?;
    file.set_len(0)?;
    file.write_all_at(&bytes, 0)
}

/// Where the list cannot be understood, nothing was there: then all that is made is set aside.
fn read(file: &File) -> io::Result<Names> {
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(0);
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(serde_json::from_slice(&bytes).unwrap_or_default())
}
