//! Crashes: whatever was being written, what was before it is kept, and the log goes on.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use lobsterpot::audit::{AuditError, AuditLog};

use super::support::{Asker, World};

/// The log as it is when a crash interrupts the append of the last of three records after so
/// many of its bytes: the head still names the second.
struct Crash {
    two: Vec<u8>,
    head_of_two: Vec<u8>,
    third: Vec<u8>,
}

impl Crash {
    fn prepare() -> Self {
        let world = World::new();
        let log = world.open();
        let asker = Asker::new("agent:main", "s-1");
        asker.allowed(&log, "1");
        asker.denied(&log, "/2");
        let two = world.bytes();
        let head_of_two = std::fs::read(world.file("audit.head")).unwrap();
        asker.denied(&log, "/3");
        let third = world.bytes()[two.len()..].to_vec();
        Self {
            two,
            head_of_two,
            third,
        }
    }

    fn world(&self, bytes_of_third: usize) -> World {
        let world = World::new();
        drop(world.open());
        world.set_bytes(&[&self.two[..], &self.third[..bytes_of_third]].concat());
        std::fs::write(world.file("audit.head"), &self.head_of_two).unwrap();
        world
    }
}

#[test]
fn a_crash_at_any_byte_of_an_append_loses_nothing_before_it() {
    let crash = Crash::prepare();
    for kept in 0..=crash.third.len() {
        let world = crash.world(kept);
        let asker = Asker::new("agent:main", "s-2");
        asker.allowed(&world.open(), "after");
        let verification = world.verify();
        assert!(verification.is_sound(), "{kept}: {verification:?}");
        assert!(world.bytes().starts_with(&crash.two), "{kept}");
        let torn = kept > 0 && kept < crash.third.len();
        assert_eq!(verification.repairs, u64::from(torn), "{kept}");
        if torn {
            let aside = world.file("audit.jsonl.torn-3.0");
            assert_eq!(std::fs::read(&aside).unwrap(), &crash.third[..kept]);
            assert_eq!(mode(&aside), 0o600);
            let repair = &world.records()[2];
            assert_eq!(repair["api"]["operation"], "log.repair");
            assert_eq!(repair["unmapped"]["repair"]["torn"][0]["bytes"], kept);
        }
    }
}

#[test]
fn a_running_log_repairs_what_another_process_left() {
    let crash = Crash::prepare();
    let world = crash.world(0);
    let log = world.open();
    let asker = Asker::new("agent:main", "s-2");
    asker.allowed(&log, "before");
    let whole = world.bytes();
    world.set_bytes(&[&whole[..], b"{\"class_uid\":1001,"].concat());
    asker.allowed(&log, "after");
    let verification = world.verify();
    assert!(verification.is_sound(), "{verification:?}");
    assert_eq!((verification.records, verification.repairs), (5, 1));
}

#[test]
fn a_crash_at_any_step_of_a_repair_loses_nothing() {
    let crash = Crash::prepare();
    let half = crash.third.len() / 2;

    // After the fragment was copied in part: it is copied again, beside the first copy.
    let world = crash.world(half);
    make_private(&world.file("audit.jsonl.torn-3.0"), &crash.third[..10]);
    Asker::new("a", "s").allowed(&world.open(), "after");
    assert_eq!(
        std::fs::read(world.file("audit.jsonl.torn-3.0")).unwrap(),
        &crash.third[..10]
    );
    assert_eq!(
        std::fs::read(world.file("audit.jsonl.torn-3.1")).unwrap(),
        &crash.third[..half]
    );
    assert_eq!(
        world.records()[2]["unmapped"]["repair"]["torn"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert!(world.verify().is_sound());

    // After the log was cut, before the record of it: the record is written now.
    let world = crash.world(0);
    make_private(&world.file("audit.jsonl.torn-3.0"), &crash.third[..half]);
    Asker::new("a", "s").allowed(&world.open(), "after");
    assert_eq!(
        world.records()[2]["unmapped"]["repair"]["torn"][0]["bytes"],
        half
    );
    assert!(world.verify().is_sound());

    // After the record of it was written in part.
    let world = crash.world(half);
    drop(world.open());
    let repaired = world.bytes();
    let record = &repaired[crash.two.len()..];
    world.set_bytes(&[&crash.two[..], &record[..record.len() / 2]].concat());
    std::fs::write(world.file("audit.head"), &crash.head_of_two).unwrap();
    Asker::new("a", "s").allowed(&world.open(), "after");
    assert_eq!(
        std::fs::read(world.file("audit.jsonl.torn-3.0")).unwrap(),
        &crash.third[..half]
    );
    assert_eq!(
        world.records()[2]["unmapped"]["repair"]["torn"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert!(world.verify().is_sound());

    // After the record of it was written, before the head.
    let world = crash.world(half);
    drop(world.open());
    std::fs::write(world.file("audit.head"), &crash.head_of_two).unwrap();
    Asker::new("a", "s").allowed(&world.open(), "after");
    assert_eq!(world.verify().repairs, 1);
    assert!(world.verify().is_sound());
}

#[test]
fn zeros_after_a_loss_of_power_are_put_aside() {
    let crash = Crash::prepare();
    let world = crash.world(0);
    world.set_bytes(&[&crash.two[..], &vec![0; 40_000]].concat());
    Asker::new("a", "s").allowed(&world.open(), "after");
    let verification = world.verify();
    assert!(verification.is_sound(), "{verification:?}");
    assert_eq!((verification.records, verification.repairs), (4, 1));
}

#[test]
fn a_file_without_any_record_is_put_aside_as_a_whole() {
    let world = World::new();
    drop(world.open());
    world.set_bytes(b"not a log\nat all\n");
    Asker::new("a", "s").allowed(&world.open(), "x");
    assert!(world.verify().is_sound());
    let aside = std::fs::read(world.file("audit.jsonl.torn-1.0")).unwrap();
    assert_eq!(aside, b"not a log\nat all\n");
}

#[test]
fn what_is_not_private_is_not_used() {
    type Spoil = fn(&World);
    let cases: [(&str, Spoil, &str); 6] = [
        (
            "open directory",
            |w| set_mode(&w.state(), 0o755),
            "chmod 700",
        ),
        (
            "open file",
            |w| set_mode(&w.file("audit.jsonl"), 0o640),
            "chmod 600",
        ),
        (
            "open head",
            |w| set_mode(&w.file("audit.head"), 0o606),
            "chmod 600",
        ),
        (
            "linked file",
            |w| {
                std::fs::hard_link(w.file("audit.jsonl"), w.file("other")).unwrap();
            },
            "-samefile",
        ),
        (
            "symbolic link",
            |w| {
                std::fs::rename(w.file("audit.jsonl"), w.file("other")).unwrap();
                symlink("other", w.file("audit.jsonl")).unwrap();
            },
            "must be a regular file",
        ),
        (
            "a pipe",
            |w| {
                std::fs::remove_file(w.file("audit.jsonl")).unwrap();
                make_pipe(&w.file("audit.jsonl"));
            },
            "must be a regular file",
        ),
    ];
    for (what, spoil, hint) in cases {
        let world = World::new();
        Asker::new("a", "s").allowed(&world.open(), "x");
        spoil(&world);
        let error = AuditLog::open(&world.state()).expect_err(what);
        assert!(
            matches!(error, AuditError::Unusable(_)),
            "{what}: {error:?}"
        );
        let text = format!("{error}: {}", std::error::Error::source(&error).unwrap());
        assert!(
            text.contains(world.state().to_str().unwrap()),
            "{what}: {text}"
        );
        let told = error.hint().unwrap();
        assert!(told.contains(hint), "{what}: {told}");
    }
}

#[test]
fn a_log_that_is_moved_away_is_begun_anew_and_the_loss_is_on_record() {
    let world = World::new();
    let log = world.open();
    let asker = Asker::new("a", "s");
    asker.allowed(&log, "1");
    std::fs::rename(world.file("audit.jsonl"), world.file("old")).unwrap();
    asker.allowed(&log, "2");
    assert_eq!(world.records().len(), 2, "the repair, and the record");
    assert_eq!(world.verify().losses.len(), 1);
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn make_private(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
    set_mode(path, 0o600);
}

fn make_pipe(path: &Path) {
    let done = std::process::Command::new("mkfifo")
        .arg("-m")
        .arg("600")
        .arg(path)
        .status();
    assert!(done.unwrap().success());
}
