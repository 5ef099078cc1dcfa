//! What the kernel says of processes, seen from outside.

#![allow(
    clippy::disallowed_methods,
    reason = "processes in proc, which no principal names"
)]

use std::fs;
use std::path::PathBuf;

/// The processes that are alive and have such a name, the newest first: those may end soon.
pub(super) fn alive(is_wanted: impl Fn(&str) -> bool) -> Vec<(i32, String)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut numbers: Vec<i32> = entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    numbers.reverse();
    numbers
        .into_iter()
        .filter_map(|pid| {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
            Some((pid, name.trim_end().to_owned()))
        })
        .filter(|(pid, name)| is_wanted(name) && !is_dead(*pid))
        .collect()
}

/// The processes that are alive and have this name.
pub(super) fn with_name(name: &str) -> Vec<i32> {
    let alive = alive(|found| found == name);
    alive.into_iter().map(|(pid, _)| pid).collect()
}

/// A first thread that has ended looks dead while others live.
fn is_dead(pid: i32) -> bool {
    let is_zombie = field(pid, "State:").is_none_or(|state| state.starts_with('Z'));
    let threads = fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    is_zombie && threads <= 1
}

/// Where a link of a process leads.
pub(super) fn link(pid: i32, name: &str) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/{name}")).ok()
}

/// Where the descriptors of a process lead.
pub(super) fn descriptors(pid: i32) -> Vec<PathBuf> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten()
        .flatten();
    entries
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .collect()
}

/// A text of a process.
pub(super) fn text(pid: i32, name: &str) -> String {
    fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default()
}

/// A line of a process's status.
pub(super) fn field(pid: i32, name: &str) -> Option<String> {
    line_of(pid, "status", name)
}

/// A line of a file of a process, without what it begins with.
pub(super) fn line_of(pid: i32, file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().to_owned())
}
