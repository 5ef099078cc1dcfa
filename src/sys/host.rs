//! Questions to the kernel about what it offers. Nothing here changes the host.

use std::fs;

/// The kernel's release, such as `6.18.4`.
pub fn kernel_release() -> String {
    nix::sys::utsname::uname()
        .map(|name| name.release().to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// Whether the kernel is of this release or a newer one.
pub fn is_at_least(major: u32, minor: u32) -> bool {
    let release = kernel_release();
    let mut numbers = release
        .split(|other: char| !other.is_ascii_digit())
        .map_while(|word| word.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(first), Some(second)) => (first, second) >= (major, minor),
        _ => false,
    }
}

/// The Landlock ABI (`LANDLOCK_CREATE_RULESET_VERSION`); 0 where there is none.
pub fn landlock_abi() -> u32 {
    const VERSION: u32 = 1;
    let none = std::ptr::null::<libc::c_void>();
    // SAFETY: with this flag the kernel takes a null pointer and a size of 0.
    let abi = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, none, 0, VERSION) };
    u32::try_from(abi).unwrap_or(0)
}

/// Whether this process is under a system call filter already. The process is asked itself,
/// because an outer sandbox may have closed `/proc`.
pub fn is_filtered() -> bool {
    // SAFETY: plain numbers.
    unsafe { libc::prctl(libc::PR_GET_SECCOMP) == 2 }
}

/// The value of a setting below `/proc/sys`.
pub fn setting(path: &str) -> Option<String> {
    #[allow(clippy::disallowed_methods, reason = "a public setting of the kernel")]
    let text = fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned())
}

/// Whether proc is mounted on `/proc`.
pub fn has_proc() -> bool {
    nix::sys::statfs::statfs("/proc")
        .is_ok_and(|at| at.filesystem_type() == nix::sys::statfs::PROC_SUPER_MAGIC)
}

/// Whether a file system has no room for one more block, or for one more file.
pub fn is_full(path: &str) -> bool {
    nix::sys::statfs::statfs(path)
        .is_ok_and(|at| at.blocks_available() == 0 || at.files_free() == 0)
}

/// The profile of a security module that confines this process, `docker-default (enforce)`.
pub fn confinement() -> Option<String> {
    let current = setting("/proc/self/attr/current")?;
    let profile = current.trim_end_matches('\0');
    let is_confined = !profile.is_empty() && !profile.starts_with("unconfined");
    is_confined.then(|| profile.to_owned())
}

/// Where something is mounted, as this process sees it: the fifth field of `mountinfo`, in
/// which blanks are written as `\040`.
pub fn mount_points() -> Vec<String> {
    let text = setting("/proc/self/mountinfo").unwrap_or_default();
    let point = |line: &str| Some(line.split(' ').nth(4)?.to_owned());
    text.lines().filter_map(point).collect()
}

/// Whether a device can be opened for reading and writing.
pub fn can_open_for_writing(path: &str) -> bool {
    #[allow(clippy::disallowed_methods, reason = "a device that a layer needs")]
    fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .is_ok()
}

/// Where a file system of this type is mounted as a whole, with its root in the fourth field
/// of `mountinfo`.
pub fn mounted_whole(kind: &str) -> Option<std::path::PathBuf> {
    let text = setting("/proc/self/mountinfo")?;
    text.lines().find_map(|line| {
        let (place, what) = line.split_once(" - ")?;
        let mut fields = place.split(' ').skip(3);
        let is_wanted = fields.next() == Some("/") && what.split(' ').next() == Some(kind);
        is_wanted.then(|| fields.next().map(Into::into))?
    })
}

/// How many threads run on the host, of all users (the fourth field of `/proc/loadavg`).
pub fn threads_on_host() -> u64 {
    setting("/proc/loadavg")
        .and_then(|text| text.split('/').nth(1)?.split(' ').next()?.parse().ok())
        .unwrap_or(4096)
}
