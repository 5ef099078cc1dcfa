//! What each tool of each agent does with its arguments, as far as a policy is concerned.
//!
//! A tool that is not listed is refused: nobody knows what it does.

use super::agent::Agent;

/// What a tool does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    /// Runs the argument of that name in a shell.
    Runs(&'static str),
    /// Reads the file that the argument names. Further names are those of texts that name none.
    Reads(&'static str, Names),
    /// Changes or makes the file that the argument names.
    Writes(&'static str, Names),
    /// Reads below the directory that the argument names, or where the agent is. The first
    /// further names are those of patterns, which can hold directories themselves.
    Searches(&'static str, Names, Names),
    /// Applies the patch in the argument.
    Patches(&'static str),
    /// Asks the network.
    Connects,
    /// Nothing beyond the conversation; what it starts asks again.
    Talks,
}

impl Does {
    /// Whether the tool may be given that text. Another could name a file that nobody asks about,
    /// in a version of the agent that is not known here.
    pub(super) fn takes(self, name: &str) -> bool {
        match self {
            Reads(path, texts) | Writes(path, texts) => path == name || texts.contains(&name),
            Searches(path, patterns, texts) => {
                path == name || patterns.contains(&name) || texts.contains(&name)
            }
            Patches(patch) => patch == name,
            Runs(_) | Connects | Talks => true,
        }
    }
}

type Names = &'static [&'static str];

type Row = (&'static str, Does);

use Does::{Connects, Patches, Reads, Runs, Searches, Talks, Writes};

const CELL: Names = &["new_source", "cell_id", "cell_type", "edit_mode"];

const GREP: Names = &["pattern", "output_mode", "type"];

const CLAUDE_CODE: &[Row] = &[
    ("Bash", Runs("command")),
    ("Monitor", Runs("command")),
    ("Read", Reads("file_path", &["pages"])),
    ("Write", Writes("file_path", &["content"])),
    ("Edit", Writes("file_path", &["old_string", "new_string"])),
    ("MultiEdit", Writes("file_path", &["edits"])),
    ("NotebookEdit", Writes("notebook_path", CELL)),
    ("Glob", Searches("path", &["pattern"], &[])),
    ("Grep", Searches("path", &["glob"], GREP)),
    ("LS", Searches("path", &[], &["ignore"])),
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
    ("view_image", Reads("path", &["detail"])),
    ("update_plan", Talks),
];

const GEMINI_WRITE: Names = &["content", "ai_proposed_content"];

const GEMINI_REPLACE: Names = &[
    "instruction",
    "old_string",
    "new_string",
    "ai_proposed_content",
];

const GEMINI_LIST: Names = &["ignore", "file_filtering_options"];

const GEMINI_SEARCH: Does = Searches(
    "dir_path",
    &["include", "include_pattern"],
    &["pattern", "exclude_pattern"],
);

const GEMINI: &[Row] = &[
    ("run_shell_command", Runs("command")),
    ("read_file", Reads("file_path", &[])),
    ("write_file", Writes("file_path", GEMINI_WRITE)),
    ("replace", Writes("file_path", GEMINI_REPLACE)),
    ("list_directory", Searches("dir_path", &[], GEMINI_LIST)),
    ("glob", Searches("dir_path", &["pattern"], &[])),
    ("grep_search", GEMINI_SEARCH),
    ("search_file_content", GEMINI_SEARCH),
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
