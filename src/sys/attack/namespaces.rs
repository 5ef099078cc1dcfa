//! Namespaces of one's own, which open most of the kernel to a plain user, and those of others.

use nix::errno::Errno;

use super::call::{call, structure};
use super::{Outcome, Prey, done, number};

const USER: i32 = libc::CLONE_NEWUSER;

/// Keeps what is mounted from now on in the attacker's own namespace.
pub(super) fn make_mounts_private() -> Result<i64, Errno> {
    // MS_REC | MS_PRIVATE
    call!(libc::SYS_mount, c"none", c"/", 0, 0x4_4000, 0)
}

/// unshare(2) of a user namespace
pub(crate) fn user(_: &Prey) -> Outcome {
    done(call!(libc::SYS_unshare, USER))
}

fn cloned(flags: i32) -> Outcome {
    let child = call!(libc::SYS_clone, flags | libc::SIGCHLD, 0, 0, 0, 0)?;
    if child == 0 {
        // Held as its parent is, and ended with it.
        let _ = call!(
            libc::SYS_prctl,
            libc::PR_SET_PDEATHSIG,
            libc::SIGKILL,
            0,
            0,
            0
        );
        super::child::hold();
    }
    Ok(Vec::new())
}

/// clone(2) into a user namespace
pub(crate) fn user_by_clone(_: &Prey) -> Outcome {
    cloned(USER)
}

/// clone3(2) into a user namespace
pub(crate) fn user_by_clone3(_: &Prey) -> Outcome {
    let mut arguments = structure![i64::from(USER), 0u64, 0u64, 0u64, i64::from(libc::SIGCHLD)];
    arguments.resize(64, 0);
    let child = call!(libc::SYS_clone3, &arguments, 64)?;
    if child == 0 {
        let _ = call!(
            libc::SYS_prctl,
            libc::PR_SET_PDEATHSIG,
            libc::SIGKILL,
            0,
            0,
            0
        );
        super::child::hold();
    }
    Ok(Vec::new())
}

/// unshare(2) of a mount namespace
pub(crate) fn mount(_: &Prey) -> Outcome {
    done(call!(libc::SYS_unshare, libc::CLONE_NEWNS))
}

/// unshare(2) of a network namespace
pub(crate) fn network(_: &Prey) -> Outcome {
    done(call!(libc::SYS_unshare, libc::CLONE_NEWNET))
}

/// unshare(2) of an IPC namespace
pub(crate) fn ipc(_: &Prey) -> Outcome {
    done(call!(libc::SYS_unshare, libc::CLONE_NEWIPC))
}

/// unshare(2) of a namespace of host names
pub(crate) fn names(_: &Prey) -> Outcome {
    done(call!(libc::SYS_unshare, libc::CLONE_NEWUTS))
}

/// unshare(2) of a namespace of control groups
pub(crate) fn groups(_: &Prey) -> Outcome {
    done(call!(libc::SYS_unshare, libc::CLONE_NEWCGROUP))
}

/// clone(2) into a process namespace
pub(crate) fn processes(_: &Prey) -> Outcome {
    cloned(libc::CLONE_NEWPID)
}

/// A file system mounted over a directory of the workspace
pub(crate) fn mounting(prey: &Prey) -> Outcome {
    call!(libc::SYS_unshare, libc::CLONE_NEWNS)?;
    make_mounts_private()?;
    let hollow = prey.own("hollow");
    done(call!(libc::SYS_mount, &prey.mark, &hollow, c"tmpfs", 0, 0))
}

/// The same in a user namespace
pub(crate) fn mounting_as_user(prey: &Prey) -> Outcome {
    call!(libc::SYS_unshare, USER | libc::CLONE_NEWNS)?;
    make_mounts_private()?;
    let hollow = prey.own("hollow");
    done(call!(libc::SYS_mount, &prey.mark, &hollow, c"tmpfs", 0, 0))
}

/// fsopen(2)
pub(crate) fn fsopen(_: &Prey) -> Outcome {
    done(call!(number::FSOPEN, c"tmpfs", 0))
}
