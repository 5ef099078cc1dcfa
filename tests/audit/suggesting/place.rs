//! A workspace with data beside it, a policy that grants only the workspace, and refusals.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lobsterpot::audit::{AuditLog, Event, RequestInfo, Target};
use lobsterpot::model::{
    Denial, Enforced, HostPath, PathSource, PrincipalId, RefusalCode, Right, Rights, Rule,
};
use lobsterpot::policy::{BoundPolicy, PathAsk, Policy};
use serde_json::Value;

use crate::audit::support::{Asker, World};

pub(super) const POLICY: &str = r#"# the project
name = "notes"
description = "For the tests."

[[grant]]
name = "root"
path = "${root}"
rights = ["list", "read"]
hide = [".env"]
reason = "the project"

[commands]
run = "all"
reason = "tests"

[containment]
profiles = ["base"]

[tier.owner]
rights = ["list", "read", "write", "create", "delete", "execute"]
commands = "all"
grants = "all"
reason = "theirs"

[tier.agent]
rights = ["list", "read", "write", "create", "delete", "execute"]
commands = "all"
grants = ["root"] # by name
reason = "works"

[tier.friend]
rights = ["read"]
commands = "none"
grants = ["root"]
reason = "reads"

[principal]
"me" = "owner"
"agent:main" = "agent"
"+1555" = "friend"
"#;

/// A workspace, data outside of it, and a policy that grants only the workspace.
pub(super) struct Place {
    pub(super) world: World,
    pub(super) root: PathBuf,
    pub(super) data: PathBuf,
    log: AuditLog,
}

impl Place {
    pub(super) fn new() -> Self {
        let world = World::on_disk();
        let (root, data) = (world.beside("work/project"), world.beside("srv/data"));
        world.beside("home/.ssh");
        world.beside("home/.aws");
        let policies = world.beside("config/lobsterpot/policies");
        std::fs::write(policies.join("notes.toml"), POLICY).unwrap();
        for name in ["a.csv", "b.csv", "c.csv", "d.csv", "other"] {
            std::fs::write(data.join(name), "x").unwrap();
        }
        std::fs::write(root.join(".env"), "x").unwrap();
        std::fs::write(root.join("main.c"), "x").unwrap();
        std::fs::write(world.beside("home").join(".ssh/id"), "x").unwrap();
        std::fs::write(world.beside("home").join(".aws/credentials"), "x").unwrap();
        let log = world.open();
        let place = Self {
            world,
            root,
            data,
            log,
        };
        let root = HostPath::absolute(&place.root).unwrap();
        let enforced = Enforced::by_broker_alone();
        for principal in ["agent:main", "+1555", "nobody"] {
            place.append(
                principal,
                Event::SessionOpened {
                    root: &root,
                    enforced: &enforced,
                },
            );
        }
        place
    }

    pub(super) fn source(&self) -> String {
        let path = self
            .world
            .beside("config/lobsterpot/policies")
            .join("notes.toml");
        path.to_str().unwrap().to_owned()
    }

    pub(super) fn append(&self, principal: &str, event: Event<'_>) {
        let asker = Asker::new(principal, &format!("session-of-{principal}"));
        let source = self.source();
        let context = lobsterpot::audit::Context {
            policy: "notes",
            policy_source: &source,
            ..asker.context()
        };
        let entry = lobsterpot::audit::Entry { context, event };
        self.log.append(&entry).unwrap();
    }

    /// What a witness saw.
    pub(super) fn refused(&self, principal: &str, op: &'static str, path: &Path) {
        self.refused_as(principal, (RefusalCode::OutsideCapability, op), path);
    }

    pub(super) fn refused_as(
        &self,
        principal: &str,
        (code, op): (RefusalCode, &'static str),
        path: &Path,
    ) {
        let denial = Denial::seen(
            code,
            op.into(),
            path.to_str(),
            Rule::default_deny(),
            PathSource::Tripwire,
        );
        let id = Value::Null;
        let request = RequestInfo {
            id: &id,
            op: "exec.run",
            target: Target::Shell("true"),
            cwd: None,
        };
        let decision = lobsterpot::audit::RecordId::now();
        self.append(
            principal,
            Event::Denial {
                request,
                decision,
                denial: &denial,
                process: None,
            },
        );
    }

    pub(super) fn bound(&self, text: &str) -> Arc<BoundPolicy> {
        let operator = self.world.operator();
        let anchors = operator.anchors(HostPath::absolute(&self.root).unwrap());
        Policy::parse(&self.source(), text)
            .unwrap()
            .bind(&anchors)
            .unwrap()
    }

    /// Everything that the one policy allows and the other does not, of all that there is here.
    pub(super) fn allowed_more(&self, text: &str) -> Vec<(String, String, Right)> {
        let (old, new) = (self.bound(POLICY), self.bound(text));
        let mut paths = vec![
            PathBuf::from("/"),
            "/etc/passwd".into(),
            self.data.join("new"),
        ];
        paths.extend(walk(self.root.parent().unwrap().parent().unwrap()));
        let mut more = Vec::new();
        for principal in ["me", "agent:main", "+1555", "stranger"] {
            for path in &paths {
                for right in Right::ALL {
                    let allows = |policy: &Arc<BoundPolicy>| {
                        let path = HostPath::absolute(path).unwrap();
                        let asked = PathAsk {
                            op: "file.read",
                            subject: "",
                            path: &path,
                            rights: Rights::only(right),
                        };
                        let principal = PrincipalId::new(principal);
                        policy.decide_path(&principal, asked).into_result().is_ok()
                    };
                    if allows(&old) {
                        assert!(
                            allows(&new),
                            "{principal} loses {right} on {}",
                            path.display()
                        );
                    } else if allows(&new) {
                        let path = path.strip_prefix(self.data.parent().unwrap().parent().unwrap());
                        let path = path.unwrap().to_str().unwrap().to_owned();
                        more.push((principal.to_owned(), path, right));
                    }
                }
            }
        }
        more
    }
}

fn walk(directory: &Path) -> Vec<PathBuf> {
    let mut found = vec![directory.to_owned()];
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(walk(&path));
        } else {
            found.push(path);
        }
    }
    found
}

pub(super) fn more(
    principals: &[&str],
    paths: &[&str],
    right: Right,
) -> Vec<(String, String, Right)> {
    let mut all = Vec::new();
    for principal in principals {
        for path in paths {
            all.push(((*principal).to_owned(), (*path).to_owned(), right));
        }
    }
    all
}
