//! The tables: one file for each policy, one case for each answer.

use std::sync::Arc;

use lobsterpot::model::{PrincipalId, Right, Rights, Rule};
use lobsterpot::policy::{BoundPolicy, CommandPermit, Decision, Permit, Policy};
use serde::Deserialize;

use super::Extent;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// A built-in policy.
    built_in: Option<String>,
    /// Or the text of one.
    policy: Option<String>,
    /// Whether it is tightened by `--read-only` first.
    #[serde(default)]
    tightened: bool,
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    why: String,
    #[serde(default = "agent", rename = "as")]
    principal: String,
    /// A path and what is to be done with it; a command where it is absent.
    path: Option<String>,
    #[serde(default)]
    rights: Vec<Right>,
    #[serde(default)]
    tree: bool,
    /// `allow`, or a code.
    expect: String,
    /// The name of the rule that decided.
    rule: Option<String>,
    hint: Option<String>,
}

fn agent() -> String {
    "agent:main".into()
}

/// The answer: `allow` or a code, the rule that decided, and the hint.
fn answer<P>(decision: Decision<P>, rule: impl Fn(&P) -> &Rule) -> (String, Rule, Option<String>) {
    match decision {
        Decision::Allow(permit) => ("allow".into(), rule(&permit).clone(), None),
        Decision::Deny(denial) => (denial.code.to_string(), denial.rule, denial.hint),
    }
}

impl Case {
    /// What the policy says otherwise than the case expects.
    fn failures(&self, policy: &Arc<BoundPolicy>) -> Vec<String> {
        let rights = self.rights.iter().copied().collect::<Rights>();
        let extent = if self.tree {
            Extent::Tree
        } else {
            Extent::Entry
        };
        let (got, rule, hint) = if let Some(path) = &self.path {
            let decision = super::ask_about(policy, (&self.principal, extent), path, rights);
            answer(decision, Permit::rule)
        } else {
            let principal = PrincipalId::new(self.principal.as_str());
            let decision = policy.decide_command(&principal, "exec.run", "true");
            answer(decision, CommandPermit::rule)
        };
        let mut failures = Vec::new();
        let mut fails = |what: String| failures.push(format!("{}: {what}", self.why));
        if got != self.expect {
            fails(format!("{got}, not {}", self.expect));
        }
        if self.rule.as_ref().is_some_and(|name| *name != rule.name) {
            fails(format!("by rule {}", rule.name));
        }
        // The default, and a tier that the policy leaves out, stand on no line.
        let placeless = rule.name == "default" || rule.name.starts_with("tier");
        if rule.place.is_none() && !placeless {
            fails(format!("rule {} has no line", rule.name));
        }
        if self.hint.is_some() && self.hint != hint {
            fails(format!("hint {hint:?}"));
        }
        failures
    }
}

/// Asks every case of a table, and returns what went otherwise.
fn failures(text: &str) -> Vec<String> {
    let table: Table = toml::from_str(text).expect("a table of cases");
    let policy = match (&table.built_in, &table.policy) {
        (Some(name), None) => Policy::built_in(name).expect("a built-in policy"),
        (None, Some(text)) => super::parsed(text),
        _ => panic!("name a built-in policy, or write one"),
    };
    let policy = if table.tightened {
        policy.tightened_to_read_only()
    } else {
        policy
    };
    let policy = super::bound(policy);
    let cases = table.case.iter();
    cases.flat_map(|case| case.failures(&policy)).collect()
}

macro_rules! tables {
    ($($name:ident: $file:literal,)*) => {$(
        #[test]
        fn $name() {
            let failures = failures(include_str!($file));
            assert!(failures.is_empty(), "{}:\n{}", $file, failures.join("\n"));
        }
    )*};
}

tables! {
    locked: "locked.toml",
    read_only: "read-only.toml",
    workspace: "workspace.toml",
    workspace_tightened: "workspace-tightened.toml",
    nested_grants_and_holes: "nested.toml",
    the_ladder_of_tiers: "tiers.toml",
    exceptions: "exceptions.toml",
    files_and_odd_paths: "odd.toml",
}
