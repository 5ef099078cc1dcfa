//! Policies by name or by file. A file that is there and cannot be used is an error, never a
//! reason to look further.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::Operator;
use super::trusted::{Distrust, is_absent, name_of};
use crate::model::{shown, shown_path};
use crate::policy::{Diagnostics, Policy};

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// No file and no built-in policy has the name.
    #[error("cannot find policy `{}`: looked in {}, and among the built-in ones ({})",
        shown(.name), .looked.join(", "), Policy::built_in_names().join(", "))]
    NotFound {
        /// The name.
        name: String,
        /// Where files were looked for.
        looked: Vec<String>,
    },
    /// The file is there, and cannot be read.
    #[error("cannot read policy {}", shown_path(.path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file could have been written by somebody else, or is no file at all.
    #[error("cannot trust policy {}: {reason}", shown_path(.path))]
    Untrusted {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: &'static str,
    },
    /// A file bears the name of a built-in policy.
    #[error("cannot use policy {}: `{name}` is the name of a built-in policy; give the file another",
        shown_path(.path))]
    Shadows {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// The file and the policy in it have different names.
    #[error("cannot use policy {}: it calls itself `{name}`", shown_path(.path))]
    OtherName {
        /// The file.
        path: PathBuf,
        /// The name inside.
        name: String,
    },
    /// The policy has errors.
    #[error(transparent)]
    Invalid(#[from] Diagnostics),
}

/// A policy that can be chosen by name.
#[derive(Debug)]
pub struct Listed {
    /// The name.
    pub name: String,
    /// The file, or `built-in:NAME`.
    pub source: String,
    /// The policy, or why it cannot be used.
    pub policy: Result<Policy, PolicyError>,
}

impl Operator {
    /// The policy that was chosen: one for a whole agent by its name, a file where the text holds a `/` or ends with `.toml`, a
    /// name otherwise.
    ///
    /// # Errors
    /// When there is none, or it cannot be used.
    pub fn policy(&self, chosen: &str) -> Result<Policy, PolicyError> {
        if let Some(policy) = Policy::for_agent(chosen) {
            return Ok(policy);
        }
        if is_policy_file(chosen) {
            let path = self.cwd.as_path().join(chosen);
            let text = self.read_policy(&path)?;
            return Ok(Policy::parse(&name_of(&path), &text)?);
        }
        for directory in self.directories_of("policies") {
            let path = directory.join(format!("{chosen}.toml"));
            match self.policy_file(&path, chosen) {
                Err(PolicyError::Unreadable { .. }) if is_absent(&path) => {}
                found => return found,
            }
        }
        Policy::built_in(chosen).ok_or_else(|| PolicyError::NotFound {
            name: chosen.to_owned(),
            looked: self
                .directories_of("policies")
                .map(|directory| shown_path(&directory))
                .collect(),
        })
    }

    /// The text and the name for messages of the policy file at the path, as [`policy`](Self::policy)
    /// would read it; for checks of files that may be wrong.
    ///
    /// # Errors
    /// When it cannot be read or trusted.
    pub fn policy_text(&self, path: &Path) -> Result<(String, String), PolicyError> {
        let path = self.cwd.as_path().join(path);
        Ok((name_of(&path), self.read_policy(&path)?))
    }

    /// Every policy that can be chosen by name: the operator's, the administrator's, the built-in.
    pub fn policies(&self) -> Vec<Listed> {
        let mut listed = Vec::new();
        for directory in self.directories_of("policies") {
            let mut paths = match entries(&directory) {
                Ok(paths) => paths,
                Err(_) if is_absent(&directory) => continue,
                Err(source) => {
                    listed.push(Listed {
                        name: "?".into(),
                        source: shown_path(&directory),
                        policy: Err(PolicyError::Unreadable {
                            path: directory,
                            source,
                        }),
                    });
                    continue;
                }
            };
            paths.sort();
            for path in paths {
                let stem = path.file_stem().unwrap_or(OsStr::new("?"));
                let name = stem.to_string_lossy().into_owned();
                listed.push(Listed {
                    source: shown_path(&path),
                    policy: self.policy_file(&path, &name),
                    name: shown(&name).into_owned(),
                });
            }
        }
        let built_in = Policy::built_in_names().iter();
        let built_in = built_in.filter_map(|name| Some((*name, Policy::built_in(name)?)));
        let agents =
            Policy::agent_names().filter_map(|name| Some((name, Policy::for_agent(name)?)));
        listed.extend(built_in.chain(agents).map(|(name, policy)| Listed {
            name: name.to_owned(),
            source: policy.source.clone(),
            policy: Ok(policy),
        }));
        listed
    }

    /// A policy by its name.
    fn policy_file(&self, path: &Path, name: &str) -> Result<Policy, PolicyError> {
        let text = self.read_policy(path)?;
        if Policy::built_in_names().contains(&name) {
            return Err(PolicyError::Shadows {
                path: path.to_owned(),
                name: name.to_owned(),
            });
        }
        let policy = Policy::parse(&name_of(path), &text)?;
        if policy.name != name {
            return Err(PolicyError::OtherName {
                path: path.to_owned(),
                name: policy.name,
            });
        }
        Ok(policy)
    }

    fn read_policy(&self, path: &Path) -> Result<String, PolicyError> {
        self.read_trusted(path).map_err(|why| {
            let path = path.to_owned();
            match why {
                Distrust::Unreadable(source) => PolicyError::Unreadable { path, source },
                Distrust::Untrusted(reason) => PolicyError::Untrusted { path, reason },
            }
        })
    }
}

/// Whether the text chooses a file, and not a name.
pub fn is_policy_file(chosen: &str) -> bool {
    if Policy::agent_names().any(|name| name == chosen) {
        return false;
    }
    chosen.contains('/')
        || Path::new(chosen)
            .extension()
            .is_some_and(|extension| extension == "toml")
}

/// The policy files of a directory.
fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            paths.push(path);
        }
    }
    Ok(paths)
}
