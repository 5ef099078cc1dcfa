//! What takes us for another program has in common: a shell, or ssh.
//!
//! The workspace and the policy must be chosen by whoever sets the program up: the directory in
//! which a command happens to start is the agent's choice, and must never become a grant.

use std::path::Path;

use super::failure::{Failure, Format};
use super::selectors::Selectors;
use super::told;
use crate::ambient::is_policy_file;
use crate::broker::Session;
use crate::model::{ExecRun, HostPath};

/// Neither the workspace nor the policy may depend on where a command starts.
pub(super) fn fixed_places(selectors: &Selectors) -> Result<(), Failure> {
    let policy = &selectors.policy;
    if is_policy_file(policy) && !Path::new(policy).is_absolute() {
        let error = "the policy's file is not an absolute path";
        let hint = "set LOBSTERPOT_POLICY to a name, or to the absolute path of the file";
        return Err(Failure::usage(error).with_hint(hint));
    }
    let hint = "set LOBSTERPOT_ROOT to the absolute path of the workspace";
    match &selectors.root {
        Some(root) if root.is_absolute() => Ok(()),
        Some(_) => Err(Failure::usage("the root is not an absolute path").with_hint(hint)),
        None => Err(Failure::usage("no workspace was chosen").with_hint(hint)),
    }
}

/// A directory as a request names it.
pub(super) fn text(directory: &HostPath) -> Result<String, Failure> {
    let path = directory.as_path().to_str().map(str::to_owned);
    path.ok_or_else(|| Failure::usage("the name of a directory is no text (UTF-8)"))
}

/// Runs these words in this directory, and nothing else in the session. Gives the exit code.
pub(super) fn run_in(
    mut session: Session,
    (words, cwd): (Vec<String>, String),
    format: Format,
) -> u8 {
    let report = session.run(ExecRun {
        argv: Some(words),
        cwd: Some(cwd),
        ..ExecRun::default()
    });
    session.close();
    told::to_agent(&report.reply, format);
    report.exit_code
}
