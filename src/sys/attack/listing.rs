//! Listing a directory outside, whose names are secrets too.

use nix::errno::Errno;

use super::call::{call, structure};
use super::files::{handle, link_of, names, open, open_from};
use super::{Outcome, Prey, number, text};

const LIST: i32 = libc::O_RDONLY | libc::O_DIRECTORY;
const PLACE: i32 = libc::O_PATH | libc::O_DIRECTORY;

/// getdents64(2)
pub(crate) fn directory(prey: &Prey) -> Outcome {
    names(open(&prey.directory, LIST)?)
}

/// A handle, opened again by its magic link
pub(crate) fn own_link(prey: &Prey) -> Outcome {
    names(open(&link_of(handle(&prey.directory)?), LIST)?)
}

/// `.` from a handle
pub(crate) fn dot_of_handle(prey: &Prey) -> Outcome {
    names(open_from(open(&prey.directory, PLACE)?, c".", LIST)?)
}

/// `..` from a handle of a directory in it
pub(crate) fn parent_of_handle(prey: &Prey) -> Outcome {
    names(open_from(open(&prey.beside("empty"), PLACE)?, c"..", LIST)?)
}

/// The directory around the workspace
pub(crate) fn around_the_workspace(prey: &Prey) -> Outcome {
    names(open(&prey.directory, LIST)?)
}

/// The same from the working directory
pub(crate) fn dots(_: &Prey) -> Outcome {
    names(open(c"..", LIST)?)
}

/// The same by proc
pub(crate) fn self_cwd(_: &Prey) -> Outcome {
    names(open(c"/proc/self/cwd/..", LIST)?)
}

/// chdir(2), and `.`
pub(crate) fn working_directory(prey: &Prey) -> Outcome {
    call!(libc::SYS_chdir, &prey.directory)?;
    names(open(c".", LIST)?)
}

/// A symbolic link in the workspace
pub(crate) fn symlink(prey: &Prey) -> Outcome {
    let link = prey.own("spare");
    call!(libc::SYS_symlinkat, &prey.directory, libc::AT_FDCWD, &link)?;
    names(open(&link, LIST)?)
}

/// `/proc/self/root`
pub(crate) fn self_root(prey: &Prey) -> Outcome {
    let path = format!("/proc/self/root{}", prey.directory.to_string_lossy());
    names(open(&text(&path), LIST)?)
}

/// The root directory of the broker
pub(crate) fn broker_root(prey: &Prey) -> Outcome {
    let directory = prey.directory.to_string_lossy();
    let path = format!("/proc/{}/root{directory}", prey.number);
    names(open(&text(&path), LIST)?)
}

/// open_tree(2), and `.`
pub(crate) fn open_tree(prey: &Prey) -> Outcome {
    let tree = call!(number::OPEN_TREE, libc::AT_FDCWD, &prey.directory, 0)?;
    names(open_from(tree, c".", LIST)?)
}

/// Events of the directory, in which somebody else works meanwhile
pub(crate) fn watching(prey: &Prey) -> Outcome {
    let events = call!(libc::SYS_inotify_init1, libc::IN_NONBLOCK)?;
    let wanted = libc::IN_ALL_EVENTS;
    call!(libc::SYS_inotify_add_watch, events, &prey.directory, wanted)?;
    let fifty_milliseconds = structure![0i64, 50_000_000i64];
    for _ in 0..20 {
        let mut found = vec![0u8; 4096];
        match call!(libc::SYS_read, events, &mut found[..], 4096) {
            Err(Errno::EAGAIN) => {}
            Err(other) => return Err(other),
            // The names lie between numbers.
            Ok(_) => return Ok(found),
        }
        call!(libc::SYS_nanosleep, &fifty_milliseconds, 0)?;
    }
    Err(Errno::EAGAIN)
}
