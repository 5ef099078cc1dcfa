//! What lies outside cannot be read, listed, executed or watched, by any way in.

use std::ffi::OsString;

use nix::errno::Errno::{self, EACCES, ENOSYS, EPERM, EXDEV};

use super::world::{Answer, Failures, Mode, Place, Policy, User, World, skip};

/// Whether an ordinary user could do it at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Anyone,
    Root,
}

/// Each way in, and the error that it meets.
pub(super) const WAYS: [(&str, Errno, By); 32] = [
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

/// Nothing outside exists in a view, so there is nothing to be refused.
fn errno_in_view(policy: Policy, way: &str, in_flat_mode: Errno) -> Errno {
    match (policy, way) {
        // The filter does not ask where the call would lead, and a loader answers by itself.
        (
            _,
            "file-handle" | "io-uring" | "bind-mount" | "open-tree" | "new-root" | "fanotify"
            | "loader",
        ) => in_flat_mode,
        // The launcher is hidden; the kernel says so by this error once it has been looked for,
        // which the launcher does itself.
        (_, "parent-root") => EPERM,
        // The link itself cannot be made.
        (Policy::ReadOnly, "own-link" | "own-directory-link" | "hard-link") => Errno::EROFS,
        _ => Errno::ENOENT,
    }
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
                    _ if mode == Mode::View => errno_in_view(policy, way, errno),
                    // Nothing can be made in the workspace either.
                    (
                        Policy::ReadOnly,
                        "own-link" | "own-directory-link" | "renaming-in" | "hard-link"
                        | "handle-hard-link" | "exchanging",
                    ) => Errno::EROFS,
                    _ => errno,
                };
                if !answer.stolen.is_empty() || answer.errno != Some(expected as i32) {
                    let told = answer.errno_name();
                    failures.note(format!(
                        "{mode:?} {user:?} {policy:?} {way}: {told}: {answer:?}"
                    ));
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
            let expected = match mode {
                Mode::View => Errno::ENOENT,
                Mode::Flat => EACCES,
            };
            if !answer.stolen.is_empty() || answer.errno != Some(expected as i32) {
                failures.note(format!("{mode:?} {user:?} {file}: {answer:?}"));
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
    for mode in Mode::all() {
        let world = World::in_mode(User::Current, *mode);
        for directory in [
            "/", "/etc", "/home", "/root", "/var", "/dev", "/run", "/sys",
        ] {
            let control = world.bare("list", [directory]);
            // Not everybody can look into the home of root.
            let is_closed = control.errno == Some(EACCES as i32) && directory == "/root";
            assert!(is_closed || !control.stolen.is_empty(), "{control:?}");
            let answer = world.sandboxed(Policy::Workspace, "list", [directory]);
            assert!(answer.stolen.is_empty(), "{directory}: {answer:?}");
            // In a view a directory that leads to nothing is not there.
            let is_absent = *mode == Mode::View && answer.errno == Some(Errno::ENOENT as i32);
            let is_closed = answer.errno == Some(EACCES as i32);
            assert!(is_absent || is_closed, "{mode:?} {directory}: {answer:?}");
        }
        let parent = world.path("");
        let answer = world.sandboxed(Policy::ReadOnly, "list", [&parent]);
        match mode {
            Mode::Flat => assert_eq!(answer.errno, Some(EACCES as i32), "{answer:?}"),
            // The way to the grants, below a private `/tmp`.
            Mode::View => assert_eq!(names(&answer), ["library", "workspace"]),
        }
    }
}

/// Their own processes and temporary files, where the host has many more.
#[test]
fn what_commands_have_to_themselves_tells_nothing() {
    let Some(Mode::View) = Mode::all().first() else {
        return;
    };
    let world = World::in_mode(User::Current, Mode::View);
    let answer = world.sandboxed(Policy::Workspace, "list", ["/tmp"]);
    let own = world.path("");
    let own = own.strip_prefix("/tmp").unwrap().to_str().unwrap();
    assert_eq!(names(&answer), [own.trim_end_matches('/')], "{answer:?}");
    let control = world.bare("list", ["/tmp"]);
    assert!(names(&control).len() > 1, "{control:?}");
    let answer = world.sandboxed(Policy::Workspace, "list", ["/proc"]);
    let processes = |answer: &[String]| -> usize {
        let is_process = |name: &&String| name.parse::<u32>().is_ok();
        answer.iter().filter(is_process).count()
    };
    assert_eq!(processes(&names(&answer)), 1, "{answer:?}");
    assert!(processes(&names(&world.bare("list", ["/proc"]))) > 1);
}

fn names(answer: &Answer) -> Vec<String> {
    let mut names: Vec<_> = answer
        .stolen
        .split_ascii_whitespace()
        .filter(|name| ![".", ".."].contains(name))
        .map(str::to_owned)
        .collect();
    names.sort();
    names
}
