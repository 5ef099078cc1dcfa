//! A grant in a temporary directory, with something outside it to want.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lobsterpot::capability::{self, Capabilities, Problem, Refusal};
use lobsterpot::model::{HostPath, Operation, PrincipalId, RefusalCode};
use lobsterpot::policy::{Anchors, BoundPolicy, PathAsk, Permit, Policy};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What stands in every file outside, and must never come back.
pub(super) const SECRET: &str = "the secret of the host";

/// Every right that file requests know.
pub(super) const EVERYTHING: &str = r#"["list", "read", "write", "create", "delete"]"#;

/// Who resolves paths in a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Kernel,
    Hand,
}

/// A host in miniature: `grant` is granted, `outside` is not.
pub(super) struct World {
    directory: TempDir,
    policy: Arc<BoundPolicy>,
    pub(super) capabilities: Capabilities,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    Done(Value),
    Denied(RefusalCode, String),
    Failed(Problem),
}

impl World {
    /// Every right on `grant`; `.env` hidden, `locked` protected.
    pub(super) fn new() -> Self {
        Self::with(
            By::Kernel,
            EVERYTHING,
            r#"hide = [".env"]"#,
            r#"protect = ["locked"]"#,
        )
    }

    /// A world whose one grant has these rights and exceptions.
    pub(super) fn with(by: By, rights: &str, hide: &str, protect: &str) -> Self {
        let grant = format!(
            "[[grant]]\nname = \"root\"\npath = \"${{root}}\"\nrights = {rights}\n{hide}\n{protect}\nreason = \"test\"\n"
        );
        Self::of(by, &grant)
    }

    /// A world with these grants and denies.
    pub(super) fn of(by: By, grants: &str) -> Self {
        Self::prepared(by, grants, |_| {})
    }

    /// A world with these grants and denies, opened after `prepare` saw the granted directory.
    pub(super) fn prepared(by: By, grants: &str, prepare: impl FnOnce(&Path)) -> Self {
        let directory = TempDir::new().unwrap();
        let top = directory.path().canonicalize().unwrap();
        for name in ["grant", "outside", "state", "config", "home"] {
            fs::create_dir(top.join(name)).unwrap();
        }
        fs::write(top.join("outside/secret"), SECRET).unwrap();
        prepare(&top.join("grant"));
        let policy = bind(&top, grants);
        let capabilities = match by {
            By::Kernel => Capabilities::open(&policy),
            By::Hand => Capabilities::open_degraded(&policy),
        };
        Self {
            directory,
            policy,
            capabilities: capabilities.unwrap(),
        }
    }

    /// The temporary directory that holds everything.
    pub(super) fn top(&self) -> PathBuf {
        self.directory.path().canonicalize().unwrap()
    }

    /// A path in the grant, as the host sees it.
    pub(super) fn inside(&self, path: &str) -> PathBuf {
        self.top().join("grant").join(path)
    }

    /// A path outside it, as the host sees it.
    pub(super) fn outside(&self, path: &str) -> PathBuf {
        self.top().join("outside").join(path)
    }

    /// Makes a file in the grant with the directories above it.
    pub(super) fn file(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.inside(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Makes a link in the grant with the directories above it.
    pub(super) fn link(&self, path: &str, target: impl AsRef<Path>) {
        let path = self.inside(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
    }

    /// The content of a file in the grant.
    pub(super) fn content(&self, path: &str) -> String {
        fs::read_to_string(self.inside(path)).unwrap()
    }

    /// Whether the outside is as it was made.
    pub(super) fn outside_is_untouched(&self) -> bool {
        let names = fs::read_dir(self.outside("")).unwrap().count();
        names == 1 && fs::read_to_string(self.outside("secret")).unwrap() == SECRET
    }

    /// Carries out a request, as the broker does: decide, then perform.
    pub(super) fn ask(&self, request: Value) -> Answer {
        let operation: Operation = serde_json::from_value(request).unwrap();
        match self.perform(&operation) {
            Ok(value) => Answer::Done(value),
            Err(Refusal::Denied(denial)) => Answer::Denied(denial.code, denial.message),
            Err(Refusal::Failed(error)) => Answer::Failed(error.problem().clone()),
        }
    }

    /// Carries out a request that names a path and nothing else.
    pub(super) fn on(&self, op: &str, path: &str) -> Answer {
        self.ask(json!({"op": op, "path": path}))
    }

    /// The text of a file, read by request; the answer where there is none.
    pub(super) fn read(&self, path: &str) -> Result<String, Answer> {
        match self.on("file.read", path) {
            Answer::Done(value) => Ok(value["content"].as_str().unwrap().to_owned()),
            other => Err(other),
        }
    }

    pub(super) fn perform(&self, operation: &Operation) -> Result<Value, Refusal> {
        let mut permits = Vec::new();
        for need in capability::needs(operation) {
            permits.push(self.permit(operation.name(), &need)?);
        }
        let mut permits = permits.into_iter();
        let mut next = || permits.next().unwrap();
        let (held, limits) = (&self.capabilities, &self.policy.policy().limits);
        let value = match operation {
            Operation::FileRead(ask) => json!(capability::read(held, next(), ask, limits)?),
            Operation::FileWrite(ask) => json!(capability::write(held, next(), ask, limits)?),
            Operation::FileAppend(ask) => json!(capability::append(held, next(), ask, limits)?),
            Operation::FileEdit(ask) => json!(capability::edit(held, next(), ask, limits)?),
            Operation::FileList(ask) => json!(capability::list(held, next(), ask, limits)?),
            Operation::FileStat(ask) => json!(capability::stat(held, next(), ask)?),
            Operation::FileGlob(ask) => json!(capability::glob(held, next(), ask, limits)?),
            Operation::FileGrep(ask) => json!(capability::grep(held, next(), ask, limits)?),
            Operation::FileMkdir(ask) => json!(capability::mkdir(held, next(), ask)?),
            Operation::FileMove(ask) => json!(capability::rename(held, (next(), next()), ask)?),
            Operation::FileCopy(ask) => {
                json!(capability::copy(held, (next(), next()), ask, limits)?)
            }
            Operation::FileDelete(ask) => json!(capability::delete(held, next(), ask)?),
            Operation::ExecRun(_) => panic!("no file request"),
        };
        Ok(value)
    }

    fn permit(&self, op: &'static str, need: &capability::Need<'_>) -> Result<Permit, Refusal> {
        let cwd = HostPath::absolute(self.inside("")).unwrap();
        let path = cwd.join(need.path).unwrap();
        let mut first = None;
        for rights in need.any_of {
            let ask = PathAsk {
                op,
                subject: need.path,
                path: &path,
                rights: *rights,
            };
            let decision = self.policy.decide_path(&PrincipalId::new("agent"), ask);
            match decision.into_result() {
                Ok(permit) => return Ok(permit),
                Err(denial) => first.get_or_insert(denial),
            };
        }
        Err(first.unwrap().into())
    }
}

/// Binds a policy with these grants to the directories of a world.
pub(super) fn bind(top: &Path, grants: &str) -> Arc<BoundPolicy> {
    let text = format!(
        r#"
name = "test"
description = "for a test"
{grants}
[tier.owner]
rights = ["list", "read", "write", "create", "delete", "execute"]
commands = "none"
grants = "all"
reason = "test"
[principal]
agent = "owner"
"#
    );
    let at = |name: &str| HostPath::absolute(top.join(name)).unwrap();
    let anchors = Anchors {
        root: at("grant"),
        home: at("home"),
        state: at("state"),
        config: at("config"),
    };
    Policy::parse("test.toml", &text)
        .unwrap_or_else(|found| panic!("{found}"))
        .bind(&anchors)
        .unwrap_or_else(|found| panic!("{found}"))
}

/// A denial's code, whatever its message.
pub(super) fn code(answer: &Answer) -> Option<RefusalCode> {
    match answer {
        Answer::Denied(code, _) => Some(*code),
        _ => None,
    }
}

/// The result of a request that is carried out.
pub(super) fn done(answer: Answer) -> Value {
    match answer {
        Answer::Done(value) => value,
        other => panic!("{other:?}"),
    }
}

/// The same world twice, by who resolves paths in it: `.env` and `vault` hidden, `locked` protected.
pub(super) fn worlds() -> [World; 2] {
    [By::Kernel, By::Hand].map(|by| {
        World::with(
            by,
            EVERYTHING,
            r#"hide = [".env", "vault"]"#,
            r#"protect = ["locked"]"#,
        )
    })
}
