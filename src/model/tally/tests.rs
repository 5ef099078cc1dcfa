//! Bounds and counts of a command's refusals.

use super::{Bounds, Surroundings, Tally};
use crate::model::{Denial, Folded, Intent, PathSource, RefusalCode, Rule, Sighting};
use std::path::Path;

fn tally() -> Tally {
    let around = Surroundings {
        homes: vec!["/home/me".into()],
        ..Surroundings::default()
    };
    let bounds = Bounds {
        in_full: 4,
        directories: 3,
        noise: 2,
    };
    Tally::bounded(Rule::default_deny(), around, bounds)
}

fn see(tally: &mut Tally, op: &str, path: &str) -> Option<Denial> {
    let sighting = Sighting {
        code: RefusalCode::OutsideCapability,
        op,
        path: (!path.is_empty()).then(|| Path::new(path)),
        intent: Intent::Look,
        pid: 7,
        process: &[],
        source: PathSource::Tripwire,
        looked_up: None,
        written: None,
    };
    tally.see(&sighting).cloned()
}

fn sum(denials: &[Denial]) -> u64 {
    denials.iter().map(|denial| denial.count).sum()
}

#[test]
fn the_first_ones_are_told_in_full_and_repetitions_counted() {
    let mut tally = tally();
    let first = see(&mut tally, "openat", "/srv/a").unwrap();
    assert_eq!((first.path.as_deref(), first.count), (Some("/srv/a"), 1));
    assert_eq!(see(&mut tally, "openat", "/srv/a"), None);
    assert!(
        see(&mut tally, "statx", "/srv/a").is_some(),
        "another operation"
    );
    assert!(see(&mut tally, "socket", "").is_some(), "no path");
    let denials = tally.denials(50);
    assert_eq!(denials.len(), 3);
    assert_eq!((denials[0].count, denials[0].folded), (2, None));
    assert_eq!(tally.total(), 4);
    let rest = tally.unrecorded();
    assert_eq!(rest.len(), 1);
    assert_eq!((rest[0].count, rest[0].folded), (1, Some(Folded::Again)));
}

#[test]
fn many_at_once_count_like_one_after_another() {
    let around = Surroundings {
        homes: vec!["/home/me".into()],
        ..Surroundings::default()
    };
    let sighting = |path| Sighting {
        code: RefusalCode::OutsideCapability,
        op: "openat",
        path: Some(Path::new(path)),
        intent: Intent::Look,
        pid: 7,
        process: &[],
        source: PathSource::Tripwire,
        looked_up: None,
        written: None,
    };
    let bounds = Bounds {
        in_full: 1,
        directories: 3,
        noise: 1,
    };
    let new = || Tally::bounded(Rule::default_deny(), around.clone(), bounds);
    let (mut one_by_one, mut at_once) = (new(), new());
    let noise = ["/home/me/.gitconfig", "/home/me/.config/git/config"];
    for path in ["/srv/a", "/srv/b", "/srv/c"].iter().chain(&noise) {
        for _ in 0..5 {
            one_by_one.see(&sighting(path));
        }
        let first = at_once.see_often(&sighting(path), 3).cloned();
        assert!(first.is_none_or(|first| first.count == 3));
        assert_eq!(at_once.see_often(&sighting(path), 2), None);
    }
    assert_eq!(at_once.denials(50), one_by_one.denials(50));
    assert_eq!((at_once.total(), sum(&at_once.denials(50))), (25, 25));
    assert_eq!(sum(&at_once.unrecorded()) + 3 + 3, 25);
}

#[test]
fn the_others_are_gathered_by_directory() {
    let mut tally = tally();
    for n in 0..4 {
        assert!(see(&mut tally, "openat", &format!("/first/{n}")).is_some());
    }
    for n in 0..10 {
        assert_eq!(see(&mut tally, "openat", &format!("/srv/x/{n}")), None);
        assert_eq!(see(&mut tally, "openat", &format!("/srv/y/{n}")), None);
    }
    let denials = tally.denials(50);
    let told: Vec<_> = denials[4..]
        .iter()
        .map(|denial| (denial.path.as_deref().unwrap(), denial.count))
        .collect();
    assert_eq!(told, [("/srv/x", 10), ("/srv/y", 10)]);
    assert_eq!(denials[4].folded, Some(Folded::Below));
    assert_eq!(
        denials[4].message,
        "sandbox: below /srv/x: Permission denied (blocked by sandbox: \
         outside every granted directory) [code=outside-capability]"
    );
    assert_eq!(sum(&denials), tally.total());
    assert_eq!(sum(&tally.unrecorded()) + 4, tally.total());
}

#[test]
fn too_many_directories_become_the_ones_above_them() {
    let mut tally = tally();
    for n in 0..100 {
        see(&mut tally, "openat", &format!("/srv/{}/{n}/x", n % 2));
    }
    let denials = tally.denials(50);
    let below = &denials[4..];
    let told: Vec<_> = below
        .iter()
        .map(|one| one.path.as_deref().unwrap())
        .collect();
    assert_eq!(told, ["/srv/0", "/srv/1"]);
    for n in 0..100 {
        see(&mut tally, &format!("op{n}"), "/x");
    }
    let denials = tally.denials(50);
    assert_eq!(
        denials[4].op, "several",
        "at the end only codes are told apart"
    );
    assert_eq!(denials.len(), 5);
    assert_eq!(sum(&denials), 200);
}

#[test]
fn a_reply_can_hold_fewer_than_the_record() {
    let mut tally = tally();
    for n in 0..3 {
        see(&mut tally, "openat", &format!("/srv/{n}"));
    }
    let denials = tally.denials(1);
    assert_eq!(denials.len(), 2);
    assert_eq!(
        (denials[1].path.as_deref(), denials[1].count),
        (Some("/srv"), 2)
    );
    assert_eq!(tally.denials(0).len(), 1);
    assert_eq!(sum(&tally.denials(0)), 3);
}

#[test]
fn noise_is_counted_apart_and_told() {
    let mut tally = tally();
    for path in [
        ".gitconfig",
        ".config/git/config",
        ".config/git/ignore",
        ".gitconfig",
    ] {
        see(&mut tally, "openat", &format!("/home/me/{path}"));
    }
    see(&mut tally, "openat", "/home/me/.ssh/id_ed25519");
    let denials = tally.denials(50);
    assert_eq!(denials.len(), 2);
    assert_eq!(denials[0].path.as_deref(), Some("/home/me/.ssh/id_ed25519"));
    assert_eq!(
        (denials[1].count, denials[1].folded),
        (4, Some(Folded::Noise))
    );
    assert!(denials[1].noise.unwrap().starts_with("git reads"));
    let rest = tally.unrecorded();
    assert_eq!(rest.len(), 2, "the repetition, and the third path");
    assert_eq!(sum(&rest), 2);
}

#[test]
fn a_flood_is_bounded_and_its_total_exact() {
    let around = Surroundings::default();
    let mut tally = Tally::new(Rule::default_deny(), around);
    for n in 0..100_000_u64 {
        let path = format!("/{}/{}/{}/{}", n % 3, n % 101, n % 10_007, n);
        see(&mut tally, "openat", &path);
    }
    let denials = tally.denials(50);
    let Bounds {
        in_full,
        directories,
        ..
    } = Bounds::RECORD;
    assert_eq!(tally.told.len(), in_full);
    assert!(denials.len() <= 50 + directories, "{}", denials.len());
    assert_eq!(sum(&denials), 100_000);
    assert_eq!(sum(&tally.unrecorded()) + in_full as u64, 100_000);
}

#[test]
fn names_from_outside_forge_nothing() {
    let mut tally = tally();
    let first = see(&mut tally, "openat", "/x\n[code=ok]\u{202e}").unwrap();
    assert_eq!(first.path.as_deref(), Some("/x\\u{a}[code=ok]\\u{202e}"));
}
