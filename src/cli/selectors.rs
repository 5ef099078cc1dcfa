//! The options that say whose request this is, under which policy, and where.
//!
//! One definition for every command that asks the broker, so that they cannot drift apart.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{BoolishValueParser, OsStringValueParser, TypedValueParser};
use clap::{ArgAction, Args, Parser};

use super::failure::Format;
use crate::broker::Choice;
use crate::policy::{Policy, time_limit};

/// Which session a command is about.
#[derive(Debug, Args)]
#[command(next_help_heading = "Selectors")]
pub(super) struct Selectors {
    /// The policy: a name, or a file (`./x.toml`)
    ///
    /// A name is looked up in the operator's configuration, in /etc/lobsterpot/policies, and among
    /// the built-in policies locked, read-only and workspace. What contains a `/` or ends in `.toml` is a file.
    #[arg(long, value_name = "NAME|FILE", env = "LOBSTERPOT_POLICY", default_value = Policy::DEFAULT)]
    pub(super) policy: String,
    /// The workspace, `${root}` in policies [default: the current directory]
    ///
    /// It is opened once. Commands start in the current directory if that lies below the root,
    /// and in the root otherwise.
    #[arg(long, value_name = "DIR", env = "LOBSTERPOT_ROOT")]
    pub(super) root: Option<PathBuf>,
    /// Take away what does not lie below this directory; may be given several times
    ///
    /// It can only narrow: what the policy does not grant below the directory is not granted
    /// there. An empty one is no directory, and alone leaves nothing.
    #[arg(long, value_name = "DIR", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub(super) within: Vec<PathBuf>,
    /// Take every right to change anything away from the policy
    ///
    /// It can only tighten: nothing turns it off again, and a policy that is read-only stays so.
    #[arg(long, env = "LOBSTERPOT_READ_ONLY", value_parser = BoolishValueParser::new())]
    pub(super) read_only: bool,
    /// Who asks, as the policy knows them
    ///
    /// The policy gives the principal a tier; one that it does not know can do nothing.
    #[arg(
        long = "as",
        value_name = "PRINCIPAL",
        env = "LOBSTERPOT_AS",
        default_value = "agent:main"
    )]
    pub(super) principal: String,
    /// The most time a command may take: seconds, or such as `1m30s`
    ///
    /// It can only tighten the policy's own limit. When the time is up, everything that the
    /// command started is ended, and the exit code is 124.
    #[arg(long, value_name = "T", env = "LOBSTERPOT_TIMEOUT", value_parser = time_limit)]
    pub(super) timeout: Option<Duration>,
    /// Report as one line of JSON
    #[arg(long, action = ArgAction::SetTrue, value_parser = Format::parser())]
    pub(super) json: Format,
}

impl Selectors {
    /// What the environment alone chooses.
    pub(super) fn of_environment() -> Result<Self, clap::Error> {
        FromEnvironment::try_parse_from::<_, &str>([]).map(|said| said.selectors)
    }

    /// Whether they choose the same session.
    pub(super) fn chooses_like(&self, other: &Self) -> bool {
        self.policy == other.policy
            && self.root == other.root
            && self.within == other.within
            && self.read_only == other.read_only
            && self.principal == other.principal
            && self.timeout == other.timeout
    }

    /// The same, as the broker takes it.
    pub(super) fn choice(&self) -> Choice {
        let mut choice = Choice::default()
            .policy(&self.policy)
            .principal(&self.principal);
        if let Some(root) = &self.root {
            choice = choice.root(root);
        }
        for directory in &self.within {
            choice = choice.within(directory);
        }
        if let Some(time) = self.timeout {
            choice = choice.at_most(time);
        }
        if self.read_only {
            choice = choice.read_only();
        }
        choice
    }
}

#[derive(Debug, Parser)]
#[command(name = "lobsterpot", no_binary_name = true)]
struct FromEnvironment {
    #[command(flatten)]
    selectors: Selectors,
}

/// A word of a request. Requests are records, too, and records are text.
pub(super) fn word() -> impl TypedValueParser<Value = String> {
    OsStringValueParser::new().try_map(|word| {
        word.into_string().map_err(|_| {
            "requests are text (UTF-8), and this is none; a shell in the sandbox can name the \
             file by a pattern: sh -c 'cat ./caf?'"
        })
    })
}
