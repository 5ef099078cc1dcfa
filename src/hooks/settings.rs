//! The hook in an agent's settings: put in and taken out as text, with everything else left
//! byte for byte as it was.
//!
//! Settings that cannot be read are not touched.

use std::ops::Range;

use serde_json::{Value, json};

use super::agent::Agent;
use super::jsonc::{self, Comments, Kind, Node};
use crate::shim::quoted_line;

/// Why settings cannot be changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// They are no JSON, or have names twice.
    #[error("cannot read the settings: they are not the JSON that the agent reads")]
    Unreadable,
    /// Something is not what it must be.
    #[error("cannot change the settings: `{0}` is not what it must be")]
    Odd(&'static str),
    /// Our own hook is there, and is another one.
    #[error("another hook of ours is there already; uninstall it first")]
    Different,
}

/// The command that the settings name. Whatever goes wrong with it, the agent must not go on.
///
/// The workspace is what the agent says, and not what a variable says: the settings of a project
/// can set variables.
pub fn hook_command(agent: Agent, program: &str, options: &[String]) -> String {
    let words = [program, "hook", agent.name()];
    let mut line = quoted_line(words.into_iter().chain(options.iter().map(String::as_str)));
    if let Some(variable) = agent.project_variable()
        && !has_root(options)
    {
        line.extend([" --root \"$", variable, "\""]);
    }
    format!("{line} || {{ echo 'lobsterpot could not decide' >&2; exit 2; }}")
}

/// Whether options of a hook name the workspace.
pub fn has_root(options: &[String]) -> bool {
    let is_root = |word: &String| word == "--root" || word.starts_with("--root=");
    options.iter().any(is_root)
}

/// What the settings say.
///
/// # Errors
/// When the settings cannot be read.
pub(super) fn value(agent: Agent, text: &str) -> Result<Value, SettingsError> {
    Ok(read(agent, text)?.value(text))
}

/// The settings with the hook; the very same where it is there already.
///
/// # Errors
/// When they cannot be read, or have another hook of ours.
pub fn with_hook(
    agent: Agent,
    before: Option<&str>,
    command: &str,
) -> Result<String, SettingsError> {
    let Some(text) = before else {
        let whole = json!({"hooks": {agent.event(): [element(agent, command)]}});
        // Deeper than in a file that was there, empty: so the two can be told apart again.
        return Ok(written(&whole, "    ", 0) + "\n");
    };
    let root = read(agent, text)?;
    match &ours(agent, &root)[..] {
        [] => {}
        [(_, there)] if there == command => return Ok(text.to_owned()),
        _ => return Err(SettingsError::Different),
    }
    let unit = unit(text);
    let entry = element(agent, command);
    let member = |name: &str, value: &Value, depth| {
        format!("{}: {}", json!(name), written(value, &unit, depth))
    };
    let event = agent.event();
    let (container, depth, item) = match root.member("hooks") {
        None => {
            let hooks = json!({event: [entry]});
            (&root, 1, member("hooks", &hooks, 1))
        }
        Some(hooks) => match hooks.member(event) {
            None => (hooks, 2, member(event, &json!([entry]), 2)),
            Some(events) => (events, 3, written(&entry, &unit, 3)),
        },
    };
    Ok(inserted(text, container, &item, (&unit, depth)))
}

/// The settings without the hook; none where the file held nothing else.
///
/// # Errors
/// When they cannot be read.
pub fn without_hook(agent: Agent, text: &str) -> Result<Option<String>, SettingsError> {
    let root = read(agent, text)?;
    let found = ours(agent, &root);
    let Some((path, command)) = found.first() else {
        return Ok(Some(text.to_owned()));
    };
    let is_undone =
        |before: Option<&str>| with_hook(agent, before, command).is_ok_and(|after| after == text);
    if is_undone(None) {
        return Ok(None);
    }
    let mut less = Vec::new();
    for (node, index) in path.iter().rev() {
        let cuts = cuts(text, node, *index);
        less.extend(cuts.into_iter().map(|cut| {
            let mut less = text.to_owned();
            less.replace_range(cut, "");
            less
        }));
        // What else is there stays, and so does what it stands in.
        if node.parts().len() > 1 {
            break;
        }
    }
    // The larger the piece, the more likely it is what was put in.
    let undone = less.iter().rev().find(|less| is_undone(Some(less)));
    let valid = |less: &&String| jsonc::read(less, comments(agent)).is_some();
    let less = undone.or_else(|| less.iter().find(valid));
    less.map(|less| Some(less.clone()))
        .ok_or(SettingsError::Unreadable)
}

fn comments(agent: Agent) -> Comments {
    match agent {
        Agent::Gemini => Comments::Allowed,
        Agent::ClaudeCode | Agent::Codex => Comments::Refused,
    }
}

/// Reads settings, and refuses what the agent would take for something else than we do.
fn read(agent: Agent, text: &str) -> Result<Node, SettingsError> {
    let root = jsonc::read(text, comments(agent)).ok_or(SettingsError::Unreadable)?;
    let is_object = |node: &Node| matches!(node.kind, Kind::Object(_));
    if !is_object(&root) {
        return Err(SettingsError::Odd("the whole"));
    }
    let hooks = root.member("hooks");
    if hooks.is_some_and(|hooks| !is_object(hooks)) {
        return Err(SettingsError::Odd("hooks"));
    }
    let events = hooks.and_then(|hooks| hooks.member(agent.event()));
    if events.is_some_and(|events| !matches!(events.kind, Kind::Array(_))) {
        return Err(SettingsError::Odd(agent.event()));
    }
    Ok(root)
}

/// The way down to a part: each container, and which of its parts.
type Path<'a> = Vec<(&'a Node, usize)>;

/// Our own elements among the hooks of the event, with their commands.
fn ours(agent: Agent, root: &Node) -> Vec<(Path<'_>, String)> {
    let place = |node: &Node, name: &str| match &node.kind {
        Kind::Object(members) => members.iter().position(|member| member.name == name),
        _ => None,
    };
    let (Some(hooks), Some(first)) = (root.member("hooks"), place(root, "hooks")) else {
        return Vec::new();
    };
    let event = agent.event();
    let (Some(events), Some(second)) = (hooks.member(event), place(hooks, event)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (third, element) in events.elements().iter().enumerate() {
        let handlers = element.member("hooks").map_or(&[][..], Node::elements);
        for handler in handlers {
            let command = handler.member("command").and_then(Node::text);
            if let Some(command) = command.filter(|command| is_ours(agent, command)) {
                let path = vec![(root, first), (hooks, second), (events, third)];
                found.push((path, command.to_owned()));
            }
        }
    }
    found
}

pub(super) fn is_ours(agent: Agent, command: &str) -> bool {
    command.contains("lobsterpot") && command.contains(&format!(" hook {}", agent.name()))
}

fn element(agent: Agent, command: &str) -> Value {
    let timeout = agent.timeout();
    let handler = match agent {
        Agent::Gemini => json!({
            "name": "lobsterpot", "type": "command", "command": command, "timeout": timeout,
        }),
        Agent::ClaudeCode | Agent::Codex => json!({
            "type": "command", "command": command, "timeout": timeout,
        }),
    };
    json!({"matcher": agent.every_tool(), "hooks": [handler]})
}

/// The indentation of one level.
fn unit(text: &str) -> String {
    let indented = text.lines().skip(1).find(|line| {
        let rest = line.trim_start();
        rest.len() < line.len() && rest.starts_with('"')
    });
    let blanks = |line: &str| line[..line.len() - line.trim_start().len()].to_owned();
    indented.map_or_else(|| "  ".to_owned(), blanks)
}

/// A value in lines, as it stands at a depth.
fn written(value: &Value, unit: &str, depth: usize) -> String {
    let mut bytes = Vec::new();
    let form = serde_json::ser::PrettyFormatter::with_indent(unit.as_bytes());
    let mut writer = serde_json::Serializer::with_formatter(&mut bytes, form);
    // Values have text keys, and a vector takes every byte.
    let _ = serde::Serialize::serialize(value, &mut writer);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    text.replace('\n', &format!("\n{}", unit.repeat(depth)))
}

/// The text with one more part at the end of a container.
fn inserted(text: &str, container: &Node, item: &str, (unit, depth): (&str, usize)) -> String {
    let indent = unit.repeat(depth);
    let (at, piece) = if let Some(last) = container.parts().last() {
        (last.end, format!(",\n{indent}{item}"))
    } else {
        let outer = unit.repeat(depth - 1);
        let at = container.span.start + 1;
        (at, format!("\n{indent}{item}\n{outer}"))
    };
    let mut text = text.to_owned();
    text.insert_str(at, &piece);
    text
}

/// What can be cut out so that a part of a container is gone; the neatest last.
fn cuts(text: &str, container: &Node, index: usize) -> Vec<Range<usize>> {
    let parts = container.parts();
    let Some(part) = parts.get(index).cloned() else {
        return Vec::new();
    };
    if let Some(before) = index.checked_sub(1).and_then(|before| parts.get(before)) {
        return std::iter::once(before.end..part.end).collect();
    }
    if let Some(after) = parts.get(index + 1) {
        return std::iter::once(part.start..after.start).collect();
    }
    let start = container.span.start + 1;
    let rest = &text[part.end..container.span.end - 1];
    let blank = rest.strip_prefix('\n').map_or(0, |line| {
        1 + line.len() - line.trim_start_matches([' ', '\t']).len()
    });
    // The line break that was put in may be followed by blanks that were there before.
    (0..=blank).map(|more| start..part.end + more).collect()
}
