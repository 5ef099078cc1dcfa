//! Answers to agents that ask before they use a tool, and the settings that make them ask.
//!
//! A command is rewritten to run in the sandbox. A file tool of the agent's own is only advised
//! on: the agent carries it out itself. Whatever is not understood is refused, and nothing that
//! is said here may be taken for the user's consent.

mod agent;
mod answer;
mod call;
mod change;
mod holes;
mod jsonc;
mod judge;
mod name;
mod openclaw;
mod patch;
mod settings;
mod tools;

pub use agent::Agent;
pub use answer::Verdict;
pub use call::{Call, CallError};
pub use change::change;
pub use holes::{Hole, Settings, holes};
pub use judge::{Setup, judge};
pub use openclaw::openclaw_holes;
pub use settings::{SettingsError, has_root, hook_command, with_hook, without_hook};
