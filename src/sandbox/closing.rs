//! Which sets of system calls a plan closes, and how.

use super::plan::MetadataCalls;
use super::profile::{Changes, SystemView};
use super::seccomp::{Arch, Errno, SetError, SyscallRules, SyscallSets, Treatment};
use crate::model::Mode;
use crate::policy::Notify;

/// Linux 6.2: Landlock restricts cutting files off.
pub(super) const TRUNCATION: u32 = 3;

/// What the choice of sets depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation {
    pub arch: Arch,
    pub mode: Mode,
    pub changes: Changes,
    pub metadata: MetadataCalls,
    pub landlock_abi: u32,
    pub notify: Option<Notify>,
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
        MetadataCalls::Witnessed | MetadataCalls::Supervised | MetadataCalls::Watched => {
            Some(("metadata", Treatment::Supervise))
        }
        MetadataCalls::PrivilegedSupervised => Some(("privileged-modes", Treatment::Supervise)),
        MetadataCalls::PrivilegedRefused => Some(("privileged-modes", Treatment::AsWritten)),
    });
    // A view's mounts restrict these calls as they restrict the rest.
    if situation.mode == Mode::Flat {
        closed.push(("scheduling", changes_by_supervisor(situation.metadata)));
    }
    if situation.mode == Mode::Flat || situation.metadata == MetadataCalls::Supervised {
        closed.push(("inode-flags", inode_flags(situation.changes)));
    }
    if lacks_truncation(situation) {
        closed.push(("truncate", Treatment::AsWritten));
        closed.push((
            "truncate-by-path",
            changes_by_supervisor(situation.metadata),
        ));
    } else {
        let watched: &[&str] = match situation.notify {
            None | Some(Notify::ClosedCalls) => &[],
            Some(Notify::Changes) => &["changes", "executions", "write-opens"],
            Some(Notify::Opens) => &["changes", "executions", "opens"],
        };
        closed.extend(watched.iter().map(|name| (*name, Treatment::Supervise)));
    }
    sets.rules(situation.arch, &closed)
}

/// What becomes of calls that a supervisor can carry out for a command, where there is one.
fn changes_by_supervisor(metadata: MetadataCalls) -> Treatment {
    match metadata {
        MetadataCalls::Witnessed | MetadataCalls::Supervised => Treatment::Supervise,
        MetadataCalls::Refused
        | MetadataCalls::PrivilegedSupervised
        | MetadataCalls::Watched
        | MetadataCalls::PrivilegedRefused => Treatment::AsWritten,
    }
}

/// Whether nothing but the filter keeps files from being cut off. A view's mounts do, except
/// where a grant lets names be made and nothing be written.
fn lacks_truncation(situation: Situation) -> bool {
    let by_mounts = situation.mode == Mode::View && situation.metadata != MetadataCalls::Supervised;
    situation.landlock_abi < TRUNCATION && !by_mounts
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
    use crate::policy::Notify;
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
                        MetadataCalls::Watched,
                        MetadataCalls::PrivilegedRefused,
                    ] {
                        let levels = [Notify::ClosedCalls, Notify::Changes, Notify::Opens];
                        let levels = levels.map(|notify| (7, Some(notify)));
                        for (landlock_abi, notify) in
                            [(1, None), (7, None)].into_iter().chain(levels)
                        {
                            let situation = Situation {
                                arch,
                                mode,
                                changes,
                                metadata,
                                landlock_abi,
                                notify,
                            };
                            let rules = rules(&view, situation).unwrap();
                            assert!(rules.compile().is_ok(), "{situation:?}");
                        }
                    }
                }
            }
        }
    }

    /// Below Landlock ABI 3 truncation is closed where no mount restricts it, and only there.
    #[test]
    fn truncation_is_closed_where_nothing_else_restricts_it() {
        let truncate = Arch::X86_64.number("truncate").unwrap();
        let is_closed = |mode, metadata, landlock_abi| {
            let situation = Situation {
                arch: Arch::X86_64,
                mode,
                changes: Changes::Workspace,
                metadata,
                landlock_abi,
                notify: None,
            };
            let rules = rules(&SystemView::default(), situation).unwrap();
            rules.rules.contains_key(&truncate)
        };
        for abi in [1, 2] {
            assert!(is_closed(Mode::Flat, MetadataCalls::Supervised, abi));
            assert!(is_closed(Mode::Flat, MetadataCalls::Refused, abi));
            assert!(is_closed(Mode::View, MetadataCalls::Supervised, abi));
            for by_mounts in [
                MetadataCalls::PrivilegedSupervised,
                MetadataCalls::PrivilegedRefused,
            ] {
                assert!(!is_closed(Mode::View, by_mounts, abi));
            }
        }
        for mode in [Mode::View, Mode::Flat] {
            assert!(!is_closed(mode, MetadataCalls::Supervised, 3));
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
            notify: None,
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
