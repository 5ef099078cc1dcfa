//! Whose denial each record is.

use std::path::PathBuf;

use proptest::prelude::*;

use super::{Access, Call, Caller, Joiner, MOST_REFUSALS, MOST_UNKNOWN, Mark, Object, Record};

const OURS: u64 = 0x195b_a459b;
const STRANGER: u64 = 0x195b_a459c;

fn denied(domain: u64, path: &str) -> Record {
    at(0, domain, path)
}

fn at(serial: u64, domain: u64, path: &str) -> Record {
    Record::Access(Access {
        serial,
        domain,
        blockers: "fs.read_file".into(),
        object: Object::Path(path.into()),
    })
}

fn domain(domain: u64, mark: Option<Mark>) -> Record {
    Record::Domain { domain, mark }
}

fn paths(joiner: &mut Joiner, mark: Mark) -> Vec<(String, u64)> {
    let told = |object: &Object| match object {
        Object::Path(path) => path.display().to_string(),
        other => format!("{other:?}"),
    };
    let heard = joiner.take(mark);
    let refusals = heard.refusals.iter();
    refusals
        .map(|(refusal, times)| (told(&refusal.object), *times))
        .collect()
}

#[test]
fn a_denial_waits_for_the_name_of_its_domain_and_equal_ones_are_counted() {
    let (mut joiner, mark) = (Joiner::default(), Mark::draw().unwrap());
    joiner.expect(mark);
    joiner.hear(denied(OURS, "/a"));
    joiner.hear(denied(STRANGER, "/not-ours"));
    joiner.hear(domain(OURS, Some(mark)));
    joiner.hear(domain(STRANGER, None));
    joiner.hear(denied(STRANGER, "/not-ours-either"));
    joiner.hear(denied(OURS, "/a"));
    joiner.hear(denied(OURS, "/b"));
    assert_eq!(
        paths(&mut joiner, mark),
        [("/a".into(), 2), ("/b".into(), 1)]
    );
}

#[test]
fn another_session_and_whoever_takes_a_mark_of_old_are_strangers() {
    let (mut joiner, mark) = (Joiner::default(), Mark::draw().unwrap());
    joiner.expect(mark);
    let other = Mark::draw().unwrap();
    joiner.hear(denied(STRANGER, "/x"));
    joiner.hear(domain(STRANGER, Some(other)));
    assert_eq!(paths(&mut joiner, mark), []);
    joiner.hear(domain(OURS, Some(mark)));
    joiner.hear(denied(OURS, "/late"));
    joiner.expect(other);
    assert_eq!(paths(&mut joiner, mark), []);
    assert_eq!(paths(&mut joiner, other), []);
    assert!(joiner.domains.is_empty() && joiner.unknown.is_empty());
}

#[test]
fn commands_at_the_same_time_are_told_apart() {
    let (mut joiner, one, other) = (
        Joiner::default(),
        Mark::draw().unwrap(),
        Mark::draw().unwrap(),
    );
    joiner.expect(one);
    joiner.expect(other);
    joiner.hear(denied(1, "/one"));
    joiner.hear(denied(2, "/other"));
    joiner.hear(domain(2, Some(other)));
    joiner.hear(domain(1, Some(one)));
    // A second domain under the same mark, as of a command that tries several programs.
    joiner.hear(denied(3, "/one"));
    joiner.hear(domain(3, Some(one)));
    assert_eq!(paths(&mut joiner, one), [("/one".into(), 2)]);
    assert_eq!(paths(&mut joiner, other), [("/other".into(), 1)]);
}

#[test]
fn the_system_call_of_an_event_is_told_with_its_denials() {
    let (mut joiner, mark) = (Joiner::default(), Mark::draw().unwrap());
    joiner.expect(mark);
    joiner.hear(at(7, OURS, "/a"));
    joiner.hear(domain(OURS, Some(mark)));
    joiner.hear(at(8, OURS, "/b"));
    for (serial, pid) in [(7, 70), (6, 60), (7, 71)] {
        joiner.hear(Record::Call(Call {
            serial,
            number: 257,
            pid,
            program: Some("/usr/bin/cat".into()),
        }));
    }
    let heard = joiner.take(mark);
    let caller = Caller {
        call: 257,
        pid: 70,
        program: Some(PathBuf::from("/usr/bin/cat")),
    };
    assert_eq!(heard.refusals[0].0.caller, Some(caller));
    assert_eq!(heard.refusals[1].0.caller, None);
}

#[test]
fn a_flood_is_bounded_and_counted() {
    let (mut joiner, mark) = (Joiner::default(), Mark::draw().unwrap());
    joiner.expect(mark);
    for number in 0..3 * MOST_UNKNOWN as u64 {
        joiner.hear(denied(1000 + number, "/strange"));
    }
    assert_eq!(joiner.unknown.len(), MOST_UNKNOWN);
    joiner.hear(denied(OURS, "/0"));
    joiner.hear(domain(OURS, Some(mark)));
    for number in 1..2 * MOST_REFUSALS {
        joiner.hear(denied(OURS, &format!("/{number}")));
    }
    joiner.hear(denied(OURS, "/0"));
    let heard = joiner.take(mark);
    assert_eq!(heard.refusals.len(), MOST_REFUSALS);
    assert_eq!(heard.refusals[0].1, 2);
    assert_eq!(heard.total(), 2 * MOST_REFUSALS as u64 + 1);
}

#[test]
fn what_may_be_missing_is_said_of_what_was_under_way() {
    let (mut joiner, mark) = (Joiner::default(), Mark::draw().unwrap());
    joiner.doubt();
    joiner.expect(mark);
    assert!(!joiner.take(mark).is_incomplete);
    joiner.expect(mark);
    joiner.doubt();
    assert!(joiner.take(mark).is_incomplete);
}

#[test]
fn what_may_just_not_have_been_printed_is_in_doubt_where_there_is_something() {
    let (mut joiner, one, other) = (
        Joiner::default(),
        Mark::draw().unwrap(),
        Mark::draw().unwrap(),
    );
    joiner.expect(one);
    joiner.expect(other);
    joiner.hear(denied(OURS, "/a"));
    joiner.hear(domain(OURS, Some(one)));
    joiner.doubt_what_is_heard();
    assert!(joiner.take(one).is_incomplete);
    assert!(!joiner.take(other).is_incomplete);
}

/// The kernel counts the denials of a domain, and tells the number when the domain ends.
#[test]
fn the_end_of_a_domain_settles_whether_anything_is_missing() {
    for (lost, counted, expected) in [(true, 2, false), (true, 3, true), (false, 3, true)] {
        let (mut joiner, mark) = (Joiner::default(), Mark::draw().unwrap());
        joiner.expect(mark);
        joiner.hear(denied(OURS, "/a"));
        joiner.hear(domain(OURS, Some(mark)));
        if lost {
            joiner.doubt();
        }
        joiner.hear(denied(OURS, "/a"));
        assert_eq!(joiner.may_be_settled(mark), lost);
        let denials = counted;
        joiner.hear(Record::Gone {
            domain: STRANGER,
            denials,
        });
        assert_eq!(joiner.may_be_settled(mark), lost);
        let domain = OURS;
        joiner.hear(Record::Gone { domain, denials });
        assert!(!joiner.may_be_settled(mark));
        assert_eq!(joiner.take(mark).is_incomplete, expected);
    }
}

proptest! {
    /// Records of many domains in any order, as long as a domain's name comes right after its
    /// first denial: each command has exactly its own.
    #[test]
    fn no_denial_is_lost_doubled_or_told_of_another(order in prop::collection::vec(0..8_u64, 0..200)) {
        let marks: Vec<_> = (0..4).map(|_| Mark::draw().unwrap()).collect();
        let mut joiner = Joiner::default();
        for mark in &marks {
            joiner.expect(*mark);
        }
        let mut named = [false; 8];
        let mut count = [0; 8];
        for number in order {
            let index = usize::try_from(number).unwrap();
            joiner.hear(denied(number, "/x"));
            count[index] += 1;
            if !std::mem::replace(&mut named[index], true) {
                joiner.hear(domain(number, marks.get(index).copied()));
            }
        }
        for (mark, count) in marks.iter().zip(count) {
            prop_assert_eq!(joiner.take(*mark).total(), count);
        }
        prop_assert!(joiner.unknown.is_empty());
    }
}
