//! Becoming somebody else, or more.

use std::ffi::CString;

use nix::errno::Errno;

use super::call::{call, structure};
use super::files::{contents, open, pipe};
use super::running::fork;
use super::{Outcome, Prey, done};

/// Somebody else: a user without privileges on nearly every system, or one that does not exist.
fn somebody_else() -> i64 {
    match nix::unistd::geteuid().as_raw() {
        65534 => 65533,
        _ => 65534,
    }
}

/// setresuid(2) to another user
pub(crate) fn other_user(_: &Prey) -> Outcome {
    let other = somebody_else();
    done(call!(libc::SYS_setresuid, other, other, other))
}

/// setuid(2) to another user
pub(crate) fn other_user_by_setuid(_: &Prey) -> Outcome {
    done(call!(libc::SYS_setuid, somebody_else()))
}

/// setfsuid(2) to another user
pub(crate) fn other_file_user(_: &Prey) -> Outcome {
    let other = somebody_else();
    call!(libc::SYS_setfsuid, other)?;
    // It never fails; the second call tells who one is.
    if call!(libc::SYS_setfsuid, -1)? == other {
        Ok(Vec::new())
    } else {
        Err(Errno::EPERM)
    }
}

/// setresgid(2) to another group
pub(crate) fn other_group(_: &Prey) -> Outcome {
    let other = somebody_else();
    done(call!(libc::SYS_setresgid, other, other, other))
}

/// setgroups(2)
pub(crate) fn other_groups(_: &Prey) -> Outcome {
    let groups = structure![4_242_424u32];
    done(call!(libc::SYS_setgroups, 1, &groups))
}

/// Whatever capabilities there are
pub(crate) fn capabilities(_: &Prey) -> Outcome {
    let header = structure![0x2008_0522u32, 0u32];
    let mut sets = [0u8; 24];
    call!(libc::SYS_capget, &header, &mut sets[..])?;
    // The effective sets come first of three, in both halves.
    if sets[..4] == [0; 4] && sets[12..16] == [0; 4] {
        return Err(Errno::EPERM);
    }
    Ok(Vec::new())
}

/// capset(2) of them all
pub(crate) fn all_capabilities(_: &Prey) -> Outcome {
    let header = structure![0x2008_0522u32, 0u32];
    let sets = structure![u32::MAX, u32::MAX, 0u32, 0x1ffu32, 0x1ffu32, 0u32];
    done(call!(libc::SYS_capset, &header, &sets))
}

/// A program with the bit that gives it the rights of its owner, who is somebody else
pub(crate) fn setuid_program(prey: &Prey) -> Outcome {
    let program: &CString = &prey.file;
    let words = structure![
        super::call::address(program.as_bytes_with_nul()),
        super::call::address(b"60\0"),
        0u64
    ];
    let nothing = structure![0u64];
    let (failure, failed) = pipe()?;
    if fork()? == 0 {
        let _ = call!(
            libc::SYS_prctl,
            libc::PR_SET_PDEATHSIG,
            libc::SIGKILL,
            0,
            0,
            0
        );
        let error = call!(libc::SYS_execve, program, &words, &nothing).err();
        let error = error.unwrap_or(Errno::UnknownErrno) as i32;
        let _ = super::files::write(failed, &error.to_ne_bytes());
        super::super::process::end_now(127);
    }
    call!(libc::SYS_close, failed)?;
    match contents(failure)?.try_into().map(i32::from_ne_bytes) {
        Ok(errno) => Err(Errno::from_raw(errno)),
        Err(_) => Ok(Vec::new()),
    }
}

/// A letter typed into somebody's terminal: ioctl `TIOCSTI`
pub(crate) fn typing(prey: &Prey) -> Outcome {
    let terminal = open(&prey.file, libc::O_RDWR | libc::O_NOCTTY)?;
    type_into(terminal, 0x5412, prey)
}

/// The same with bits in the upper half of the request, which the kernel does not look at
pub(crate) fn typing_high(prey: &Prey) -> Outcome {
    let terminal = open(&prey.file, libc::O_RDWR | libc::O_NOCTTY)?;
    type_into(terminal, 0xdead_0000_0000 | 0x5412, prey)
}

fn type_into(terminal: i64, request: i64, prey: &Prey) -> Outcome {
    for letter in &prey.token {
        call!(
            libc::SYS_ioctl,
            terminal,
            request,
            std::slice::from_ref(letter)
        )?;
    }
    Ok(Vec::new())
}

/// personality(2): data that can be run
pub(crate) fn personality(_: &Prey) -> Outcome {
    // READ_IMPLIES_EXEC
    done(call!(libc::SYS_personality, 0x040_0000))
}
