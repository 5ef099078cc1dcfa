//! A log that is followed: what is appended is seen once, across files and repairs.

use std::io::Write as _;
use std::ops::ControlFlow;

use lobsterpot::audit::{Follower, LogReader, RecordView};

use super::support::{Asker, World};

fn seen(follower: &mut Follower) -> Vec<String> {
    let mut paths = Vec::new();
    let _ = follower
        .poll(&mut |line| {
            let record = RecordView::of(line.bytes).unwrap();
            paths.push(record.path.into_owned());
            Ok(ControlFlow::Continue(()))
        })
        .unwrap();
    paths
}

#[test]
fn what_is_appended_is_seen_once() {
    let world = World::new();
    let reader = LogReader::open(&world.state()).unwrap();
    let mut follower = Follower::after(&world.state(), &reader);
    assert!(seen(&mut follower).is_empty(), "there is no log yet");

    let log = world.open();
    let asker = Asker::new("a", "s");
    assert!(seen(&mut follower).is_empty());
    asker.allowed(&log, "/1");
    asker.allowed(&log, "/2");
    assert_eq!(seen(&mut follower), ["/1", "/2"]);
    assert!(seen(&mut follower).is_empty());

    // What is there before is not seen again.
    let reader = LogReader::open(&world.state()).unwrap();
    let mut late = Follower::after(&world.state(), &reader);
    asker.allowed(&log, "/3");
    assert_eq!(seen(&mut late), ["/3"]);
    assert_eq!(seen(&mut follower), ["/3"]);

    // A line that is being written is seen when it is whole.
    let whole = world.bytes();
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(world.file("audit.jsonl"))
        .unwrap();
    file.write_all(b"{\"time\":1").unwrap();
    assert!(seen(&mut follower).is_empty());
    world.set_bytes(&whole);
    assert!(seen(&mut follower).is_empty());
    asker.allowed(&log, "/4");
    assert_eq!(seen(&mut follower), ["/4"]);
}

#[test]
fn several_new_files_since_the_last_look_are_followed() {
    let world = World::new();
    let log = world.open().with_files_of(3000);
    let asker = Asker::new("a", "s");
    asker.allowed(&log, "/0");
    let reader = LogReader::open(&world.state()).unwrap();
    let mut follower = Follower::after(&world.state(), &reader);
    for n in 1..20 {
        asker.allowed(&log, &format!("/{n}"));
    }
    let expected: Vec<_> = (1..20).map(|n| format!("/{n}")).collect();
    assert_eq!(seen(&mut follower), expected);
    assert!(seen(&mut follower).is_empty());
}

#[test]
fn a_new_file_is_followed() {
    let world = World::new();
    let log = world.open().with_files_of(3000);
    let asker = Asker::new("a", "s");
    let reader = LogReader::open(&world.state()).unwrap();
    let mut follower = Follower::after(&world.state(), &reader);
    let mut all = Vec::new();
    for n in 0..12 {
        asker.allowed(&log, &format!("/{n}"));
        all.extend(seen(&mut follower));
    }
    let expected: Vec<_> = (0..12).map(|n| format!("/{n}")).collect();
    assert_eq!(all, expected);
    assert!(
        world.names()[2].starts_with("audit-0"),
        "{:?}",
        world.names()
    );
}
