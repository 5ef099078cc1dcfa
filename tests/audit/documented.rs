//! What `docs/audit.md` says is so.

use std::process::Command;

use lobsterpot::audit::Verdict;
use lobsterpot::model::{Denial, Folded};

use super::support::{Asker, World, outside};

const DOCUMENT: &str = include_str!("../../docs/audit.md");

/// The checker that the document gives, in another language, is an oracle for the chain.
#[test]
fn the_documented_checker_agrees() {
    let (_, rest) = DOCUMENT.split_once("```python\n").unwrap();
    let (checker, _) = rest.split_once("```").unwrap();
    let world = World::new();
    let log = world.open();
    let asker = Asker::new("agent:main", "s-1");
    for n in 0..20 {
        asker.denied(&log, &format!("/outside/\u{202e}{n}"));
    }
    let check = || {
        let python = Command::new("python3")
            .args(["-c", checker])
            .current_dir(world.state())
            .output();
        python.map(|output| output.status.success())
    };
    match check() {
        Ok(agrees) => assert!(agrees),
        Err(error) => {
            let required = std::env::var_os("LOBSTERPOT_REQUIRE_ALL").is_some();
            assert!(!required, "no python3: {error}");
            println!("skipped: no python3 here: {error}");
            return;
        }
    }
    let changed = String::from_utf8(world.bytes())
        .unwrap()
        .replacen("/outside/", "/inside/", 1);
    world.set_bytes(changed.as_bytes());
    assert!(!check().unwrap(), "the checker does check");
}

#[test]
fn every_member_of_a_record_is_documented() {
    let world = World::new();
    let log = world.open();
    let asker = Asker::new("agent:main", "s-1");
    asker.command(&log, &["cat", "a"], &["/etc/shadow"]);
    asker.denied(&log, "../x");
    let folded = Denial {
        noise: Some("a reason"),
        folded: Some(Folded::Below),
        ..outside("openat", "/x")
    };
    asker.decision(&log, "x", Verdict::Denied(&folded)).unwrap();
    let records = world.records();
    assert!(records.len() >= 5, "{records:#?}");
    for record in records {
        for (member, value) in record.as_object().unwrap() {
            assert!(DOCUMENT.contains(&format!("`{member}")), "{member}");
            if member == "unmapped" {
                for inner in value.as_object().unwrap().keys() {
                    assert!(
                        DOCUMENT.contains(&format!("`unmapped.{inner}`")),
                        "unmapped.{inner}"
                    );
                }
            }
        }
    }
}
