//! What lies outside cannot be read, listed, executed or watched, by any way in.

use std::ffi::OsString;

use nix::errno::Errno::{self, EACCES, ENOSYS, EPERM, EXDEV};

use super::world::{Failures, Place, Policy, User, World, skip};

/// Whether an ordinary user could do it at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Anyone,
    Root,
}

/// Each way in, and the error that it meets.
const WAYS: [(&str, Errno, By); 32] = [
    ("open", EACCES, By::Anyone),
    ("openat", EACCES, By::Anyone),
    ("openat2", EACCES, By::Anyone),
    ("directory-handle", EACCES, By::Anyone),
    ("path-handle", EACCES, By::Anyone),
    ("thread-link", EACCES, By::Anyone),
    ("dev-fd", EACCES, By::Anyone),
    ("own-link", EACCES, By::Anyone),
    ("own-directory-link", EACCES, By::Anyone),
    ("dots", EACCES, By::Anyone),
    ("self-root", EACCES, By::Anyone),
    ("self-cwd", EACCES, By::Anyone),
    ("parent-root", EACCES, By::Anyone),
    ("working-directory", EACCES, By::Anyone),
    ("mapping", EACCES, By::Anyone),
    ("listing", EACCES, By::Anyone),
    ("listing-a-handle", EACCES, By::Anyone),
    ("listing-from-handle", EACCES, By::Anyone),
    ("file-handle", EPERM, By::Root),
    ("io-uring", ENOSYS, By::Anyone),
    ("hard-link", EXDEV, By::Anyone),
    ("handle-hard-link", EXDEV, By::Anyone),
    ("renaming-in", EACCES, By::Anyone),
    ("exchanging", EACCES, By::Anyone),
    ("bind-mount", EPERM, By::Root),
    ("open-tree", ENOSYS, By::Anyone),
    ("new-root", EPERM, By::Root),
    ("execution", EACCES, By::Anyone),
    ("handle-execution", EACCES, By::Anyone),
    ("loader", EACCES, By::Anyone),
    ("watching", EACCES, By::Anyone),
    ("fanotify", EPERM, By::Anyone),
];

fn arguments(world: &World, name: &str) -> Vec<OsString> {
    world.prey(Place::Outside, name);
    let outside = world.place(Place::Outside);
    vec![
        outside.join(name).join("file").into(),
        outside.into(),
        format!("{name}/file").into(),
        world.workspace().join(format!("free-{name}")).into(),
    ]
}

#[test]
fn no_way_leads_outside() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        let mut failures = Failures::default();
        for (way, errno, by) in WAYS {
            if by == By::Root && !user.is_root() {
                continue;
            }
            let control = world.bare(way, arguments(&world, &format!("control-{way}")));
            if control.is_missing_here() {
                skip(way);
                continue;
            }
            if control.stolen.is_empty() {
                failures.note(format!("{way}: no control: {control:?}"));
            }
            for policy in [Policy::Workspace, Policy::ReadOnly] {
                let arguments = arguments(&world, &format!("{policy:?}-{way}"));
                let before = world.witness(Place::Outside);
                let answer = world.sandboxed(policy, way, arguments);
                let expected = match (policy, way) {
                    // The link itself cannot be made.
                    (Policy::ReadOnly, "hard-link" | "handle-hard-link") => EACCES,
                    // The file to exchange it with cannot be made.
                    (Policy::ReadOnly, "exchanging") => Errno::ENOENT,
                    _ => errno,
                };
                if !answer.stolen.is_empty() || answer.errno != Some(expected as i32) {
                    let told = answer.errno_name();
                    failures.note(format!("{user:?} {policy:?} {way}: {told}: {answer:?}"));
                }
                if world.witness(Place::Outside) != before {
                    failures.note(format!("{user:?} {policy:?} {way}: changed the outside"));
                }
            }
        }
        failures.none("ways to the outside");
    }
}

/// What the command's own parent, and with it the broker's environment, holds.
#[test]
fn no_process_outside_can_be_looked_into() {
    for (user, mode) in User::in_every_mode() {
        let world = World::in_mode(user, mode);
        let mut failures = Failures::default();
        let mut victim = world.bystander();
        let pid = victim.id().to_string();
        for file in [
            "environ",
            "mem",
            "maps",
            "cwd/mine",
            "root/etc/passwd",
            "fd/0",
            "status",
        ] {
            let control = world.bare("of-process", [file, pid.as_str()]);
            if control.stolen.is_empty() {
                failures.note(format!("{file}: no control: {control:?}"));
            }
            let answer = world.sandboxed(Policy::Workspace, "of-process", [file, pid.as_str()]);
            if !answer.stolen.is_empty() || answer.errno != Some(EACCES as i32) {
                failures.note(format!("{user:?} {file}: {answer:?}"));
            }
        }
        victim.kill().unwrap();
        victim.wait().unwrap();
        failures.none("files of a process outside");
    }
}

/// A directory structure is a secret too: none but the granted ones can be listed.
#[test]
fn no_directory_outside_can_be_listed() {
    let world = World::new(User::Current);
    for directory in [
        "/", "/etc", "/home", "/root", "/proc", "/tmp", "/var", "/dev", "/run", "/sys",
    ] {
        let control = world.bare("list", [directory]);
        assert!(!control.stolen.is_empty(), "{control:?}");
        let answer = world.sandboxed(Policy::Workspace, "list", [directory]);
        assert_eq!(answer.errno, Some(EACCES as i32), "{directory}: {answer:?}");
        assert!(answer.stolen.is_empty(), "{directory}: {answer:?}");
    }
    let parent = world.path("");
    let answer = world.sandboxed(Policy::ReadOnly, "list", [&parent]);
    assert_eq!(answer.errno, Some(EACCES as i32), "{answer:?}");
}
