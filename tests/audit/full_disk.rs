//! When a record cannot be written, nothing of it is left, and the log goes on afterwards.
//!
//! The disk is a small tmpfs in namespaces of the test's own: the test starts itself again
//! inside them. Where user namespaces are not to be had, that part is skipped, and said so.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use lobsterpot::audit::{AuditError, AuditLog, Known, Verdict, verify};

use super::support::{Asker, rule};

const INSIDE: &str = "LOBSTERPOT_TEST_DISK";

/// Runs the test of that name again, inside, with a full or read-only disk below a directory.
fn inside(test: &str) {
    let directory = tempfile::tempdir().unwrap();
    let script =
        "mount -t tmpfs -o size=64k,mode=700 none \"$1\" && exec \"$2\" --exact \"$3\" --nocapture";
    let status = Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            script,
            "sh",
        ])
        .arg(directory.path())
        .arg(std::env::current_exe().unwrap())
        .arg(format!("audit::full_disk::{test}"))
        .env(INSIDE, directory.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&status.stderr);
    if told.contains("unshare") || told.contains("mount:") {
        let required = std::env::var_os("LOBSTERPOT_REQUIRE_ALL").is_some();
        assert!(!required, "no user namespace with a tmpfs: {told}");
        println!("skipped: no user namespace with a tmpfs here: {told}");
        return;
    }
    assert!(
        status.status.success(),
        "{told}\n{}",
        String::from_utf8_lossy(&status.stdout)
    );
}

fn append(log: &AuditLog, path: &str) -> Result<(), ErrorKind> {
    match Asker::new("a", "s").decision(log, path, Verdict::Allowed(&rule())) {
        Ok(_) => Ok(()),
        Err(AuditError::Write { source, path }) => {
            assert!(path.is_absolute(), "{}", path.display());
            Err(source.kind())
        }
        Err(other) => panic!("{other:?}"),
    }
}

fn assert_sound(state: &Path, records: u64) {
    let verification = verify(state, &Known::default(), &mut |_, _| {}).unwrap();
    assert!(verification.is_sound(), "{verification:?}");
    assert_eq!((verification.records, verification.repairs), (records, 0));
}

#[test]
fn a_full_disk_refuses_and_keeps_the_log_whole() {
    let Some(disk) = std::env::var_os(INSIDE) else {
        return inside("a_full_disk_refuses_and_keeps_the_log_whole");
    };
    let state = Path::new(&disk).join("state");
    let log = AuditLog::open(&state).unwrap();
    let ballast = Path::new(&disk).join("ballast");
    std::fs::write(&ballast, vec![0; 4096]).unwrap();
    let mut written = 0;
    let refused = loop {
        match append(&log, &format!("{written}")) {
            Ok(()) => written += 1,
            Err(kind) => break kind,
        }
    };
    assert_eq!(refused, ErrorKind::StorageFull);
    assert!(written > 10, "{written}");
    // Nothing is left of the record that did not fit, and room makes the log work again.
    assert_sound(&state, written);
    std::fs::remove_file(&ballast).unwrap();
    append(&log, "after").unwrap();
    assert_sound(&state, written + 1);
}

#[test]
fn a_read_only_disk_refuses() {
    let Some(disk) = std::env::var_os(INSIDE) else {
        return inside("a_read_only_disk_refuses");
    };
    let state = Path::new(&disk).join("state");
    append(&AuditLog::open(&state).unwrap(), "1").unwrap();
    let remount = Command::new("mount")
        .args(["-o", "remount,ro"])
        .arg(&disk)
        .status();
    assert!(remount.unwrap().success());
    let error = AuditLog::open(&state).unwrap_err();
    let told = std::error::Error::source(&error).unwrap().to_string();
    assert!(told.ends_with("state/audit.jsonl"), "{told}");
    assert!(error.hint().unwrap().contains("writable"), "{error:?}");
    // It can still be read.
    assert_sound(&state, 1);
}

#[test]
fn a_limit_on_file_sizes_refuses_and_does_not_end_the_process() {
    if std::env::var_os(INSIDE).is_none() {
        let status = Command::new("sh")
            .args(["-c", "ulimit -f 8; exec \"$1\" --exact \"$2\"", "sh"])
            .arg(std::env::current_exe().unwrap())
            .arg("audit::full_disk::a_limit_on_file_sizes_refuses_and_does_not_end_the_process")
            .env(INSIDE, "limit")
            .output()
            .unwrap();
        assert!(status.status.success(), "{status:?}");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state");
    let log = AuditLog::open(&state).unwrap();
    let written = (0..100)
        .take_while(|n| append(&log, &format!("{n}")).is_ok())
        .count() as u64;
    assert_eq!(append(&log, "x"), Err(ErrorKind::FileTooLarge));
    assert!((1..20).contains(&written), "{written}");
    assert_sound(&state, written);
}
