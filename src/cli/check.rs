//! `lobsterpot check`: would this be allowed, by which rule, and what is granted instead?
//!
//! It decides and does nothing else.

use std::fmt::Write as _;

use clap::{ArgGroup, Args};

use super::failure::{Failure, Format};
use super::output::{self, ERROR, GOOD, WARNING, styled};
use super::selectors::{Selectors, word};
use super::{session, told};
use crate::ambient::Operator;
use crate::broker::CheckReport;
use crate::model::{Enforced, ExecRun, FileList, FileRead, FileWrite, Operation, Rule, shown};

const AFTER_HELP: &str = "\
Examples:
  lobsterpot check --read ~/.ssh/id_rsa
  lobsterpot check --write src/main.rs --as +15555550123
  lobsterpot check --policy read-only -- sh -c 'cat /etc/shadow > copy'

A command is read as far as its words tell where it leads. One that reaches the same place in
another way is allowed to start, and meets the kernel.

Exit codes:
  0    it would be allowed
  2    usage: an option cannot be used, or names nothing that is there
  125  the policy cannot be used
  126  it would be denied";

const USAGE: &str = "\
lobsterpot check [OPTIONS] --read <P> | --write <P> | --list <P>
       lobsterpot check [OPTIONS] [--] <CMD>...";

/// Decide about a command or a path, explain, and do nothing
#[derive(Debug, Args)]
#[command(
    after_long_help = AFTER_HELP,
    override_usage = USAGE,
    group = ArgGroup::new("question").required(true)
)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    pub(super) selectors: Selectors,
    /// Would reading this file be allowed?
    #[arg(long, value_name = "P", group = "question", value_parser = word())]
    read: Option<String>,
    /// Would writing this file be allowed?
    #[arg(long, value_name = "P", group = "question", value_parser = word())]
    write: Option<String>,
    /// Would listing this directory be allowed?
    #[arg(long, value_name = "P", group = "question", value_parser = word())]
    list: Option<String>,
    /// Would running this command be allowed?
    #[arg(value_name = "CMD", group = "question", trailing_var_arg = true, value_parser = word())]
    command: Vec<String>,
}

/// Decides.
pub(super) fn run(arguments: CheckArguments, operator: Operator) -> Result<u8, Failure> {
    let format = arguments.selectors.json;
    let terms = session::terms(&arguments.selectors, operator)?;
    let (subject, operation) = question(arguments);
    let report = terms.check(&operation);
    match format {
        Format::Json => output::print_json(&report)?,
        Format::Text => output::print(&explained(&subject, &report))?,
    }
    Ok(if report.allowed { 0 } else { DENIED })
}

/// The exit code for what would be denied.
const DENIED: u8 = 126;

/// What is asked, in words and as a request.
fn question(arguments: CheckArguments) -> (String, Operation) {
    let CheckArguments {
        read,
        write,
        list,
        command,
        ..
    } = arguments;
    match (read, write, list) {
        (Some(path), _, _) => (
            format!("read {path}"),
            Operation::FileRead(FileRead {
                path,
                ..FileRead::default()
            }),
        ),
        (_, Some(path), _) => (
            format!("write {path}"),
            Operation::FileWrite(FileWrite {
                path,
                ..FileWrite::default()
            }),
        ),
        (_, _, Some(path)) => (
            format!("list {path}"),
            Operation::FileList(FileList {
                path,
                ..FileList::default()
            }),
        ),
        (None, None, None) => (
            format!("run {}", command.join(" ")),
            Operation::ExecRun(ExecRun {
                argv: Some(command),
                ..ExecRun::default()
            }),
        ),
    }
}

fn explained(subject: &str, report: &CheckReport) -> String {
    let subject = shown(subject);
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    if report.allowed {
        let _ = writeln!(text, "{}: {subject}", styled(GOOD, "allowed"));
        if let Some(rule) = &report.rule {
            let _ = writeln!(text, "  by {}", named(rule));
        }
        if let Some(enforced) = &report.enforced {
            text.push_str(&contained(enforced));
        }
        return text;
    }
    let _ = writeln!(text, "{}: {subject}", styled(ERROR, "denied"));
    let mut rules: Vec<String> = report.denials.iter().map(|one| named(&one.rule)).collect();
    rules.dedup();
    for rule in rules {
        let _ = writeln!(text, "  by {rule}");
    }
    for line in told::denials(&report.denials).lines() {
        let _ = writeln!(text, "  {line}");
    }
    text
}

/// How a command would be contained.
fn contained(enforced: &Enforced) -> String {
    let Enforced {
        landlock, seccomp, ..
    } = enforced;
    let mode = enforced.mode.as_str();
    let mut text = format!("  in {mode} mode: landlock {landlock}; system calls: {seccomp}\n");
    for weaker in &enforced.weaker {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "  {}: {}", styled(WARNING, weaker), weaker.meaning());
    }
    text
}

/// The rule, and where the policy says so.
fn named(rule: &Rule) -> String {
    match &rule.place {
        Some(place) => format!("{} ({place})", shown(&rule.name)),
        None if *rule == Rule::default_deny() => "default: nothing allows it".into(),
        None => shown(&rule.name).into_owned(),
    }
}
