//! `lobsterpot policy lint`: what is wrong with a policy, where, and what to do about it.

use std::path::{Path, PathBuf};

use clap::{ArgAction, Args};

use super::super::failure::Format;
use super::super::output::finding;
use super::{Failure, output};
use crate::ambient::Operator;
use crate::model::HostPath;
use crate::policy::{Diagnostic, Policy, Severity};

const AFTER_HELP: &str = "\
Examples:
  lobsterpot policy lint lobsterpot.toml
  lobsterpot policy lint --deny-warnings ~/.config/lobsterpot/policies/*.toml

Exit codes:
  0  nothing is wrong, or there are only warnings
  1  there is an error, or a warning with --deny-warnings";

/// Check policy files
///
/// Findings go to standard output as `file:line:column: severity: message [name]`, with the line
/// and a marker under it. The names of findings never change.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(in crate::cli) struct LintArguments {
    /// The files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Also ask what the policy gives away in this workspace
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Exit with 1 for warnings too
    #[arg(long)]
    deny_warnings: bool,
    /// Report as one line of JSON for each finding
    #[arg(long, action = ArgAction::SetTrue, value_parser = Format::parser())]
    pub(super) json: Format,
}

/// Prints what it finds.
pub(super) fn run(arguments: &LintArguments, operator: &Operator) -> Result<u8, Failure> {
    let root = match &arguments.root {
        Some(root) => operator.root(Some(root)).map_err(Failure::usage)?,
        None => nowhere(),
    };
    let (mut errors, mut warnings) = (0_u64, 0_u64);
    for file in &arguments.files {
        for one in check(file, &root, operator)? {
            match one.severity {
                Severity::Error => errors += 1,
                Severity::Warning => warnings += 1,
            }
            match arguments.json {
                Format::Json => output::print_json(&one)?,
                Format::Text => output::print(&finding(&one))?,
            }
        }
    }
    if arguments.json == Format::Text {
        let files = counted(arguments.files.len() as u64, "file");
        let errors = counted(errors, "error");
        let warnings = counted(warnings, "warning");
        output::say(&format!("{files}: {errors}, {warnings}\n"));
    }
    let bad = errors > 0 || (warnings > 0 && arguments.deny_warnings);
    Ok(u8::from(bad))
}

/// `1 file`, `2 files`.
fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// What is wrong with the text; where nothing is, what is wrong with where it leads.
fn check(file: &Path, root: &HostPath, operator: &Operator) -> Result<Vec<Diagnostic>, Failure> {
    let (name, text) = operator.policy_text(file).map_err(Failure::of_policy)?;
    let (policy, found) = Policy::check(&name, &text);
    let mut findings: Vec<Diagnostic> = found.iter().cloned().collect();
    if let Some(policy) = policy.filter(|_| !found.has_errors()) {
        match policy.bind(&operator.anchors(root.clone())) {
            Ok(bound) => {
                // Without --root nothing is known about what lies below it.
                let found =
                    |path: &HostPath| path.beneath(&nowhere()).is_some() || operator.exists(path);
                findings.extend(bound.warnings().iter().cloned());
                findings.extend(bound.unmatched(&found).iter().cloned());
            }
            Err(more) => findings.extend(more.iter().cloned()),
        }
    }
    Ok(findings)
}

/// A workspace that is nobody's: what `${root}` gives away depends on the session.
fn nowhere() -> HostPath {
    let root = HostPath::root();
    root.join("lobsterpot-lint/root").unwrap_or(root)
}
