//! What is said to an agent, in the form that it reads.
//!
//! There is no word for "allowed": an agent may take it for the user's consent. What is not
//! refused is left to the agent's own rules.

use serde_json::{Map, Value, json};

use super::agent::Agent;
use super::call::Call;

/// What came of a question.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It goes as the agent itself decides.
    NoOpinion,
    /// It must not happen, and why.
    Deny(String),
    /// It may happen with these arguments instead.
    Rewrite(Map<String, Value>),
}

impl Verdict {
    /// The line for the agent; none where silence says it.
    pub fn line(&self, call: &Call) -> Option<Value> {
        let event = call.agent.event();
        match (self, call.agent) {
            (Self::NoOpinion, _) => None,
            (Self::Deny(reason), Agent::ClaudeCode | Agent::Codex) => Some(json!({
                "hookSpecificOutput": {
                    "hookEventName": event,
                    "permissionDecision": "deny",
                    "permissionDecisionReason": reason,
                }
            })),
            (Self::Deny(reason), Agent::Gemini) => {
                Some(json!({"decision": "deny", "reason": reason}))
            }
            (Self::Rewrite(input), Agent::ClaudeCode) => Some(json!({
                "hookSpecificOutput": {"hookEventName": event, "updatedInput": input}
            })),
            // Codex takes new arguments only together with this word, which to it means no more
            // than that: it asks its user as before.
            (Self::Rewrite(input), Agent::Codex) => Some(json!({
                "hookSpecificOutput": {
                    "hookEventName": event,
                    "permissionDecision": "allow",
                    "updatedInput": input,
                }
            })),
            (Self::Rewrite(input), Agent::Gemini) => Some(json!({
                "hookSpecificOutput": {"hookEventName": event, "tool_input": input}
            })),
        }
    }
}
