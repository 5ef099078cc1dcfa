//! The agents whose hooks are answered, and what is particular to each.

use std::path::PathBuf;

/// An agent that asks before it uses a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agent {
    /// Claude Code.
    ClaudeCode,
    /// Codex CLI.
    Codex,
    /// Gemini CLI.
    Gemini,
}

impl Agent {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ClaudeCode, Self::Codex, Self::Gemini];

    /// The name by which commands choose it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
        }
    }

    /// The agent of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|agent| agent.name() == name)
    }

    /// The event before a tool is used.
    pub const fn event(self) -> &'static str {
        match self {
            Self::ClaudeCode | Self::Codex => "PreToolUse",
            Self::Gemini => "BeforeTool",
        }
    }

    /// The variable in which the agent tells its hooks where it was started.
    pub const fn project_variable(self) -> Option<&'static str> {
        match self {
            Self::ClaudeCode => Some("CLAUDE_PROJECT_DIR"),
            Self::Gemini => Some("GEMINI_PROJECT_DIR"),
            Self::Codex => None,
        }
    }

    /// The directory of its settings, below the home or the project.
    pub const fn directory(self) -> &'static str {
        match self {
            Self::ClaudeCode => ".claude",
            Self::Codex => ".codex",
            Self::Gemini => ".gemini",
        }
    }

    /// The file with its hooks, below the home or the project.
    pub fn settings(self) -> PathBuf {
        let file = match self {
            Self::ClaudeCode | Self::Gemini => "settings.json",
            Self::Codex => "hooks.json",
        };
        PathBuf::from(self.directory()).join(file)
    }

    /// How its settings write ten minutes, the time that a hook may take.
    pub const fn timeout(self) -> u64 {
        match self {
            Self::ClaudeCode | Self::Codex => 600,
            Self::Gemini => 600_000,
        }
    }

    /// The pattern of every tool. An agent that matches less lets the rest through unasked.
    pub const fn every_tool(self) -> &'static str {
        match self {
            Self::ClaudeCode => "*",
            Self::Codex | Self::Gemini => ".*",
        }
    }
}
