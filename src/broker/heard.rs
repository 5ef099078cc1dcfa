//! What the kernel's audit says of a command, beside what the other witnesses saw.
//!
//! Pure. One denial that two witnesses saw is one denial: where another witness saw the same
//! operation on the same path, its word is kept, because it has the whole path and knows who it
//! was, and the kernel's is taken off. What the kernel alone saw is told as it says it. The
//! sum is never less than the kernel's own count.

use std::collections::HashMap;
use std::path::Path;

use crate::model::{Intent, PathSource, RefusalCode, Sighting};
use crate::sandbox::profile::Changes;
use crate::sandbox::{Object, PathRule, Plan, Refusal};

/// What the other witnesses saw, and the kernel may have told as well.
#[derive(Debug, Default)]
pub(super) struct SeenBesides {
    sightings: Vec<Seen>,
    /// By the path.
    at: HashMap<Vec<u8>, Vec<usize>>,
    /// By the directory that it lies in.
    within: HashMap<Vec<u8>, Vec<usize>>,
}

#[derive(Debug)]
struct Seen {
    op: String,
    /// How often, less what the kernel told as well.
    left: u64,
}

impl SeenBesides {
    /// Another witness saw this.
    pub(super) fn add(&mut self, sighting: &Sighting<'_>, times: u64) {
        let Some(path) = sighting.path else { return };
        let place = self.sightings.len();
        self.sightings.push(Seen {
            op: sighting.op.to_owned(),
            left: times,
        });
        self.at.entry(key(path)).or_default().push(place);
        if let Some(parent) = path.parent() {
            self.within.entry(key(parent)).or_default().push(place);
        }
    }

    /// How many of the kernel's denials nobody else saw.
    pub(super) fn without(&mut self, refusal: &Refusal, op: Option<&str>, times: u64) -> u64 {
        let Object::Path(path) = &refusal.object else {
            return times;
        };
        let key = key(path);
        // Of what would have been made, removed or moved the kernel tells the directory alone.
        let places = [self.at.get(&key), self.within.get(&key)];
        let [at, within] = places.map(|places| places.map_or(&[][..], Vec::as_slice));
        let within = if names_directory(&refusal.blockers) {
            within
        } else {
            &[]
        };
        let mut left = times;
        for place in at.iter().chain(within) {
            let seen = &mut self.sightings[*place];
            let is_same = match op {
                Some(op) => seen.op == op || seen.op == super::refused::LOOKUP,
                None => can_be(&refusal.blockers, &seen.op),
            };
            if is_same {
                let both = left.min(seen.left);
                seen.left -= both;
                left -= both;
            }
        }
        left
    }
}

fn key(path: &Path) -> Vec<u8> {
    path.as_os_str().as_encoded_bytes().to_vec()
}

/// Whether the kernel names the directory in which something would have been done.
fn names_directory(blockers: &str) -> bool {
    let is_entry = |one: &str| one.starts_with("fs.make_") || one.starts_with("fs.remove_");
    blockers
        .split(',')
        .any(|one| is_entry(one) || one == "fs.refer")
}

/// Whether a system call can have been denied for this.
fn can_be(blockers: &str, call: &str) -> bool {
    let opens = matches!(call, "open" | "openat" | "openat2" | "creat");
    let moves = matches!(call, "rename" | "renameat" | "renameat2");
    let links = matches!(call, "link" | "linkat");
    let one = |blocker: &str| match blocker {
        "fs.read_file" | "fs.write_file" => opens,
        "fs.read_dir" => opens || call.starts_with("getdents"),
        "fs.truncate" => opens || matches!(call, "truncate" | "ftruncate"),
        "fs.execute" => matches!(call, "execve" | "execveat"),
        "fs.ioctl_dev" => call == "ioctl",
        "fs.refer" => moves || links,
        _ if blocker.starts_with("fs.remove_") => {
            moves || matches!(call, "unlink" | "unlinkat" | "rmdir")
        }
        _ if blocker.starts_with("fs.make_") => opens || moves || links || makes(call),
        _ => false,
    };
    call == super::refused::LOOKUP || blockers.split(',').any(one)
}

fn makes(call: &str) -> bool {
    matches!(
        call,
        "mkdir" | "mkdirat" | "mknod" | "mknodat" | "symlink" | "symlinkat" | "bind"
    )
}

/// What the kernel told, in the words of a plan.
///
/// The operation is the system call, where that is known, of what looked outside, as other
/// witnesses tell it, and of what has no path. Otherwise the right that was missing says more.
pub(super) fn sighting<'a>(plan: &Plan, refusal: &'a Refusal, op: Option<&'a str>) -> Sighting<'a> {
    let intent = intent(&refusal.blockers);
    let code = code(plan, refusal, intent);
    let looked_outside = intent == Intent::Look && code == RefusalCode::OutsideCapability;
    let has_path = matches!(refusal.object, Object::Path(_));
    let op = op.filter(|_| looked_outside || !has_path);
    Sighting {
        code,
        op: op.unwrap_or(&refusal.blockers),
        path: match &refusal.object {
            Object::Path(path) => Some(path),
            Object::Address(address) => Some(Path::new(address)),
            Object::Process(_) | Object::Unknown => None,
        },
        intent,
        pid: refusal.caller.as_ref().map_or(0, |caller| caller.pid),
        process: &[],
        source: PathSource::Kernel,
        looked_up: None,
        written: None,
    }
}

/// The system call, where the host's audit tells it.
pub(super) fn call_of(plan: &Plan, refusal: &Refusal) -> Option<&'static str> {
    let caller = refusal.caller.as_ref()?;
    plan.syscalls.arch.name(caller.call)
}

fn intent(blockers: &str) -> Intent {
    let looks = |one| matches!(one, "fs.read_file" | "fs.read_dir" | "fs.execute");
    if blockers.split(',').all(looks) {
        Intent::Look
    } else {
        Intent::Change
    }
}

fn code(plan: &Plan, refusal: &Refusal, intent: Intent) -> RefusalCode {
    if refusal.blockers.starts_with("net.") {
        return RefusalCode::NetworkNotGranted;
    }
    let Object::Path(path) = &refusal.object else {
        return RefusalCode::RightNotGranted;
    };
    if intent == Intent::Change && plan.changes == Changes::ReadOnly {
        return RefusalCode::ReadOnly;
    }
    let Some((rule, below)) = rule_of(plan, path) else {
        let is_private = plan.private_places().any(|place| path.starts_with(place));
        return if is_private {
            RefusalCode::RightNotGranted
        } else {
            RefusalCode::OutsideCapability
        };
    };
    if rule.hide.matches(below) {
        RefusalCode::HiddenPath
    } else if intent == Intent::Change && rule.protect.matches(below) {
        RefusalCode::ProtectedPath
    } else {
        RefusalCode::RightNotGranted
    }
}

/// The most specific path of the plan that this one lies in, and where in it.
fn rule_of<'a>(plan: &'a Plan, path: &'a Path) -> Option<(&'a PathRule, &'a Path)> {
    let below = |rule: &'a PathRule| {
        let below = path.strip_prefix(rule.path.as_path()).ok()?;
        Some((rule, below))
    };
    let rules = plan
        .paths
        .iter()
        .filter(|rule| !rule.access.rights.is_empty());
    rules
        .filter_map(below)
        .min_by_key(|(_, below)| below.components().count())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Object, Refusal, SeenBesides, Sighting};
    use crate::broker::refused::outside;

    fn seen<'a>(op: &'a str, path: &'a str) -> Sighting<'a> {
        outside(op, Some(Path::new(path)))
    }

    fn told(blockers: &str, path: &str) -> Refusal {
        Refusal {
            blockers: blockers.into(),
            object: Object::Path(path.into()),
            caller: None,
        }
    }

    #[test]
    fn what_two_witnesses_saw_is_one_denial() {
        for (op, path, blockers, told_at) in [
            ("openat", "/a/b", "fs.read_file", "/a/b"),
            ("openat", "/a", "fs.read_dir", "/a"),
            ("execve", "/a/b", "fs.execute", "/a/b"),
            ("lookup", "/a/b", "fs.write_file,fs.truncate", "/a/b"),
            // The kernel names the directory in which something would have been done.
            ("openat", "/a/b", "fs.make_reg", "/a"),
            ("mkdirat", "/a/b", "fs.make_dir", "/a"),
            ("unlink", "/a/b", "fs.remove_file", "/a"),
            ("renameat2", "/a/b", "fs.remove_file,fs.refer", "/a"),
        ] {
            let mut besides = SeenBesides::default();
            besides.add(&seen(op, path), 2);
            let refusal = told(blockers, told_at);
            assert_eq!(besides.without(&refusal, None, 1), 0, "{op} {blockers}");
            // What nobody else saw is left, and nothing is taken off twice.
            assert_eq!(besides.without(&refusal, None, 4), 3, "{op} {blockers}");
        }
    }

    #[test]
    fn what_is_not_the_same_is_told_apart() {
        for (op, path, blockers, told_at) in [
            ("openat", "/a/b", "fs.read_file", "/a"),
            ("openat", "/a/b", "fs.read_file", "/a/b/c"),
            ("stat", "/a/b", "fs.read_file", "/a/b"),
            ("chmod", "/a/b", "fs.write_file", "/a/b"),
            ("openat", "/a/b", "fs.execute", "/a/b"),
            ("unlink", "/a/b", "fs.make_reg", "/a"),
            ("openat", "/a/b/c", "fs.make_reg", "/a"),
            ("openat", "/a", "fs.make_sym", "/b"),
        ] {
            let mut besides = SeenBesides::default();
            besides.add(&seen(op, path), 2);
            let refusal = told(blockers, told_at);
            assert_eq!(besides.without(&refusal, None, 1), 1, "{op} {blockers}");
        }
    }

    #[test]
    fn a_system_call_that_is_known_is_compared_as_such() {
        let mut besides = SeenBesides::default();
        besides.add(&seen("openat", "/a/b"), 1);
        let refusal = told("fs.read_file", "/a/b");
        assert_eq!(besides.without(&refusal, Some("openat2"), 1), 1);
        assert_eq!(besides.without(&refusal, Some("openat"), 1), 0);
    }
}
