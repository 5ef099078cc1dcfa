//! The tools: a table of names, what each asks the broker for, and what it does to the world.
//!
//! Which of them are offered is the policy's word, asked through the broker; nothing here knows
//! a policy. A tool that is not offered can still be called: then the broker refuses, and the
//! refusal is on record like any other.

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::arguments::{
    Append, Arguments, Copy, Delete, Edit, Glob, Grep, List, Mkdir, Move, Read, Shell, ShellOutput,
    ShellStop, Stat, Write,
};
use crate::broker::Terms;
use crate::model::Operation;

/// One tool.
pub(super) struct Spec {
    /// Its name.
    pub(super) name: &'static str,
    title: &'static str,
    description: &'static str,
    input: fn() -> Value,
    /// What a call comes to.
    pub(super) action: Action,
    effect: Effect,
    /// The operation without which the tool is of no use.
    specimen: fn() -> Result<Operation, String>,
}

/// What a call comes to.
#[derive(Clone, Copy)]
pub(super) enum Action {
    /// One request, and its reply.
    Request(fn(JsonObject) -> Result<Operation, String>),
    /// A command that goes on after the answer.
    Start(fn(JsonObject) -> Result<Operation, String>),
    /// What such a command printed since the last call.
    Output,
    /// The end of such a command.
    Stop,
}

/// What a call does to the world, at most.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Nothing; a second call sees the same.
    Looks,
    /// Nothing; a second call may see more.
    Follows,
    /// It adds, and takes nothing away.
    Adds,
    /// It can take away what was there.
    Changes,
    /// The same, and a second call changes nothing more.
    Replaces,
    /// What a command does: anything that the session may.
    Runs,
}

impl Effect {
    fn annotations(self, session: Standing, title: &str) -> ToolAnnotations {
        let looks = match self {
            Self::Looks | Self::Follows => true,
            Self::Adds | Self::Changes | Self::Replaces => false,
            Self::Runs => session == Standing::LooksOnly,
        };
        ToolAnnotations::with_title(title)
            .read_only(looks)
            .destructive(!looks && self != Self::Adds)
            .idempotent(matches!(self, Self::Looks | Self::Replaces))
            // No policy gives a network.
            .open_world(false)
    }
}

/// What the session may do, as far as annotations tell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Change nothing anywhere.
    LooksOnly,
    /// Change something.
    Changes,
}

fn request<T: Arguments + DeserializeOwned>(arguments: JsonObject) -> Result<Operation, String> {
    read::<T>(arguments)?.into_operation()
}

/// Reads the arguments of a call.
pub(super) fn read<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, String> {
    serde_json::from_value(Value::Object(arguments)).map_err(|error| error.to_string())
}

fn specimen<T: Arguments + Default>() -> Result<Operation, String> {
    T::default().into_operation()
}

fn schema<T: JsonSchema>() -> Value {
    let mut schema = schemars::schema_for!(T).to_value();
    if let Value::Object(members) = &mut schema {
        // The name of our own type tells an agent nothing.
        members.shift_remove("title");
        members.shift_remove("description");
        members.shift_remove("$schema");
        let properties = members.get_mut("properties").and_then(Value::as_object_mut);
        for property in properties.into_iter().flat_map(|all| all.values_mut()) {
            simplify(property);
        }
    }
    schema
}

/// Says that a value may be absent by its absence alone: many clients pass schemas on to models
/// whose grammar has one type for each value.
fn simplify(property: &mut Value) {
    let Some(members) = property.as_object_mut() else {
        return;
    };
    if let Some(Value::Array(types)) = members.get("type") {
        let kind = types.iter().find(|one| *one != "null").cloned();
        members.insert("type".into(), kind.unwrap_or_default());
    }
    if members.get("default") == Some(&Value::Null) {
        members.shift_remove("default");
    }
    members.shift_remove("format");
}

impl Spec {
    const fn of<T: Arguments + Default + DeserializeOwned + JsonSchema>(
        name: &'static str,
        effect: Effect,
        title: &'static str,
        description: &'static str,
    ) -> Self {
        Self {
            name,
            title,
            description,
            input: schema::<T>,
            action: Action::Request(request::<T>),
            effect,
            specimen: specimen::<T>,
        }
    }

    const fn of_a_shell(
        name: &'static str,
        title: &'static str,
        description: &'static str,
    ) -> Self {
        Self::of::<Shell>(name, Effect::Runs, title, description)
    }

    const fn doing(self, action: Action) -> Self {
        Self { action, ..self }
    }

    fn to_tool(&self, standing: Standing) -> Tool {
        let object = |value| match value {
            Value::Object(members) => Arc::new(members),
            _ => Arc::default(),
        };
        Tool::new(self.name, self.description, object((self.input)()))
            .with_title(self.title)
            .with_raw_output_schema(object(output()))
            .with_annotations(self.effect.annotations(standing, self.title))
    }
}

/// Every tool.
static TOOLS: [Spec; 16] = [
    Spec::of_a_shell(
        "shell",
        "Run a command",
        "Run a command line with sh -c, inside the sandbox, and wait for its end.",
    ),
    Spec::of_a_shell(
        "shell_start",
        "Start a command",
        "Start a command line in the background, inside the sandbox. Gives an id for shell_output \
         and shell_stop. It ends with the session at the latest.",
    )
    .doing(Action::Start(request::<Shell>)),
    Spec {
        name: "shell_output",
        title: "Read a command's output",
        description: "What a background command printed since the last call, and whether it has \
                      ended.",
        input: schema::<ShellOutput>,
        action: Action::Output,
        effect: Effect::Follows,
        specimen: specimen::<Shell>,
    },
    Spec {
        name: "shell_stop",
        title: "Stop a command",
        description: "End a background command and everything it started.",
        input: schema::<ShellStop>,
        action: Action::Stop,
        effect: Effect::Runs,
        specimen: specimen::<Shell>,
    },
    Spec::of::<Read>(
        "read",
        Effect::Looks,
        "Read a file",
        "Read a file, or some of its lines.",
    ),
    Spec::of::<Write>(
        "write",
        Effect::Replaces,
        "Write a file",
        "Make a file, or replace its whole content.",
    ),
    Spec::of::<Append>(
        "append",
        Effect::Adds,
        "Append to a file",
        "Add to the end of a file.",
    ),
    Spec::of::<Edit>(
        "edit",
        Effect::Changes,
        "Edit a file",
        "Replace an exact text in a file.",
    ),
    Spec::of::<List>(
        "list",
        Effect::Looks,
        "List a directory",
        "List the names in a directory.",
    ),
    Spec::of::<Glob>(
        "glob",
        Effect::Looks,
        "Find files by name",
        "Find paths that match a pattern such as src/**/*.rs.",
    ),
    Spec::of::<Grep>(
        "grep",
        Effect::Looks,
        "Search in files",
        "Find lines that match a regular expression, in a file or below a directory.",
    ),
    Spec::of::<Stat>(
        "stat",
        Effect::Looks,
        "Look at a file",
        "Tell the kind, size, mode and time of a file or directory.",
    ),
    Spec::of::<Mkdir>(
        "mkdir",
        Effect::Adds,
        "Make a directory",
        "Make a directory.",
    ),
    Spec::of::<Move>(
        "move",
        Effect::Changes,
        "Move or rename",
        "Move or rename a file or directory.",
    ),
    Spec::of::<Copy>("copy", Effect::Changes, "Copy a file", "Copy a file."),
    Spec::of::<Delete>(
        "delete",
        Effect::Changes,
        "Delete",
        "Remove a file or directory.",
    ),
];

/// The tool of that name.
pub(super) fn named(name: &str) -> Option<&'static Spec> {
    TOOLS.iter().find(|tool| tool.name == name)
}

/// The tools that the session's policy could ever let succeed.
pub(super) fn offered(terms: &Terms) -> Vec<Tool> {
    let standing = if terms.policy.is_read_only(&terms.principal) {
        Standing::LooksOnly
    } else {
        Standing::Changes
    };
    TOOLS
        .iter()
        .filter(|tool| (tool.specimen)().is_ok_and(|operation| terms.could(&operation)))
        .map(|tool| tool.to_tool(standing))
        .collect()
}

/// The structured form of every answer: a reply of the broker.
fn output() -> Value {
    json!({
        "type": "object",
        "properties": {
            "status": {
                "enum": ["ok", "denied", "failed", "timeout"],
                "description": "How it ended. A command that exits with a failure of its own is ok.",
            },
            "result": { "description": "What was asked for, or an object with `error`." },
            "denials": {
                "type": "array",
                "description": "What was refused, also inside a command that otherwise went well.",
                "items": {
                    "type": "object",
                    "properties": {
                        "code": { "type": "string" },
                        "op": { "type": "string" },
                        "path": { "type": "string" },
                        "message": { "type": "string" },
                        "hint": { "type": "string" },
                        "count": { "type": "integer" },
                    },
                    "required": ["code", "op", "message", "count"],
                },
            },
            "enforced": { "description": "The layers that were in force." },
            "audit": { "type": "string", "description": "The id of the audit record." },
        },
        "required": ["status", "result", "denials"],
    })
}

#[cfg(test)]
mod tests {
    use super::{TOOLS, named, output};

    #[test]
    fn names_are_unique_and_schemas_take_nothing_unknown() {
        for tool in &TOOLS {
            assert!(std::ptr::eq(named(tool.name).unwrap(), tool));
            let schema = (tool.input)();
            assert_eq!(schema["type"], "object", "{}", tool.name);
            assert_eq!(schema["additionalProperties"], false, "{}", tool.name);
            for (name, property) in schema["properties"].as_object().unwrap() {
                assert!(property["description"].is_string(), "{} {name}", tool.name);
            }
            assert!((tool.specimen)().is_ok(), "{}", tool.name);
        }
        assert_eq!(output()["type"], "object");
    }
}
