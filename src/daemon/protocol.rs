//! What is said on the socket about sessions; everything else is a request as for `call`.
//!
//! These types read the requests, write the results, and make the JSON Schema, so that none of
//! the three can differ from the others. Unknown keys are refused, never guessed at.

use std::collections::BTreeSet;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Selectors;
use crate::model::Operation;
use crate::policy::time_limit;

/// A request about sessions.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "op")]
pub(super) enum Control {
    /// Open a session. The answer holds its token.
    #[serde(rename = "session.open")]
    Open(Open),
    /// Make a token that allows less.
    #[serde(rename = "session.narrow")]
    Narrow(Narrow),
    /// List the sessions that this user has opened, without their tokens.
    #[serde(rename = "session.list")]
    List(List),
    /// Close a session, or give up a narrowed token.
    #[serde(rename = "session.close")]
    Close(Close),
}

impl Control {
    /// The names of these requests.
    pub(super) const NAMES: [&str; 4] = [
        "session.open",
        "session.narrow",
        "session.list",
        "session.close",
    ];
}

/// `session.open`: the selectors of `lobsterpot call`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Open {
    /// The policy: a name, or a file; `workspace` where absent.
    #[serde(default)]
    pub(super) policy: Option<String>,
    /// The workspace, an absolute path. Commands start there.
    pub(super) root: String,
    /// Take every right to change anything away from the policy.
    #[serde(default)]
    pub(super) read_only: bool,
    /// Who asks, as the policy knows them; `agent:main` where absent.
    #[serde(default, rename = "as")]
    pub(super) principal: Option<String>,
    /// The most time that a command may take.
    #[serde(default)]
    pub(super) timeout: Option<Time>,
    /// Whether the session outlives the connection that opened it.
    #[serde(default)]
    pub(super) keep: bool,
}

/// `session.narrow`: what is absent stays as it is, and nothing ever becomes more.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Narrow {
    /// The token that is narrowed. It stays what it is.
    pub(super) token: String,
    /// Take every right to change anything away. False changes nothing.
    #[serde(default)]
    pub(super) read_only: bool,
    /// The operations that are left: names, or `file.*`. An empty list leaves none.
    #[serde(default)]
    pub(super) operations: Option<Vec<String>>,
    /// The most time that a command may take. A longer one changes nothing.
    #[serde(default)]
    pub(super) timeout: Option<Time>,
}

/// `session.list`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct List {}

/// `session.close`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Close {
    /// The token that `session.open` gave, or a narrowed one.
    pub(super) token: String,
}

/// A time: seconds, or a text such as `1m30s`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Time {
    /// Whole or broken seconds.
    Seconds(f64),
    /// Such as `1m30s`.
    Text(String),
}

impl Time {
    /// The time, which is more than nothing.
    pub(super) fn read(&self) -> Result<Duration, String> {
        match self {
            Self::Seconds(seconds) => time_limit(&seconds.to_string()),
            Self::Text(text) => time_limit(text),
        }
    }
}

impl Open {
    /// The same for a worker. The root has no meaning but as an absolute path: the daemon's own
    /// directory is nobody's workspace.
    pub(super) fn selectors(&self) -> Result<Selectors, String> {
        if !self.root.starts_with('/') {
            return Err("root is not an absolute path".into());
        }
        // So a name has no meaning but as a name: a file below the root is the agent's to write.
        let is_file =
            |policy: &&String| policy.contains('/') || policy.strip_suffix(".toml").is_some();
        if let Some(file) = self.policy.as_ref().filter(is_file)
            && !file.starts_with('/')
        {
            return Err("the policy's file is not an absolute path".into());
        }
        let timeout = self.timeout.as_ref().map(Time::read).transpose()?;
        Ok(Selectors {
            policy: self.policy.clone(),
            root: Some(self.root.clone()),
            within: None,
            read_only: self.read_only,
            principal: self.principal.clone(),
            timeout,
        })
    }
}

/// A set of operations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct Operations(BTreeSet<&'static str>);

impl Operations {
    /// Every operation.
    pub(super) fn all() -> Self {
        Self(Operation::NAMES.into_iter().collect())
    }

    /// Reads names and patterns such as `file.*`.
    pub(super) fn read(patterns: &[String]) -> Result<Self, String> {
        let mut named = BTreeSet::new();
        for pattern in patterns {
            let before = named.len();
            named.extend(Operation::NAMES.into_iter().filter(|name| {
                let prefix = pattern.strip_suffix(".*");
                prefix.map_or(*name == pattern, |prefix| {
                    name.split_once('.')
                        .is_some_and(|(group, _)| group == prefix)
                })
            }));
            if named.len() == before && !named.contains(pattern.as_str()) {
                return Err(format!("`{pattern}` names no operation"));
            }
        }
        Ok(Self(named))
    }

    /// What is in both.
    pub(super) fn both(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).copied().collect())
    }

    /// Whether an operation is in it.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

/// The result of `session.open` and `session.narrow`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Given {
    /// Names the session in every request. Whoever has it, and the uid that it was given to, can
    /// do what it allows.
    pub(super) token: String,
    /// The session's id in the audit log. A token that is read-only, or has less time, is for a
    /// session of its own.
    pub(super) session: String,
    /// Who asks.
    pub(super) principal: String,
    /// The policy's name.
    pub(super) policy: String,
    /// Whether nothing can be changed with it.
    pub(super) read_only: bool,
    /// The most seconds that a command may take, where that is less than the policy's own limit.
    pub(super) timeout: Option<f64>,
    /// The operations that it allows.
    pub(super) operations: Operations,
}

/// One session in the result of `session.list`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Listed {
    /// The session's id in the audit log.
    pub(super) session: String,
    /// The session that it was narrowed from.
    pub(super) parent: Option<String>,
    /// Who asks.
    pub(super) principal: String,
    /// The policy's name.
    pub(super) policy: String,
    /// The workspace.
    pub(super) root: String,
    /// Whether nothing can be changed in it.
    pub(super) read_only: bool,
    /// Whether it outlives the connection that opened it.
    pub(super) keep: bool,
    /// For how many seconds it has been open.
    pub(super) age: u64,
    /// For how many seconds nothing was asked.
    pub(super) idle: u64,
    /// How many requests are under way.
    pub(super) under_way: usize,
}

#[cfg(test)]
mod tests {
    use super::{Control, Operations, Time};
    use crate::model::Operation;

    fn read(patterns: &[&str]) -> Result<Operations, String> {
        Operations::read(
            &patterns
                .iter()
                .map(|one| (*one).to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn operations_are_names_and_groups_of_names() {
        let files = read(&["file.*"]).unwrap();
        assert!(files.contains("file.read") && !files.contains("exec.run"));
        assert_eq!(files.0.len(), Operation::NAMES.len() - 1);
        let one = read(&["file.read", "file.read"]).unwrap();
        assert_eq!(one.0.len(), 1);
        assert_eq!(read(&[]).unwrap().0.len(), 0);
        for wrong in [
            "*",
            "file",
            "file.",
            "file.r*",
            "f.*",
            "",
            "session.open",
            ".*",
        ] {
            assert!(read(&[wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_in_both_is_never_more_than_either() {
        let (files, one) = (
            read(&["file.*"]).unwrap(),
            read(&["exec.run", "file.stat"]).unwrap(),
        );
        assert_eq!(files.both(&one), read(&["file.stat"]).unwrap());
        assert_eq!(Operations::all().both(&files), files);
    }

    #[test]
    fn a_key_that_is_not_known_is_refused() {
        for line in [
            r#"{"op":"session.open","root":"/","force":true}"#,
            r#"{"op":"session.narrow","token":"t","policy":"workspace"}"#,
            r#"{"op":"session.list","all":true}"#,
            r#"{"op":"session.close"}"#,
        ] {
            assert!(serde_json::from_str::<Control>(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_time_is_a_number_or_a_text() {
        assert!(Time::Seconds(0.5).read().is_ok());
        assert!(Time::Text("1m30s".into()).read().is_ok());
        for wrong in [
            Time::Seconds(0.0),
            Time::Seconds(-1.0),
            Time::Text("x".into()),
        ] {
            assert!(wrong.read().is_err(), "{wrong:?}");
        }
    }
}
