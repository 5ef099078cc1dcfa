//! What has to work in a sandbox: a sandbox in which tools break is switched off.

use super::call::call;
use super::files::{both, contents, names, open, pipe, write};
use super::running::fork;
use super::{Outcome, Prey, done};

/// Reads a file of the workspace
pub(crate) fn reading(prey: &Prey) -> Outcome {
    contents(open(&prey.file, libc::O_RDONLY)?)
}

/// Lists a directory of the workspace
pub(crate) fn listing(prey: &Prey) -> Outcome {
    names(open(&prey.directory, libc::O_RDONLY | libc::O_DIRECTORY)?)
}

/// Runs a program of the workspace
pub(crate) fn running(prey: &Prey) -> Outcome {
    super::running::execve(prey)
}

/// Starts a process, and hears from it
pub(crate) fn child(prey: &Prey) -> Outcome {
    let (reader, writer) = pipe()?;
    if fork()? == 0 {
        let _ = write(writer, &prey.token);
        super::super::process::end_now(0);
    }
    call!(libc::SYS_close, writer)?;
    contents(reader)
}

/// Ends a process of its own
pub(crate) fn signal(prey: &Prey) -> Outcome {
    let (reader, writer) = pipe()?;
    let child = fork()?;
    if child == 0 {
        super::child::hold();
    }
    call!(libc::SYS_close, writer)?;
    call!(libc::SYS_kill, child, libc::SIGKILL)?;
    // The end of the pipe is the end of the child.
    contents(reader)?;
    Ok(prey.token.clone())
}

/// Sends through a pair of sockets
pub(crate) fn sockets(prey: &Prey) -> Outcome {
    let mut ends = [0u8; 8];
    let (family, kind) = (libc::AF_UNIX, libc::SOCK_STREAM);
    call!(libc::SYS_socketpair, family, kind, 0, &mut ends[..])?;
    let (one, other) = both(ends);
    write(one, &prey.token)?;
    call!(libc::SYS_close, one)?;
    contents(other)
}

/// Starts a thread
pub(crate) fn thread(prey: &Prey) -> Outcome {
    let token = prey.token.clone();
    std::thread::Builder::new()
        .spawn(move || token)
        .ok()
        .and_then(|thread| thread.join().ok())
        .ok_or(nix::errno::Errno::EAGAIN)
}

/// Runs a program of the system
pub(crate) fn system_program(prey: &Prey) -> Outcome {
    let line = super::text(&format!("echo {}", String::from_utf8_lossy(&prey.token)));
    super::running::execute(c"/bin/sh", &[c"sh", c"-c", &line])
}

/// Writes into the directory for temporary files
pub(crate) fn scratch(prey: &Prey) -> Outcome {
    let path = &prey.file;
    let file = open(path, libc::O_RDWR | libc::O_CREAT | libc::O_EXCL)?;
    write(file, &prey.token)?;
    call!(libc::SYS_lseek, file, 0, libc::SEEK_SET)?;
    let read = contents(file)?;
    done(call!(libc::SYS_unlinkat, libc::AT_FDCWD, path, 0))?;
    Ok(read)
}
