//! What is answered and what is told, one attempt at a time.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::SystemTime;

use super::super::attempt::Tally;
use super::world::{Seen, World, for_each_user, users};
use crate::model::Intent;
use crate::sys::fuse::stage;

/// Attempts on a path, each by one call; the names that the call can have, by the C library.
fn attempts(path: &Path) -> Vec<(&'static str, io::Result<()>)> {
    let mut all = looks(path);
    all.extend(changes(path));
    all
}

fn looks(path: &Path) -> Vec<(&'static str, io::Result<()>)> {
    use nix::fcntl::{OFlag, open, readlink};
    use nix::sys::stat::{Mode, lstat, stat};
    use nix::unistd::{AccessFlags, access, chdir, execv};
    let os = |result: nix::Result<()>| result.map_err(io::Error::from);
    let opened = |flags| os(open(path, flags, Mode::empty()).map(drop));
    let text = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).unwrap();
    vec![
        ("newfstatat stat", os(stat(path).map(drop))),
        ("newfstatat lstat", os(lstat(path).map(drop))),
        ("statx", fs::metadata(path).map(drop)),
        ("access faccessat", os(access(path, AccessFlags::F_OK))),
        ("readlink readlinkat", os(readlink(path).map(drop))),
        ("openat open", opened(OFlag::O_RDONLY)),
        ("openat open", opened(OFlag::O_PATH)),
        ("openat open", opened(OFlag::O_DIRECTORY)),
        ("chdir", os(chdir(path))),
        ("statfs", os(nix::sys::statfs::statfs(path).map(drop))),
        ("getxattr", stage::attribute(path, "user.x", None)),
        ("execve", os(execv(&text, &[c"x"]).map(drop))),
        ("connect", UnixStream::connect(path).map(drop)),
    ]
}

fn changes(path: &Path) -> Vec<(&'static str, io::Result<()>)> {
    use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, open, renameat};
    use nix::sys::stat::{FchmodatFlags, Mode, UtimensatFlags, fchmodat, mkdirat, utimensat};
    use nix::unistd::{linkat, truncate, unlink};
    let mode = Mode::from_bits_truncate(0o644);
    let os = |result: nix::Result<()>| result.map_err(io::Error::from);
    let (below, other) = (path.join("below"), path.with_extension("new"));
    let now = nix::sys::time::TimeSpec::new(0, 0);
    let chmod = fchmodat(AT_FDCWD, path, mode, FchmodatFlags::FollowSymlink);
    let utime = utimensat(AT_FDCWD, path, &now, &now, UtimensatFlags::FollowSymlink);
    let creation = open(&below, OFlag::O_CREAT | OFlag::O_WRONLY, mode);
    vec![
        ("fchmodat chmod", os(chmod)),
        ("fchownat chown", os(nix::unistd::chown(path, None, None))),
        ("utimensat", os(utime)),
        ("truncate", os(truncate(path, 0))),
        ("unlink unlinkat", os(unlink(path))),
        ("rmdir", fs::remove_dir(path)),
        (
            "rename renameat renameat2",
            os(renameat(AT_FDCWD, path, AT_FDCWD, &other)),
        ),
        (
            "linkat",
            os(linkat(AT_FDCWD, path, AT_FDCWD, &other, AtFlags::empty())),
        ),
        ("setxattr", stage::attribute(path, "user.x", Some(b"y"))),
        ("mkdirat mkdir", os(mkdirat(AT_FDCWD, &below, mode))),
        ("openat open", os(creation.map(drop))),
        ("symlink symlinkat", std::os::unix::fs::symlink("x", &below)),
    ]
}

fn errno(result: &io::Result<()>) -> i32 {
    match result {
        Ok(()) => 0,
        Err(error) => error.raw_os_error().unwrap_or(-1),
    }
}

/// What was seen of each call: a attempt and its repetitions.
fn by_call(seen: &Seen) -> BTreeMap<&str, u64> {
    let mut calls = BTreeMap::new();
    for attempt in &seen.attempts {
        let repeated = seen.repeated.get(&attempt.number);
        *calls.entry(&*attempt.op).or_default() += 1 + repeated.copied().unwrap_or(0);
    }
    calls
}

#[test]
fn whatever_leads_outside_has_one_answer_and_is_told() {
    for user in users() {
        let Some(world) = World::new(*user) else {
            return;
        };
        // The control: without the tripwire, the same path leads to a file.
        let secret = fs::read_to_string(world.path("outside/file")).unwrap();
        assert_eq!(secret, "secret");
        for name in ["outside", "outside/file", "missing", "missing/file"] {
            let path = world.path(name);
            let mut watch = world.watch(|tell| {
                for (calls, result) in attempts(&path) {
                    writeln!(tell, "{calls}={}", errno(&result))?;
                }
                Ok(())
            });
            let told = watch.told();
            let seen = watch.seen();
            let mut calls = by_call(&seen);
            for line in told.lines() {
                let (names, errno) = line.split_once('=').unwrap();
                assert_eq!(errno, "2", "{line}");
                let name = names.split(' ').find(|name| calls.contains_key(name));
                let left = name.and_then(|name| calls.get_mut(name));
                let left = left.filter(|left| **left > 0);
                *left.unwrap_or_else(|| panic!("{line}: {seen:#?}")) -= 1;
            }
            assert!(calls.values().all(|left| *left == 0), "{calls:?} {seen:#?}");
            assert_eq!((told.lines().count(), seen.tally.total), (25, 25));
            assert_eq!(seen.tally.elsewhere, 0);
            let top = world.path(name.split('/').next().unwrap());
            for attempt in &seen.attempts {
                assert_eq!(Path::new(&attempt.path), top, "{attempt:?}");
                let below = attempt.below.as_deref().unwrap_or_default();
                assert!(top.join(below).starts_with(&path), "{attempt:?}");
                assert_eq!(attempt.thread, watch.inside.0.as_raw());
                let own = std::env::current_exe().unwrap();
                assert_eq!(attempt.program.as_deref(), own.to_str());
                assert!(std::env::args().eq(attempt.process.iter().cloned()));
            }
        }
    }
}

#[test]
fn what_is_granted_and_the_way_to_it_are_there_and_cause_no_sighting() {
    for_each_user(
        |world, tell| {
            let granted = world.path("granted");
            let file = fs::read_to_string(granted.join("file"))?;
            fs::write(granted.join("new"), "new")?;
            fs::create_dir_all(granted.join("a/b"))?;
            let link = fs::read_link("/bin")?;
            let true_there = Path::new("/bin/true").is_file();
            let attributes = fs::metadata("/usr/..")?;
            let mode = attributes.permissions().mode();
            let space = nix::sys::statfs::statfs("/")?;
            writeln!(tell, "{file} {link:?} {true_there} {mode:o}")?;
            writeln!(
                tell,
                "{:?} {}",
                attributes
                    .modified()?
                    .duration_since(SystemTime::UNIX_EPOCH),
                space.blocks()
            )
        },
        |world, told, seen| {
            let expected = "granted \"usr/bin\" true 40111\nOk(0ns) 0\n";
            assert_eq!(told, expected);
            // The witness: what was written inside is on the host.
            assert_eq!(
                fs::read_to_string(world.path("granted/new")).unwrap(),
                "new"
            );
            assert_eq!(seen.tally, Tally::default(), "{seen:?}");
        },
    );
}

/// A result in a few letters.
fn brief<T>(result: io::Result<T>) -> String {
    let result = result.map(drop);
    format!("{:?}", result.map_err(|error| error.raw_os_error()))
}

#[test]
fn where_a_name_could_be_made_nothing_is_learned_of_the_host() {
    for_each_user(
        |world, tell| {
            for path in [world.path("outside"), world.path("missing")] {
                let mode = nix::sys::stat::Mode::from_bits_truncate(0o777);
                let directory = nix::unistd::mkdir(&path, mode);
                writeln!(tell, "mkdir {directory:?}")?;
                writeln!(tell, "creation {}", brief(fs::write(&path, "")))?;
            }
            Ok(())
        },
        |world, told, seen| {
            assert!(world.path("outside").exists() && !world.path("missing").exists());
            let expected = "mkdir Err(EACCES)\ncreation Err(Some(13))\n".repeat(2);
            assert_eq!(told, expected);
            let paths: Vec<_> = seen.attempts.iter().map(|one| one.path.as_str()).collect();
            let [outside, missing] = ["outside", "missing"].map(|name| world.path(name));
            let expected = [&outside, &outside, &missing, &missing];
            assert_eq!(paths, expected.map(|path| path.to_str().unwrap()));
            let intents = seen.attempts.iter().map(|one| one.intent);
            assert!(intents.eq([Intent::Change; 4]));
        },
    );
}

#[test]
fn nothing_of_the_root_can_be_listed_or_changed_and_attempts_are_told() {
    for_each_user(
        |world, tell| {
            let everybody = fs::Permissions::from_mode(0o777);
            let ask = |path| nix::unistd::access(path, nix::unistd::AccessFlags::R_OK);
            let set = |path| stage::attribute(Path::new(path), "security.x", Some(b"y"));
            for (what, came) in [
                ("link", brief(fs::read(world.path("granted/link")))),
                ("mode", brief(fs::set_permissions("/tmp", everybody))),
                ("placeholder", brief(fs::read("/placeholder"))),
                ("list", brief(fs::read_dir("/"))),
                ("list", brief(fs::read_dir("/tmp"))),
                ("removal", brief(fs::remove_dir("/usr"))),
                ("question", brief(ask("/tmp").map_err(io::Error::from))),
                ("attribute", brief(set("/tmp"))),
            ] {
                writeln!(tell, "{what} {came}")?;
            }
            Ok(())
        },
        |world, told, seen| {
            let expected = "link Err(Some(2))\nmode Err(Some(30))\nplaceholder Err(Some(13))\n\
                list Err(Some(13))\nlist Err(Some(13))\nremoval Err(Some(13))\n\
                question Err(Some(13))\nattribute Err(Some(1))\n";
            assert_eq!(told, expected);
            let all = &seen.attempts;
            let paths: Vec<_> = all.iter().map(|one| &*one.path).collect();
            let outside = world.path("outside");
            let outside = outside.to_str().unwrap();
            let expected = [outside, "/tmp", "/placeholder", "/", "/tmp", "/", "/tmp"];
            assert_eq!(paths, expected);
            let link = world.path("granted/link").display().to_string();
            assert_eq!(all[0].written, Some(link));
            let calls: Vec<_> = all[3..].iter().map(|one| &*one.op).collect();
            assert!(matches!(
                calls[..],
                ["openat", "openat", "rmdir", "access" | "faccessat"]
            ));
            assert_eq!(all[5].below.as_deref(), Some("usr"));
        },
    );
}
