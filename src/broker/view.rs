//! What commands find beside the grants, and the plan that results.

use std::os::fd::BorrowedFd;
use std::path::PathBuf;

use super::error::SessionError;
use super::terms::Terms;
use crate::capability::Capabilities;
use crate::model::HostPath;
use crate::policy::{EffectiveGrant, GrantId};
use crate::sandbox::profile::{Profile, SystemView};
use crate::sandbox::toolchain::{self, HostDisk, Surroundings};
use crate::sandbox::{Handles, HostFeatures, Plan, Wish, changes_of, mode_of};

/// The sandbox gets the very handles that file requests use.
impl Handles for Capabilities {
    fn handle(&self, grant: GrantId) -> Option<BorrowedFd<'_>> {
        Self::handle(self, grant)
    }
}

impl Terms {
    /// What this host offers, as far as the operator lets it be used, with nothing tried out.
    pub(super) fn host(&self) -> HostFeatures {
        self.as_the_operator_wants(HostFeatures::probe_without_trying())
    }

    /// The same, with namespaces tried out. The process must have a single thread.
    pub fn tried_host(&self) -> HostFeatures {
        if self.operator.forces_flat() {
            return self.host();
        }
        HostFeatures::probe()
    }

    fn as_the_operator_wants(&self, host: HostFeatures) -> HostFeatures {
        if self.operator.forces_flat() {
            return host.without_namespaces("LOBSTERPOT_FORCE_FLAT is set", "unset it");
        }
        host
    }

    /// Resolves what will be enforced on the commands of a session on a host.
    ///
    /// # Errors
    /// When the host cannot give what the policy requires, or the policy does not know the
    /// principal.
    pub fn plan(&self, host: &HostFeatures) -> Result<Plan, SessionError> {
        let policy = self.policy.policy();
        let reach = self
            .policy
            .reach(&self.principal)
            .map_err(|denial| SessionError::Principal(Box::new(denial)))?;
        let mode = mode_of(&policy.containment, host)?;
        let profiles = self.profiles(&policy.containment.profiles, &reach)?;
        let toolchains = self.toolchains(&profiles, &reach);
        let view = SystemView::resolve(&profiles, mode, changes_of(&reach), toolchains);
        let wish = Wish {
            policy: &policy.name,
            reach: &reach,
            containment: &policy.containment,
            limits: &policy.limits,
            view: &view,
            home: &self.operator.home,
        };
        Ok(Plan::resolve(&wish, host)?)
    }

    /// The profiles that the policy names, where no command can change them for the next session.
    fn profiles(
        &self,
        names: &[String],
        reach: &[EffectiveGrant],
    ) -> Result<Vec<Profile>, SessionError> {
        let profiles = self.operator.profiles(names)?;
        for profile in &profiles {
            let Ok(file) = HostPath::absolute(profile.source.as_str()) else {
                continue;
            };
            let holds = |grant: &&EffectiveGrant| {
                grant.rights.change_something() && file.beneath(&grant.root).is_some()
            };
            if let Some(grant) = reach.iter().find(holds) {
                return Err(SessionError::ProfileInGrant {
                    file: profile.source.as_str().to_owned(),
                    grant: grant.name.clone(),
                });
            }
        }
        Ok(profiles)
    }

    fn toolchains(&self, profiles: &[Profile], reach: &[EffectiveGrant]) -> toolchain::Toolchains {
        let text = |value: &std::ffi::OsStr| value.to_string_lossy().into_owned();
        let search_path: Vec<PathBuf> = self
            .operator
            .variable("PATH")
            .filter(|path| !path.is_empty())
            .map_or_else(
                || SEARCH_PATH.iter().map(PathBuf::from).collect(),
                |path| std::env::split_paths(path).collect(),
            );
        let variables = profiles
            .iter()
            .flat_map(|profile| &profile.toolchains)
            .filter_map(|toolchain| toolchain.variable.as_deref())
            .filter_map(|name| Some((name.to_owned(), text(self.operator.variable(name)?))))
            .collect();
        let granted: Vec<_> = reach.iter().map(|grant| grant.root.clone()).collect();
        let surroundings = Surroundings {
            search_path: &search_path,
            home: &self.operator.home,
            variables: &variables,
            never: &[self.operator.state.clone(), self.operator.config.clone()],
            granted: &granted,
        };
        toolchain::discover(profiles, surroundings, &HostDisk)
    }
}

/// Where programs are looked for when the operator has no search path.
const SEARCH_PATH: [&str; 6] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];
