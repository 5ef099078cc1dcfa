//! Floods, odd names, the dying and the stopped, a broker that does not read, an end.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};

use super::super::process::Supervision;
use super::world::{PASSWORD, Watch, World, for_each_user};
use crate::sys::fuse::stage;

/// The errno of looking for a path.
fn look(path: impl AsRef<Path>) -> i32 {
    match nix::sys::stat::lstat(path.as_ref()) {
        Ok(_) => 0,
        Err(errno) => errno as i32,
    }
}

/// Looks for names until an answer is not the one there should be.
fn look_often(names: impl Iterator<Item = PathBuf>) -> io::Result<()> {
    for name in names {
        match look(&name) {
            2 => {}
            errno => return Err(io::Error::from_raw_os_error(errno)),
        }
    }
    Ok(())
}

fn numbered(prefix: &str, count: usize) -> impl Iterator<Item = PathBuf> {
    (0..count).map(move |number| format!("/{prefix}{number}").into())
}

/// What the server has used of memory at most, in kilobytes, beyond what this process has:
/// it is forked from here, and starts with everything that other tests have in memory.
fn most_memory(watch: &Watch) -> u64 {
    let most = |process: &str| -> u64 {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.unwrap().trim().trim_end_matches(" kB");
        number.parse().unwrap()
    };
    most(&watch.server.0.to_string()).saturating_sub(most("self"))
}

fn world() -> Option<World> {
    World::new(None)
}

#[test]
fn names_can_be_odd() {
    let mut names = vec![b"a\nb".to_vec(), b"\xff\xfe".to_vec(), b"\x1b[31m".to_vec()];
    names.push(vec![b'x'; 255]);
    names.push("\u{202e}txt".into());
    let (given, asked) = (names.clone(), names.len());
    for_each_user(
        move |_, tell| {
            for name in &given {
                let path = Path::new("/").join(OsStr::from_bytes(name));
                writeln!(tell, "{}", look(path))?;
            }
            // More than any file system has: the answer is the kernel's or ours.
            let long = look(format!("/{}", "y".repeat(1000)));
            assert!([2, Errno::ENAMETOOLONG as i32].contains(&long), "{long}");
            Ok(())
        },
        |_, told, seen| {
            assert_eq!(told, "2\n".repeat(asked));
            let paths: Vec<_> = seen.attempts.iter().map(|one| &*one.path).collect();
            let long = format!("/{}", "x".repeat(255));
            let expected = [
                "/a\\u{a}b",
                "/\\xff\\xfe",
                "/\\u{1b}[31m",
                &long,
                "/\\u{202e}txt",
            ];
            assert_eq!(paths[..asked], expected);
        },
    );
}

#[test]
fn floods_are_answered_and_counted_and_stay_small_even_when_nobody_reads() {
    const EACH: usize = 25_000;
    let Some(world) = world() else { return };
    let mut watch = world.watch(|tell| {
        let start = Instant::now();
        let flood = |prefix: &'static str| stage::fork(move || look_often(numbered(prefix, EACH)));
        let children = [flood("a"), flood("b"), flood("c")];
        look_often(std::iter::repeat_n(PathBuf::from("/same"), EACH))?;
        for child in children {
            writeln!(tell, "{}", child?.wait())?;
        }
        writeln!(tell, "{:?}", start.elapsed())
    });
    let told = watch.told();
    assert!(told.starts_with("0\n0\n0\n"), "{told}");
    let memory = most_memory(&watch);
    eprintln!(
        "100,000 denied lookups by 4 processes: {}; the server at most {memory} kB",
        told.lines().last().unwrap()
    );
    assert!(memory < 32 << 10, "{memory} kB");
    let seen = watch.seen();
    let in_detail = seen.attempts.len() as u64;
    let sum = in_detail
        + seen.repeated.values().sum::<u64>()
        + seen.counted.values().sum::<u64>()
        + seen.tally.elsewhere;
    assert_eq!((seen.tally.total, sum), (4 * EACH as u64, 4 * EACH as u64));
    assert!((500..2000).contains(&in_detail), "{in_detail}");
    assert_eq!(watch.seen().tally.total, 0);
    assert_eq!(watch.end(), 0);
}

#[test]
fn names_as_long_as_can_be_do_not_make_it_grow() {
    const ATTEMPTS: u64 = 1200;
    let Some(world) = world() else { return };
    let mut watch = world.watch(|tell| {
        // Each byte is shown as six.
        let below = vec!["\u{1}".repeat(250); 14].join("/");
        look_often((0..ATTEMPTS).map(|number| format!("/{}/{number}{below}", number % 40).into()))?;
        writeln!(tell, "done")
    });
    assert_eq!(watch.told(), "done\n");
    let memory = most_memory(&watch);
    assert!(memory < 24 << 10, "{memory} kB");
    let seen = watch.seen();
    let counted: u64 = seen.counted.values().sum();
    assert_eq!(seen.attempts.len() as u64 + counted, ATTEMPTS);
    assert_eq!(seen.tally.total, ATTEMPTS);
    assert!(seen.attempts.len() > 100, "{}", seen.attempts.len());
    assert_eq!(watch.end(), 0);
}

#[test]
fn those_that_die_or_stop_while_they_are_answered_harm_nobody() {
    let Some(world) = world() else { return };
    let mut watch = world.watch(|tell| {
        let mut children = Vec::new();
        for _ in 0..40 {
            children.push(stage::fork(|| {
                loop {
                    look_often(numbered("x", 100))?;
                }
            })?);
        }
        let mut left = 0;
        for (number, child) in children.iter().enumerate() {
            std::thread::sleep(Duration::from_micros(300));
            if number % 2 == 0 {
                child.kill();
            } else {
                kill(child.0, Signal::SIGSTOP)?;
                left += 1;
            }
        }
        for round in 0..1000 {
            assert_eq!(look(format!("/after{round}")), 2);
        }
        // Going on after a stop, nobody finds an answer missing, or an interruption.
        for child in children.iter().skip(1).step_by(2) {
            kill(child.0, Signal::SIGCONT)?;
        }
        for child in children.into_iter().skip(1).step_by(2) {
            child.kill();
            assert_eq!(child.wait(), -9);
        }
        writeln!(tell, "{left}")
    });
    assert_eq!(watch.told(), "20\n");
    assert!(watch.seen().tally.total > 1000);
    assert_eq!(watch.end(), 0);
}

#[test]
fn signals_do_not_interrupt() {
    let Some(world) = world() else { return };
    let mut watch = world.watch(|tell| {
        let looking = stage::fork(|| look_often(numbered("x", 5000)))?;
        for _ in 0..2000 {
            for signal in [Signal::SIGSTOP, Signal::SIGCONT] {
                // Not reaped yet, so the number is still its own.
                kill(looking.0, signal)?;
                std::thread::sleep(Duration::from_micros(20));
            }
        }
        writeln!(tell, "{}", looking.wait())
    });
    assert_eq!(watch.told(), "0\n");
    assert_eq!(watch.seen().tally.total, 5000);
    assert_eq!(watch.end(), 0);
}

#[test]
fn a_thousand_processes_are_told_apart() {
    const PROCESSES: u64 = 1000;
    let Some(world) = world() else { return };
    let mut watch = world.watch(|tell| {
        let children: Vec<_> = (0..PROCESSES)
            .map(|number| stage::fork(move || look_often(numbered(&format!("{number}_"), 1))))
            .collect();
        let mut failed = 0;
        for child in children {
            failed += i32::from(child?.wait() != 0);
        }
        writeln!(tell, "{failed}")
    });
    assert_eq!(watch.told(), "0\n");
    let seen = watch.seen();
    assert_eq!(seen.tally.total, PROCESSES);
    let mut threads: Vec<_> = seen.attempts.iter().map(|one| one.thread).collect();
    threads.sort_unstable();
    threads.dedup();
    assert_eq!(threads.len(), seen.attempts.len());
    assert_eq!(watch.end(), 0);
}

#[test]
fn one_that_cannot_be_looked_at_is_told_by_what_the_kernel_knows() {
    for_each_user(
        |_, tell| {
            nix::sys::prctl::set_dumpable(false)?;
            writeln!(tell, "{}", look("/unseen/below"))
        },
        |_, told, seen| {
            assert_eq!(told, "2\n");
            assert_eq!(seen.attempts.len(), 1);
            let attempt = &seen.attempts[0];
            assert_eq!((&*attempt.op, &*attempt.path), ("lookup", "/unseen"));
            assert!(attempt.thread > 0);
            assert_eq!((&attempt.below, &attempt.written), (&None, &None));
        },
    );
}

#[test]
fn what_the_launcher_looks_up_is_not_taken_for_a_commands_own() {
    for (supervision, expected) in [(Supervision::Tells, 1), (Supervision::IsSilent, 2)] {
        let Some(mut world) = world() else { return };
        world.supervision = supervision;
        let mut watch = world.watch(|tell| {
            look(Path::new("/").join(format!("{PASSWORD}.0")));
            look("/for-a-command/file");
            let own = stage::fork(|| look_often(numbered("own", 1)))?;
            writeln!(tell, "{}", own.wait())
        });
        assert_eq!(watch.told(), "0\n");
        let seen = watch.seen();
        assert_eq!(seen.tally.total, expected);
        let threads: Vec<_> = seen.attempts.iter().map(|one| one.thread > 0).collect();
        assert_eq!(threads, [false, true][2 - threads.len()..]);
        for attempt in seen.attempts.iter().filter(|one| one.thread == 0) {
            assert_eq!((&*attempt.op, &*attempt.path), ("lookup", "/for-a-command"));
            assert_eq!((&attempt.program, &*attempt.process), (&None, &[][..]));
        }
        assert_eq!(watch.end(), 0);
    }
}

#[test]
fn without_a_server_or_a_listener_everything_outside_is_out_of_reach() {
    for is_killed in [true, false] {
        let Some(world) = world() else { return };
        let granted = world.path("granted/file");
        let mut watch = world.watch(|tell| {
            writeln!(tell, "{} {}", look("/before"), look("/usr"))?;
            while look("/after") == 2 {
                std::thread::sleep(Duration::from_millis(1));
            }
            let read = fs::read(&granted).map(|bytes| bytes.len());
            let list = fs::read_dir("/tmp")
                .map(|_| ())
                .map_err(|error| error.raw_os_error());
            writeln!(tell, "{} {:?} {list:?}", look("/after"), read.ok())
        });
        // Not before everything stands.
        assert_eq!(watch.heard(), "2 0");
        if is_killed {
            watch.server.kill();
        } else {
            let (nobody, _) = crate::sys::packets::Packets::pair().unwrap();
            drop(std::mem::replace(&mut watch.reports, nobody));
        }
        let told = watch.told();
        // The way to what is granted was cached, and the file itself is not ours.
        let expected = format!("{} Some(7) ", Errno::ENOTCONN as i32);
        assert!(told.starts_with(&expected), "{told}");
        assert_eq!(watch.end(), if is_killed { -9 } else { 0 });
    }
}
