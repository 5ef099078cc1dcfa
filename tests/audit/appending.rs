//! Many append at once, and every record is there.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;

use super::support::{Asker, World};

#[test]
fn the_files_are_private_from_the_beginning() {
    let world = World::new();
    Asker::new("a", "s").allowed(&world.open(), "x");
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(world.state()), 0o700);
    assert_eq!(mode(world.file("audit.jsonl")), 0o600);
    for name in ["audit.head", "audit.checkpoints", "audit.key"] {
        assert_eq!(mode(world.file(name)), 0o600, "{name}");
    }
}

#[test]
fn threads_and_logs_of_their_own_append_at_once() {
    let world = World::new();
    let shared = world.open();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (world, shared) = (&world, &shared);
            scope.spawn(move || {
                // Half of them share one log, half have one each, as processes do.
                let own = (thread % 2 == 0).then(|| world.open());
                let log = own.as_ref().unwrap_or(shared);
                let asker = Asker::new("a", &format!("s-{thread}"));
                for n in 0..50 {
                    asker.allowed(log, &format!("/work/{thread}/{n}"));
                }
            });
        }
    });
    let records = world.records();
    let paths: BTreeSet<_> = records
        .iter()
        .map(|record| record["file"]["path"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!((records.len(), paths.len()), (400, 400));
    let verification = world.verify();
    assert!(verification.is_sound(), "{verification:?}");
    assert_eq!((verification.records, verification.repairs), (400, 0));
}

#[test]
fn a_full_file_is_kept_and_the_chain_goes_on() {
    let world = World::new();
    let log = world.open().with_files_of(4000);
    let asker = Asker::new("a", "s");
    for n in 0..20 {
        asker.allowed(&log, &format!("{n}"));
    }
    let names = world.names();
    assert!(
        names.contains(&"audit-000000000004.jsonl".into()),
        "{names:?}"
    );
    // Another log, which did not see the change, finds the place.
    let other = world.open();
    asker.allowed(&other, "20");
    assert_eq!(world.records().last().unwrap()["metadata"]["sequence"], 21);
}
