//! The system view: what the profiles of a plan come to on one host, as printable data.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Access, HomeFile, ProcessLimit, Profile, ProfileOrigin, SystemPath};
use crate::model::{HostPath, Mode, Wording};
use crate::sandbox::toolchain::Toolchains;

/// Whether a plan lets commands change anything outside their scratch directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Changes {
    /// Nothing.
    ReadOnly,
    /// What the grants allow.
    Workspace,
}

/// A path that commands find beside the grants.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewPath {
    /// The path, as programs name it. Where it is a symbolic link, what it leads to is granted too.
    pub path: HostPath,
    /// What may be done there.
    pub access: Access,
    /// Which profile, toolchain or search path entry it comes from.
    pub origin: Arc<str>,
    /// Why it is needed.
    pub reason: Wording,
}

/// Everything that commands find beside the grants.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SystemView {
    /// The profiles that it comes from, in the order of the policy.
    pub profiles: Vec<ProfileOrigin>,
    /// Paths, in order, each once. One that does not exist on the host is left out when it is prepared.
    pub paths: Vec<ViewPath>,
    /// Files of the user's home that are copied into the sandbox's home.
    pub home_files: Vec<HomeFile>,
    /// Variables and their values; `${scratch}` stands for the scratch directory.
    pub environment: Vec<(String, String)>,
    /// The search path that commands get.
    pub search_path: Vec<HostPath>,
    /// The system call sets that stay open.
    pub open_sets: Vec<Wording>,
    /// Resource limits of each process.
    pub limits: Vec<ProcessLimit>,
}

impl SystemView {
    /// What these profiles come to, with the toolchains that were found for them.
    pub fn resolve(
        profiles: &[Profile],
        mode: Mode,
        changes: Changes,
        toolchains: Toolchains,
    ) -> Self {
        let mut paths = Paths::default();
        let mut view = Self {
            profiles: profiles.iter().map(Profile::origin).collect(),
            search_path: toolchains.search_path,
            ..Self::default()
        };
        for profile in profiles {
            let origin: Arc<str> = format!("profile {}", profile.name).into();
            let fits = |path: &&SystemPath| path.only.is_none_or(|only| only == mode);
            for path in profile.system.iter().filter(fits) {
                paths.add(ViewPath {
                    path: path.path.clone(),
                    access: path.access,
                    origin: Arc::clone(&origin),
                    reason: path.reason.clone(),
                });
            }
            view.home_files.extend(profile.home_files.iter().cloned());
            for variable in &profile.environment {
                if variable.only.is_none_or(|only| only == changes) {
                    view.set(&variable.name, &variable.value);
                }
            }
            for open in &profile.open {
                view.open_sets.push(open.set.clone());
            }
            view.limits.extend(profile.limits.iter().cloned());
        }
        for path in toolchains.paths {
            paths.add(path);
        }
        for (name, value) in &toolchains.environment {
            view.set(name, value);
        }
        view.paths = paths.without_covered();
        view
    }

    /// The first to set a variable wins, so that an earlier profile is not undone by a later one.
    fn set(&mut self, name: &str, value: &str) {
        if self.environment.iter().all(|(known, _)| known != name) {
            self.environment.push((name.to_owned(), value.to_owned()));
        }
    }
}

/// Paths by name, each with everything that may be done there.
#[derive(Default)]
struct Paths(BTreeMap<HostPath, ViewPath>);

impl Paths {
    fn add(&mut self, path: ViewPath) {
        match self.0.get_mut(&path.path) {
            Some(known) => known.access = known.access.union(path.access),
            None => {
                self.0.insert(path.path.clone(), path);
            }
        }
    }

    /// Leaves out what a directory above already gives.
    fn without_covered(self) -> Vec<ViewPath> {
        let mut kept: Vec<ViewPath> = Vec::new();
        // In order, what lies below a path follows it at once: those around the current one.
        let mut around: Vec<usize> = Vec::new();
        for path in self.0.into_values() {
            around.retain(|at| path.path.beneath(&kept[*at].path).is_some());
            if around.iter().any(|at| kept[*at].access.covers(path.access)) {
                continue;
            }
            around.push(kept.len());
            kept.push(path);
        }
        kept
    }
}

impl Access {
    /// What either allows.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self {
            rights: self.rights.union(other.rights),
            ioctl: self.ioctl.max(other.ioctl),
        }
    }

    /// Whether everything the other allows is allowed here.
    pub fn covers(self, other: Self) -> bool {
        self.rights.covers(other.rights) && self.ioctl >= other.ioctl
    }
}
