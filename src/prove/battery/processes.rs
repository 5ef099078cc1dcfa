//! Processes outside: a bystander that was started for this, the broker, and whatever started
//! the command.

use super::super::row::{Group, Place, Row, Target, Witness};
use crate::model::WeakerGuarantee::{OutsideMetadata, OutsideSignals};
use crate::sys::attack::{Attack, learning, processes, signals};

const fn row(name: &'static str, tries: &'static str, attack: Attack, witness: Witness) -> Row {
    Row {
        group: Group::Processes,
        name,
        tries,
        attack,
        target: Target::Bystander,
        witness,
        place: Place::Outside,
        unless: None,
    }
}

const fn reads(name: &'static str, tries: &'static str, attack: Attack) -> Row {
    row(name, tries, attack, Witness::Secret)
}

const fn steers(name: &'static str, tries: &'static str, attack: Attack) -> Row {
    row(name, tries, attack, Witness::Bystander)
}

const fn signals(name: &'static str, tries: &'static str, attack: Attack) -> Row {
    steers(name, tries, attack).unless(OutsideSignals)
}

const FD: Target = Target::BystanderDescriptor;
const BROKER: Target = Target::BrokerMemory;

pub(super) const ROWS: &[Row] = &[
    signals("kill", "kill(SIGKILL)", signals::kill),
    signals(
        "kill-group",
        "kill(SIGKILL) of its group",
        signals::kill_group,
    ),
    signals("stop", "kill(SIGSTOP)", signals::stop),
    signals("tkill", "tkill", signals::tkill),
    signals("tgkill", "tgkill", signals::tgkill),
    signals("sigqueue", "rt_sigqueueinfo", signals::queue),
    signals(
        "sigqueue-thread",
        "rt_tgsigqueueinfo",
        signals::queue_to_thread,
    ),
    signals("pidfd-signal", "pidfd_send_signal", signals::pidfd),
    signals(
        "proc-signal",
        "pidfd_send_signal to /proc/PID",
        signals::proc_directory,
    ),
    signals(
        "f-setown",
        "fcntl(F_SETOWN) of a pipe that can be read",
        signals::owner,
    ),
    signals("f-setown-ex", "fcntl(F_SETOWN_EX)", signals::owner_extended),
    signals(
        "f-setown-group",
        "fcntl(F_SETOWN) of its group",
        signals::owner_group,
    ),
    reads("environ", "/proc/PID/environ", processes::environment),
    reads("cmdline", "/proc/PID/cmdline", processes::arguments),
    reads("comm", "/proc/PID/comm", processes::comm),
    reads("status", "/proc/PID/status", processes::status),
    reads("stat", "/proc/PID/stat", processes::stat),
    reads("maps", "/proc/PID/maps", processes::maps),
    reads("smaps", "/proc/PID/smaps", processes::smaps),
    reads(
        "task-environ",
        "/proc/PID/task/PID/environ",
        processes::thread_environment,
    ),
    reads(
        "cwd",
        "readlink of /proc/PID/cwd",
        processes::working_directory,
    ),
    reads(
        "cwd-list",
        "getdents64 of /proc/PID/cwd",
        processes::in_working_directory,
    ),
    reads(
        "cwd-read",
        "open below /proc/PID/cwd",
        processes::below_working_directory,
    ),
    reads(
        "fd-link",
        "readlink of /proc/PID/fd/N",
        processes::descriptor_link,
    )
    .about(FD),
    reads("fd", "open of /proc/PID/fd/N", processes::descriptor).about(FD),
    reads(
        "map-files",
        "readlink of /proc/PID/map_files",
        processes::mapped_files,
    ),
    reads("pidfd-getfd", "pidfd_getfd", processes::taken_descriptor).about(FD),
    reads("vm-readv", "process_vm_readv", processes::memory),
    reads("mem", "read of /proc/PID/mem", processes::memory_file),
    reads(
        "broker-vm-readv",
        "process_vm_readv of the broker",
        processes::memory,
    )
    .about(BROKER),
    reads(
        "broker-mem",
        "read of /proc/PID/mem of the broker",
        processes::memory_file,
    )
    .about(BROKER),
    reads(
        "broker-pidfd-getfd",
        "pidfd_getfd of the broker",
        processes::taken_descriptor,
    )
    .about(Target::BrokerDescriptor),
    reads(
        "parent-vm-readv",
        "process_vm_readv of the parent process",
        processes::parent_memory,
    )
    .about(BROKER),
    reads(
        "parent-mem",
        "read of /proc/PID/mem of the parent process",
        processes::parent_memory_file,
    )
    .about(BROKER),
    steers("vm-writev", "process_vm_writev", processes::writing_memory),
    steers(
        "mem-write",
        "write of /proc/PID/mem",
        processes::writing_memory_file,
    ),
    steers("ptrace-attach", "ptrace(PTRACE_ATTACH)", processes::attach),
    steers("ptrace-seize", "ptrace(PTRACE_SEIZE)", processes::seize),
    steers("prlimit", "prlimit64", processes::limit),
    steers(
        "setpriority",
        "setpriority(PRIO_PROCESS)",
        processes::priority,
    ),
    steers(
        "setpriority-group",
        "setpriority(PRIO_PGRP)",
        processes::priority_of_group,
    ),
    steers(
        "sched-setscheduler",
        "sched_setscheduler",
        processes::scheduler,
    ),
    steers(
        "sched-setattr",
        "sched_setattr",
        processes::scheduler_attributes,
    ),
    steers(
        "sched-setaffinity",
        "sched_setaffinity",
        processes::affinity,
    ),
    steers(
        "ioprio-set",
        "ioprio_set(IOPRIO_WHO_PROCESS)",
        processes::io_priority,
    ),
    steers(
        "ioprio-set-group",
        "ioprio_set(IOPRIO_WHO_PGRP)",
        processes::io_priority_of_group,
    ),
    steers(
        "oom-score",
        "write of /proc/PID/oom_score_adj",
        processes::out_of_memory_score,
    ),
    row(
        "exists",
        "newfstatat of /proc/PID",
        learning::process,
        Witness::Answers,
    )
    .unless(OutsideMetadata),
];
