//! From a request to what execve(2) takes.

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::time::Duration;

use serde_json::Value;

use super::environment::{Sources, environment};
use crate::ambient::Operator;
use crate::model::{ExecRun, HostPath, Program};
use crate::policy::Policy;
use crate::sandbox::{Command, Sandbox};

/// The command as a person would type it, for messages and records.
pub(super) fn subject(program: Program<'_>) -> String {
    match program {
        Program::Argv(argv) => argv.join(" "),
        Program::Shell(line) => line.to_owned(),
    }
}

/// Where a command runs, as a path and as a handle.
pub(super) struct WorkingDirectory {
    pub path: HostPath,
    pub handle: OwnedFd,
}

/// Resolves a request to a command.
///
/// # Errors
/// When a text holds a NUL byte, which no program can be given.
pub(super) fn resolve(
    run: &ExecRun,
    directory: WorkingDirectory,
    policy: &Policy,
    operator: &Operator,
    sandbox: &Sandbox,
) -> Result<Command, String> {
    let arguments: Vec<String> = match run.program().map_err(str::to_owned)? {
        Program::Argv(argv) => argv.to_vec(),
        Program::Shell(line) => vec!["sh".into(), "-c".into(), line.to_owned()],
    };
    let name = arguments.first().map_or("", String::as_str);
    let programs = match run.shell {
        Some(_) => vec![c"/bin/sh".into()],
        None => candidates(name, sandbox)?,
    };
    let sources = Sources {
        operator,
        policy: &policy.environment,
        request: &run.env,
        cwd: &directory.path,
    };
    Ok(Command {
        programs,
        environment: environment(&sources, sandbox),
        arguments: arguments
            .into_iter()
            .map(c_string)
            .collect::<Result<_, _>>()?,
        directory: directory.handle,
        directory_path: c_bytes(directory.path.as_path().as_os_str().as_bytes())?,
        wall: wall(run, policy.limits.wall)?,
    })
}

/// As execvp(3): a name with a slash is a path, any other is looked for on the search path.
fn candidates(name: &str, sandbox: &Sandbox) -> Result<Vec<CString>, String> {
    if name.is_empty() || name.contains('/') {
        return Ok(vec![c_string(name.to_owned())?]);
    }
    let in_directory = |path: &HostPath| c_string(format!("{}/{name}", path.as_path().display()));
    sandbox
        .plan()
        .search_path
        .iter()
        .map(in_directory)
        .collect()
}

fn c_bytes(text: &[u8]) -> Result<CString, String> {
    CString::new(text).map_err(|_| "a path holds a NUL byte".to_owned())
}

fn c_string(text: String) -> Result<CString, String> {
    CString::new(text).map_err(|_| "an argument holds a NUL byte".to_owned())
}

/// A request can shorten the policy's time, never lengthen it.
fn wall(run: &ExecRun, most: Duration) -> Result<Duration, String> {
    let wanted = match &run.timeout {
        None | Some(Value::Null) => return Ok(most),
        Some(Value::String(text)) => crate::policy::duration(text)?,
        Some(value) => {
            let seconds = value
                .as_f64()
                .ok_or("timeout is neither seconds nor a text")?;
            Duration::try_from_secs_f64(seconds).map_err(|error| format!("timeout: {error}"))?
        }
    };
    if wanted.is_zero() {
        return Err("timeout is zero".into());
    }
    Ok(wanted.min(most))
}
