//! What each tool of each agent does with its arguments, as far as a policy is concerned.
//!
//! A tool that is not listed is refused: nobody knows what it does.

use super::agent::Agent;

/// What a tool does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    /// Runs the argument of that name in a shell.
    Runs(&'static str),
    /// Reads the file that the argument names.
    Reads(&'static str),
    /// Changes or makes the file that the argument names.
    Writes(&'static str),
    /// Reads below the directory that the argument names, or where the agent is.
    Searches(&'static str),
    /// Applies the patch in the argument.
    Patches(&'static str),
    /// Asks the network.
    Connects,
    /// Nothing beyond the conversation; what it starts asks again.
    Talks,
}

type Row = (&'static str, Does);

use Does::{Connects, Patches, Reads, Runs, Searches, Talks, Writes};

const CLAUDE_CODE: &[Row] = &[
    ("Bash", Runs("command")),
    ("Monitor", Runs("command")),
    ("Read", Reads("file_path")),
    ("Write", Writes("file_path")),
    ("Edit", Writes("file_path")),
    ("MultiEdit", Writes("file_path")),
    ("NotebookEdit", Writes("notebook_path")),
    ("Glob", Searches("path")),
    ("Grep", Searches("path")),
    ("LS", Searches("path")),
    ("WebFetch", Connects),
    ("WebSearch", Connects),
    ("Agent", Talks),
    ("Task", Talks),
    ("TaskCreate", Talks),
    ("TaskGet", Talks),
    ("TaskList", Talks),
    ("TaskUpdate", Talks),
    ("TaskOutput", Talks),
    ("TaskStop", Talks),
    ("BashOutput", Talks),
    ("KillShell", Talks),
    ("TodoWrite", Talks),
    ("ToolSearch", Talks),
    ("AskUserQuestion", Talks),
    ("EnterPlanMode", Talks),
    ("ExitPlanMode", Talks),
];

const CODEX: &[Row] = &[
    ("Bash", Runs("command")),
    ("apply_patch", Patches("command")),
    ("view_image", Reads("path")),
    ("update_plan", Talks),
];

const GEMINI: &[Row] = &[
    ("run_shell_command", Runs("command")),
    ("read_file", Reads("file_path")),
    ("write_file", Writes("file_path")),
    ("replace", Writes("file_path")),
    ("list_directory", Searches("dir_path")),
    ("glob", Searches("dir_path")),
    ("grep_search", Searches("dir_path")),
    ("search_file_content", Searches("dir_path")),
    ("google_web_search", Connects),
    ("web_fetch", Connects),
    ("write_todos", Talks),
    ("ask_user", Talks),
    ("enter_plan_mode", Talks),
    ("exit_plan_mode", Talks),
    ("update_topic", Talks),
    ("complete_task", Talks),
    ("get_internal_docs", Talks),
];

/// What the tool of that name does; none where that is not known.
pub(super) fn find(agent: Agent, tool: &str) -> Option<Does> {
    let rows = match agent {
        Agent::ClaudeCode => CLAUDE_CODE,
        Agent::Codex => CODEX,
        Agent::Gemini => GEMINI,
    };
    let found = rows.iter().find(|(name, _)| *name == tool);
    found.map(|(_, does)| *does)
}

/// The tools that the agent carries out itself, with its own rights, whatever is said of them.
pub(super) fn own_tools(agent: Agent) -> impl Iterator<Item = &'static str> {
    let rows = match agent {
        Agent::ClaudeCode => CLAUDE_CODE,
        Agent::Codex => CODEX,
        Agent::Gemini => GEMINI,
    };
    let own = rows
        .iter()
        .filter(|(_, does)| !matches!(does, Talks | Runs(_)));
    own.map(|(name, _)| *name)
}
