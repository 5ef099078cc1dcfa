//! `lobsterpot policy init`: a policy to begin with, with comments. Never replaces a file.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, output};
use crate::ambient::Operator;
use crate::model::shown_path;

const AFTER_HELP: &str = "\
Examples:
  lobsterpot policy init
  lobsterpot policy init ~/.config/lobsterpot/policies/notes.toml
  lobsterpot policy explain ./lobsterpot.toml

The second one can be chosen by its name afterwards: lobsterpot run --policy notes -- ls";

/// The policy, with its comments.
const STARTER: &str = include_str!("starter.toml");
/// The name that it bears before the file's own is put in.
const STARTER_NAME: &str = "name = \"starter\"";

/// Write a policy to begin with
///
/// The file says in comments what each part means. A file that exists is never replaced.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(in crate::cli) struct InitArguments {
    /// The file to write
    #[arg(value_name = "FILE", default_value = "lobsterpot.toml")]
    file: PathBuf,
}

/// Writes the file.
pub(super) fn run(arguments: &InitArguments, operator: &Operator) -> Result<u8, Failure> {
    let path = operator.cwd.as_path().join(&arguments.file);
    let text = STARTER.replacen(STARTER_NAME, &format!("name = \"{}\"", name_of(&path)), 1);
    write_new(&path, &text).map_err(|source| {
        let exists = source.kind() == std::io::ErrorKind::AlreadyExists;
        let failure = Failure::general(InitError {
            path: path.clone(),
            source,
        });
        if exists {
            return failure.with_hint("name another file, or remove this one first");
        }
        failure
    })?;
    let shown = shown_path(&arguments.file);
    output::say(&format!(
        "wrote {shown}\nSee what it gives: lobsterpot policy explain {}\n",
        if shown.contains('/') {
            shown.clone()
        } else {
            format!("./{shown}")
        },
    ));
    Ok(0)
}

/// The policy's name: the file's, as far as a policy may be called that.
fn name_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let allowed = |one: char| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '-';
    if stem.is_empty() || !stem.chars().all(allowed) {
        return "starter".into();
    }
    stem.into_owned()
}

#[allow(
    clippy::disallowed_methods,
    reason = "the operator's own policy file, at a path that they chose"
)]
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    // Nobody but the operator may write what they trust.
    options.write(true).create_new(true).mode(0o644);
    options.open(path)?.write_all(text.as_bytes())
}

/// The policy was not written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write policy {}", shown_path(.path))]
struct InitError {
    path: PathBuf,
    source: std::io::Error,
}

#[cfg(test)]
mod tests {
    use super::{STARTER, STARTER_NAME, name_of};
    use crate::policy::Policy;
    use std::path::Path;

    #[test]
    fn the_policy_to_begin_with_has_nothing_wrong() {
        assert_eq!(STARTER.matches(STARTER_NAME).count(), 1);
        let (policy, found) = Policy::check("starter.toml", STARTER);
        assert!(found.is_empty(), "{found}");
        assert_eq!(policy.unwrap().name, "starter");
    }

    #[test]
    fn it_is_named_after_its_file() {
        assert_eq!(name_of(Path::new("/x/notes-2.toml")), "notes-2");
        assert_eq!(name_of(Path::new("/x/My Notes.toml")), "starter");
    }
}
