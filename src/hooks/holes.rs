//! The holes in an integration, as far as settings tell: what lets a tool call past the hook.
//!
//! What is not found here may be there all the same: flags of the command line, settings of an
//! administrator, and another version's habits are not looked at.

use serde::Serialize;
use serde_json::Value;

use super::agent::Agent;
use super::settings::{self, is_ours};
use super::tools;

/// A file of an agent's settings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it is, for messages.
    pub path: String,
    /// What it holds.
    pub text: String,
}

/// One hole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hole {
    /// A name that never changes.
    pub name: &'static str,
    /// What is wrong, and where.
    pub what: String,
    /// What can be done about it.
    pub remedy: String,
}

impl Hole {
    /// A hole.
    pub fn new(name: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            name,
            what: what.into(),
            remedy: remedy.into(),
        }
    }
}

/// The holes that the settings of an agent with hooks leave.
pub fn holes(agent: Agent, files: &[Settings]) -> Vec<Hole> {
    let mut found = Vec::new();
    let mut handlers = 0;
    let mut refused = Vec::new();
    for file in files {
        let Ok(value) = settings::value(agent, &file.text) else {
            let what = format!(
                "{}: it cannot be read, so nothing is known of it",
                file.path
            );
            found.push(Hole::new("settings-unreadable", what, "correct the file"));
            continue;
        };
        handlers += look_at_hooks(agent, file, &value, &mut found);
        look_at_switches(agent, file, &value, &mut found);
        refused.extend(refused_tools(agent, &value));
    }
    if handlers == 0 {
        found.push(Hole::new(
            "no-hook",
            "no settings have the hook: nothing is asked, and commands run outside the sandbox",
            format!("lobsterpot hook install {} --user", agent.name()),
        ));
    }
    let own: Vec<&str> = tools::own_tools(agent)
        .filter(|tool| !refused.iter().any(|one| one == tool))
        .collect();
    if !own.is_empty() {
        let what = format!(
            "tools of the agent's own work outside the sandbox, with advice at most: {}",
            own.join(", ")
        );
        found.push(Hole::new("own-tools", what, remedy_for_tools(agent)));
    }
    found
}

/// The hooks of ours, and what is wrong with them. Says how many there are.
fn look_at_hooks(agent: Agent, file: &Settings, value: &Value, found: &mut Vec<Hole>) -> usize {
    let again = format!(
        "lobsterpot hook uninstall {0}, then lobsterpot hook install {0}",
        agent.name()
    );
    let mut count = 0;
    let mut hole = |name, what: &str| {
        let what = format!("{}: {what}", file.path);
        found.push(Hole::new(name, what, again.as_str()));
    };
    for group in list(&value["hooks"][agent.event()]) {
        for handler in list(&group["hooks"]) {
            let command = handler["command"].as_str().unwrap_or_default();
            if !is_ours(agent, command) {
                if !command.is_empty() {
                    let what = format!("another hook may rewrite what ours has said: {command}");
                    hole("other-hook", &what);
                }
                continue;
            }
            count += 1;
            let matcher = group["matcher"].as_str().unwrap_or_default();
            if !["", agent.every_tool(), "*"].contains(&matcher) {
                hole(
                    "hook-for-some-tools",
                    &format!("the hook is only for {matcher}"),
                );
            }
            if !command.trim_end().ends_with("exit 2; }") {
                hole("hook-fails-open", "when the hook fails, the tool is used");
            }
            if handler["async"] == true {
                hole("hook-fails-open", "the agent does not wait for the hook");
            }
            if command.contains("--leave-alone") {
                hole(
                    "tools-left-alone",
                    "the hook leaves tools to the agent's own rules",
                );
            }
        }
    }
    count
}

/// Switches that turn hooks, or all rules, off.
fn look_at_switches(agent: Agent, file: &Settings, value: &Value, found: &mut Vec<Hole>) {
    let mut off = |is_off: bool, key: &str| {
        if is_off {
            let what = format!("{}: `{key}` turns hooks off", file.path);
            found.push(Hole::new("hooks-off", what, format!("take `{key}` out")));
        }
    };
    match agent {
        Agent::ClaudeCode => off(value["disableAllHooks"] == true, "disableAllHooks"),
        Agent::Gemini => {
            off(
                value["hooksConfig"]["enabled"] == false,
                "hooksConfig.enabled",
            );
            let disabled = list(&value["hooksConfig"]["disabled"]);
            off(
                disabled.iter().any(|name| name == "lobsterpot"),
                "hooksConfig.disabled",
            );
        }
        Agent::Codex => {}
    }
}

/// The tools that the agent's own settings refuse.
fn refused_tools(agent: Agent, value: &Value) -> Vec<String> {
    let lists = match agent {
        Agent::ClaudeCode => vec![&value["permissions"]["deny"]],
        Agent::Gemini => vec![&value["tools"]["exclude"], &value["excludeTools"]],
        Agent::Codex => Vec::new(),
    };
    let names = lists.into_iter().flat_map(list);
    names.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn remedy_for_tools(agent: Agent) -> &'static str {
    match agent {
        Agent::ClaudeCode => {
            "name them in `permissions.deny`, or contain the whole agent: \
             lobsterpot run --policy agents/claude-code"
        }
        Agent::Gemini => {
            "name them in `tools.exclude`, or contain the whole agent: \
             lobsterpot run --policy agents/gemini"
        }
        Agent::Codex => "contain the whole agent: lobsterpot run --policy agents/codex",
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
