//! Resource limits (`setrlimit(2)`).

/// The most of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Its number.
    pub resource: u32,
    /// Where the kernel first refuses, or sends a signal.
    pub soft: u64,
    /// What it lets nobody go beyond.
    pub hard: u64,
}

impl Limit {
    /// One that allows no going beyond.
    pub const fn flat(resource: u32, most: u64) -> Self {
        Self {
            resource,
            soft: most,
            hard: most,
        }
    }
}

/// The resources that are limited.
pub mod resource {
    /// Seconds of processor time.
    pub const CPU_SECONDS: u32 = libc::RLIMIT_CPU;
    /// Bytes of private writable memory. Address space itself is not limited: runtimes
    /// reserve far more of it than they use.
    pub const DATA: u32 = libc::RLIMIT_DATA;
    /// Bytes of the largest file.
    pub const FILE_SIZE: u32 = libc::RLIMIT_FSIZE;
    /// Open descriptors.
    pub const OPEN_FILES: u32 = libc::RLIMIT_NOFILE;
    /// Processes and threads of the user in a user namespace; before Linux 5.14, on the host.
    pub const PROCESSES: u32 = libc::RLIMIT_NPROC;
    /// Bytes of a core dump.
    pub const CORE: u32 = libc::RLIMIT_CORE;
    /// Bytes of memory that cannot be swapped out.
    pub const LOCKED_MEMORY: u32 = libc::RLIMIT_MEMLOCK;
    /// Bytes in message queues.
    pub const MESSAGE_QUEUES: u32 = libc::RLIMIT_MSGQUEUE;
    /// The highest real-time priority.
    pub const REAL_TIME_PRIORITY: u32 = libc::RLIMIT_RTPRIO;
}

/// Lowers each limit to what this process has: one that is stricter already stays so, and
/// raising it would be refused.
pub fn no_higher_than_now(limits: Vec<Limit>) -> Vec<Limit> {
    limits
        .into_iter()
        .map(|limit| {
            let most = hard_limit(limit.resource);
            Limit {
                soft: limit.soft.min(most),
                hard: limit.hard.min(most),
                ..limit
            }
        })
        .collect()
}

fn hard_limit(resource: u32) -> u64 {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the kernel writes one `rlimit`, which lives through the call.
    let result = unsafe { libc::getrlimit(resource, &raw mut limit) };
    if result == 0 {
        limit.rlim_max
    } else {
        libc::RLIM_INFINITY
    }
}

/// Lets this process open as many files as it ever may: a server has several for each session,
/// and a sandbox in flat mode one for each of its rules.
/// Where that is refused, it has what it had.
pub fn raise_open_files() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, most, most);
    }
}
