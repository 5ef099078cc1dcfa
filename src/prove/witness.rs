//! What is seen from outside when an attack works. The attacker's own word counts only against
//! the sandbox, never for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::listener::{Listener, Said};
use super::processes::{descriptors, field, link, text, with_name};
use super::protocol::Answer;
use super::row::{Standing, Witness};
use super::world::{self, Facts};

/// What became of an attack, as seen from outside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Observed {
    /// The effect.
    pub seen: Option<String>,
    /// What else speaks against the sandbox, although nothing was seen.
    pub claimed: Option<&'static str>,
}

/// Whether the attacker's word that it worked is held against a sandbox when nothing is seen.
///
/// A change that is accepted and then lost is one (nobody would know); so is a privilege. What
/// is sent in a network of one's own, or done to a process of one's own that has the number, is
/// not.
pub(super) fn believes(witness: Witness) -> bool {
    match witness {
        Witness::Status(standing) => standing != Standing::Program,
        Witness::Inodes
        | Witness::PrivilegedFile
        | Witness::Descriptor(_)
        | Witness::Namespace(_)
        | Witness::Mounted
        | Witness::NewKey => true,
        Witness::Secret
        | Witness::Answers
        | Witness::Heard
        | Witness::Reached
        | Witness::Bystander
        | Witness::SharedMemory
        | Witness::Survivor => false,
    }
}

/// The secret turned up.
pub(super) fn secret(answer: &Answer, secret: &str) -> Option<String> {
    let found = !secret.is_empty() && answer.loot.contains(secret);
    found.then(|| "the secret came back".into())
}

/// Both answers, where they are not the same.
pub(super) fn answers(existing: &Answer, missing: &Answer) -> Option<String> {
    let (one, other) = (existing.word(), missing.word());
    (one != other).then(|| format!("{one} for one that exists, {other} for one that does not"))
}

/// The inodes are not as they were.
pub(super) fn inodes(prey: &Path, before: &BTreeMap<PathBuf, Facts>) -> Option<String> {
    let after = world::facts(prey);
    let changed = before
        .iter()
        .find(|(path, facts)| after.get(*path) != Some(facts))
        .map(|(path, _)| path)
        .or_else(|| after.keys().find(|path| !before.contains_key(*path)));
    let name = changed?
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    Some(format!("`{}` changed", name.unwrap_or_default()))
}

/// A file gives away its owner's or its group's rights.
pub(super) fn privileged(file: &Path) -> Option<String> {
    let facts = world::facts(file);
    let mode = facts.get(file)?.mode & 0o7777;
    (mode & 0o6000 != 0).then(|| format!("its mode is {mode:04o}"))
}

/// The listener heard the token.
pub(super) fn heard(listener: &Listener, token: &str, answer: &Answer) -> Option<String> {
    let said = if answer.worked() {
        Said::Sent
    } else {
        Said::Refused
    };
    listener
        .has_heard(token, said)
        .then(|| "it was heard".into())
}

/// The keyring has the key.
pub(super) fn key(name: &str) -> Option<String> {
    let name = std::ffi::CString::new(name).ok()?;
    crate::sys::shared::has_key(&name).then(|| "the keyring has the key".into())
}

/// What the kernel says of the attack's processes, which are held while it is asked.
pub(super) fn of_process(witness: Witness, mark: &str) -> Option<String> {
    with_name(mark).into_iter().find_map(|pid| match witness {
        Witness::Descriptor(begin) => descriptor(pid, begin),
        Witness::Status(standing) => standing_of(pid, standing),
        Witness::Namespace(kind) => namespace(pid, kind),
        Witness::Mounted => text(pid, "mountinfo")
            .contains(mark)
            .then(|| "it has mounted something".into()),
        _ => None,
    })
}

fn descriptor(pid: i32, begin: &str) -> Option<String> {
    let found = descriptors(pid)
        .into_iter()
        .find(|link| link.to_string_lossy().starts_with(begin))?;
    Some(format!("it holds {}", found.display()))
}

fn standing_of(pid: i32, standing: Standing) -> Option<String> {
    let others = |name: &str, own: u32| {
        let own = own.to_string();
        let line = field(pid, name)?;
        line.split_whitespace()
            .any(|id| id != own)
            .then(|| format!("{name} {line}"))
    };
    match standing {
        Standing::User | Standing::Program => others("Uid:", nix::unistd::geteuid().as_raw()),
        Standing::Group => others("Gid:", nix::unistd::getegid().as_raw()),
        Standing::Groups => {
            let groups = field(pid, "Groups:")?;
            groups
                .contains("4242424")
                .then(|| format!("Groups: {groups}"))
        }
        Standing::Capabilities => capabilities(pid),
        Standing::Personality => {
            let personality = u32::from_str_radix(text(pid, "personality").trim(), 16).ok()?;
            (personality & 0x40_0000 != 0).then(|| format!("its personality is {personality:08x}"))
        }
    }
}

fn capabilities(pid: i32) -> Option<String> {
    let sets = field(pid, "CapEff:")?;
    (sets.chars().any(|digit| digit != '0')).then(|| format!("CapEff: {sets}"))
}

/// A process whose namespaces cannot be looked at has gained something on the way there.
fn namespace(pid: i32, kind: &str) -> Option<String> {
    let parent: i32 = field(pid, "PPid:")?.parse().ok()?;
    let name = format!("ns/{kind}");
    match (link(pid, &name), link(parent, &name)) {
        (Some(own), Some(theirs)) if own != theirs => Some(format!("it is in {}", own.display())),
        (None, _) if kind == "user" && capabilities(parent).is_none() => capabilities(pid),
        _ => None,
    }
}
