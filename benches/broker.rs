//! Ratios inside one process: a command in a prepared sandbox against a bare fork and exec,
//! and a file request against plain reading. Times are taken in turn, so that a machine that
//! changes its speed changes both sides; the median of the ratios is what counts.
//!
//! `cargo bench` prints them. Nothing here passes or fails.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark makes its own world and measures it"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use lobsterpot::ambient::{Operator, Start};
use lobsterpot::broker::{Session, SessionConfig, Terms};
use lobsterpot::model::{ExecRun, PrincipalId, Request, Status};
use lobsterpot::sandbox::Concurrency;

const ROUNDS: usize = 300;

fn session(root: &Path, state: &Path, policy: &str) -> Session {
    let operator = Operator::from_start(Start {
        environment: [("HOME", "/nonexistent"), ("PATH", "/usr/bin:/bin")]
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
        uid: nix_uid(),
        database_home: None,
        cwd: root.to_owned(),
        system: "/nonexistent".into(),
    })
    .unwrap();
    let root = operator.root(Some(root)).unwrap();
    let bound = operator
        .policy(policy)
        .unwrap()
        .bind(&operator.anchors(root.clone()))
        .unwrap();
    Session::open(SessionConfig {
        terms: Terms {
            policy: bound,
            principal: PrincipalId::new("agent:main"),
            cwd: root,
            operator,
        },
        audit_directory: state.to_owned(),
        scratch_base: std::env::temp_dir(),
        concurrency: Concurrency::One,
    })
    .unwrap()
}

fn nix_uid() -> u32 {
    nix::unistd::geteuid().as_raw()
}

fn timed(action: impl FnOnce()) -> Duration {
    let start = Instant::now();
    action();
    start.elapsed()
}

fn plain_true() {
    let status = std::process::Command::new("/bin/true").status();
    assert!(status.unwrap().success());
}

/// The median of one side's time over the other's, taken in turn.
fn compare(name: &str, mut ours: impl FnMut(), mut plain: impl FnMut()) {
    let mut ratios = Vec::with_capacity(ROUNDS);
    let (mut all_ours, mut all_plain) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS + 20 {
        let (ours, plain) = (timed(&mut ours), timed(&mut plain));
        if round >= 20 {
            ratios.push(ours.as_secs_f64() / plain.as_secs_f64());
            all_ours.push(ours);
            all_plain.push(plain);
        }
    }
    ratios.sort_by(f64::total_cmp);
    all_ours.sort();
    all_plain.sort();
    println!(
        "{name:<44} {:>6.2}  ({:?} against {:?}, medians)",
        ratios[ROUNDS / 2],
        all_ours[ROUNDS / 2],
        all_plain[ROUNDS / 2]
    );
}

fn main() {
    let world = tempfile::tempdir().unwrap();
    let (root, state) = (world.path().join("root"), world.path().join("state"));
    std::fs::create_dir(&root).unwrap();
    std::fs::write(root.join("4k"), vec![b'a'; 4096]).unwrap();
    println!("{:<44} {:>6}", "", "ratio");
    for policy in ["read-only", "workspace"] {
        let mut session = session(&root, &state, policy);
        let run = Request {
            id: 1.into(),
            operation: lobsterpot::model::Operation::ExecRun(ExecRun {
                argv: Some(vec!["/bin/true".into()]),
                ..ExecRun::default()
            }),
        };
        compare(
            &format!("/bin/true, prepared, {policy}"),
            || assert_eq!(session.handle(&run).status, Status::Ok),
            plain_true,
        );
        let read = Request::parse(r#"{"id":1,"op":"file.read","path":"4k"}"#).unwrap();
        let path = root.join("4k");
        compare(
            &format!("file.read of 4 KiB, {policy}"),
            || assert_eq!(session.handle(&read).status, Status::Ok),
            || assert_eq!(std::fs::read(&path).unwrap().len(), 4096),
        );
        session.close();
    }
}
