//! The other ways into the kernel of x86_64: the calls of 32-bit programs and of x32, and
//! numbers whose upper half the kernel does not look at.

use std::ffi::CStr;

use nix::errno::Errno;

use super::call::call;
use super::files::contents;
use super::{Outcome, Prey, done};

/// `__X32_SYSCALL_BIT`
const X32: i64 = 0x4000_0000;
const HIGH: i64 = 0x1_0000_0000;

/// A call by the entry of 32-bit programs.
fn compat(number: u32, [first, second, third]: [u32; 3]) -> Result<i64, Errno> {
    let result: i64;
    // SAFETY: `int 0x80` takes its number in eax and its arguments in ebx, ecx and edx, and
    // changes eax and, on some kernels, r8 to r11. rbx, which the compiler keeps for itself, is
    // as before. A pointer among the arguments leads to a mapping of our own.
    unsafe {
        std::arch::asm!(
            "xchg rbx, {first}",
            "int 0x80",
            "xchg rbx, {first}",
            first = inout(reg) u64::from(first) => _,
            inlateout("rax") u64::from(number) => result,
            in("rcx") u64::from(second),
            in("rdx") u64::from(third),
            lateout("r8") _, lateout("r9") _, lateout("r10") _, lateout("r11") _,
        );
    }
    // The result has 32 bits; what is above them is not the same on all kernels.
    let [a, b, c, d, ..] = result.to_ne_bytes();
    match i32::from_ne_bytes([a, b, c, d]) {
        error @ ..0 => Err(Errno::from_raw(-error)),
        value => Ok(value.into()),
    }
}

/// The same with a text as the first argument.
fn compat_at(number: u32, text: &CStr, second: u32) -> Result<i64, Errno> {
    compat(number, [low_copy(text)?, second, 0])
}

/// The text in the lowest four gigabytes.
fn low_copy(text: &CStr) -> Result<u32, Errno> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT;
    let both = libc::PROT_READ | libc::PROT_WRITE;
    let low = call!(libc::SYS_mmap, 0, 4096, both, flags, -1, 0)?;
    // The kernel itself copies, so that no pointer to the mapping is needed here.
    let bytes = text.to_bytes_with_nul();
    let (reader, writer) = super::files::pipe()?;
    super::files::write(writer, bytes)?;
    call!(
        libc::SYS_read,
        reader,
        low,
        i64::try_from(bytes.len()).unwrap_or(0)
    )?;
    u32::try_from(low).map_err(|_| Errno::EFAULT)
}

/// open, by the entry of 32-bit programs
pub(crate) fn compat_open(prey: &Prey) -> Outcome {
    contents(compat_at(5, &prey.file, 0)?)
}

/// access, by the entry of 32-bit programs
pub(crate) fn compat_access(prey: &Prey) -> Outcome {
    done(compat_at(33, &prey.file, 0))
}

/// creat, by the entry of 32-bit programs
pub(crate) fn compat_creat(prey: &Prey) -> Outcome {
    done(compat_at(8, &prey.file, 0o600))
}

/// unlink, by the entry of 32-bit programs
pub(crate) fn compat_unlink(prey: &Prey) -> Outcome {
    done(compat_at(10, &prey.file, 0))
}

/// mkdir, by the entry of 32-bit programs
pub(crate) fn compat_mkdir(prey: &Prey) -> Outcome {
    done(compat_at(39, &prey.beside("new"), 0o700))
}

/// truncate, by the entry of 32-bit programs
pub(crate) fn compat_truncate(prey: &Prey) -> Outcome {
    done(compat_at(92, &prey.file, 1))
}

/// chmod, by the entry of 32-bit programs
pub(crate) fn compat_chmod(prey: &Prey) -> Outcome {
    done(compat_at(15, &prey.file, 0o600))
}

/// utime, by the entry of 32-bit programs
pub(crate) fn compat_utime(prey: &Prey) -> Outcome {
    done(compat_at(30, &prey.file, 0))
}

/// removexattr, by the entry of 32-bit programs
pub(crate) fn compat_removexattr(prey: &Prey) -> Outcome {
    let name = low_copy(c"user.secret")?;
    done(compat_at(235, &prey.file, name))
}

/// open, by the entry of x32
pub(crate) fn x32_open(prey: &Prey) -> Outcome {
    contents(call!(X32 | libc::SYS_open, &prey.file, libc::O_RDONLY, 0)?)
}

/// access, by the entry of x32
pub(crate) fn x32_access(prey: &Prey) -> Outcome {
    done(call!(X32 | libc::SYS_access, &prey.file, 0))
}

/// unlink, by the entry of x32
pub(crate) fn x32_unlink(prey: &Prey) -> Outcome {
    done(call!(X32 | libc::SYS_unlink, &prey.file))
}

/// chmod, by the entry of x32
pub(crate) fn x32_chmod(prey: &Prey) -> Outcome {
    done(call!(X32 | libc::SYS_chmod, &prey.file, 0o600))
}

/// open, with a bit in the upper half of its number
pub(crate) fn high_open(prey: &Prey) -> Outcome {
    contents(call!(HIGH | libc::SYS_open, &prey.file, libc::O_RDONLY, 0)?)
}

/// chmod, with a bit in the upper half of its number
pub(crate) fn high_chmod(prey: &Prey) -> Outcome {
    done(call!(HIGH | libc::SYS_chmod, &prey.file, 0o600))
}

/// socket of the internet, by the entry of 32-bit programs
pub(crate) fn compat_socket(_: &Prey) -> Outcome {
    done(compat(359, [2, 2, 0]))
}

/// kill, by the entry of 32-bit programs
pub(crate) fn compat_kill(prey: &Prey) -> Outcome {
    let process = u32::try_from(prey.number).map_err(|_| Errno::ESRCH)?;
    done(compat(37, [process, 9, 0]))
}

/// ptrace, by the entry of 32-bit programs
pub(crate) fn compat_ptrace(prey: &Prey) -> Outcome {
    let process = u32::try_from(prey.number).map_err(|_| Errno::ESRCH)?;
    done(compat(26, [0x4206, process, 0])) // PTRACE_SEIZE
}

/// unshare of a user namespace, by the entry of 32-bit programs
pub(crate) fn compat_unshare(_: &Prey) -> Outcome {
    done(compat(310, [0x1000_0000, 0, 0]))
}
