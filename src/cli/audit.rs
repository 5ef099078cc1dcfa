//! `lobsterpot audit`: looks at the audit log; never writes to it.
//!
//! Whatever is shown to a person passes through [`crate::model::shown`]; `--json` gives the
//! records as they are.

mod checkpoint;
mod export;
mod report;
mod save;
mod select;
mod sessions;
mod show;
mod suggest;
mod summary;
mod table;
mod tail;
mod verify;

use std::io::{self, IsTerminal as _, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::failure::Failure;
use crate::ambient::{AmbientError, Operator, PolicyError};
use crate::audit::{AuditError, Format};
use crate::policy::Diagnostics;
use select::Selection;

/// Look at the audit log: what was asked, what was refused, and whether the log is whole
#[derive(Debug, clap::Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct AuditArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the newest records, and follow the log as it grows
    Tail(TailArguments),
    /// Show the records that match, newest last
    Query(QueryArguments),
    /// Show a session's refusals and its timeline, or one record with all it holds
    Show(ShowArguments),
    /// Check that no record was changed, removed, inserted or moved
    ///
    /// Exits with 1 and names the first bad line when the log is not as it was written.
    Verify(VerifyArguments),
    /// Print the newest checkpoint, to be copied to another machine
    ///
    /// `audit verify --since-checkpoint` compares the log with the copy, and so finds what
    /// even someone with the key has changed before it.
    Checkpoint(CheckpointArguments),
    /// Count who tried what, and find bursts of probing
    Summary(SummaryArguments),
    /// Make a page of a session: what happened when and where, and which secrets were in reach
    ///
    /// The page is one HTML file without scripts, for a browser or for paper. It holds names,
    /// never values. Without --session it is about the newest session.
    Report(ReportArguments),
    /// Write records in the words of another system: OCSF, ECS, CEF, journald, OTLP
    Export(ExportArguments),
    /// Print the least grants that would have allowed what was refused
    ///
    /// Nothing is changed: the output is a difference to the policy, with the risk of each
    /// grant, and with what is not suggested, and why.
    Suggest(SuggestArguments),
}

const AFTER_HELP: &str = "\
Examples:
  lobsterpot audit tail -f --denied                   what is refused, as it happens
  lobsterpot audit query --since 2h --path '/etc/**'  who wanted something below /etc
  lobsterpot audit show 7dd0bee4c518                  all about the record with that ending
  lobsterpot audit summary --since today              counts, and who went probing
  lobsterpot audit report -o incident.html            the newest session as a page to look at
  lobsterpot audit checkpoint | ssh elsewhere 'cat > newest-checkpoint'
  lobsterpot audit verify --since-checkpoint /mnt/usb/newest-checkpoint

Exit codes:
  0  done, also when nothing matches
  1  verify found the log changed or incomplete; show or report found no such
     id; the log cannot be read, or the report not be written
  2  usage";

#[derive(Debug, clap::Args)]
struct TailArguments {
    /// How many records
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    lines: usize,
    /// Go on as records are appended, until interrupted
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    selection: Selection,
}

#[derive(Debug, clap::Args)]
struct QueryArguments {
    /// At most so many records, the newest; 0 for all
    #[arg(short = 'n', long, value_name = "N", default_value_t = 200)]
    limit: usize,
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    selection: Selection,
}

/// How records are written.
#[derive(Debug, Clone, Copy, clap::Args)]
struct Form {
    /// Write the records as they are in the log, one JSON object a line
    #[arg(long)]
    json: bool,
    /// Do not shorten to 80 columns; add ids and processes
    #[arg(short, long, conflicts_with = "json")]
    wide: bool,
}

#[derive(Debug, clap::Args)]
struct ShowArguments {
    /// The id of a session or a record, or its last characters (six or more)
    ///
    /// Without one, the newest session is shown.
    id: Option<String>,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, clap::Args)]
struct VerifyArguments {
    /// The number of the first record, when older files were taken away on purpose
    #[arg(long, value_name = "NUMBER")]
    begins_at: Option<u64>,
    /// A key that signed a checkpoint, as `audit checkpoint --public-key` printed it
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// A checkpoint that the log must still hold, as `audit checkpoint` printed it
    #[arg(long, value_name = "FILE")]
    since_checkpoint: Option<PathBuf>,
    /// Write what was found as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct CheckpointArguments {
    /// Print only the key that signed it
    #[arg(long)]
    public_key: bool,
}

#[derive(Debug, clap::Args)]
struct SummaryArguments {
    /// How many lines of each table
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    lines: usize,
    /// Write all that was counted as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    selection: Selection,
}

#[derive(Debug, clap::Args)]
struct ReportArguments {
    /// Of this session: its id, or the last characters of it [default: the newest]
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Into this file; `-` is standard output [default: lobsterpot-SESSION.html]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

#[derive(Debug, clap::Args)]
struct ExportArguments {
    /// The words of which system
    #[arg(long, value_name = "FORMAT", value_parser = formats())]
    format: Format,
    /// Go on as records are appended, until interrupted
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    selection: Selection,
}

/// Records are looked at as long as nothing has failed with the last one.
fn unless_failed<E>(result: &Result<(), E>) -> ControlFlow<()> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    }
}

fn formats() -> impl TypedValueParser<Value = Format> {
    let names = Format::ALL.map(|(name, _)| name);
    PossibleValuesParser::new(names).map(|name| {
        let found = Format::ALL.into_iter().find(|(known, _)| *known == name);
        // Only names of the list come here.
        found.map_or(Format::Ocsf, |(_, format)| format)
    })
}

#[derive(Debug, clap::Args)]
struct SuggestArguments {
    /// For this policy; by default the one that refused most
    #[arg(long, value_name = "NAME|FILE")]
    policy: Option<String>,
    /// In this workspace; by default that of the session
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Print the whole policy with what is suggested
    #[arg(long, conflicts_with = "json")]
    whole: bool,
    /// Write all as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    selection: Selection,
}

/// Why the log could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum AuditCommandError {
    /// The log cannot be read.
    #[error("cannot read the audit log")]
    Log(#[from] AuditError),
    /// The policy cannot be used.
    #[error("cannot use the policy")]
    Policy(#[from] PolicyError),
    /// The policy cannot be used, or could not with what was suggested.
    #[error("cannot use the policy in this workspace")]
    Bound(#[from] Diagnostics),
    /// The workspace cannot be used.
    #[error("cannot use the workspace")]
    Root(#[from] AmbientError),
    /// A file that was named cannot be read.
    #[error("cannot read {}", crate::model::shown_path(path))]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file that was named does not hold what it should.
    #[error("{} holds no {wanted}", crate::model::shown_path(path))]
    Content {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        wanted: &'static str,
    },
    /// The file for the answer is there already.
    #[error("{} is there already", crate::model::shown_path(path))]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file for the answer cannot be written.
    #[error("cannot write {}", crate::model::shown_path(path))]
    Save {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The answer cannot be written.
    #[error("cannot write the answer")]
    Output(#[from] io::Error),
}

impl AuditCommandError {
    /// What the operator can do about it, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Log(error) => error.hint(),
            Self::Exists { .. } => Some("--force replaces it".into()),
            _ => None,
        }
    }
}

/// Answers from the operator's own log, on standard output.
pub(super) fn answer(arguments: &AuditArguments, operator: &Operator) -> Result<u8, Failure> {
    let result = match &arguments.command {
        // Bytes as they are: the journal's format holds lengths, which no filter may touch.
        Command::Export(export) => {
            let mut stdout = io::stdout().lock();
            if export.format == Format::Journald && stdout.is_terminal() {
                return Err(Failure::usage(NotForTerminals));
            }
            run(arguments, operator, &mut stdout)
        }
        // A page is no text for terminals, whose escapes are none of it.
        Command::Report(_) => run(arguments, operator, &mut io::stdout().lock()),
        _ => run(arguments, operator, &mut anstream::stdout().lock()),
    };
    result.map_err(|error| {
        let hint = error.hint();
        let failure = Failure::general(error);
        match hint {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    })
}

/// The journal's format is bytes as they are, which a terminal would obey.
#[derive(Debug, thiserror::Error)]
#[error("the journal export format is not for a terminal; write it to a file or a program")]
struct NotForTerminals;

/// Runs the command on the log of the operator, and gives the exit code.
///
/// `out` gets ANSI styles: give a stream that strips them where no terminal shows them, as
/// those of `anstream` do. The exit code is 1 when the log does not verify, or when the
/// session or record to show does not exist, and otherwise 0.
///
/// # Errors
/// When the log cannot be read or the answer cannot be written. A reader that has seen
/// enough (`| head`) is no error.
pub fn run(
    arguments: &AuditArguments,
    operator: &Operator,
    out: &mut dyn Write,
) -> Result<u8, AuditCommandError> {
    let state_directory = operator.state.as_path();
    let result = match &arguments.command {
        Command::Tail(tail) => tail::tail(tail, state_directory, out),
        Command::Query(query) => tail::query(query, state_directory, out),
        Command::Show(show) => show::run(show, state_directory, out),
        Command::Verify(verify) => verify::run(verify, state_directory, out),
        Command::Checkpoint(arguments) => checkpoint::run(arguments, state_directory, out),
        Command::Summary(summary) => summary::run(summary, state_directory, out),
        Command::Report(report) => report::run(report, operator, out),
        Command::Export(export) => export::run(export, state_directory, out),
        Command::Suggest(suggest) => suggest::run(suggest, operator, out),
    };
    match result.and_then(|code| Ok(out.flush().map(|()| code)?)) {
        Err(AuditCommandError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(0),
        result => result,
    }
}
