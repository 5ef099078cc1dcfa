//! Looking into a process outside, and steering it. The victim is a bystander that was started
//! for this, or the broker, of which only memory is read.

use std::ffi::{CStr, CString};
use std::io;

use nix::errno::Errno;

use super::call::{address, call, structure};
use super::files::{contents, names, open};
use super::{Outcome, Prey, done, text};

/// How many bytes of a secret are taken from memory.
const SECRET: i64 = 14;

fn in_proc(prey: &Prey, name: &str) -> CString {
    text(&format!("/proc/{}/{name}", prey.number))
}

fn file(prey: &Prey, name: &str) -> Outcome {
    contents(open(&in_proc(prey, name), libc::O_RDONLY)?)
}

fn link(prey: &Prey, name: &str) -> Outcome {
    let mut target = vec![0u8; 4096];
    let path = in_proc(prey, name);
    let here = libc::AT_FDCWD;
    let count = call!(libc::SYS_readlinkat, here, &path, &mut target[..], 4096)?;
    target.truncate(usize::try_from(count).unwrap_or(0));
    Ok(target)
}

/// Its environment
pub(crate) fn environment(prey: &Prey) -> Outcome {
    file(prey, "environ")
}

/// Its arguments
pub(crate) fn arguments(prey: &Prey) -> Outcome {
    file(prey, "cmdline")
}

/// Its name
pub(crate) fn comm(prey: &Prey) -> Outcome {
    file(prey, "comm")
}

/// Its state
pub(crate) fn status(prey: &Prey) -> Outcome {
    file(prey, "status")
}

/// Its state, for programs
pub(crate) fn stat(prey: &Prey) -> Outcome {
    file(prey, "stat")
}

/// What it has mapped
pub(crate) fn maps(prey: &Prey) -> Outcome {
    file(prey, "maps")
}

/// What it has mapped, in detail
pub(crate) fn smaps(prey: &Prey) -> Outcome {
    file(prey, "smaps")
}

/// Its thread's environment
pub(crate) fn thread_environment(prey: &Prey) -> Outcome {
    file(prey, &format!("task/{}/environ", prey.number))
}

/// Where its working directory is
pub(crate) fn working_directory(prey: &Prey) -> Outcome {
    link(prey, "cwd")
}

/// The names in its working directory
pub(crate) fn in_working_directory(prey: &Prey) -> Outcome {
    names(open(
        &in_proc(prey, "cwd/"),
        libc::O_RDONLY | libc::O_DIRECTORY,
    )?)
}

/// A file in its working directory
pub(crate) fn below_working_directory(prey: &Prey) -> Outcome {
    file(prey, "cwd/secret")
}

/// What its descriptor leads to
pub(crate) fn descriptor_link(prey: &Prey) -> Outcome {
    link(prey, &format!("fd/{}", prey.second))
}

/// Its descriptor, opened again
pub(crate) fn descriptor(prey: &Prey) -> Outcome {
    file(prey, &format!("fd/{}", prey.second))
}

/// Its mapped file, opened again
pub(crate) fn mapped_files(prey: &Prey) -> Outcome {
    let listed = names(open(
        &in_proc(prey, "map_files"),
        libc::O_RDONLY | libc::O_DIRECTORY,
    )?)?;
    let mut all = Vec::new();
    for name in String::from_utf8_lossy(&listed)
        .lines()
        .filter(|name| !name.starts_with('.'))
    {
        all.extend(link(prey, &format!("map_files/{name}"))?);
    }
    Ok(all)
}

/// Its descriptor, taken: pidfd_getfd(2)
pub(crate) fn taken_descriptor(prey: &Prey) -> Outcome {
    let process = call!(libc::SYS_pidfd_open, prey.number, 0)?;
    let taken = call!(libc::SYS_pidfd_getfd, process, prey.second, 0)?;
    call!(libc::SYS_lseek, taken, 0, libc::SEEK_SET)?;
    contents(taken)
}

fn memory_of(process: i64, at: i64) -> Outcome {
    let mut bytes = vec![0u8; 14];
    {
        let local = structure![address_of(&mut bytes), SECRET];
        let remote = structure![at, SECRET];
        call!(
            libc::SYS_process_vm_readv,
            process,
            &local,
            1,
            &remote,
            1,
            0
        )?;
    }
    Ok(std::hint::black_box(bytes))
}

fn address_of(bytes: &mut [u8]) -> u64 {
    bytes.as_mut_ptr().expose_provenance() as u64
}

fn memory_file_of(process: i64, at: i64) -> Outcome {
    let path = text(&format!("/proc/{process}/mem"));
    let mut bytes = vec![0u8; 14];
    let memory = open(&path, libc::O_RDONLY)?;
    call!(libc::SYS_pread64, memory, &mut bytes[..], SECRET, at)?;
    Ok(bytes)
}

/// Its memory: process_vm_readv(2)
pub(crate) fn memory(prey: &Prey) -> Outcome {
    memory_of(prey.number, prey.second)
}

/// Its memory: `/proc/PID/mem`
pub(crate) fn memory_file(prey: &Prey) -> Outcome {
    memory_file_of(prey.number, prey.second)
}

/// The memory of the process that started the attacker: process_vm_readv(2)
pub(crate) fn parent_memory(prey: &Prey) -> Outcome {
    memory_of(prey.parent, prey.second)
}

/// The memory of the process that started the attacker: `/proc/PID/mem`
pub(crate) fn parent_memory_file(prey: &Prey) -> Outcome {
    memory_file_of(prey.parent, prey.second)
}

/// Its memory, changed: process_vm_writev(2)
pub(crate) fn writing_memory(prey: &Prey) -> Outcome {
    let local = structure![address(b"x"), 1u64];
    let remote = structure![prey.second, 1u64];
    done(call!(
        libc::SYS_process_vm_writev,
        prey.number,
        &local,
        1,
        &remote,
        1,
        0
    ))
}

/// Its memory, changed: `/proc/PID/mem`
pub(crate) fn writing_memory_file(prey: &Prey) -> Outcome {
    let memory = open(&in_proc(prey, "mem"), libc::O_RDWR)?;
    done(call!(libc::SYS_pwrite64, memory, &b"x"[..], 1, prey.second))
}

/// ptrace(2): attach
pub(crate) fn attach(prey: &Prey) -> Outcome {
    done(call!(
        libc::SYS_ptrace,
        libc::PTRACE_ATTACH,
        prey.number,
        0,
        0
    ))
}

/// ptrace(2): seize
pub(crate) fn seize(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_ptrace, 0x4206, prey.number, 0, 0))
}

/// prlimit64(2)
pub(crate) fn limit(prey: &Prey) -> Outcome {
    let limit = structure![77u64, 77u64];
    done(call!(
        libc::SYS_prlimit64,
        prey.number,
        libc::RLIMIT_NOFILE,
        &limit,
        0
    ))
}

/// setpriority(2)
pub(crate) fn priority(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_setpriority, 0, prey.number, 7))
}

/// setpriority(2) of its process group
pub(crate) fn priority_of_group(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_setpriority, 1, prey.number, 7))
}

/// sched_setscheduler(2)
pub(crate) fn scheduler(prey: &Prey) -> Outcome {
    let parameter = structure![0i32];
    done(call!(
        libc::SYS_sched_setscheduler,
        prey.number,
        libc::SCHED_IDLE,
        &parameter
    ))
}

/// sched_setattr(2)
pub(crate) fn scheduler_attributes(prey: &Prey) -> Outcome {
    // Size, policy (idle), flags, nice, priority, and three times.
    let attributes = structure![48u32, 5u32, 0u64, 0i32, 0u32, 0u64, 0u64, 0u64];
    done(call!(libc::SYS_sched_setattr, prey.number, &attributes, 0))
}

/// sched_setaffinity(2), to one of its processors
pub(crate) fn affinity(prey: &Prey) -> Outcome {
    let mut mask = [0u8; 128];
    let count = call!(libc::SYS_sched_getaffinity, prey.number, 128, &mut mask[..])?;
    let Some(first) = mask.iter().position(|byte| *byte != 0) else {
        return Err(Errno::EINVAL);
    };
    let mut one = [0u8; 128];
    one[first] = mask[first] & mask[first].wrapping_neg();
    done(call!(
        libc::SYS_sched_setaffinity,
        prey.number,
        count,
        &one[..]
    ))
}

/// ioprio_set(2)
pub(crate) fn io_priority(prey: &Prey) -> Outcome {
    // IOPRIO_WHO_PROCESS, IOPRIO_CLASS_IDLE
    done(call!(libc::SYS_ioprio_set, 1, prey.number, 3 << 13))
}

/// ioprio_set(2) of its process group
pub(crate) fn io_priority_of_group(prey: &Prey) -> Outcome {
    done(call!(libc::SYS_ioprio_set, 2, prey.number, 3 << 13))
}

/// How likely it is to be ended for want of memory
pub(crate) fn out_of_memory_score(prey: &Prey) -> Outcome {
    let score = open(&in_proc(prey, "oom_score_adj"), libc::O_WRONLY)?;
    done(super::files::write(score, b"777"))
}

/// What it says when it is asked where its memory is, and holds in it until its input ends.
///
/// # Errors
/// When the file cannot be opened.
pub(crate) fn become_bystander(secret: &CStr, name: &CStr) -> io::Result<(u64, i64)> {
    let told = || -> Result<_, Errno> {
        call!(libc::SYS_prctl, libc::PR_SET_NAME, name, 0, 0, 0)?;
        call!(
            libc::SYS_prctl,
            libc::PR_SET_PDEATHSIG,
            libc::SIGKILL,
            0,
            0,
            0
        )?;
        // Where a host lets only parents debug, this one lets itself be debugged by anyone: the
        // sandbox has to hold without the host's help. Without that rule there is no such call.
        let _ = call!(libc::SYS_prctl, 0x5961_6d61, -1, 0, 0, 0);
        call!(libc::SYS_setpgid, 0, 0)?;
        let file = open(secret, libc::O_RDONLY)?;
        let private = libc::MAP_PRIVATE;
        let both = libc::PROT_READ | libc::PROT_WRITE;
        let mapped = call!(libc::SYS_mmap, 0, 4096, both, private, file, 0)?;
        Ok((u64::try_from(mapped).map_err(|_| Errno::EFAULT)?, file))
    };
    Ok(told()?)
}

/// The priority of a process for reading and writing files, as the kernel has it.
pub(crate) fn io_priority_of(process: i32) -> i64 {
    call!(libc::SYS_ioprio_get, 1, process).unwrap_or(-1)
}
