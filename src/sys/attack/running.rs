//! Running a program that lies outside, by every way to start one.

use std::ffi::CStr;

use nix::errno::Errno;

use super::call::{address, call, structure};
use super::files::{contents, handle, link_of, open, pipe, write};
use super::{Outcome, Prey};

/// Starts a program in a child, and gives what it prints. `start` gives why it did not.
fn printed(start: impl Fn() -> Errno) -> Outcome {
    let (reader, writer) = pipe()?;
    let (failure, failed) = pipe()?;
    let child = fork()?;
    if child == 0 {
        // What a shell or a loader has to say about it is not the attack's.
        let _ = call!(libc::SYS_close, 2);
        if call!(libc::SYS_dup3, writer, 1, 0).is_ok() {
            let errno = start() as i32;
            let _ = write(failed, &errno.to_ne_bytes());
        }
        super::super::process::end_now(127);
    }
    call!(libc::SYS_close, writer)?;
    call!(libc::SYS_close, failed)?;
    // Closed by exec, so that it ends as soon as that has worked.
    match contents(failure)?.try_into().map(i32::from_ne_bytes) {
        Ok(errno) => Err(Errno::from_raw(errno)),
        Err(_) => contents(reader),
    }
}

/// fork(2), by its successor; the attacker has one thread.
pub(super) fn fork() -> Result<i64, Errno> {
    call!(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0)
}

/// An argument list, and an environment with nothing in it.
struct Words {
    list: Vec<u8>,
    nothing: Vec<u8>,
}

impl Words {
    fn of(words: &[&CStr]) -> Self {
        let mut list = Vec::new();
        for word in words {
            list.extend_from_slice(&address(word.to_bytes_with_nul()).to_ne_bytes());
        }
        list.extend_from_slice(&0u64.to_ne_bytes());
        Self {
            list,
            nothing: structure![0u64],
        }
    }
}

fn failure(result: Result<i64, Errno>) -> Errno {
    result.err().unwrap_or(Errno::UnknownErrno)
}

pub(super) fn execute(program: &CStr, words: &[&CStr]) -> Outcome {
    let Words { list, nothing } = Words::of(words);
    printed(|| failure(call!(libc::SYS_execve, program, &list, &nothing)))
}

/// execve(2)
pub(crate) fn execve(prey: &Prey) -> Outcome {
    let script = prey.beside("script");
    execute(&script, &[&script])
}

/// execveat(2) from a handle of the directory
pub(crate) fn execveat(prey: &Prey) -> Outcome {
    let directory = open(&prey.directory, libc::O_PATH | libc::O_DIRECTORY)?;
    let Words { list, nothing } = Words::of(&[c"script"]);
    printed(|| {
        failure(call!(
            libc::SYS_execveat,
            directory,
            c"script",
            &list,
            &nothing,
            0
        ))
    })
}

/// execveat(2) of a handle, by the empty path
pub(crate) fn execveat_of_handle(prey: &Prey) -> Outcome {
    let script = handle(&prey.beside("script"))?;
    let Words { list, nothing } = Words::of(&[c"script"]);
    let empty = libc::AT_EMPTY_PATH;
    printed(|| {
        failure(call!(
            libc::SYS_execveat,
            script,
            c"",
            &list,
            &nothing,
            empty
        ))
    })
}

/// The magic link of a handle
pub(crate) fn own_link(prey: &Prey) -> Outcome {
    let link = link_of(handle(&prey.beside("script"))?);
    execute(&link, &[&link])
}

/// A symbolic link in the workspace
pub(crate) fn symlink(prey: &Prey) -> Outcome {
    let link = prey.own("spare");
    call!(
        libc::SYS_symlinkat,
        &prey.beside("script"),
        libc::AT_FDCWD,
        &link
    )?;
    execute(&link, &[&link])
}

/// A script of the workspace that names the program as its interpreter
pub(crate) fn interpreter(prey: &Prey) -> Outcome {
    let script = prey.own("wrapper");
    execute(&script, &[&script])
}

/// A shell that is given the script
pub(crate) fn shell(prey: &Prey) -> Outcome {
    let script = prey.beside("script");
    execute(c"/bin/sh", &[c"sh", &script])
}

#[cfg(target_arch = "x86_64")]
const LOADERS: [&CStr; 2] = [c"/lib64/ld-linux-x86-64.so.2", c"/lib/ld-musl-x86_64.so.1"];
#[cfg(not(target_arch = "x86_64"))]
const LOADERS: [&CStr; 2] = [c"/lib/ld-linux-aarch64.so.1", c"/lib/ld-musl-aarch64.so.1"];

/// The dynamic loader, which needs no right to execute
pub(crate) fn loader(prey: &Prey) -> Outcome {
    let program: &CStr = &prey.program;
    let mut last = Err(Errno::ENOENT);
    for loader in LOADERS {
        let told = execute(loader, &[loader, program, c"tell"]);
        // The loader has no errno of its own to tell; it prints nothing then.
        last = match told {
            Ok(told) if told.is_empty() => return Err(open_error(program)),
            Err(Errno::ENOENT) => last,
            other => return other,
        };
    }
    last
}

/// Why the loader could not open the program.
fn open_error(program: &CStr) -> Errno {
    open(program, libc::O_RDONLY)
        .err()
        .unwrap_or(Errno::ENOEXEC)
}
