//! Changing mode, owner, times, attributes and flags, in every spelling.

use nix::errno::Errno;

use super::call::{address, call, structure};
use super::files::{handle, link_of, open};
use super::{Outcome, Prey, done, number};

const HERE: i32 = libc::AT_FDCWD;
const KEEP: i32 = libc::AT_SYMLINK_NOFOLLOW;
const EMPTY: i32 = libc::AT_EMPTY_PATH;
const MODE: i32 = 0o600;

fn reader(prey: &Prey) -> Result<i64, Errno> {
    open(&prey.file, libc::O_RDONLY)
}

fn directory(prey: &Prey) -> Result<i64, Errno> {
    open(&prey.directory, libc::O_PATH | libc::O_DIRECTORY)
}

/// fchmod(2), of a descriptor open for reading
pub(crate) fn fchmod(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_fchmod, reader(prey)?, MODE))
}

/// fchmodat(2)
pub(crate) fn fchmodat(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_fchmodat, HERE, &prey.file, MODE))
}

/// fchmodat(2), from a handle of the directory
pub(crate) fn fchmodat_from_handle(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_fchmodat,
        directory(prey)?,
        &prey.name(),
        MODE
    ))
}

/// fchmodat(2), by a magic link
pub(crate) fn fchmodat_link(prey: &Prey) -> Outcome {
    let link = link_of(handle(&prey.file)?);
    done(call!(libc::SYS_fchmodat, HERE, &link, MODE))
}

/// fchmodat(2), by `..`
pub(crate) fn fchmodat_dots(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_fchmodat, HERE, &prey.dots, MODE))
}

/// fchmodat2(2)
pub(crate) fn fchmodat2(prey: &Prey) -> Outcome {
    done(call!(number::FCHMODAT2, HERE, &prey.file, MODE, 0))
}

/// fchmodat2(2) of a handle
pub(crate) fn fchmodat2_of_handle(prey: &Prey) -> Outcome {
    done(call!(
        number::FCHMODAT2,
        handle(&prey.file)?,
        c"",
        MODE,
        EMPTY
    ))
}

/// fchmodat2(2), of a link itself
pub(crate) fn fchmodat2_keep(prey: &Prey) -> Outcome {
    done(call!(number::FCHMODAT2, HERE, &prey.file, MODE, KEEP))
}

/// fchmodat(2) of the directory
pub(crate) fn fchmodat_directory(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_fchmodat, HERE, &prey.directory, 0o711))
}

/// Oneself and one's own group: a change of which the change time tells.
fn me() -> (i64, i64) {
    (
        nix::unistd::getuid().as_raw().into(),
        nix::unistd::getgid().as_raw().into(),
    )
}

/// fchown(2), of a descriptor open for reading
pub(crate) fn fchown(prey: &Prey) -> Outcome {
    let (user, group) = me();
    done(call!(libc::SYS_fchown, reader(prey)?, user, group))
}

/// fchownat(2)
pub(crate) fn fchownat(prey: &Prey) -> Outcome {
    let (user, group) = me();
    done(call!(libc::SYS_fchownat, HERE, &prey.file, user, group, 0))
}

/// fchownat(2) of a handle
pub(crate) fn fchownat_of_handle(prey: &Prey) -> Outcome {
    let (user, group) = me();
    done(call!(
        libc::SYS_fchownat,
        handle(&prey.file)?,
        c"",
        user,
        group,
        EMPTY
    ))
}

/// fchownat(2), of a link itself
pub(crate) fn fchownat_keep(prey: &Prey) -> Outcome {
    let (user, group) = me();
    let link = prey.beside("link");
    done(call!(libc::SYS_fchownat, HERE, &link, user, group, KEEP))
}

/// Both times in seconds and nanoseconds: a second after the epoch.
fn long_ago() -> Vec<u8> {
    structure![1i64, 0i64, 1i64, 0i64]
}

/// utimensat(2)
pub(crate) fn utimensat(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_utimensat, HERE, &prey.file, &long_ago(), 0))
}

/// utimensat(2), to now
pub(crate) fn utimensat_now(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_utimensat, HERE, &prey.file, 0, 0))
}

/// utimensat(2), from a handle of the directory
pub(crate) fn utimensat_from_handle(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_utimensat,
        directory(prey)?,
        &prey.name(),
        &long_ago(),
        0
    ))
}

/// utimensat(2), of a descriptor open for reading
pub(crate) fn futimens(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_utimensat, reader(prey)?, 0, &long_ago(), 0))
}

/// utimensat(2) of a handle
pub(crate) fn utimensat_of_handle(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_utimensat,
        handle(&prey.file)?,
        c"",
        &long_ago(),
        EMPTY
    ))
}

/// utimensat(2), of a link itself
pub(crate) fn utimensat_keep(prey: &Prey) -> Outcome {
    let link = prey.beside("link");
    done(call!(libc::SYS_utimensat, HERE, &link, &long_ago(), KEEP))
}

/// setxattr(2)
pub(crate) fn setxattr(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_setxattr,
        &prey.file,
        c"user.new",
        c"v",
        1,
        0
    ))
}

/// setxattr(2), by a magic link
pub(crate) fn setxattr_link(prey: &Prey) -> Outcome {
    let link = link_of(handle(&prey.file)?);
    done(call!(libc::SYS_setxattr, &link, c"user.new", c"v", 1, 0))
}

/// lsetxattr(2)
pub(crate) fn lsetxattr(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_lsetxattr,
        &prey.file,
        c"user.new",
        c"v",
        1,
        0
    ))
}

/// fsetxattr(2), of a descriptor open for reading
pub(crate) fn fsetxattr(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_fsetxattr,
        reader(prey)?,
        c"user.new",
        c"v",
        1,
        0
    ))
}

/// setxattrat(2)
pub(crate) fn setxattrat(prey: &Prey) -> Outcome {
    let value = structure![address(b"v"), 1u32, 0u32];
    done(call!(
        number::SETXATTRAT,
        HERE,
        &prey.file,
        0,
        c"user.new",
        &value,
        16
    ))
}

/// setxattrat(2), of a descriptor open for reading
pub(crate) fn setxattrat_of_descriptor(prey: &Prey) -> Outcome {
    let value = structure![address(b"v"), 1u32, 0u32];
    done(call!(
        number::SETXATTRAT,
        reader(prey)?,
        c"",
        EMPTY,
        c"user.new",
        &value,
        16
    ))
}

/// removexattr(2)
pub(crate) fn removexattr(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_removexattr, &prey.file, c"user.secret"))
}

/// lremovexattr(2)
pub(crate) fn lremovexattr(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_lremovexattr, &prey.file, c"user.secret"))
}

/// fremovexattr(2), of a descriptor open for reading
pub(crate) fn fremovexattr(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_fremovexattr, reader(prey)?, c"user.secret"))
}

/// removexattrat(2)
pub(crate) fn removexattrat(prey: &Prey) -> Outcome {
    done(call!(
        number::REMOVEXATTRAT,
        HERE,
        &prey.file,
        0,
        c"user.secret"
    ))
}

/// An access control list, by setxattr(2)
pub(crate) fn access_list(prey: &Prey) -> Outcome {
    // Version 2; the owner, the group, the mask and others: tag, permissions, id.
    let mut list = structure![2u32];
    for (tag, rights) in [(1u16, 6u16), (4, 4), (0x10, 6), (0x20, 4)] {
        list.extend(structure![tag, rights, u32::MAX]);
    }
    let length = i64::try_from(list.len()).unwrap_or(0);
    let name = c"system.posix_acl_access";
    done(call!(
        libc::SYS_setxattr,
        &prey.file,
        name,
        &list,
        length,
        0
    ))
}

const GETFLAGS: u32 = 0x8008_6601;
const SETFLAGS: u32 = 0x4008_6602;
const FSGETXATTR: u32 = 0x801c_581f;
const FSSETXATTR: u32 = 0x401c_5820;
const SETVERSION: u32 = 0x4008_7602;
/// `FS_NODUMP_FL`: a flag that harms nobody.
const NODUMP: u8 = 0x40;

fn set_flags(prey: &Prey, request: i64) -> Outcome {
    let mut flags = [0u8; 8];
    let file = reader(prey)?;
    call!(libc::SYS_ioctl, file, GETFLAGS, &mut flags[..])?;
    flags[0] |= NODUMP;
    done(call!(libc::SYS_ioctl, file, request, &flags[..]))
}

/// ioctl `FS_IOC_SETFLAGS`, of a descriptor open for reading
pub(crate) fn flags(prey: &Prey) -> Outcome {
    set_flags(prey, SETFLAGS.into())
}

/// The same with bits in the upper half of the request, which the kernel does not look at
pub(crate) fn flags_high(prey: &Prey) -> Outcome {
    set_flags(prey, 0xdead_0000_0000 | i64::from(SETFLAGS))
}

/// ioctl `FS_IOC_FSSETXATTR`
pub(crate) fn extended_flags(prey: &Prey) -> Outcome {
    let mut flags = [0u8; 28];
    let file = reader(prey)?;
    call!(libc::SYS_ioctl, file, FSGETXATTR, &mut flags[..])?;
    flags[0] |= 0x80; // FS_XFLAG_NODUMP
    done(call!(libc::SYS_ioctl, file, FSSETXATTR, &flags[..]))
}

/// ioctl `FS_IOC_SETVERSION`
pub(crate) fn version(prey: &Prey) -> Outcome {
    let version = structure![12345u64];
    done(call!(libc::SYS_ioctl, reader(prey)?, SETVERSION, &version))
}

/// file_setattr(2)
pub(crate) fn file_setattr(prey: &Prey) -> Outcome {
    let value = structure![0x80u64, 0u32, 0u32, 0u32, 0u32];
    done(call!(number::FILE_SETATTR, HERE, &prey.file, &value, 24, 0))
}

/// The bit that gives a program the rights of its owner
pub(crate) fn setuid_bit(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_fchmodat, HERE, &prey.file, 0o4755))
}

/// The same by fchmod(2)
pub(crate) fn setuid_bit_of_descriptor(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_fchmod, reader(prey)?, 0o4755))
}

/// The same by fchmodat2(2)
pub(crate) fn setuid_bit_by_fchmodat2(prey: &Prey) -> Outcome {
    done(call!(number::FCHMODAT2, HERE, &prey.file, 0o4755, 0))
}

/// The bit that gives a program the rights of its group
pub(crate) fn setgid_bit(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_fchmodat, HERE, &prey.file, 0o2755))
}
