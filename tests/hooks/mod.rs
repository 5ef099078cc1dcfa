//! Agents that ask before they use a tool: calls in the forms that they send, answered by the
//! real program; and the settings that make them ask.
//!
//! `payloads/` holds one call of each kind, as the agents' documentation and sources have them:
//! Claude Code 2.1, Codex CLI 0.169, Gemini CLI 0.61.

mod answers;
mod doctor;
mod settings;
mod ways;
