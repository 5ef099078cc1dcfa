//! What can be asked for: each operation with its arguments, as requests write them.
//!
//! An argument that an operation does not know is refused, never passed over.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What can be asked for.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(tag = "op")]
pub enum Operation {
    /// Read a file.
    #[serde(rename = "file.read")]
    FileRead(FileRead),
    /// Make a file, or replace its whole content.
    #[serde(rename = "file.write")]
    FileWrite(FileWrite),
    /// Add to the end of a file.
    #[serde(rename = "file.append")]
    FileAppend(FileAppend),
    /// Replace a text in a file.
    #[serde(rename = "file.edit")]
    FileEdit(FileEdit),
    /// List a directory.
    #[serde(rename = "file.list")]
    FileList(FileList),
    /// Look at a file's metadata.
    #[serde(rename = "file.stat")]
    FileStat(FileStat),
    /// Find paths by a pattern.
    #[serde(rename = "file.glob")]
    FileGlob(FileGlob),
    /// Find lines by a regular expression.
    #[serde(rename = "file.grep")]
    FileGrep(FileGrep),
    /// Make a directory.
    #[serde(rename = "file.mkdir")]
    FileMkdir(FileMkdir),
    /// Move or rename.
    #[serde(rename = "file.move")]
    FileMove(FileMove),
    /// Copy a file.
    #[serde(rename = "file.copy")]
    FileCopy(FileCopy),
    /// Remove a file or directory.
    #[serde(rename = "file.delete")]
    FileDelete(FileDelete),
    /// Run a command.
    #[serde(rename = "exec.run")]
    ExecRun(ExecRun),
}

/// Arguments of `file.read`. Bytes or lines can be chosen, not both.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileRead {
    /// The file.
    pub path: String,
    /// The first byte, counted from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The most bytes to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// The lines to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<LineRange>,
}

/// Lines `from` to `to`, both counted from 1 and both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LineRange {
    /// The first line.
    pub from: u64,
    /// The last line; to the end where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
}

/// Arguments of `file.write`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileWrite {
    /// The file.
    pub path: String,
    /// Its new content.
    pub content: String,
}

/// Arguments of `file.append`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileAppend {
    /// The file; made where it does not exist.
    pub path: String,
    /// What is added.
    pub content: String,
}

/// Arguments of `file.edit`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileEdit {
    /// The file.
    pub path: String,
    /// The exact text to replace; it must occur exactly once, unless `all`.
    pub old_text: String,
    /// What stands there afterwards.
    pub new_text: String,
    /// Replace every occurrence.
    #[serde(default)]
    pub all: bool,
}

/// Arguments of `file.list`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileList {
    /// The directory.
    pub path: String,
    /// The most entries in the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// Arguments of `file.stat`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileStat {
    /// The file or directory; a link itself, not its target.
    pub path: String,
}

/// Arguments of `file.glob`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileGlob {
    /// The pattern, relative to `path`; `**` crosses directories.
    pub pattern: String,
    /// Where to look; the working directory where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The most paths in the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// Arguments of `file.grep`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileGrep {
    /// The regular expression.
    pub pattern: String,
    /// The file or directory to search; the working directory where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Only files whose path matches this pattern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glob: Option<String>,
    /// Ignore the difference between upper and lower case.
    #[serde(default)]
    pub ignore_case: bool,
    /// The most lines in the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// Arguments of `file.mkdir`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileMkdir {
    /// The directory.
    pub path: String,
    /// Make the missing directories above it too.
    #[serde(default)]
    pub parents: bool,
}

/// Arguments of `file.move`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileMove {
    /// What is moved.
    pub from: String,
    /// Its new path.
    pub to: String,
    /// Replace a file that stands there.
    #[serde(default)]
    pub replace: bool,
}

/// Arguments of `file.copy`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileCopy {
    /// The file that is copied.
    pub from: String,
    /// The path of the copy.
    pub to: String,
    /// Replace a file that stands there.
    #[serde(default)]
    pub replace: bool,
}

/// Arguments of `file.delete`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileDelete {
    /// What is removed; a link itself, not its target.
    pub path: String,
    /// Remove a directory with everything in it.
    #[serde(default)]
    pub recursive: bool,
}

/// Arguments of `exec.run`: either `argv` or `shell`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecRun {
    /// The program and its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argv: Option<Vec<String>>,
    /// A line for `sh -c`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<String>,
    /// The working directory; must lie in a grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Variables to set, as far as the policy lets a request set them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Standard input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<String>,
    /// The most time it may take: seconds, or a text such as `1m30s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Value>,
    /// Tell what it writes while it runs, where the front end can.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stream: bool,
}

/// What a command request runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program<'a> {
    /// A program with its arguments; never empty.
    Argv(&'a [String]),
    /// A line for `sh -c`.
    Shell(&'a str),
}

impl ExecRun {
    /// The one thing the request runs.
    ///
    /// # Errors
    /// When it names none, or both.
    pub fn program(&self) -> Result<Program<'_>, &'static str> {
        match (self.argv.as_deref(), self.shell.as_deref()) {
            (Some([]), _) => Err("argv is empty"),
            (Some(argv), None) => Ok(Program::Argv(argv)),
            (None, Some(line)) => Ok(Program::Shell(line)),
            (Some(_), Some(_)) => Err("both argv and shell are given; name one"),
            (None, None) => Err("neither argv nor shell is given"),
        }
    }
}

impl Operation {
    /// The name of every operation.
    pub const NAMES: [&str; 13] = [
        "file.read",
        "file.write",
        "file.append",
        "file.edit",
        "file.list",
        "file.stat",
        "file.glob",
        "file.grep",
        "file.mkdir",
        "file.move",
        "file.copy",
        "file.delete",
        "exec.run",
    ];

    /// The operation's name, as requests write it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::FileRead(_) => "file.read",
            Self::FileWrite(_) => "file.write",
            Self::FileAppend(_) => "file.append",
            Self::FileEdit(_) => "file.edit",
            Self::FileList(_) => "file.list",
            Self::FileStat(_) => "file.stat",
            Self::FileGlob(_) => "file.glob",
            Self::FileGrep(_) => "file.grep",
            Self::FileMkdir(_) => "file.mkdir",
            Self::FileMove(_) => "file.move",
            Self::FileCopy(_) => "file.copy",
            Self::FileDelete(_) => "file.delete",
            Self::ExecRun(_) => "exec.run",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Operation, Program};
    use crate::model::Request;

    #[test]
    fn a_command_is_either_argv_or_shell() {
        let run = |line: &str| match Request::parse(line).unwrap().operation {
            Operation::ExecRun(run) => run,
            other => panic!("{other:?}"),
        };
        let shell = run(r#"{"id":1,"op":"exec.run","shell":"ls"}"#);
        assert_eq!(shell.program(), Ok(Program::Shell("ls")));
        assert!(
            run(r#"{"id":1,"op":"exec.run","shell":"ls","argv":["ls"]}"#)
                .program()
                .is_err()
        );
        assert!(
            run(r#"{"id":1,"op":"exec.run","argv":[]}"#)
                .program()
                .is_err()
        );
        assert!(run(r#"{"id":1,"op":"exec.run"}"#).program().is_err());
    }
}
