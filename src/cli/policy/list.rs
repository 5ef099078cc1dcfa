//! `lobsterpot policy list`: the policies that can be chosen by name.

use std::fmt::Write as _;

use clap::{ArgAction, Args};
use serde::Serialize;

use super::super::failure::Format;
use super::super::layout::wrapped;
use super::super::output::{ERROR, FAINT, styled};
use super::{Failure, output};
use crate::ambient::{Listed, Operator};
use crate::model::shown;
use crate::policy::Policy;

/// List the policies that can be chosen by name
#[derive(Debug, Args)]
pub(in crate::cli) struct ListArguments {
    /// Report as one line of JSON for each policy
    #[arg(long, action = ArgAction::SetTrue, value_parser = Format::parser())]
    pub(super) json: Format,
}

/// A policy of the list, for programs.
#[derive(Serialize)]
struct Entry {
    name: String,
    source: String,
    default: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<Listed> for Entry {
    fn from(listed: Listed) -> Self {
        let Listed {
            name,
            source,
            policy,
        } = listed;
        let (description, error) = match policy {
            Ok(policy) => (Some(shown(&policy.description).into_owned()), None),
            Err(error) => (None, Some(error.to_string())),
        };
        Self {
            default: name == Policy::DEFAULT,
            name,
            source,
            description,
            error,
        }
    }
}

/// Prints the list.
pub(super) fn run(arguments: &ListArguments, operator: &Operator) -> Result<u8, Failure> {
    let entries = operator.policies().into_iter().map(Entry::from);
    match arguments.json {
        Format::Json => {
            for entry in entries {
                output::print_json(&entry)?;
            }
        }
        Format::Text => output::print(&to_text(&entries.collect::<Vec<_>>()))?,
    }
    Ok(0)
}

fn to_text(entries: &[Entry]) -> String {
    let longest = entries.iter().map(|entry| entry.name.chars().count()).max();
    let column = longest.unwrap_or(0) + 2;
    let mut text = String::new();
    for entry in entries {
        let words = match (&entry.description, &entry.error) {
            (Some(description), _) => wrapped(description, column),
            (None, error) => {
                let first = error.as_deref().and_then(|error| error.lines().next());
                let words = format!("cannot be used: {}", first.unwrap_or_default());
                styled(ERROR, wrapped(&words, column))
            }
        };
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{:column$}{words}", entry.name);
        if !entry.source.starts_with("built-in:") {
            let _ = writeln!(text, "{:column$}{}", "", styled(FAINT, &entry.source));
        }
        if entry.default {
            let _ = writeln!(text, "{:column$}{}", "", styled(FAINT, "the default"));
        }
    }
    text
}
