//! The holes in OpenClaw's configuration, when its ssh backend is to be the sandbox.

use std::path::Path;

use serde_json::Value;

use super::holes::{Hole, Settings};
use super::jsonc::{self, Comments};

/// The holes that a configuration of OpenClaw leaves.
pub fn openclaw_holes(file: Option<&Settings>) -> Vec<Hole> {
    let mut found = Vec::new();
    let Some(file) = file else {
        return vec![Hole::new(
            "no-settings",
            "there is no configuration, so commands run outside the sandbox",
            "set agents.defaults.sandbox as `lobsterpot help ssh` shows",
        )];
    };
    let Some(node) = jsonc::read(&file.text, Comments::Allowed) else {
        let what = format!(
            "{}: it is not JSON with comments (JSON5 is not read here), so nothing is known of it",
            file.path
        );
        return vec![Hole::new("settings-unreadable", what, "write it as JSON")];
    };
    let value = node.value(&file.text);
    let defaults = &value["agents"]["defaults"]["sandbox"];
    look_at_sandbox("agents.defaults", defaults, &Value::Null, file, &mut found);
    let listed = value["agents"]["list"].as_array().into_iter().flatten();
    let entries = value["agents"]["entries"].as_object().into_iter().flatten();
    for agent in listed.chain(entries.map(|(_, agent)| agent)) {
        if agent["sandbox"].is_object() {
            let name = agent["id"].as_str().unwrap_or("an agent");
            look_at_sandbox(name, &agent["sandbox"], defaults, file, &mut found);
        }
    }
    if value["tools"]["elevated"]["enabled"] != false {
        let what = format!("{}: elevated commands run outside the sandbox", file.path);
        let remedy = "set tools.elevated.enabled to false";
        found.push(Hole::new("elevated-tools", what, remedy));
    }
    found
}

fn look_at_sandbox(
    name: &str,
    sandbox: &Value,
    defaults: &Value,
    file: &Settings,
    found: &mut Vec<Hole>,
) {
    let said = |path: &[&str]| {
        let at = |value| {
            path.iter()
                .fold(value, |value: &Value, key| &value[*key])
                .as_str()
        };
        at(sandbox).or_else(|| at(defaults))
    };
    let mut hole = |hole, what: &str, remedy: &str| {
        let what = format!("{}: {name}: {what}", file.path);
        found.push(Hole::new(hole, what, remedy));
    };
    if said(&["mode"]) != Some("all") {
        hole(
            "sandbox-off",
            "not every session is in the sandbox",
            "set sandbox.mode to \"all\"",
        );
    }
    let command = said(&["ssh", "command"]).map(Path::new);
    let is_ours = command.and_then(Path::file_name) == Some("lobsterpot-ssh".as_ref());
    if said(&["backend"]) != Some("ssh") || !is_ours {
        hole(
            "shell-not-replaced",
            "commands do not go to lobsterpot-ssh",
            "set sandbox.backend to \"ssh\" and sandbox.ssh.command to lobsterpot-ssh",
        );
    }
}
