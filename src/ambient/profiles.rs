//! Sandbox profiles by name: the operator's, the administrator's, the built-in ones.
//!
//! What a profile names is granted to commands, so nobody else may have written it. It takes
//! the place of a built-in one only where it says so itself.

use std::io;
use std::path::{Path, PathBuf};

use super::Operator;
use super::trusted::{Distrust, is_absent, name_of};
use crate::model::{shown, shown_path};
use crate::policy::Diagnostics;
use crate::sandbox::profile::Profile;

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// No file and no built-in profile has the name.
    #[error("find sandbox profile `{}`: looked in {}, and among the built-in ones ({})",
        shown(.name), .looked.join(", "), Profile::built_in_names().join(", "))]
    NotFound {
        /// The name.
        name: String,
        /// Where files were looked for.
        looked: Vec<String>,
    },
    /// The file is there, and cannot be read.
    #[error("read sandbox profile {}", shown_path(.path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file could have been written by somebody else, or is no file at all.
    #[error("trust sandbox profile {}: {reason}", shown_path(.path))]
    Untrusted {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: &'static str,
    },
    /// A file bears the name of a built-in profile, and does not say that it replaces it.
    #[error("use sandbox profile {}: `{name}` is the name of a built-in profile; say \
        `replaces-built-in = true` in the file, or give it another name", shown_path(.path))]
    Shadows {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// A file says that it replaces a built-in profile, and there is none.
    #[error("use sandbox profile {}: it says `replaces-built-in`, and no built-in profile is \
        named `{name}`", shown_path(.path))]
    ReplacesNothing {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// The file and the profile in it have different names.
    #[error("use sandbox profile {}: it calls itself `{name}`", shown_path(.path))]
    OtherName {
        /// The file.
        path: PathBuf,
        /// The name inside.
        name: String,
    },
    /// The profile has errors.
    #[error(transparent)]
    Invalid(#[from] Diagnostics),
}

impl Operator {
    /// The profiles of these names, in this order.
    ///
    /// # Errors
    /// The first that does not exist or cannot be used.
    pub fn profiles(&self, names: &[String]) -> Result<Vec<Profile>, ProfileError> {
        let directories = self.directories_of("profiles");
        let directories: Vec<_> = directories.filter(|one| !is_absent(one)).collect();
        let find = |name: &String| self.profile(name, &directories);
        names.iter().map(find).collect()
    }

    fn profile(&self, name: &str, directories: &[PathBuf]) -> Result<Profile, ProfileError> {
        for directory in directories {
            let path = directory.join(format!("{name}.toml"));
            match self.read_trusted(&path) {
                Err(Distrust::Unreadable(_)) if is_absent(&path) => {}
                Ok(text) => return in_file(&path, &text, name),
                Err(why) => return Err(why.of_profile(&path)),
            }
        }
        let looked = self.directories_of("profiles");
        Profile::built_in(name).ok_or_else(|| ProfileError::NotFound {
            name: name.to_owned(),
            looked: looked.map(|directory| shown_path(&directory)).collect(),
        })
    }
}

/// The profile in a file that was found by a name.
fn in_file(path: &Path, text: &str, name: &str) -> Result<Profile, ProfileError> {
    let profile = Profile::parse(&name_of(path), text)?;
    let (path, is_built_in) = (path.to_owned(), Profile::built_in_text(name).is_some());
    if profile.name != name {
        let name = profile.name.as_str().to_owned();
        return Err(ProfileError::OtherName { path, name });
    }
    let name = name.to_owned();
    match (is_built_in, profile.replaces_built_in) {
        (true, false) => Err(ProfileError::Shadows { path, name }),
        (false, true) => Err(ProfileError::ReplacesNothing { path, name }),
        _ => Ok(profile),
    }
}

impl Distrust {
    fn of_profile(self, path: &Path) -> ProfileError {
        let path = path.to_owned();
        match self {
            Self::Unreadable(source) => ProfileError::Unreadable { path, source },
            Self::Untrusted(reason) => ProfileError::Untrusted { path, reason },
        }
    }
}
