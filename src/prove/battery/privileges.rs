//! Privileges, namespaces, and the parts of the kernel where exploits begin.

use super::super::row::{Group, Place, Row, Standing, Target, Witness};
use crate::sys::attack::{Attack, kernel, metadata, names, namespaces, privileges, ring};

const fn row(name: &'static str, tries: &'static str, attack: Attack, witness: Witness) -> Row {
    Row {
        group: Group::Privileges,
        name,
        tries,
        attack,
        target: Target::Nothing,
        witness,
        place: Place::Outside,
        unless: None,
    }
}

const fn is(name: &'static str, tries: &'static str, attack: Attack, standing: Standing) -> Row {
    row(name, tries, attack, Witness::Status(standing))
}

const fn has(name: &'static str, tries: &'static str, attack: Attack, link: &'static str) -> Row {
    row(name, tries, attack, Witness::Descriptor(link))
}

const fn enters(
    name: &'static str,
    tries: &'static str,
    attack: Attack,
    kind: &'static str,
) -> Row {
    row(name, tries, attack, Witness::Namespace(kind))
}

const fn privileged_file(name: &'static str, tries: &'static str, attack: Attack) -> Row {
    let mut row = row(name, tries, attack, Witness::PrivilegedFile).about(Target::File);
    row.place = Place::Inside;
    row
}

pub(super) const ROWS: &[Row] = &[
    is(
        "capabilities",
        "the capabilities that the command has",
        privileges::capabilities,
        Standing::Capabilities,
    ),
    is(
        "capset",
        "capset of every capability",
        privileges::all_capabilities,
        Standing::Capabilities,
    ),
    is(
        "setresuid",
        "setresuid to another user",
        privileges::other_user,
        Standing::User,
    ),
    is(
        "setuid",
        "setuid to another user",
        privileges::other_user_by_setuid,
        Standing::User,
    ),
    is(
        "setfsuid",
        "setfsuid to another user",
        privileges::other_file_user,
        Standing::User,
    ),
    is(
        "setresgid",
        "setresgid to another group",
        privileges::other_group,
        Standing::Group,
    ),
    is(
        "setgroups",
        "setgroups",
        privileges::other_groups,
        Standing::Groups,
    ),
    is(
        "setuid-program",
        "execve of a program that belongs to another user, with its setuid bit",
        privileges::setuid_program,
        Standing::Program,
    )
    .about(Target::SetuidProgram),
    is(
        "personality",
        "personality(READ_IMPLIES_EXEC)",
        privileges::personality,
        Standing::Personality,
    ),
    privileged_file(
        "setuid-bit",
        "fchmodat(04755) of a file of the workspace",
        metadata::setuid_bit,
    ),
    privileged_file(
        "setuid-bit-fchmod",
        "fchmod(04755)",
        metadata::setuid_bit_of_descriptor,
    ),
    privileged_file(
        "setuid-bit-fchmodat2",
        "fchmodat2(04755)",
        metadata::setuid_bit_by_fchmodat2,
    ),
    privileged_file("setgid-bit", "fchmodat(02755)", metadata::setgid_bit),
    privileged_file(
        "device",
        "mknodat(S_IFCHR) in the workspace",
        names::mknod_device,
    )
    .seen_by(Witness::Inodes),
    enters("userns", "unshare(CLONE_NEWUSER)", namespaces::user, "user"),
    enters(
        "userns-clone",
        "clone(CLONE_NEWUSER)",
        namespaces::user_by_clone,
        "user",
    ),
    enters(
        "userns-clone3",
        "clone3(CLONE_NEWUSER)",
        namespaces::user_by_clone3,
        "user",
    ),
    enters("mountns", "unshare(CLONE_NEWNS)", namespaces::mount, "mnt"),
    enters("netns", "unshare(CLONE_NEWNET)", namespaces::network, "net"),
    enters("ipcns", "unshare(CLONE_NEWIPC)", namespaces::ipc, "ipc"),
    enters("utsns", "unshare(CLONE_NEWUTS)", namespaces::names, "uts"),
    enters(
        "cgroupns",
        "unshare(CLONE_NEWCGROUP)",
        namespaces::groups,
        "cgroup",
    ),
    enters("pidns", "clone(CLONE_NEWPID)", namespaces::processes, "pid"),
    row(
        "mount",
        "unshare(CLONE_NEWNS), mount of a tmpfs",
        namespaces::mounting,
        Witness::Mounted,
    ),
    row(
        "mount-userns",
        "unshare(CLONE_NEWUSER|CLONE_NEWNS), mount of a tmpfs",
        namespaces::mounting_as_user,
        Witness::Mounted,
    ),
    has(
        "fsopen",
        "fsopen",
        namespaces::fsopen,
        "anon_inode:[fscontext]",
    ),
    has(
        "bpf-map",
        "bpf(BPF_MAP_CREATE)",
        kernel::bpf_map,
        "anon_inode:bpf-map",
    ),
    has(
        "bpf-program",
        "bpf(BPF_PROG_LOAD)",
        kernel::bpf_program,
        "anon_inode:bpf-prog",
    ),
    has(
        "perf",
        "perf_event_open",
        kernel::perf,
        "anon_inode:[perf_event]",
    ),
    has(
        "userfaultfd",
        "userfaultfd",
        kernel::userfaultfd,
        "anon_inode:[userfaultfd]",
    ),
    has(
        "io-uring",
        "io_uring_setup",
        ring::setup,
        "anon_inode:[io_uring]",
    ),
    has(
        "memfd-secret",
        "memfd_secret",
        kernel::secret_memory,
        "/secretmem",
    ),
    has(
        "fanotify",
        "fanotify_init",
        kernel::fanotify,
        "anon_inode:[fanotify]",
    ),
    has("dev-fuse", "open of /dev/fuse", kernel::fuse, "/dev/fuse"),
    has("dev-kvm", "open of /dev/kvm", kernel::kvm, "/dev/kvm"),
    has(
        "dev-tun",
        "open of /dev/net/tun",
        kernel::tun,
        "/dev/net/tun",
    ),
    has("dev-mem", "open of /dev/mem", kernel::memory, "/dev/mem"),
    has("dev-kmsg", "open of /dev/kmsg", kernel::log, "/dev/kmsg"),
    row(
        "keyctl",
        "keyctl(KEYCTL_READ) of a key of the session",
        kernel::reading_key,
        Witness::Secret,
    )
    .about(Target::Key),
    row(
        "request-key",
        "request_key by name, keyctl(KEYCTL_READ)",
        kernel::requesting_key,
        Witness::Secret,
    )
    .about(Target::KeyName),
    row(
        "add-key",
        "add_key to the session's keyring",
        kernel::adding_key,
        Witness::NewKey,
    )
    .about(Target::Key),
    row(
        "shmat",
        "shmat of memory that is shared outside, read",
        kernel::reading_shared_memory,
        Witness::Secret,
    )
    .about(Target::SharedMemory),
    row(
        "shmat-write",
        "shmat of memory that is shared outside, written to",
        kernel::writing_shared_memory,
        Witness::SharedMemory,
    )
    .about(Target::SharedMemory),
    row(
        "tiocsti",
        "ioctl(TIOCSTI) on a terminal outside",
        privileges::typing,
        Witness::Heard,
    )
    .about(Target::Terminal),
    row(
        "tiocsti-high",
        "the same with bits in the upper half of the request",
        privileges::typing_high,
        Witness::Heard,
    )
    .about(Target::Terminal),
];
