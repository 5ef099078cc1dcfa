//! Changing the names in a directory: making, removing, moving, linking.

use super::call::{call, structure};
use super::files::{handle, link_of, open};
use super::{Outcome, Prey, done};

const HERE: i32 = libc::AT_FDCWD;
const PLACE: i32 = libc::O_PATH | libc::O_DIRECTORY;
const NEW: i32 = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL;

/// openat(2) with `O_CREAT`
pub(crate) fn creating(prey: &Prey) -> Outcome {
    done(open(&prey.beside("new"), NEW))
}

/// openat(2) with `O_CREAT`, from a handle of the directory
pub(crate) fn creating_from_handle(prey: &Prey) -> Outcome {
    let directory = open(&prey.directory, PLACE)?;
    done(super::files::open_from(directory, c"new", NEW))
}

/// openat2(2) with `O_CREAT`
pub(crate) fn creating_by_openat2(prey: &Prey) -> Outcome {
    let how = structure![i64::from(NEW), 0o600u64, 0u64];
    done(call!(
        super::number::OPENAT2,
        HERE,
        &prey.beside("new"),
        &how,
        24
    ))
}

/// A file without a name (`O_TMPFILE`) that is given one
pub(crate) fn unnamed_file(prey: &Prey) -> Outcome {
    let file = open(&prey.directory, libc::O_TMPFILE | libc::O_RDWR)?;
    let (link, follow) = (link_of(file), libc::AT_SYMLINK_FOLLOW);
    done(call!(
        libc::SYS_linkat,
        HERE,
        &link,
        HERE,
        &prey.beside("new"),
        follow
    ))
}

/// A file without a name, in the workspace, that is given one there
pub(crate) fn unnamed_file_of_the_workspace(prey: &Prey) -> Outcome {
    let file = open(&prey.workshop, libc::O_TMPFILE | libc::O_RDWR)?;
    let (link, follow) = (link_of(file), libc::AT_SYMLINK_FOLLOW);
    done(call!(
        libc::SYS_linkat,
        HERE,
        &link,
        HERE,
        &prey.beside("new"),
        follow
    ))
}

/// mkdirat(2)
pub(crate) fn mkdirat(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_mkdirat, HERE, &prey.beside("new"), 0o700))
}

/// mkdirat(2), from a handle of the directory
pub(crate) fn mkdirat_from_handle(prey: &Prey) -> Outcome {
    let directory = open(&prey.directory, PLACE)?;
    done(call!(libc::SYS_mkdirat, directory, c"new", 0o700))
}

fn mknod(prey: &Prey, kind: u32, device: i32) -> Outcome {
    done(call!(
        libc::SYS_mknodat,
        HERE,
        &prey.beside("new"),
        kind | 0o600,
        device
    ))
}

/// mknodat(2) of a pipe
pub(crate) fn mkfifo(prey: &Prey) -> Outcome {
    mknod(prey, libc::S_IFIFO, 0)
}

/// mknodat(2) of a file
pub(crate) fn mknod_file(prey: &Prey) -> Outcome {
    mknod(prey, libc::S_IFREG, 0)
}

/// mknodat(2) of a socket
pub(crate) fn mknod_socket(prey: &Prey) -> Outcome {
    mknod(prey, libc::S_IFSOCK, 0)
}

/// mknodat(2) of a device: the null device, which harms nobody
pub(crate) fn mknod_device(prey: &Prey) -> Outcome {
    mknod(prey, libc::S_IFCHR, 0x103)
}

/// mknodat(2) of a whiteout
pub(crate) fn mknod_whiteout(prey: &Prey) -> Outcome {
    mknod(prey, libc::S_IFCHR, 0)
}

/// symlinkat(2)
pub(crate) fn symlinkat(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_symlinkat,
        c"nowhere",
        HERE,
        &prey.beside("new")
    ))
}

/// linkat(2)
pub(crate) fn linkat(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_linkat,
        HERE,
        &prey.file,
        HERE,
        &prey.beside("new"),
        0
    ))
}

/// linkat(2) of a magic link
pub(crate) fn linkat_of_link(prey: &Prey) -> Outcome {
    let (link, follow) = (link_of(handle(&prey.file)?), libc::AT_SYMLINK_FOLLOW);
    done(call!(
        libc::SYS_linkat,
        HERE,
        &link,
        HERE,
        &prey.beside("new"),
        follow
    ))
}

/// linkat(2) of a file of the workspace
pub(crate) fn linking_out(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_linkat,
        HERE,
        &prey.own("own"),
        HERE,
        &prey.beside("new"),
        0
    ))
}

/// unlinkat(2)
pub(crate) fn unlinkat(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_unlinkat, HERE, &prey.file, 0))
}

/// unlinkat(2), from a handle of the directory
pub(crate) fn unlinkat_from_handle(prey: &Prey) -> Outcome {
    let directory = open(&prey.directory, PLACE)?;
    done(call!(libc::SYS_unlinkat, directory, &prey.name(), 0))
}

/// unlinkat(2) of a directory
pub(crate) fn unlinkat_directory(prey: &Prey) -> Outcome {
    let directory = prey.beside("empty");
    done(call!(
        libc::SYS_unlinkat,
        HERE,
        &directory,
        libc::AT_REMOVEDIR
    ))
}

/// renameat2(2)
pub(crate) fn renameat2(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_renameat2,
        HERE,
        &prey.file,
        HERE,
        &prey.beside("new"),
        0
    ))
}

/// renameat2(2) of a directory
pub(crate) fn renaming_directory(prey: &Prey) -> Outcome {
    let empty = prey.beside("empty");
    done(call!(
        libc::SYS_renameat2,
        HERE,
        &empty,
        HERE,
        &prey.beside("new"),
        0
    ))
}

/// renameat2(2), leaving a whiteout
pub(crate) fn renaming_with_whiteout(prey: &Prey) -> Outcome {
    let whiteout = libc::RENAME_WHITEOUT;
    done(call!(
        libc::SYS_renameat2,
        HERE,
        &prey.file,
        HERE,
        &prey.beside("new"),
        whiteout
    ))
}

/// renameat2(2) of a file of the workspace over one outside
pub(crate) fn replacing(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_renameat2,
        HERE,
        &prey.own("own"),
        HERE,
        &prey.file,
        0
    ))
}

/// renameat2(2) of a file of the workspace to a new name outside
pub(crate) fn moving_out(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_renameat2,
        HERE,
        &prey.own("own"),
        HERE,
        &prey.beside("new"),
        0
    ))
}

/// renameat2(2) of a directory of the workspace to a new name outside
pub(crate) fn moving_directory_out(prey: &Prey) -> Outcome {
    let hollow = prey.own("hollow");
    done(call!(
        libc::SYS_renameat2,
        HERE,
        &hollow,
        HERE,
        &prey.beside("new"),
        0
    ))
}

/// renameat2(2) into the workspace
pub(crate) fn moving_in(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_renameat2,
        HERE,
        &prey.file,
        HERE,
        &prey.own("spare"),
        0
    ))
}

/// renameat2(2), in exchange for a file of the workspace
pub(crate) fn exchanging(prey: &Prey) -> Outcome {
    let exchange = libc::RENAME_EXCHANGE;
    done(call!(
        libc::SYS_renameat2,
        HERE,
        &prey.file,
        HERE,
        &prey.own("own"),
        exchange
    ))
}

/// The directory itself, moved aside
pub(crate) fn moving_the_directory(prey: &Prey) -> Outcome {
    let aside = super::text(&format!("{}-aside", prey.directory.to_string_lossy()));
    done(call!(
        libc::SYS_renameat2,
        HERE,
        &prey.directory,
        HERE,
        &aside,
        0
    ))
}

/// bind(2) of a unix socket
pub(crate) fn socket_file(prey: &Prey) -> Outcome {
    let socket = call!(libc::SYS_socket, libc::AF_UNIX, libc::SOCK_STREAM, 0)?;
    let address = super::sockets::at(&prey.beside("new"));
    let length = i64::try_from(address.len()).unwrap_or(0);
    done(call!(libc::SYS_bind, socket, &address, length))
}
