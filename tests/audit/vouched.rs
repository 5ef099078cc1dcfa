//! Checkpoints: what is noticed even when chain and head were changed along with the log, and
//! what is not.

use std::collections::BTreeMap;
use std::process::Command;

use lobsterpot::audit::{Doubt, Known, Problem, PublicKey, newest_checkpoint};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::support::{Asker, World};

/// The bytes of every file in a state directory.
type Files = BTreeMap<String, Vec<u8>>;

fn files(world: &World) -> Files {
    let read = |name: String| {
        let bytes = std::fs::read(world.file(&name)).unwrap();
        (name, bytes)
    };
    world.names().into_iter().map(read).collect()
}

/// Puts files in the place of those that are there.
fn put(world: &World, files: &Files) {
    for name in world.names() {
        std::fs::remove_file(world.file(&name)).unwrap();
    }
    for (name, bytes) in files {
        use std::os::unix::fs::OpenOptionsExt as _;
        let mut options = std::fs::OpenOptions::new();
        let options = options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(world.file(name)).unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
    }
}

/// One session of five records.
fn session(world: &World, name: &str) {
    let log = world.open();
    let asker = Asker::new("agent:main", name);
    for n in 0..4 {
        asker.denied(&log, &format!("/outside/{name}/{n}"));
    }
    asker.close(&log);
}

/// Three sessions; the files after the second, and after the third.
fn three_sessions() -> (World, Files, Files) {
    let world = World::new();
    session(&world, "s-1");
    session(&world, "s-2");
    let before = files(&world);
    session(&world, "s-3");
    let found = world.verify();
    assert!(found.is_sound(), "{found:?}");
    assert_eq!((found.records, found.checkpoints.count), (15, 4));
    assert_eq!(found.checkpoints.sequence, 15);
    let after = files(&world);
    (world, before, after)
}

/// The log with these words in the place of others, and every hash made anew.
fn forged(log: &[u8], from: &str, to: &str) -> Vec<u8> {
    let mut prev = Sha256::digest(b"lobsterpot audit log, version 1").to_vec();
    let mut forged = Vec::new();
    for line in std::str::from_utf8(log).unwrap().lines() {
        let (object, _) = line.rsplit_once(",\"prev\":").unwrap();
        let object = object.replace(from, to);
        let covered = format!("{object},\"prev\":\"{}\"", hex(&prev));
        prev = Sha256::digest(covered.as_bytes()).to_vec();
        forged.extend_from_slice(format!("{covered},\"hash\":\"{}\"}}\n", hex(&prev)).as_bytes());
    }
    forged
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// A head that goes with the log.
fn head_of(log: &[u8]) -> Vec<u8> {
    let last = log
        .trim_ascii_end()
        .rsplit(|byte| *byte == b'\n')
        .next()
        .unwrap();
    let record: serde_json::Value = serde_json::from_slice(last).unwrap();
    let (sequence, hash) = (
        &record["metadata"]["sequence"],
        record["hash"].as_str().unwrap(),
    );
    let sequence = sequence.as_u64().unwrap();
    format!("{sequence:020} {:020} {hash}\n", log.len()).into_bytes()
}

fn doubt(world: &World) -> Doubt {
    let found = world.verify();
    assert!(!found.is_sound());
    found.checkpoints.doubt.expect("a doubt")
}

#[test]
fn a_rewritten_chain_is_noticed() {
    let (world, _, mut after) = three_sessions();
    let log = forged(&after["audit.jsonl"], "/outside/s-2/1", "/inside/s-2/1");
    assert_ne!(log, after["audit.jsonl"]);
    after.insert("audit.head".into(), head_of(&log));
    after.insert("audit.jsonl".into(), log);
    put(&world, &after);
    let found = world.verify();
    assert_eq!(found.broken, None, "chain and head are as they should be");
    assert!(!found.is_sound());
    assert_eq!(
        found.checkpoints.doubt,
        Some(Doubt::OtherRecord {
            number: 2,
            sequence: 10
        })
    );
    // The control: the very same forgery without a change is the log.
    let log = forged(&after["audit.jsonl"], "/inside/s-2/1", "/outside/s-2/1");
    after.insert("audit.head".into(), head_of(&log));
    after.insert("audit.jsonl".into(), log);
    put(&world, &after);
    assert!(world.verify().is_sound());
}

#[test]
fn a_tail_that_is_cut_off_together_with_the_head_is_noticed() {
    let (world, before, after) = three_sessions();
    let mut cut = after.clone();
    cut.insert("audit.jsonl".into(), before["audit.jsonl"].clone());
    cut.insert("audit.head".into(), before["audit.head"].clone());
    put(&world, &cut);
    let broken = world.verify().broken.unwrap();
    assert_eq!(broken.problem, Problem::EndMissing { from: 11, to: 15 });
    // The log tells of it, once, when it goes on.
    session(&world, "s-4");
    session(&world, "s-5");
    let found = world.verify();
    assert_eq!(found.losses.len(), 1, "{found:?}");
    let lost = found.losses[0].repair.lost.unwrap();
    assert_eq!((lost.from, lost.to), (11, 15));
}

#[test]
fn a_tail_that_is_cut_off_together_with_its_checkpoints_is_noticed() {
    let (world, before, after) = three_sessions();
    let mut cut = before.clone();
    cut.insert("audit.key".into(), after["audit.key"].clone());
    put(&world, &cut);
    assert_eq!(doubt(&world), Doubt::KeyAhead { newest: 2 });
    // Also when the key's number is made to fit.
    let fits = [&before["audit.key"][..20], &after["audit.key"][20..]].concat();
    cut.insert("audit.key".into(), fits);
    put(&world, &cut);
    assert_eq!(doubt(&world), Doubt::KeyAhead { newest: 2 });
    session(&world, "s-4");
    let found = world.verify();
    assert!(
        !found.is_sound() && found.losses[0].repair.checkpoints_gone,
        "{found:?}"
    );
}

#[test]
fn without_key_or_checkpoints_the_log_is_not_vouched_for() {
    let (world, before, _) = three_sessions();
    for (gone, expected) in [
        (&["audit.key"][..], Doubt::KeyMissing),
        (&["audit.checkpoints"], Doubt::Missing),
        (&["audit.key", "audit.checkpoints"], Doubt::Missing),
    ] {
        let mut left = before.clone();
        left.retain(|name, _| !gone.contains(&name.as_str()));
        put(&world, &left);
        assert_eq!(doubt(&world), expected);
        session(&world, "s-4");
        let found = world.verify();
        assert!(!found.is_sound(), "{gone:?}");
        assert!(found.losses[0].repair.checkpoints_gone, "{gone:?}");
        session(&world, "s-5");
        assert_eq!(world.verify().losses.len(), 1, "it is told once: {gone:?}");
    }
}

/// Whoever has the files as they were, key included, can go back to them, and whoever has the
/// key now can write everything anew. Only what was copied away shows it.
#[test]
fn what_was_copied_away_shows_what_the_files_cannot() {
    let (world, before, _) = three_sessions();
    let copy = newest_checkpoint(&world.state()).unwrap().unwrap();
    let known = Known {
        checkpoint: Some(copy.clone()),
        ..Known::default()
    };
    assert!(world.verify_against(&known).is_sound());
    put(&world, &before);
    assert!(world.verify().is_sound(), "nothing here tells");
    let found = world.verify_against(&known);
    assert!(!found.is_sound());
    assert_eq!(
        found.checkpoints.doubt,
        Some(Doubt::UnknownCheckpoint { number: 3 })
    );

    let key = world.verify().checkpoints.first_key;
    let known = Known {
        public_key: key,
        ..Known::default()
    };
    assert!(world.verify_against(&known).is_sound());
    put(&world, &Files::new());
    session(&world, "s-1");
    assert!(world.verify().is_sound(), "a log of its own");
    let found = world.verify_against(&known);
    assert_eq!(found.checkpoints.doubt, Some(Doubt::UnknownKey));
    assert!(!found.is_sound());
}

#[test]
fn a_copy_is_verified_without_the_key() {
    let (world, _, mut after) = three_sessions();
    after.remove("audit.key");
    put(&world, &after);
    assert_eq!(doubt(&world), Doubt::KeyMissing);
    let known = Known {
        checkpoint: newest_checkpoint(&world.state()).unwrap(),
        ..Known::default()
    };
    assert!(world.verify_against(&known).is_sound());
}

#[test]
fn a_crash_between_the_line_and_the_key_loses_nothing() {
    let (world, before, mut after) = three_sessions();
    after.insert("audit.key".into(), before["audit.key"].clone());
    put(&world, &after);
    assert!(
        world.verify().is_sound(),
        "a key that is behind leads to the one that is needed"
    );
    session(&world, "s-4");
    let found = world.verify();
    assert!(found.is_sound() && found.repairs == 0, "{found:?}");

    let mut torn = after["audit.checkpoints"].clone();
    torn.extend_from_slice(b"{\"checkpoint\":4,\"ti");
    after.insert("audit.checkpoints".into(), torn);
    put(&world, &after);
    assert!(world.verify().is_sound());
    session(&world, "s-4");
    let found = world.verify();
    assert!(found.is_sound() && found.repairs == 0, "{found:?}");
}

#[test]
fn a_long_session_has_checkpoints_too() {
    let world = World::new();
    let log = world.open();
    let asker = Asker::new("a", "s");
    for n in 0..2500 {
        asker.allowed(&log, &format!("{n}"));
    }
    let found = world.verify();
    assert!(found.is_sound());
    assert_eq!(
        (found.checkpoints.count, found.checkpoints.sequence),
        (3, 2000)
    );
    // What came after is not vouched for yet, and that is said.
    assert_eq!(found.records, 2500);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_changed_byte_of_the_checkpoints_is_noticed(
        at in any::<prop::sample::Index>(), change in 1..=255_u8
    ) {
        thread_local! {
            static THREE: (World, Files, Files) = three_sessions();
        }
        THREE.with(|(world, _, after)| {
            let mut bytes = after["audit.checkpoints"].clone();
            let at = at.index(bytes.len());
            bytes[at] ^= change;
            std::fs::write(world.file("audit.checkpoints"), bytes).unwrap();
            prop_assert!(!world.verify().is_sound(), "byte {}", at);
            Ok(())
        })?;
    }
}

/// Another program is an oracle for the signatures.
#[test]
fn the_documented_signature_is_an_ed25519_signature() {
    let world = World::new();
    session(&world, "s-1");
    let line = newest_checkpoint(&world.state()).unwrap().unwrap();
    let line = String::from_utf8(line).unwrap();
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    let (covered, _) = line.rsplit_once(",\"signature\":").unwrap();
    let text = |name: &str| value[name].as_str().unwrap().to_owned();
    assert!(PublicKey::from_hex(&text("key")).is_some());
    let bytes = |digits: &str| -> Vec<u8> {
        let pair = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        (0..digits.len()).step_by(2).map(pair).collect()
    };
    // RFC 8410: the key behind the name of its algorithm.
    let key = [&bytes("302a300506032b6570032100")[..], &bytes(&text("key"))].concat();
    let signed = format!("lobsterpot audit checkpoint, version 1\n{covered}");
    let verifies = |signed: &str| {
        let put = |name: &str, bytes: &[u8]| std::fs::write(world.file(name), bytes).unwrap();
        put("key.der", &key);
        put("signature", &bytes(&text("signature")));
        put("signed", signed.as_bytes());
        let openssl = Command::new("openssl")
            .args([
                "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der",
            ])
            .args(["-rawin", "-in", "signed", "-sigfile", "signature"])
            .current_dir(world.state())
            .output();
        openssl.map(|output| output.status.success())
    };
    match verifies(&signed) {
        Ok(verifies) => assert!(verifies),
        Err(error) => {
            let required = std::env::var_os("LOBSTERPOT_REQUIRE_ALL").is_some();
            assert!(!required, "no openssl: {error}");
            println!("skipped: no openssl here: {error}");
            return;
        }
    }
    assert!(!verifies(&format!("{signed} ")).unwrap(), "it does look");
}
