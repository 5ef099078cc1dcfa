//! Changing what a file holds, by every way to write.

use nix::errno::Errno;

use super::call::{address, call, structure};
use super::files::{handle, link_of, open, open_from, open2, pipe, write};
use super::{Outcome, Prey, done};

const HERE: i32 = libc::AT_FDCWD;
const WRITE: i32 = libc::O_WRONLY;

/// write(2)
pub(crate) fn writing(prey: &Prey) -> Outcome {
    done(write(open(&prey.file, WRITE)?, b"x"))
}

/// write(2), at the end
pub(crate) fn appending(prey: &Prey) -> Outcome {
    done(write(open(&prey.file, WRITE | libc::O_APPEND)?, b"x"))
}

/// openat2(2), and write(2)
pub(crate) fn openat2(prey: &Prey) -> Outcome {
    done(write(open2(HERE.into(), &prey.file, WRITE, 0)?, b"x"))
}

/// A handle of the directory, and write(2)
pub(crate) fn directory_handle(prey: &Prey) -> Outcome {
    let directory = open(&prey.directory, libc::O_PATH | libc::O_DIRECTORY)?;
    done(write(open_from(directory, &prey.name(), WRITE)?, b"x"))
}

/// pwrite64(2)
pub(crate) fn pwrite(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_pwrite64,
        open(&prey.file, WRITE)?,
        &b"x"[..],
        1,
        3
    ))
}

/// pwritev2(2)
pub(crate) fn pwritev2(prey: &Prey) -> Outcome {
    let parts = structure![address(b"x"), 1u64];
    let file = open(&prey.file, WRITE)?;
    done(call!(libc::SYS_pwritev2, file, &parts, 1, 0, 0, 0))
}

/// openat(2) with `O_TRUNC`
pub(crate) fn emptying(prey: &Prey) -> Outcome {
    done(open(&prey.file, WRITE | libc::O_TRUNC))
}

/// openat(2) with `O_TRUNC`, for reading
pub(crate) fn emptying_reader(prey: &Prey) -> Outcome {
    done(open(&prey.file, libc::O_RDONLY | libc::O_TRUNC))
}

/// openat(2) with `O_TRUNC`, for neither reading nor writing
pub(crate) fn emptying_odd(prey: &Prey) -> Outcome {
    done(open(&prey.file, libc::O_ACCMODE | libc::O_TRUNC))
}

/// truncate(2)
pub(crate) fn truncate(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_truncate, &prey.file, 1))
}

/// truncate(2) of a magic link
pub(crate) fn truncate_link(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_truncate, &link_of(handle(&prey.file)?), 1))
}

/// ftruncate(2)
pub(crate) fn ftruncate(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_ftruncate, open(&prey.file, WRITE)?, 1))
}

/// fallocate(2)
pub(crate) fn fallocate(prey: &Prey) -> Outcome {
    let file = open(&prey.file, libc::O_RDWR)?;
    done(call!(libc::SYS_fallocate, file, 0, 0, 1 << 16))
}

/// fallocate(2), punching a hole
pub(crate) fn punching(prey: &Prey) -> Outcome {
    let file = open(&prey.file, libc::O_RDWR)?;
    let hole = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    done(call!(libc::SYS_fallocate, file, hole, 0, 8))
}

/// A shared mapping
pub(crate) fn shared_mapping(prey: &Prey) -> Outcome {
    let file = open(&prey.file, libc::O_RDWR)?;
    let (both, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
    let mapped = call!(libc::SYS_mmap, 0, 4096, both, shared, file, 0)?;
    // The kernel itself writes into the mapping, so that no pointer to it is needed here.
    let (reader, writer) = pipe()?;
    write(writer, b"x")?;
    call!(libc::SYS_read, reader, mapped, 1)?;
    done(call!(libc::SYS_msync, mapped, 4096, libc::MS_SYNC))
}

/// copy_file_range(2)
pub(crate) fn copy_file_range(prey: &Prey) -> Outcome {
    let (from, to) = (
        open(&prey.own("own"), libc::O_RDONLY)?,
        open(&prey.file, WRITE)?,
    );
    done(call!(libc::SYS_copy_file_range, from, 0, to, 0, 4, 0))
}

/// sendfile(2)
pub(crate) fn sendfile(prey: &Prey) -> Outcome {
    let (from, to) = (
        open(&prey.own("own"), libc::O_RDONLY)?,
        open(&prey.file, WRITE)?,
    );
    done(call!(libc::SYS_sendfile, to, from, 0, 4))
}

/// splice(2)
pub(crate) fn splice(prey: &Prey) -> Outcome {
    let (reader, writer) = pipe()?;
    write(writer, b"xxxx")?;
    let to = open(&prey.file, WRITE)?;
    done(call!(libc::SYS_splice, reader, 0, to, 0, 4, 0))
}

/// A shared copy: ioctl `FICLONE`
pub(crate) fn cloning(prey: &Prey) -> Outcome {
    let (from, to) = (
        open(&prey.own("own"), libc::O_RDONLY)?,
        open(&prey.file, WRITE)?,
    );
    done(call!(libc::SYS_ioctl, to, 0x4004_9409u32, from))
}

/// A handle, opened again by its magic link
pub(crate) fn reopening(prey: &Prey) -> Outcome {
    let link = link_of(handle(&prey.file)?);
    done(open(&link, WRITE | libc::O_TRUNC))
}

/// A descriptor open for reading, opened again by its magic link
pub(crate) fn reopening_reader(prey: &Prey) -> Outcome {
    let link = link_of(open(&prey.file, libc::O_RDONLY)?);
    done(open(&link, WRITE | libc::O_TRUNC))
}

/// A symbolic link in the workspace
pub(crate) fn symlink(prey: &Prey) -> Outcome {
    let link = prey.own("spare");
    call!(libc::SYS_symlinkat, &prey.file, HERE, &link)?;
    done(open(&link, WRITE | libc::O_TRUNC))
}

/// A symbolic link that the host left in the workspace before
pub(crate) fn symlink_left(prey: &Prey) -> Outcome {
    done(open(&prey.own("left"), WRITE | libc::O_TRUNC))
}

/// A second name in the workspace, and write(2)
pub(crate) fn hard_link(prey: &Prey) -> Outcome {
    let name = prey.own("spare");
    call!(libc::SYS_linkat, HERE, &prey.file, HERE, &name, 0)?;
    done(write(open(&name, WRITE)?, b"x"))
}

/// The root directory of the broker
pub(crate) fn broker_root(prey: &Prey) -> Outcome {
    let path = format!("/proc/{}/root{}", prey.number, prey.file.to_string_lossy());
    done(write(open(&super::text(&path), WRITE)?, b"x"))
}

/// A pipe that somebody outside reads
pub(crate) fn named_pipe(prey: &Prey) -> Outcome {
    done(write(
        open(&prey.file, WRITE | libc::O_NONBLOCK)?,
        &prey.token,
    ))
}

/// A terminal of somebody outside
pub(crate) fn terminal(prey: &Prey) -> Outcome {
    done(write(
        open(&prey.file, WRITE | libc::O_NOCTTY)?,
        &prey.token,
    ))
}

/// Every descriptor that was inherited
pub(crate) fn inherited(_: &Prey) -> Outcome {
    let mut last = Err(Errno::EBADF);
    for descriptor in 3..256 {
        // The attacker's own pipes have no place to be at. At the end, so that what is there
        // can still be found.
        if call!(libc::SYS_lseek, descriptor, 0, libc::SEEK_END).is_ok() {
            let written = done(write(descriptor, b"x"));
            if last.is_err() {
                last = written;
            }
        }
    }
    last
}
