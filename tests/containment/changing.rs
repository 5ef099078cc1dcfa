//! What lies outside, or in a grant without the right, cannot be changed: content, names,
//! metadata, by every spelling of every call.

use std::ffi::OsString;
use std::path::Path;

use nix::errno::Errno::{self, EACCES, ENOENT, ENOSYS, EPERM, EROFS};

use super::world::{Failures, Mode, Place, Policy, User, World, skip};

/// Changes of content and names. Landlock refuses them all alike.
pub(super) const CHANGES: [&str; 33] = [
    "write",
    "append",
    "creat",
    "emptying",
    "emptying-reader",
    "emptying-odd",
    "truncate",
    "fallocate",
    "shared-mapping",
    "copy-file-range",
    "sendfile",
    "splice",
    "reopening",
    "creating",
    "unnamed-file",
    "mkdir",
    "mkdirat",
    "mkfifo",
    "mknod-file",
    "symlink",
    "link",
    "linking-out",
    "unlink",
    "unlinkat",
    "rmdir",
    "unlinkat-dir",
    "rename",
    "rename-directory",
    "replacing",
    "renaming-out",
    "unlink-from-handle",
    "mkdir-from-handle",
    "socket-file",
];

/// Changes of metadata that the supervisor is asked for.
pub(super) const METADATA: [&str; 29] = [
    "chmod",
    "chmod-link",
    "fchmodat",
    "fchmodat-dir",
    "fchmodat2",
    "fchmodat2-empty",
    "fchmodat2-keep",
    "chown",
    "lchown",
    "fchownat",
    "fchownat-empty",
    "utime",
    "utimes",
    "futimesat",
    "utimensat",
    "utimensat-dir",
    "utimensat-empty",
    "utimensat-now",
    "setxattr",
    "setxattr-link",
    "lsetxattr",
    "removexattr",
    "lremovexattr",
    "high-number",
    "fchmod",
    "fchown",
    "futimesat-null",
    "utimensat-null",
    "fsetxattr",
];

/// The rest, each with its error under a workspace and under a read-only policy.
const ODD: [(&str, Errno, Errno); 10] = [
    ("fremovexattr", EACCES, EROFS),
    ("setxattrat", EACCES, EROFS),
    ("removexattrat", EACCES, EROFS),
    ("flags", EPERM, EROFS),
    ("flags-high", EPERM, EROFS),
    ("fsxattr", EPERM, EROFS),
    ("version", EPERM, EROFS),
    ("file-setattr", EPERM, EROFS),
    ("i386", ENOSYS, ENOSYS),
    ("x32", ENOSYS, ENOSYS),
];

/// Attacks that open the file first, which is as far as they come where it cannot be read.
const OPENING: [&str; 10] = [
    "fchmod",
    "fchown",
    "futimesat-null",
    "utimensat-null",
    "fsetxattr",
    "fremovexattr",
    "flags",
    "flags-high",
    "fsxattr",
    "version",
];

/// Attacks that open something with `O_PATH` first, which is as far as they come where it
/// does not exist.
const BY_DIRECTORY: [&str; 6] = [
    "fchmodat-dir",
    "fchmodat2-empty",
    "fchownat-empty",
    "utimensat-dir",
    "utimensat-empty",
    "file-setattr",
];

struct Hunt<'a> {
    world: &'a World,
    place: Place,
    policy: Policy,
    failures: Failures,
}

impl Hunt<'_> {
    /// The error that takes the place of flat mode's in a view: outside nothing exists, and
    /// what cannot be changed is a read-only file system.
    fn errno(&self, name: &str, in_flat_mode: Errno) -> Errno {
        match (self.world.mode, self.place, in_flat_mode) {
            // A witness answers where the call names something that exists.
            _ if self.is_witnessed(name) => EROFS,
            // The filter answers in both modes, and so does a witness of changes of metadata.
            (Mode::View, Place::Outside, _) if BY_DIRECTORY.contains(&name) => ENOENT,
            (Mode::Flat, _, _) | (_, _, ENOSYS | EROFS) => in_flat_mode,
            _ if name == "socket-file" => EACCES,
            (Mode::View, Place::Outside, _) => ENOENT,
            (Mode::View, _, _) => EROFS,
        }
    }

    /// Whether the supervisor refuses it before another layer does. What names only what does
    /// not exist is left to the kernel.
    fn is_witnessed(&self, name: &str) -> bool {
        let is_change = CHANGES.contains(&name) || name == "device";
        let by_another_layer = name == "socket-file";
        let is_read_only = self.policy == Policy::ReadOnly || self.place == Place::Library;
        let names_what_exists = self.world.mode == Mode::Flat
            || self.place != Place::Outside
            || ["replacing", "renaming-out"].contains(&name);
        is_read_only && is_change && !by_another_layer && names_what_exists
    }

    fn content_arguments(prey: &Path, own: &Path) -> Vec<OsString> {
        [
            prey.join("file"),
            prey.join("directory"),
            prey.join("free"),
            own.into(),
        ]
        .map(OsString::from)
        .into()
    }

    fn metadata_arguments(prey: &Path, _: &Path) -> Vec<OsString> {
        vec![prey.join("file").into(), prey.into(), "file".into()]
    }

    fn attack(&mut self, name: &str, errno: Errno, arguments: fn(&Path, &Path) -> Vec<OsString>) {
        let (world, place) = (self.world, self.place);
        let own = world.workspace().join(format!("own-{name}"));
        std::fs::write(&own, "mine").unwrap();
        world.hand_over(&own);
        let prey = world.prey(place, &format!("control-{name}"));
        let before = world.witness(place);
        let control = world.bare(name, arguments(&prey, &own));
        if control.is_missing_here() {
            skip(name);
            return;
        }
        if control.errno != Some(0) || world.witness(place) == before {
            self.failures
                .note(format!("{name}: no control: {control:?}"));
        }
        std::fs::write(&own, "mine").unwrap();
        world.hand_over(&own);
        let prey = world.prey(place, name);
        let before = world.witness(place);
        let answer = world.sandboxed(self.policy, name, arguments(&prey, &own));
        let context = format!(
            "{:?} {:?} {place:?} {:?} {name}",
            world.mode, world.user, self.policy
        );
        if answer.errno != Some(errno as i32) {
            let told = answer.errno_name();
            self.failures
                .note(format!("{context}: {told}, not {errno:?}: {answer:?}"));
        }
        if world.witness(place) != before {
            self.failures.note(format!("{context}: it was changed"));
        }
        // Trees stay small, because a witness reads all of them.
        for used in [format!("control-{name}"), name.to_owned()] {
            std::fs::remove_dir_all(world.place(place).join(used)).unwrap();
        }
    }
}

fn hunt(place: Place, policy: Policy) {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        let mut hunt = Hunt {
            world: &world,
            place,
            policy,
            failures: Failures::default(),
        };
        for name in CHANGES {
            let errno = hunt.errno(name, EACCES);
            hunt.attack(name, errno, Hunt::content_arguments);
        }
        if user.is_root() {
            let errno = hunt.errno("device", EACCES);
            hunt.attack("device", errno, Hunt::content_arguments);
        }
        let is_closed = place == Place::Outside;
        for name in METADATA {
            let errno = match policy {
                _ if is_closed && OPENING.contains(&name) => EACCES,
                Policy::Workspace => EACCES,
                Policy::ReadOnly => EROFS,
            };
            let errno = hunt.errno(name, errno);
            hunt.attack(name, errno, Hunt::metadata_arguments);
        }
        for (name, workspace, read_only) in ODD {
            let errno = match policy {
                _ if is_closed && OPENING.contains(&name) => EACCES,
                Policy::Workspace => workspace,
                Policy::ReadOnly => read_only,
            };
            let errno = hunt.errno(name, errno);
            hunt.attack(name, errno, Hunt::metadata_arguments);
        }
        hunt.failures.none("changes");
    }
}

#[test]
fn nothing_outside_is_changed() {
    hunt(Place::Outside, Policy::Workspace);
}

#[test]
fn nothing_outside_is_changed_under_a_read_only_policy() {
    hunt(Place::Outside, Policy::ReadOnly);
}

#[test]
fn nothing_is_changed_in_a_grant_that_can_only_be_read() {
    hunt(Place::Library, Policy::Workspace);
}

#[test]
fn nothing_in_the_workspace_is_changed_under_a_read_only_policy() {
    hunt(Place::Workspace, Policy::ReadOnly);
}
