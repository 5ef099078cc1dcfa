//! What an agent says before it uses a tool.
//!
//! Whatever does not have the form that the agent is known to send is refused: a form that is
//! guessed at could hide what the tool will do.

use serde_json::{Map, Value};

use super::agent::Agent;

/// A tool call that waits for an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Who asks.
    pub agent: Agent,
    /// The tool's name.
    pub tool: String,
    /// Its arguments.
    pub input: Map<String, Value>,
    /// The directory in which the agent is.
    pub cwd: String,
}

/// Why a text is no tool call.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It is no JSON.
    #[error("cannot read what the agent sent")]
    NotJson(#[source] serde_json::Error),
    /// A part is missing, or is something else.
    #[error("cannot understand what the agent sent: `{key}` is not {wanted}")]
    Odd {
        /// The part.
        key: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
}

impl Call {
    /// Reads the text that the agent sends.
    ///
    /// # Errors
    /// When it has another form.
    pub fn read(agent: Agent, text: &str) -> Result<Self, CallError> {
        let mut said: Map<String, Value> =
            serde_json::from_str(text).map_err(CallError::NotJson)?;
        if said.get("hook_event_name").and_then(Value::as_str) != Some(agent.event()) {
            return Err(CallError::Odd {
                key: "hook_event_name",
                wanted: agent.event(),
            });
        }
        let Some(Value::Object(input)) = said.remove("tool_input") else {
            return Err(CallError::Odd {
                key: "tool_input",
                wanted: "an object",
            });
        };
        Ok(Self {
            agent,
            tool: text_of(&mut said, "tool_name")?,
            cwd: text_of(&mut said, "cwd")?,
            input,
        })
    }
}

fn text_of(said: &mut Map<String, Value>, key: &'static str) -> Result<String, CallError> {
    match said.remove(key) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        _ => Err(CallError::Odd {
            key,
            wanted: "a text",
        }),
    }
}
