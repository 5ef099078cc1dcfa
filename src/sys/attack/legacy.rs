//! The older calls of x86_64, which other architectures never had.

use super::call::{call, structure};
use super::files::{contents, handle, link_of, open};
use super::{Outcome, Prey, done};

/// open(2), for reading
pub(crate) fn open_for_reading(prey: &Prey) -> Outcome {
    contents(call!(libc::SYS_open, &prey.file, libc::O_RDONLY, 0)?)
}

/// getdents(2)
pub(crate) fn getdents(prey: &Prey) -> Outcome {
    let directory = call!(libc::SYS_open, &prey.directory, libc::O_DIRECTORY, 0)?;
    let mut names = vec![0u8; 4096];
    let count = call!(libc::SYS_getdents, directory, &mut names[..], 4096)?;
    names.truncate(usize::try_from(count).unwrap_or(0));
    // Between the names are numbers: only what can be shown counts.
    names.retain(u8::is_ascii_graphic);
    Ok(names)
}

/// stat(2)
pub(crate) fn stat(prey: &Prey) -> Outcome {
    let mut found = [0u8; 256];
    done(call!(libc::SYS_stat, &prey.file, &mut found[..]))
}

/// lstat(2)
pub(crate) fn lstat(prey: &Prey) -> Outcome {
    let mut found = [0u8; 256];
    done(call!(libc::SYS_lstat, &prey.file, &mut found[..]))
}

/// access(2)
pub(crate) fn access(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_access, &prey.file, 0))
}

/// readlink(2)
pub(crate) fn readlink(prey: &Prey) -> Outcome {
    let mut target = [0u8; 256];
    done(call!(libc::SYS_readlink, &prey.file, &mut target[..], 256))
}

/// uselib(2)
pub(crate) fn uselib(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_uselib, &prey.file))
}

/// open(2), for writing, and emptied
pub(crate) fn open_for_writing(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_open,
        &prey.file,
        libc::O_WRONLY | libc::O_TRUNC,
        0
    ))
}

/// creat(2)
pub(crate) fn creat(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_creat, &prey.file, 0o600))
}

/// creat(2) of a new file
pub(crate) fn creat_new(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_creat, &prey.beside("new"), 0o600))
}

/// mkdir(2)
pub(crate) fn mkdir(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_mkdir, &prey.beside("new"), 0o700))
}

/// mknod(2)
pub(crate) fn mknod(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_mknod,
        &prey.beside("new"),
        libc::S_IFIFO | 0o600,
        0
    ))
}

/// symlink(2)
pub(crate) fn symlink(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_symlink, c"nowhere", &prey.beside("new")))
}

/// link(2)
pub(crate) fn link(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_link, &prey.file, &prey.beside("new")))
}

/// unlink(2)
pub(crate) fn unlink(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_unlink, &prey.file))
}

/// rmdir(2)
pub(crate) fn rmdir(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_rmdir, &prey.beside("empty")))
}

/// rename(2)
pub(crate) fn rename(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_rename, &prey.file, &prey.beside("new")))
}

/// renameat(2)
pub(crate) fn renameat(prey: &Prey) -> Outcome {
    let here = libc::AT_FDCWD;
    done(call!(
        libc::SYS_renameat,
        here,
        &prey.file,
        here,
        &prey.beside("new")
    ))
}

/// chmod(2)
pub(crate) fn chmod(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_chmod, &prey.file, 0o600))
}

/// chmod(2), by a magic link
pub(crate) fn chmod_link(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_chmod, &link_of(handle(&prey.file)?), 0o600))
}

/// chown(2)
pub(crate) fn chown(prey: &Prey) -> Outcome {
    let (user, group) = (nix::unistd::getuid(), nix::unistd::getgid());
    done(call!(
        libc::SYS_chown,
        &prey.file,
        user.as_raw(),
        group.as_raw()
    ))
}

/// lchown(2)
pub(crate) fn lchown(prey: &Prey) -> Outcome {
    let (user, group) = (nix::unistd::getuid(), nix::unistd::getgid());
    done(call!(
        libc::SYS_lchown,
        &prey.file,
        user.as_raw(),
        group.as_raw()
    ))
}

/// utime(2)
pub(crate) fn utime(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_utime, &prey.file, &structure![1i64, 1i64]))
}

/// utimes(2)
pub(crate) fn utimes(prey: &Prey) -> Outcome {
    let times = structure![1i64, 0i64, 1i64, 0i64];
    done(call!(libc::SYS_utimes, &prey.file, &times))
}

/// futimesat(2)
pub(crate) fn futimesat(prey: &Prey) -> Outcome {
    let times = structure![1i64, 0i64, 1i64, 0i64];
    done(call!(
        libc::SYS_futimesat,
        libc::AT_FDCWD,
        &prey.file,
        &times
    ))
}

/// futimesat(2), of a descriptor open for reading
pub(crate) fn futimesat_of_descriptor(prey: &Prey) -> Outcome {
    let times = structure![1i64, 0i64, 1i64, 0i64];
    let reader = open(&prey.file, libc::O_RDONLY)?;
    done(call!(libc::SYS_futimesat, reader, 0, &times))
}
