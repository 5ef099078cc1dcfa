//! Reading a file outside, by every way to open it.

use nix::errno::Errno;

use super::call::call;
use super::files::{contents, handle, names, open, open_from, open2, pipe};
use super::{Outcome, Prey, text};

const READ: i32 = libc::O_RDONLY;
const PLACE: i32 = libc::O_PATH | libc::O_DIRECTORY;

/// openat(2)
pub(crate) fn openat(prey: &Prey) -> Outcome {
    contents(open(&prey.file, READ)?)
}

/// openat(2), for reading and writing
pub(crate) fn openat_for_both(prey: &Prey) -> Outcome {
    contents(open(&prey.file, libc::O_RDWR)?)
}

/// openat2(2)
pub(crate) fn openat2(prey: &Prey) -> Outcome {
    contents(open2(libc::AT_FDCWD.into(), &prey.file, READ, 0)?)
}

/// openat2(2), resolved in the root directory
pub(crate) fn openat2_in_root(prey: &Prey) -> Outcome {
    let root = open(c"/", PLACE)?;
    contents(open2(root, &prey.file, READ, libc::RESOLVE_IN_ROOT)?)
}

/// openat2(2), resolved beneath a handle of the directory
pub(crate) fn openat2_beneath(prey: &Prey) -> Outcome {
    let directory = open(&prey.directory, PLACE)?;
    contents(open2(directory, &prey.name(), READ, libc::RESOLVE_BENEATH)?)
}

/// A handle of the directory, and a name in it
pub(crate) fn directory_handle(prey: &Prey) -> Outcome {
    let directory = open(&prey.directory, PLACE)?;
    contents(open_from(directory, &prey.name(), READ)?)
}

/// A handle of the root directory, and the path below it
pub(crate) fn root_handle(prey: &Prey) -> Outcome {
    let root = open(c"/", PLACE)?;
    let path = prey.file.to_string_lossy();
    contents(open_from(root, &text(path.trim_start_matches('/')), READ)?)
}

fn through(prey: &Prey, links: &str) -> Outcome {
    let descriptor = handle(&prey.file)?;
    contents(open(&text(&format!("{links}/{descriptor}")), READ)?)
}

/// A handle, opened again by its magic link
pub(crate) fn own_link(prey: &Prey) -> Outcome {
    through(prey, "/proc/self/fd")
}

/// The same by the thread's links
pub(crate) fn thread_link(prey: &Prey) -> Outcome {
    through(prey, "/proc/thread-self/fd")
}

/// The same by `/dev/fd`
pub(crate) fn dev_link(prey: &Prey) -> Outcome {
    through(prey, "/dev/fd")
}

/// The same by a handle of the directory of links
pub(crate) fn link_directory(prey: &Prey) -> Outcome {
    let links = open(c"/proc/self/fd", PLACE)?;
    let descriptor = handle(&prey.file)?;
    contents(open_from(links, &text(&descriptor.to_string()), READ)?)
}

/// A symbolic link in the workspace
pub(crate) fn symlink(prey: &Prey) -> Outcome {
    let link = prey.own("spare");
    call!(libc::SYS_symlinkat, &prey.file, libc::AT_FDCWD, &link)?;
    contents(open(&link, READ)?)
}

/// A symbolic link to the directory
pub(crate) fn symlink_to_directory(prey: &Prey) -> Outcome {
    let link = prey.own("spare");
    call!(libc::SYS_symlinkat, &prey.directory, libc::AT_FDCWD, &link)?;
    let path = format!(
        "{}/{}",
        link.to_string_lossy(),
        prey.name().to_string_lossy()
    );
    contents(open(&text(&path), READ)?)
}

/// A symbolic link that the host left in the workspace before
pub(crate) fn symlink_left(prey: &Prey) -> Outcome {
    contents(open(&prey.own("left"), READ)?)
}

/// `..` from the working directory
pub(crate) fn dots(prey: &Prey) -> Outcome {
    contents(open(&prey.dots, READ)?)
}

/// `..` from a handle of the working directory
pub(crate) fn dots_from_handle(prey: &Prey) -> Outcome {
    let here = open(c".", PLACE)?;
    contents(open_from(here, &prey.dots, READ)?)
}

/// chdir(2), and a name
pub(crate) fn working_directory(prey: &Prey) -> Outcome {
    call!(libc::SYS_chdir, &prey.directory)?;
    contents(open(&prey.name(), READ)?)
}

/// fchdir(2) to a handle, and a name
pub(crate) fn working_handle(prey: &Prey) -> Outcome {
    let directory = open(&prey.directory, PLACE)?;
    call!(libc::SYS_fchdir, directory)?;
    contents(open(&prey.name(), READ)?)
}

fn below(place: &str, prey: &Prey) -> Outcome {
    let path = format!("{place}{}", prey.file.to_string_lossy());
    contents(open(&text(&path), READ)?)
}

/// `/proc/self/root`
pub(crate) fn self_root(prey: &Prey) -> Outcome {
    below("/proc/self/root", prey)
}

/// `/proc/self/cwd` and `..`
pub(crate) fn self_cwd(prey: &Prey) -> Outcome {
    let path = format!("/proc/self/cwd/{}", prey.dots.to_string_lossy());
    contents(open(&text(&path), READ)?)
}

/// The root directory of the process that started the attacker
pub(crate) fn parent_root(prey: &Prey) -> Outcome {
    below(&format!("/proc/{}/root", prey.parent), prey)
}

/// The root directory of the broker
pub(crate) fn broker_root(prey: &Prey) -> Outcome {
    below(&format!("/proc/{}/root", prey.number), prey)
}

/// The root directory of the first process
pub(crate) fn first_root(prey: &Prey) -> Outcome {
    below("/proc/1/root", prey)
}

/// A private mapping
pub(crate) fn mapping(prey: &Prey) -> Outcome {
    let file = open(&prey.file, READ)?;
    let private = libc::MAP_PRIVATE;
    let mapped = call!(libc::SYS_mmap, 0, 4096, libc::PROT_READ, private, file, 0)?;
    // The kernel itself copies from the mapping, so that no pointer to it is needed here.
    let (reader, writer) = pipe()?;
    call!(libc::SYS_write, writer, mapped, SECRET)?;
    call!(libc::SYS_close, writer)?;
    contents(reader)
}

/// No secret is shorter than this.
const SECRET: i64 = 14;

/// sendfile(2) to a pipe
pub(crate) fn sendfile(prey: &Prey) -> Outcome {
    let file = open(&prey.file, READ)?;
    let (reader, writer) = pipe()?;
    call!(libc::SYS_sendfile, writer, file, 0, 4096)?;
    call!(libc::SYS_close, writer)?;
    contents(reader)
}

/// An extended attribute that holds the secret
pub(crate) fn attribute(prey: &Prey) -> Outcome {
    let mut value = vec![0u8; 256];
    let name = c"user.secret";
    let count = call!(libc::SYS_getxattr, &prey.file, name, &mut value[..], 256)?;
    value.truncate(usize::try_from(count).map_err(|_| Errno::EIO)?);
    Ok(value)
}

/// Where a symbolic link outside leads
pub(crate) fn link_target(prey: &Prey) -> Outcome {
    let mut target = vec![0u8; 256];
    let link = prey.beside("link");
    let count = call!(
        libc::SYS_readlinkat,
        libc::AT_FDCWD,
        &link,
        &mut target[..],
        256
    )?;
    target.truncate(usize::try_from(count).map_err(|_| Errno::EIO)?);
    Ok(target)
}

/// The same by a handle of the link
pub(crate) fn link_target_of_handle(prey: &Prey) -> Outcome {
    let mut target = vec![0u8; 256];
    let link = open(&prey.beside("link"), libc::O_PATH | libc::O_NOFOLLOW)?;
    let count = call!(libc::SYS_readlinkat, link, c"", &mut target[..], 256)?;
    target.truncate(usize::try_from(count).map_err(|_| Errno::EIO)?);
    Ok(target)
}

/// A descriptor of the broker, opened by its magic link
pub(crate) fn broker_descriptor(prey: &Prey) -> Outcome {
    let path = format!("/proc/{}/fd/{}", prey.number, prey.second);
    contents(open(&text(&path), READ)?)
}

/// Whatever was inherited
pub(crate) fn inherited(_: &Prey) -> Outcome {
    let mut all = Vec::new();
    for descriptor in 3..256 {
        // The attacker's own pipes would make it wait; what has a beginning is a file.
        if call!(libc::SYS_lseek, descriptor, 0, libc::SEEK_SET).is_ok() {
            all.extend(contents(descriptor).or_else(|_| names(descriptor))?);
        }
    }
    if all.is_empty() {
        Err(Errno::EBADF)
    } else {
        Ok(all)
    }
}
