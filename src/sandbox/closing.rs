//! Which sets of system calls a plan closes, and how.

use super::plan::MetadataCalls;
use super::profile::{Changes, SystemView};
use super::seccomp::{Arch, Errno, SetError, SyscallRules, SyscallSets, Treatment};
use crate::model::Mode;

/// Linux 6.2: Landlock restricts cutting files off.
const TRUNCATION: u32 = 3;

/// What the choice of sets depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation {
    pub arch: Arch,
    pub mode: Mode,
    pub changes: Changes,
    pub metadata: MetadataCalls,
    pub landlock_abi: u32,
}

/// The rules for all system calls of a plan.
///
/// # Errors
/// When two sets contradict each other; a test makes the rules of every situation.
pub(super) fn rules(view: &SystemView, situation: Situation) -> Result<SyscallRules, SetError> {
    let sets = SyscallSets::built_in();
    let open = |name: &&str| view.open_sets.iter().any(|open| open == name);
    let mut closed: Vec<_> = sets
        .closed_in(situation.mode)
        .filter(|name| !open(name))
        .map(|name| (name, Treatment::AsWritten))
        .collect();
    closed.extend(match situation.metadata {
        MetadataCalls::Refused => Some(("metadata", Treatment::AsWritten)),
        MetadataCalls::Witnessed | MetadataCalls::Supervised => {
            Some(("metadata", Treatment::Supervise))
        }
        MetadataCalls::PrivilegedSupervised => Some(("privileged-modes", Treatment::Supervise)),
        MetadataCalls::PrivilegedRefused => Some(("privileged-modes", Treatment::AsWritten)),
    });
    // A view's mounts restrict these calls as they restrict the rest.
    if situation.mode == Mode::Flat {
        let supervised = matches!(
            situation.metadata,
            MetadataCalls::Witnessed | MetadataCalls::Supervised
        );
        let treatment = if supervised {
            Treatment::Supervise
        } else {
            Treatment::AsWritten
        };
        closed.push(("scheduling", treatment));
    }
    if situation.mode == Mode::Flat || situation.metadata == MetadataCalls::Supervised {
        closed.push(("inode-flags", inode_flags(situation.changes)));
    }
    if situation.landlock_abi < TRUNCATION {
        closed.push(("truncate", Treatment::AsWritten));
        closed.push(("truncate-by-path", Treatment::AsWritten));
    } else if situation.metadata == MetadataCalls::Witnessed {
        closed.push(("writes", Treatment::Supervise));
        closed.push(("truncate-by-path", Treatment::Supervise));
    }
    sets.rules(situation.arch, &closed)
}

/// The supervisor makes no such change, so it is refused with the error of a plan of its kind.
fn inode_flags(changes: Changes) -> Treatment {
    match changes {
        Changes::ReadOnly => Treatment::AsWritten,
        Changes::Workspace => Treatment::Errno(Errno::EPERM),
    }
}

#[cfg(test)]
mod tests {
    use super::{Situation, rules};
    use crate::model::Mode;
    use crate::sandbox::plan::MetadataCalls;
    use crate::sandbox::profile::{Changes, SystemView};
    use crate::sandbox::seccomp::Arch;

    #[test]
    fn there_are_rules_for_every_situation() {
        let view = SystemView::default();
        for arch in Arch::ALL {
            for mode in [Mode::View, Mode::Flat] {
                for changes in [Changes::ReadOnly, Changes::Workspace] {
                    for metadata in [
                        MetadataCalls::Refused,
                        MetadataCalls::Witnessed,
                        MetadataCalls::Supervised,
                        MetadataCalls::PrivilegedSupervised,
                        MetadataCalls::PrivilegedRefused,
                    ] {
                        for landlock_abi in [1, 7] {
                            let situation = Situation {
                                arch,
                                mode,
                                changes,
                                metadata,
                                landlock_abi,
                            };
                            let rules = rules(&view, situation).unwrap();
                            assert!(rules.compile().is_ok(), "{situation:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_set_that_a_profile_opens_is_open() {
        let situation = Situation {
            arch: Arch::X86_64,
            mode: Mode::Flat,
            changes: Changes::Workspace,
            metadata: MetadataCalls::Supervised,
            landlock_abi: 7,
        };
        let ptrace = Arch::X86_64.number("ptrace").unwrap();
        let closed = rules(&SystemView::default(), situation).unwrap();
        assert!(closed.rules.contains_key(&ptrace));
        let view = SystemView {
            open_sets: vec!["debugging".into()],
            ..SystemView::default()
        };
        let opened = rules(&view, situation).unwrap();
        assert!(!opened.rules.contains_key(&ptrace));
    }
}
