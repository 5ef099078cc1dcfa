//! A log in a directory that is gone after the test, and ways to look at its lines.

use std::path::PathBuf;
use std::time::Duration;

use lobsterpot::ambient::{Operator, Start};
use lobsterpot::audit::{
    AuditError, AuditLog, Context, Effect, Entry, Event, Known, Outcome, Process, RecordId,
    RequestInfo, SessionTotals, Target, Verdict, Verification, verify,
};
use lobsterpot::model::{
    Denial, Enforced, HostPath, PathSource, Place, PrincipalId, RefusalCode, Rule, Tier,
};
use serde_json::Value;

/// A state directory of its own.
pub(crate) struct World {
    directory: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            // In memory where possible: some tests make thousands of logs.
            directory: tempfile::tempdir_in("/dev/shm")
                .or_else(|_| tempfile::tempdir())
                .unwrap(),
        }
    }

    /// A world in which directories can be granted, which those in `/dev` cannot.
    pub(crate) fn on_disk() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// The state directory; made by the log.
    pub(crate) fn state(&self) -> PathBuf {
        self.directory.path().join("lobsterpot")
    }

    /// A directory beside the state directory.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        let path = self.directory.path().canonicalize().unwrap().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    /// Whose state directory it is.
    pub(crate) fn operator(&self) -> Operator {
        let directory = self.directory.path();
        Operator::from_start(Start {
            environment: [
                ("HOME", directory.join("home")),
                ("XDG_STATE_HOME", directory.to_owned()),
                ("XDG_CONFIG_HOME", directory.join("config")),
            ]
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
            uid: nix::unistd::geteuid().as_raw(),
            database_home: None,
            cwd: directory.to_owned(),
            system: "/nonexistent".into(),
        })
        .unwrap()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.state().join(name)
    }

    pub(crate) fn open(&self) -> AuditLog {
        AuditLog::open(&self.state()).unwrap()
    }

    /// The log's bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.file("audit.jsonl")).unwrap()
    }

    pub(crate) fn set_bytes(&self, bytes: &[u8]) {
        std::fs::write(self.file("audit.jsonl"), bytes).unwrap();
    }

    pub(crate) fn verify(&self) -> Verification {
        verify(&self.state(), &Known::default(), &mut |_, _| {}).unwrap()
    }

    pub(crate) fn verify_against(&self, known: &Known) -> Verification {
        verify(&self.state(), known, &mut |_, _| {}).unwrap()
    }

    /// The names in the state directory, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(self.state())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The log's records.
    pub(crate) fn records(&self) -> Vec<Value> {
        let text = String::from_utf8(self.bytes()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// Who asks, in these tests.
pub(crate) struct Asker {
    principal: PrincipalId,
    pub(crate) session: String,
}

impl Asker {
    pub(crate) fn new(principal: &str, session: &str) -> Self {
        Self {
            principal: PrincipalId::new(principal),
            session: session.into(),
        }
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            session: &self.session,
            principal: &self.principal,
            tier: Some(Tier::Agent),
            policy: "workspace",
            policy_source: "built-in:workspace",
        }
    }

    pub(crate) fn append(&self, log: &AuditLog, event: Event<'_>) -> Result<RecordId, AuditError> {
        let context = self.context();
        log.append(&Entry { context, event })
    }

    /// The end of the session.
    pub(crate) fn close(&self, log: &AuditLog) {
        let totals = SessionTotals::default();
        self.append(log, Event::SessionClosed(totals)).unwrap();
    }

    /// A read that the policy allows.
    pub(crate) fn allowed(&self, log: &AuditLog, path: &str) -> RecordId {
        self.decision(log, path, Verdict::Allowed(&rule())).unwrap()
    }

    /// A read that the policy refuses.
    pub(crate) fn denied(&self, log: &AuditLog, path: &str) -> RecordId {
        let denial = outside("file.read", path);
        self.decision(log, path, Verdict::Denied(&denial)).unwrap()
    }

    pub(crate) fn decision(
        &self,
        log: &AuditLog,
        path: &str,
        verdict: Verdict<'_>,
    ) -> Result<RecordId, AuditError> {
        let id = Value::from("r-1");
        let request = RequestInfo {
            id: &id,
            op: "file.read",
            target: Target::Path(path),
            cwd: Some(&HostPath::absolute("/work").unwrap()),
        };
        self.append(log, Event::Decision { request, verdict })
    }

    /// A command that ran, and what was refused inside it.
    pub(crate) fn command(&self, log: &AuditLog, argv: &[&str], refused: &[&str]) -> RecordId {
        let argv: Vec<String> = argv.iter().map(ToString::to_string).collect();
        let (id, cwd) = (Value::from(7), HostPath::absolute("/work").unwrap());
        let request = RequestInfo {
            id: &id,
            op: "exec.run",
            target: Target::Argv(&argv),
            cwd: Some(&cwd),
        };
        let verdict = Verdict::Allowed(&rule());
        let decision = self
            .append(log, Event::Decision { request, verdict })
            .unwrap();
        for path in refused {
            let denial = Denial::seen(
                RefusalCode::OutsideCapability,
                "openat".into(),
                Some(path),
                Rule::default_deny(),
                PathSource::TraceeMemory,
            );
            let process = Some(Process {
                pid: 4711,
                parent: Some(4710),
                executable: Some("/usr/bin/cat".as_ref()),
                argv: &argv,
            });
            let denial = &denial;
            let event = Event::Denial {
                request,
                decision,
                denial,
                process,
            };
            self.append(log, event).unwrap();
        }
        let effect = Effect {
            outcome: Outcome::Exited(1),
            duration: Duration::from_millis(12),
            bytes: Some(34),
            denials: refused.len() as u64,
            enforced: &Enforced::by_broker_alone(),
        };
        let event = Event::Effect {
            request,
            decision,
            effect,
        };
        self.append(log, event).unwrap();
        decision
    }
}

pub(crate) fn rule() -> Rule {
    Rule {
        name: "grant workspace".into(),
        place: Some(Place {
            file: "built-in:workspace".into(),
            line: 12,
        }),
    }
}

pub(crate) fn outside(op: &'static str, path: &str) -> Denial {
    Denial::by_broker(
        RefusalCode::OutsideCapability,
        op,
        path,
        Rule::default_deny(),
    )
    .with_hint("read below /work")
}
