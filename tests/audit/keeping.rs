//! Files are begun and removed by the operator's rules, and the log stays sound.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lobsterpot::audit::{AuditLog, Follower, Keeping, LogReader, Problem, RecordView};

use super::support::{Asker, World};

/// A few records a file, and files that are removed at once.
const SHORT: Keeping = Keeping {
    file_size: 3000,
    file_age: None,
    keep_size: None,
    keep_age: Some(Duration::from_millis(1)),
};

fn append(log: &AuditLog, records: std::ops::Range<u32>) {
    let asker = Asker::new("a", "s");
    for n in records {
        asker.allowed(log, &format!("/{n}"));
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn full(world: &World) -> Vec<String> {
    let mut names = world.names();
    names.retain(|name| name.starts_with("audit-"));
    names
}

#[test]
fn old_files_are_removed_and_the_log_stays_sound() {
    let world = World::new();
    let log = AuditLog::open_kept(&world.state(), SHORT).unwrap();
    append(&log, 0..30);
    assert!(full(&world).len() < 3, "{:?}", full(&world));
    let found = world.verify();
    assert!(found.is_sound(), "{found:?}");
    assert!(found.first > Some(10), "{found:?}");
    assert_eq!(found.repairs, 0);
    // The log tells what was removed, as long as that record is kept itself.
    let told = world
        .records()
        .into_iter()
        .find(|record| record["unmapped"]["op"] == "log.retention")
        .expect("a record of the removal");
    let removal = &told["unmapped"]["removal"];
    assert_eq!(removal["to"].as_u64().map(|to| to + 1), found.first);
    let text = super::asking::say(&world, &["tail", "--wide"]);
    assert!(text.contains("removed by the operator's rules"), "{text}");
}

#[test]
fn without_rules_nothing_is_removed() {
    let world = World::new();
    let keeping = Keeping {
        keep_age: None,
        ..SHORT
    };
    let log = AuditLog::open_kept(&world.state(), keeping).unwrap();
    append(&log, 0..12);
    assert!(full(&world).len() > 2);
    assert_eq!(world.verify().first, Some(1));
}

#[test]
fn a_file_is_begun_when_the_old_one_is_old() {
    let world = World::new();
    let keeping = Keeping {
        file_age: Some(Duration::from_millis(1)),
        ..Keeping::default()
    };
    let log = AuditLog::open_kept(&world.state(), keeping).unwrap();
    append(&log, 0..5);
    assert_eq!(full(&world).len(), 4, "{:?}", full(&world));
    assert!(world.verify().is_sound());
}

#[test]
fn whoever_removes_a_file_without_signing_is_noticed() {
    let world = World::new();
    let keeping = Keeping {
        keep_age: None,
        ..SHORT
    };
    append(
        &AuditLog::open_kept(&world.state(), keeping).unwrap(),
        0..13,
    );
    std::fs::remove_file(world.file(&full(&world)[0])).unwrap();
    let Some(broken) = world.verify().broken else {
        panic!("it is noticed");
    };
    assert!(matches!(
        broken.problem,
        Problem::BeginningMissing { expected: 1, .. }
    ));
}

#[test]
fn a_crash_between_the_checkpoint_and_the_removal_is_no_loss() {
    let world = World::new();
    let keeping = Keeping {
        keep_age: None,
        ..SHORT
    };
    append(
        &AuditLog::open_kept(&world.state(), keeping).unwrap(),
        0..13,
    );
    let kept: Vec<_> = full(&world)
        .into_iter()
        .map(|name| (std::fs::read(world.file(&name)).unwrap(), name))
        .collect();
    drop(AuditLog::open_kept(&world.state(), SHORT).unwrap());
    assert!(full(&world).is_empty(), "opening removes too");
    // As if it had not come to the removal of the newer ones, and then of any.
    for from in (0..kept.len()).rev() {
        for (bytes, name) in &kept[from..] {
            use std::os::unix::fs::OpenOptionsExt as _;
            let mut file = std::fs::OpenOptions::new();
            let file = file.write(true).create(true).truncate(true).mode(0o600);
            let mut file = file.open(world.file(name)).unwrap();
            std::io::Write::write_all(&mut file, bytes).unwrap();
        }
        let found = world.verify();
        assert!(found.is_sound(), "{from}: {found:?}");
    }
    append(&AuditLog::open_kept(&world.state(), SHORT).unwrap(), 12..13);
    assert!(full(&world).is_empty());
    assert!(world.verify().is_sound());
}

#[test]
fn several_begin_and_remove_files_at_once_and_a_follower_misses_nothing() {
    let world = World::new();
    drop(world.open());
    let reader = LogReader::open(&world.state()).unwrap();
    let mut follower = Follower::after(&world.state(), &reader);
    let is_over = AtomicBool::new(false);
    let keeping = Keeping {
        // Longer than a follower on a busy machine may stand still.
        keep_age: Some(Duration::from_secs(10)),
        file_size: 20_000,
        ..SHORT
    };
    let mut seen = Vec::new();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|thread| {
                let world = &world;
                scope.spawn(move || {
                    let log = AuditLog::open_kept(&world.state(), keeping).unwrap();
                    let asker = Asker::new("a", "s");
                    for n in 0..150 {
                        asker.allowed(&log, &format!("/{thread}/{n}"));
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            for writer in writers {
                writer.join().unwrap();
            }
            is_over.store(true, Ordering::SeqCst);
        });
        loop {
            let last = is_over.load(Ordering::SeqCst);
            let _ = follower
                .poll(&mut |line| {
                    let record = RecordView::of(line.bytes).unwrap();
                    if record.phase == "decision" {
                        seen.push(record.path.into_owned());
                    }
                    Ok(ControlFlow::Continue(()))
                })
                .unwrap();
            if last {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let found = world.verify();
    assert!(found.is_sound(), "{found:?}");
    let distinct: BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (600, 600), "each once");
}
