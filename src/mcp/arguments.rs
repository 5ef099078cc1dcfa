//! The arguments of the tools: the types that read them, and that their schemas are made from.
//!
//! Names are those that agents know. What is not named here is refused, never ignored: an agent
//! that asks for something else must hear that it did not get it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::model::{
    ExecRun, FileAppend, FileCopy, FileDelete, FileEdit, FileGlob, FileGrep, FileList, FileMkdir,
    FileMove, FileRead, FileStat, FileWrite, LineRange, Operation,
};

/// What a tool's arguments are as a request.
pub(super) trait Arguments: Sized {
    /// The request.
    fn into_operation(self) -> Result<Operation, String>;
}

/// `shell`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Shell {
    /// The command line, for `sh -c`.
    command: String,
    /// The directory to run in, absolute or relative to the workspace.
    #[serde(default)]
    cwd: Option<String>,
    /// The most time it may take, in seconds. It cannot exceed the limit of the policy.
    #[serde(default)]
    #[schemars(range(min = 0))]
    timeout: Option<f64>,
    /// Text for its standard input.
    #[serde(default)]
    stdin: Option<String>,
    /// Environment variables, as far as the policy lets a request set them.
    #[serde(default)]
    env: BTreeMap<String, String>,
}

impl Arguments for Shell {
    fn into_operation(self) -> Result<Operation, String> {
        Ok(Operation::ExecRun(ExecRun {
            argv: None,
            shell: Some(self.command),
            cwd: self.cwd,
            env: self.env,
            stdin: self.stdin,
            timeout: self.timeout.map(Value::from),
            stream: false,
        }))
    }
}

/// `shell_output`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShellOutput {
    /// The id that `shell_start` gave.
    pub(super) id: String,
    /// How long to wait for more output or the end, in seconds; at most 60.
    #[serde(default)]
    #[schemars(range(min = 0, max = 60))]
    pub(super) wait: Option<f64>,
}

/// `shell_stop`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShellStop {
    /// The id that `shell_start` gave.
    pub(super) id: String,
}

/// `read`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Read {
    /// The file, absolute or relative to the workspace.
    path: String,
    /// The first line to read, counted from 1.
    #[serde(default)]
    #[schemars(range(min = 1))]
    offset: Option<u64>,
    /// The most lines to read.
    #[serde(default)]
    #[schemars(range(min = 1))]
    limit: Option<u64>,
}

impl Arguments for Read {
    fn into_operation(self) -> Result<Operation, String> {
        let lines = match (self.offset, self.limit) {
            (None, None) => None,
            (Some(0), _) => return Err("offset: lines are counted from 1".into()),
            (_, Some(0)) => return Err("limit: no lines are asked for".into()),
            (offset, limit) => {
                let from = offset.unwrap_or(1);
                let to = limit.map(|count| from.saturating_add(count - 1));
                Some(LineRange { from, to })
            }
        };
        Ok(Operation::FileRead(FileRead {
            path: self.path,
            lines,
            ..FileRead::default()
        }))
    }
}

/// `write`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Write {
    /// The file, absolute or relative to the workspace.
    path: String,
    /// Its whole new content.
    content: String,
}

impl Arguments for Write {
    fn into_operation(self) -> Result<Operation, String> {
        let Self { path, content } = self;
        Ok(Operation::FileWrite(FileWrite { path, content }))
    }
}

/// `append`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Append {
    /// The file; it is made where it does not exist.
    path: String,
    /// What is added at its end.
    content: String,
}

impl Arguments for Append {
    fn into_operation(self) -> Result<Operation, String> {
        let Self { path, content } = self;
        Ok(Operation::FileAppend(FileAppend { path, content }))
    }
}

/// `edit`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Edit {
    /// The file, absolute or relative to the workspace.
    path: String,
    /// The exact text to replace. It must occur exactly once, unless `replace_all`.
    old_text: String,
    /// What stands there afterwards.
    new_text: String,
    /// Replace every occurrence.
    #[serde(default)]
    replace_all: bool,
}

impl Arguments for Edit {
    fn into_operation(self) -> Result<Operation, String> {
        Ok(Operation::FileEdit(FileEdit {
            path: self.path,
            old_text: self.old_text,
            new_text: self.new_text,
            all: self.replace_all,
        }))
    }
}

/// `list`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    /// The directory; the workspace where absent.
    #[serde(default)]
    path: Option<String>,
    /// The most entries in the answer.
    #[serde(default)]
    #[schemars(range(min = 1))]
    limit: Option<u64>,
}

impl Arguments for List {
    fn into_operation(self) -> Result<Operation, String> {
        Ok(Operation::FileList(FileList {
            path: self.path.unwrap_or_else(|| ".".into()),
            limit: self.limit,
        }))
    }
}

/// `glob`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Glob {
    /// The pattern, relative to `path`; `**` crosses directories.
    pattern: String,
    /// The directory to look in; the workspace where absent.
    #[serde(default)]
    path: Option<String>,
    /// The most paths in the answer.
    #[serde(default)]
    #[schemars(range(min = 1))]
    limit: Option<u64>,
}

impl Arguments for Glob {
    fn into_operation(self) -> Result<Operation, String> {
        Ok(Operation::FileGlob(FileGlob {
            pattern: self.pattern,
            path: self.path,
            limit: self.limit,
        }))
    }
}

/// `grep`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Grep {
    /// The regular expression.
    pattern: String,
    /// The file or directory to search; the workspace where absent.
    #[serde(default)]
    path: Option<String>,
    /// Only files whose path matches this pattern.
    #[serde(default)]
    glob: Option<String>,
    /// Ignore the difference between upper and lower case.
    #[serde(default)]
    ignore_case: bool,
    /// The most lines in the answer.
    #[serde(default)]
    #[schemars(range(min = 1))]
    limit: Option<u64>,
}

impl Arguments for Grep {
    fn into_operation(self) -> Result<Operation, String> {
        Ok(Operation::FileGrep(FileGrep {
            pattern: self.pattern,
            path: self.path,
            glob: self.glob,
            ignore_case: self.ignore_case,
            limit: self.limit,
        }))
    }
}

/// `stat`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Stat {
    /// The file or directory; a link itself, not its target.
    path: String,
}

impl Arguments for Stat {
    fn into_operation(self) -> Result<Operation, String> {
        Ok(Operation::FileStat(FileStat { path: self.path }))
    }
}

/// `mkdir`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Mkdir {
    /// The directory.
    path: String,
    /// Make the missing directories above it too; then one that exists already is no error.
    #[serde(default)]
    parents: bool,
}

impl Arguments for Mkdir {
    fn into_operation(self) -> Result<Operation, String> {
        Ok(Operation::FileMkdir(FileMkdir {
            path: self.path,
            parents: self.parents,
        }))
    }
}

/// `move`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Move {
    /// The path of what is moved.
    source: String,
    /// Its new path, which includes its name.
    destination: String,
    /// Replace a file that stands there.
    #[serde(default)]
    overwrite: bool,
}

impl Arguments for Move {
    fn into_operation(self) -> Result<Operation, String> {
        Ok(Operation::FileMove(FileMove {
            from: self.source,
            to: self.destination,
            replace: self.overwrite,
        }))
    }
}

/// `copy`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Copy {
    /// The path of the file that is copied.
    source: String,
    /// The path of the copy, which includes its name.
    destination: String,
    /// Replace a file that stands there.
    #[serde(default)]
    overwrite: bool,
}

impl Arguments for Copy {
    fn into_operation(self) -> Result<Operation, String> {
        Ok(Operation::FileCopy(FileCopy {
            from: self.source,
            to: self.destination,
            replace: self.overwrite,
        }))
    }
}

/// `delete`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Delete {
    /// What is removed; a link itself, not its target.
    path: String,
    /// Remove a directory with everything in it.
    #[serde(default)]
    recursive: bool,
}

impl Arguments for Delete {
    fn into_operation(self) -> Result<Operation, String> {
        Ok(Operation::FileDelete(FileDelete {
            path: self.path,
            recursive: self.recursive,
        }))
    }
}
