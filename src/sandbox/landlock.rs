//! The Landlock layer: from rights and open handles to a ruleset.
//!
//! Every right that the ABI knows is handled, so that what no rule allows is refused. Rules
//! are made from handles, never from paths: what was opened is what is allowed.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, PathBeneath,
    Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, Scope,
};

use super::profile::{Access, DeviceControl};
use crate::model::Right;
use crate::sys::metadata::{Identity, pin_host_path};

/// Why there is no ruleset.
#[derive(Debug, thiserror::Error)]
pub enum LandlockError {
    /// The kernel has no Landlock, or less of it than the plan was made for.
    #[error("cannot make a landlock ruleset for abi {abi}")]
    Ruleset {
        /// The ABI that the plan asks for.
        abi: u32,
        /// The kernel's or the library's answer.
        #[source]
        source: landlock::RulesetError,
    },
    /// A rule was refused.
    #[error("cannot allow {path} in the landlock ruleset")]
    Rule {
        /// The path that the rule is for.
        path: String,
        /// The kernel's or the library's answer.
        #[source]
        source: landlock::RulesetError,
    },
    /// The root directory could not be opened.
    #[error("cannot open / for the launcher's landlock ruleset")]
    Top {
        /// The kernel's answer.
        #[source]
        source: io::Error,
    },
    /// The library gave no ruleset, because the kernel has no Landlock.
    #[error("cannot make a landlock ruleset: the kernel has no landlock")]
    Missing,
}

/// One path that may be reached, opened.
#[derive(Debug)]
pub(super) struct OpenRule<'a> {
    /// For messages.
    pub path: &'a Path,
    pub handle: BorrowedFd<'a>,
    pub access: Access,
}

/// Makes the ruleset.
pub(super) fn ruleset<'a>(
    abi: u32,
    rules: impl Iterator<Item = OpenRule<'a>>,
) -> Result<OwnedFd, LandlockError> {
    let known = known(abi);
    let fault = |source| LandlockError::Ruleset { abi, source };
    let mut attributes = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(known))
        .map_err(fault)?;
    if known >= ABI::V4 {
        attributes = attributes
            .handle_access(AccessNet::from_all(known))
            .map_err(fault)?;
    }
    if known >= ABI::V6 {
        attributes = attributes.scope(Scope::from_all(known)).map_err(fault)?;
    }
    let mut ruleset = attributes.create().map_err(fault)?;
    for rule in rules {
        let mut allowed = allowed(known, rule.access);
        if !is_directory(rule.handle) {
            allowed &= AccessFs::from_file(known);
        }
        if allowed.is_empty() {
            continue;
        }
        ruleset = ruleset
            .add_rule(PathBeneath::new(rule.handle, allowed))
            .map_err(|source| LandlockError::Rule {
                path: rule.path.display().to_string(),
                source,
            })?;
    }
    Option::<OwnedFd>::from(ruleset).ok_or(LandlockError::Missing)
}

/// A domain for a launcher: it hides nothing, but beyond it no signal can be sent. None
/// where the kernel cannot do that.
///
/// Renaming between directories is allowed everywhere in it, because a domain that says
/// nothing of it forbids it, to every domain inside as well (ABI 7, measured).
pub(super) fn signal_domain(abi: u32) -> Result<Option<OwnedFd>, LandlockError> {
    let known = known(abi);
    if known < ABI::V6 {
        return Ok(None);
    }
    let fault = |source| LandlockError::Ruleset { abi, source };
    let top = pin_host_path(Path::new("/")).map_err(|source| LandlockError::Top { source })?;
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::Refer)
        .and_then(|attributes| attributes.scope(Scope::Signal))
        .and_then(Ruleset::create)
        .and_then(|ruleset| ruleset.add_rule(PathBeneath::new(top.as_fd(), AccessFs::Refer)))
        .map_err(fault)?;
    Ok(ruleset.into())
}

/// The newest ABI of the library that is no newer than the given one.
fn known(abi: u32) -> ABI {
    ABI::from(i32::try_from(abi).unwrap_or(i32::MAX))
}

fn is_directory(handle: BorrowedFd<'_>) -> bool {
    Identity::of(handle).is_ok_and(|identity| identity.is_directory())
}

/// What Landlock calls the rights of a grant.
fn allowed(abi: ABI, access: Access) -> BitFlags<AccessFs> {
    let mut allowed = BitFlags::EMPTY;
    for right in access.rights.iter() {
        allowed |= match right {
            Right::List => AccessFs::ReadDir.into(),
            Right::Read => AccessFs::ReadFile.into(),
            Right::Execute => AccessFs::Execute.into(),
            Right::Write => AccessFs::WriteFile | AccessFs::Truncate,
            // Never device nodes: they would be a way around the grants.
            Right::Create => {
                AccessFs::MakeReg
                    | AccessFs::MakeDir
                    | AccessFs::MakeSym
                    | AccessFs::MakeFifo
                    | AccessFs::MakeSock
            }
            Right::Delete => AccessFs::RemoveFile | AccessFs::RemoveDir,
        };
    }
    // Moving between directories takes away here and makes there. Landlock itself sees to it
    // that nothing gains rights by being moved.
    if access.rights.has(Right::Create) && access.rights.has(Right::Delete) {
        allowed |= AccessFs::Refer;
    }
    if access.ioctl == DeviceControl::Allow {
        allowed |= AccessFs::IoctlDev;
    }
    allowed & AccessFs::from_all(abi)
}

#[cfg(test)]
mod tests {
    use super::{ABI, AccessFs, allowed};
    use crate::model::Rights;
    use crate::sandbox::profile::{Access, DeviceControl};
    use landlock::Access as _;

    #[test]
    fn no_grant_makes_device_nodes() {
        let access = Access {
            rights: Rights::ALL,
            ioctl: DeviceControl::Allow,
        };
        for abi in [ABI::V1, ABI::V3, ABI::V7] {
            let all = allowed(abi, access);
            assert!(!all.intersects(AccessFs::MakeChar | AccessFs::MakeBlock));
            assert!(AccessFs::from_all(abi).contains(all));
        }
    }
}
