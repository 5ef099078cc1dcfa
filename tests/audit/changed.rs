//! A log that someone changed does not verify, whatever was changed.

use std::sync::LazyLock;

use lobsterpot::audit::{Known, Problem, verify};
use proptest::prelude::*;

use super::support::{Asker, World};

/// A log of six records, written once for all the cases that change it.
struct Six {
    log: Vec<u8>,
    head: Vec<u8>,
}

static SIX: LazyLock<Six> = LazyLock::new(|| {
    let world = log_of(6, u64::MAX);
    let head = std::fs::read(world.file("audit.head")).unwrap();
    Six {
        log: world.bytes(),
        head,
    }
});

impl Six {
    /// The log, with these bytes in the place of its own.
    fn with(&self, bytes: &[u8]) -> World {
        let world = World::new();
        drop(world.open());
        world.set_bytes(bytes);
        std::fs::write(world.file("audit.head"), &self.head).unwrap();
        world
    }
}

/// A log of so many records, in files of so many bytes.
fn log_of(records: usize, file_size: u64) -> World {
    let world = World::new();
    let log = world.open().with_files_of(file_size);
    let asker = Asker::new("agent:main", "s-1");
    for n in 0..records {
        if n % 3 == 0 {
            asker.denied(&log, &format!("/outside/{n}"));
        } else {
            asker.allowed(&log, &format!("inside/{n}"));
        }
    }
    assert!(world.verify().is_sound());
    world
}

fn lines(world: &World) -> Vec<Vec<u8>> {
    split(&world.bytes())
}

fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect()
}

fn problem(world: &World) -> Problem {
    world
        .verify()
        .broken
        .expect("the change is noticed")
        .problem
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_changed_byte_is_noticed(at in any::<prop::sample::Index>(), change in 1..=255_u8) {
        let mut bytes = SIX.log.clone();
        let at = at.index(bytes.len());
        let line = bytes[..at].split(|byte| *byte == b'\n').count() as u64;
        bytes[at] ^= change;
        let verification = SIX.with(&bytes).verify();
        prop_assert!(!verification.is_sound());
        prop_assert_eq!(verification.broken.unwrap().line, line);
    }

    #[test]
    fn any_removed_repeated_or_moved_line_is_noticed(
        from in 0..6_usize, to in 0..6_usize, what in 0..3_u8
    ) {
        let whole = split(&SIX.log);
        let mut lines = whole.clone();
        match what {
            0 => drop(lines.remove(from)),
            1 => lines.insert(to, whole[from].clone()),
            _ => lines.swap(from, to),
        }
        prop_assume!(lines != whole);
        prop_assert!(!SIX.with(&lines.concat()).verify().is_sound(), "{} {} {}", what, from, to);
    }

    #[test]
    fn any_cut_is_noticed(length in any::<prop::sample::Index>()) {
        let cut = &SIX.log[..length.index(SIX.log.len())];
        prop_assert!(!SIX.with(cut).verify().is_sound());
    }
}

#[test]
fn the_first_bad_line_is_named_exactly() {
    let world = log_of(9, u64::MAX);
    let whole = lines(&world);

    let mut changed = whole.clone();
    let text = String::from_utf8(changed[3].clone()).unwrap();
    changed[3] = text.replace("/outside/3", "/outside/4").into_bytes();
    world.set_bytes(&changed.concat());
    let broken = world.verify().broken.unwrap();
    assert_eq!((broken.line, &broken.problem), (4, &Problem::Changed));
    assert_eq!(broken.offset, whole[..3].concat().len() as u64);
    assert_eq!(broken.file, world.file("audit.jsonl"));

    let mut removed = whole.clone();
    removed.remove(4);
    world.set_bytes(&removed.concat());
    let broken = world.verify().broken.unwrap();
    assert_eq!((broken.line, broken.problem), (5, Problem::OutOfPlace));

    world.set_bytes(&whole[1..].concat());
    assert_eq!(
        problem(&world),
        Problem::BeginningMissing {
            found: 2,
            expected: 1
        }
    );

    world.set_bytes(&whole[..7].concat());
    assert_eq!(problem(&world), Problem::EndMissing { from: 8, to: 9 });

    let mut forged = whole[..7].concat();
    forged.extend_from_slice(b"{\"class_uid\":6003}\n");
    world.set_bytes(&forged);
    assert_eq!(problem(&world), Problem::NotARecord);
}

#[test]
fn a_cut_stays_on_record_after_the_log_went_on() {
    let world = log_of(9, u64::MAX);
    world.set_bytes(&lines(&world)[..6].concat());
    let log = world.open();
    Asker::new("a", "s").allowed(&log, "x");
    let verification = world.verify();
    assert_eq!(verification.broken, None);
    assert!(!verification.is_sound());
    let lost = verification.losses[0].repair.lost.unwrap();
    assert_eq!(
        (verification.losses[0].told_by, lost.from, lost.to),
        (7, 7, 9)
    );
}

#[test]
fn a_log_that_is_gone_is_noticed() {
    let world = log_of(3, u64::MAX);
    std::fs::remove_file(world.file("audit.jsonl")).unwrap();
    assert_eq!(problem(&world), Problem::EndMissing { from: 1, to: 3 });
    Asker::new("a", "s").allowed(&world.open(), "x");
    assert_eq!(world.verify().losses.len(), 1);
}

#[test]
fn older_files_may_be_taken_away_only_by_saying_so() {
    let world = log_of(12, 3000);
    let names = world.names();
    assert!(names[2].starts_with("audit-0"), "{names:?}");
    std::fs::remove_file(world.file(&names[0])).unwrap();
    let Problem::BeginningMissing { found, expected: 1 } = problem(&world) else {
        panic!("{:?}", world.verify());
    };
    let known = Known {
        begins_at: Some(found),
        ..Known::default()
    };
    let told = verify(&world.state(), &known, &mut |_, _| {}).unwrap();
    assert!(told.is_sound(), "{told:?}");
    std::fs::remove_file(world.file(&names[2])).unwrap();
    let told = verify(&world.state(), &known, &mut |_, _| {}).unwrap();
    assert_eq!(told.broken.unwrap().problem, Problem::OutOfPlace);
}

#[test]
fn a_changed_file_that_is_full_is_noticed_too() {
    let world = log_of(12, 3000);
    let name = world.file(&world.names()[1]);
    let text = std::fs::read_to_string(&name).unwrap();
    std::fs::write(&name, text.replacen("agent:main", "agent:mein", 1)).unwrap();
    let broken = world.verify().broken.unwrap();
    assert_eq!((broken.file, broken.problem), (name, Problem::Changed));
}

#[test]
fn without_a_head_a_cut_is_not_noticed_and_that_is_said() {
    let world = log_of(5, u64::MAX);
    std::fs::remove_file(world.file("audit.head")).unwrap();
    world.set_bytes(&lines(&world)[..3].concat());
    let verification = world.verify();
    assert!(verification.is_sound() && !verification.has_head);
    // That there was none is on record from then on.
    Asker::new("a", "s").allowed(&world.open(), "x");
    let verification = world.verify();
    assert_eq!((verification.repairs, verification.has_head), (1, true));
}
