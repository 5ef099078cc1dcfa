//! Parts of the kernel that ordinary programs do without, where exploits begin: each is held in
//! the form of a descriptor, which can be seen from outside.

use super::call::{call, structure};
use super::files::open;
use super::{Outcome, Prey, done, number};

/// bpf(2): a map
pub(crate) fn bpf_map(_: &Prey) -> Outcome {
    // BPF_MAP_CREATE: an array of one number.
    let mut attributes = structure![2u32, 4u32, 4u32, 1u32];
    attributes.resize(128, 0);
    done(call!(libc::SYS_bpf, 0, &attributes, 128))
}

/// bpf(2): a program, a filter for sockets
pub(crate) fn bpf_program(_: &Prey) -> Outcome {
    // r0 = 0; exit
    let program = structure![0xb7u64, 0x95u64];
    let (code, license) = (
        super::call::address(&program),
        super::call::address(b"GPL\0"),
    );
    // BPF_PROG_LOAD, BPF_PROG_TYPE_SOCKET_FILTER
    let mut attributes = structure![1u32, 2u32, code, license];
    attributes.resize(128, 0);
    done(call!(libc::SYS_bpf, 5, &attributes, 128))
}

/// perf_event_open(2)
pub(crate) fn perf(_: &Prey) -> Outcome {
    // PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK; without the kernel's own work
    let mut attributes = structure![1u32, 112u32, 0u64, 0u64, 0u64, 0u64, 0x60u64];
    attributes.resize(112, 0);
    done(call!(libc::SYS_perf_event_open, &attributes, 0, -1, -1, 0))
}

/// userfaultfd(2)
pub(crate) fn userfaultfd(_: &Prey) -> Outcome {
    // UFFD_USER_MODE_ONLY: what a plain user may have where the host is not hardened.
    done(call!(libc::SYS_userfaultfd, 1))
}

/// memfd_secret(2)
pub(crate) fn secret_memory(_: &Prey) -> Outcome {
    done(call!(number::MEMFD_SECRET, 0))
}

/// fanotify_init(2)
pub(crate) fn fanotify(_: &Prey) -> Outcome {
    // FAN_REPORT_FID
    done(call!(libc::SYS_fanotify_init, 0x200, 0))
}

/// A key of the session's keyring, by its number
pub(crate) fn reading_key(prey: &Prey) -> Outcome {
    let mut key = vec![0u8; 64];
    // KEYCTL_READ
    let count = call!(libc::SYS_keyctl, 11, prey.number, &mut key[..], 64)?;
    key.truncate(usize::try_from(count).unwrap_or(0));
    Ok(key)
}

/// A key of the session's keyring, by its name
pub(crate) fn requesting_key(prey: &Prey) -> Outcome {
    let mut key = vec![0u8; 64];
    let serial = call!(libc::SYS_request_key, c"user", &prey.file, 0, -3)?;
    let count = call!(libc::SYS_keyctl, 11, serial, &mut key[..], 64)?;
    key.truncate(usize::try_from(count).unwrap_or(0));
    Ok(key)
}

/// A key added to the session's keyring
pub(crate) fn adding_key(prey: &Prey) -> Outcome {
    // KEY_SPEC_SESSION_KEYRING
    let payload = c"x";
    done(call!(
        libc::SYS_add_key,
        c"user",
        &prey.mark,
        payload,
        1,
        -3
    ))
}

/// Memory that is shared by number: shmat(2), reading
pub(crate) fn reading_shared_memory(prey: &Prey) -> Outcome {
    let at = call!(libc::SYS_shmat, prey.number, 0, 0o10000)?;
    let (reader, writer) = super::files::pipe()?;
    // The kernel itself copies, so that no pointer to the memory is needed here.
    call!(libc::SYS_write, writer, at, 14)?;
    call!(libc::SYS_close, writer)?;
    super::files::contents(reader)
}

/// Memory that is shared by number: shmat(2), writing
pub(crate) fn writing_shared_memory(prey: &Prey) -> Outcome {
    let at = call!(libc::SYS_shmat, prey.number, 0, 0)?;
    let (reader, writer) = super::files::pipe()?;
    super::files::write(writer, b"x")?;
    done(call!(libc::SYS_read, reader, at, 1))
}

/// The device that file systems of users are made with
pub(crate) fn fuse(_: &Prey) -> Outcome {
    done(open(c"/dev/fuse", libc::O_RDWR))
}

/// The device that virtual machines are made with
pub(crate) fn kvm(_: &Prey) -> Outcome {
    done(open(c"/dev/kvm", libc::O_RDWR))
}

/// The device that network interfaces are made with
pub(crate) fn tun(_: &Prey) -> Outcome {
    done(open(c"/dev/net/tun", libc::O_RDWR))
}

/// The memory of the machine
pub(crate) fn memory(_: &Prey) -> Outcome {
    done(open(c"/dev/mem", libc::O_RDONLY))
}

/// The log of the kernel
pub(crate) fn log(_: &Prey) -> Outcome {
    done(open(c"/dev/kmsg", libc::O_RDONLY | libc::O_NONBLOCK))
}
