//! `audit show`: one session as a timeline, its refusals first; or one record, whole.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;

use jiff::tz::TimeZone;

use super::sessions::newest_session;
use super::table::{BOLD, Table, clock, outcome};
use super::{AuditCommandError, ShowArguments, unless_failed};
use crate::audit::{Filter, LogReader, RecordView, Wanted, each, names};
use crate::model::shown;

pub(super) fn run(
    arguments: &ShowArguments,
    directory: &Path,
    out: &mut dyn Write,
) -> Result<u8, AuditCommandError> {
    let reader = LogReader::open(directory)?;
    let found = match &arguments.id {
        Some(id) => find(&reader, id)?,
        None => newest_session(&reader)?.map_or(Found::Nothing, Found::Session),
    };
    let id = arguments.id.as_deref().unwrap_or_default();
    match found {
        Found::Nothing if arguments.id.is_none() => {
            let directory = directory.display();
            writeln!(out, "no session is on record yet in {directory}")?;
            return Ok(1);
        }
        Found::Nothing => {
            let id = shown(id);
            let directory = directory.display();
            writeln!(
                out,
                "no session and no record has the id {id} in {directory}"
            )?;
            return Ok(1);
        }
        Found::Several(ids) => {
            writeln!(out, "{} ends more than one id:", shown(id))?;
            for id in ids {
                writeln!(out, "  {}", shown(&id))?;
            }
            return Ok(1);
        }
        Found::Session(id) => session(arguments, &reader, &id, out)?,
        Found::Record(line) => record(arguments, &reader, &line, out)?,
    }
    Ok(0)
}

/// What an id names.
enum Found {
    Nothing,
    Several(Vec<String>),
    Session(String),
    Record(Vec<u8>),
}

fn find(reader: &LogReader, id: &str) -> Result<Found, AuditCommandError> {
    let mut sessions: Vec<String> = Vec::new();
    let mut records: Vec<(String, Vec<u8>)> = Vec::new();
    each(reader, &Filter::default(), &mut |line, record| {
        if names(id, &record.session) && !sessions.iter().any(|known| *known == record.session) {
            sessions.push(record.session.clone().into_owned());
        }
        if names(id, &record.id) {
            records.push((record.id.clone().into_owned(), line.bytes.to_vec()));
        }
        let enough = sessions.len() + records.len() > 8;
        Ok(if enough {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    })?;
    Ok(match (sessions.len(), records.len()) {
        (0, 0) => Found::Nothing,
        (1, 0) => Found::Session(sessions.remove(0)),
        (0, 1) => Found::Record(records.remove(0).1),
        _ => {
            sessions.extend(records.into_iter().map(|(id, _)| id));
            Found::Several(sessions)
        }
    })
}

fn session(
    arguments: &ShowArguments,
    reader: &LogReader,
    id: &str,
    out: &mut dyn Write,
) -> Result<(), AuditCommandError> {
    let of_session = |outcome| Filter {
        session: Some(id.to_owned()),
        outcome,
        ..Filter::default()
    };
    if arguments.form.json {
        rows(reader, &of_session(Wanted::Everything), arguments, out)?;
        return Ok(());
    }
    writeln!(out, "{BOLD}Refused{BOLD:#}")?;
    if rows(reader, &of_session(Wanted::Denied), arguments, out)? == 0 {
        writeln!(out, "nothing")?;
    }
    writeln!(out, "\n{BOLD}In order{BOLD:#}")?;
    rows(reader, &of_session(Wanted::Everything), arguments, out)?;
    Ok(())
}

fn rows(
    reader: &LogReader,
    filter: &Filter,
    arguments: &ShowArguments,
    out: &mut dyn Write,
) -> Result<u64, AuditCommandError> {
    let mut table = Table::new(arguments.form);
    let (mut count, mut result) = (0, Ok(()));
    each(reader, filter, &mut |line, record| {
        count += 1;
        result = if arguments.form.json {
            out.write_all(line.bytes)
                .and_then(|()| out.write_all(b"\n"))
        } else {
            table.row(record, out)
        };
        Ok(unless_failed(&result))
    })?;
    result?;
    Ok(count)
}

fn record(
    arguments: &ShowArguments,
    reader: &LogReader,
    line: &[u8],
    out: &mut dyn Write,
) -> Result<(), AuditCommandError> {
    if arguments.form.json {
        out.write_all(line)?;
        return Ok(writeln!(out)?);
    }
    let Some(record) = RecordView::of(line) else {
        return Ok(()); // it was one a moment ago
    };
    members(&record, out)?;
    if record.decision.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{BOLD}The same request{BOLD:#}")?;
    let mut table = Table::new(arguments.form);
    let mut result = Ok(());
    let filter = Filter {
        session: Some(record.session.clone().into_owned()),
        ..Filter::default()
    };
    each(reader, &filter, &mut |_, other| {
        if other.decision == record.decision {
            result = table.row(other, out);
        }
        Ok(unless_failed(&result))
    })?;
    Ok(result?)
}

/// Everything that a record holds, one member a line; what it has not is left out.
fn members(record: &RecordView<'_>, out: &mut dyn Write) -> io::Result<()> {
    let lines = [who(record), what(record), how(record)];
    for (name, value) in lines.into_iter().flatten() {
        if !value.is_empty() && value != " ()" {
            writeln!(out, "{BOLD}{name:10}{BOLD:#} {value}")?;
        }
    }
    Ok(())
}

type Members = Vec<(&'static str, String)>;

fn who(record: &RecordView<'_>) -> Members {
    let zone = TimeZone::system();
    let both = |name: &str, more: &str| format!("{} ({})", shown(name), shown(more));
    let request = if record.request.is_null() {
        String::new()
    } else {
        shown(&record.request.to_string()).into_owned()
    };
    vec![
        (
            "record",
            format!("{} (number {})", shown(&record.id), record.sequence),
        ),
        (
            "time",
            clock(record.time, &zone, "%Y-%m-%d %H:%M:%S%.3f %:z"),
        ),
        ("session", shown(&record.session).into_owned()),
        ("principal", both(&record.principal, &record.tier)),
        ("policy", both(&record.policy, &record.policy_source)),
        ("request", request),
    ]
}

fn what(record: &RecordView<'_>) -> Members {
    let (_, outcome) = outcome(record);
    let text = |text: &str| shown(text).into_owned();
    vec![
        ("phase", text(&record.phase)),
        ("operation", text(&record.op)),
        ("outcome", outcome),
        ("path", text(&record.path)),
        ("new path", text(&record.new_path)),
        ("written", text(&record.written)),
        ("refused", text(&record.refused)),
        ("command", text(&record.command)),
        ("tool", text(&record.tool)),
        ("directory", text(&record.cwd)),
        ("workspace", text(&record.root)),
        ("message", text(&record.message)),
        ("granted", text(&record.hint)),
    ]
}

fn how(record: &RecordView<'_>) -> Members {
    let number = |number: Option<u64>, unit: &str| {
        number
            .map(|number| format!("{number}{unit}"))
            .unwrap_or_default()
    };
    let rule = if record.place.is_empty() {
        shown(&record.rule).into_owned()
    } else {
        format!("{} ({})", shown(&record.rule), shown(&record.place))
    };
    let process = record.process.as_ref().map(|process| {
        let (name, command) = (shown(&process.name), shown(&process.cmd_line));
        format!("{name} [{}]: {command}", process.pid)
    });
    let enforced = record
        .enforced
        .as_ref()
        .map(|enforced| shown(&enforced.to_string()).into_owned());
    let times = (record.count > 1).then_some(record.count);
    vec![
        ("rule", rule),
        ("seen by", shown(&record.path_source).into_owned()),
        ("noise", shown(&record.noise).into_owned()),
        ("process", process.unwrap_or_default()),
        ("times", number(times, "")),
        ("duration", number(record.duration, " ms")),
        ("bytes", number(record.bytes, "")),
        ("requests", number(record.requests, "")),
        ("refusals", number(record.denials, "")),
        ("enforced", enforced.unwrap_or_default()),
    ]
}
