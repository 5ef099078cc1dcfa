//! Records as lines for people: 80 columns, one heading for each session.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use jiff::{Timestamp, tz::TimeZone};

use super::Form;
use crate::audit::RecordView;
pub(super) use crate::model::fit;
use crate::model::shown;

/// How wide a line may be.
const COLUMNS: usize = 80;

/// The width of the outcome, which is that of the longest refusal code and a bit.
const OUTCOME: usize = 19;

/// The width of the operation, which is that of `session.close`.
const OPERATION: usize = 13;

pub(super) const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
pub(super) const RED: Style = AnsiColor::Red.on_default();
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();

/// Writes records, and a heading whenever the session changes.
pub(super) struct Table {
    form: Form,
    zone: TimeZone,
    heading: String,
}

impl Table {
    pub(super) fn new(form: Form) -> Self {
        let zone = TimeZone::system();
        Self {
            form,
            zone,
            heading: String::new(),
        }
    }

    /// Writes one record.
    pub(super) fn row(&mut self, record: &RecordView<'_>, out: &mut dyn Write) -> io::Result<()> {
        let heading = self.heading_of(record);
        if heading != self.heading {
            writeln!(out, "{BOLD}{heading}{BOLD:#}")?;
            self.heading = heading;
        }
        let (style, outcome) = outcome(record);
        let operation = fit(&shown(&record.op), OPERATION);
        let subject = self.subject(record);
        let time = clock(record.time, &self.zone, self.time_format());
        write!(
            out,
            "{time} {style}{outcome:OUTCOME$}{style:#} {operation:OPERATION$} "
        )?;
        if self.form.wide {
            return writeln!(out, "{subject}  {DIM}{}{DIM:#}", shown(&record.id));
        }
        let room = COLUMNS.saturating_sub(time.len() + OUTCOME + OPERATION + 3);
        writeln!(out, "{}", fit(&subject, room))
    }

    fn time_format(&self) -> &'static str {
        if self.form.wide {
            "%H:%M:%S%.3f"
        } else {
            "%H:%M:%S"
        }
    }

    fn heading_of(&self, record: &RecordView<'_>) -> String {
        let day = clock(record.time, &self.zone, "%Y-%m-%d");
        if record.session.is_empty() {
            return day;
        }
        let session = shown(&record.session);
        let who = format!("{} ({})", shown(&record.principal), shown(&record.tier));
        let policy = shown(&record.policy);
        if self.form.wide {
            return format!("{day}  session {session}  {who}  policy {policy}");
        }
        let session = short_id(&session);
        fit(
            &format!("{day}  session {session}  {who}  policy {policy}"),
            COLUMNS,
        )
    }

    fn subject(&self, record: &RecordView<'_>) -> String {
        let mut parts = vec![match record.phase.as_ref() {
            "repair" | "retention" => shown(&record.message),
            "decision" if record.subject().is_empty() => shown(&record.message),
            _ => shown(record.subject()),
        }];
        if !record.refused.is_empty() && !record.command.is_empty() {
            parts.push("in:".into());
            parts.push(shown(&record.command));
        }
        if !record.new_path.is_empty() && record.refused.is_empty() {
            parts.push("->".into());
            parts.push(shown(&record.new_path));
        }
        if let Some(requests) = record.requests {
            let denials = record.denials.unwrap_or_default();
            parts.push(format!("{requests} requests, {denials} refusals").into());
        }
        match record.folded.as_ref() {
            "below" => parts.push(format!("({} refusals below)", record.count).into()),
            _ if record.count > 1 => parts.push(format!("({} times)", record.count).into()),
            _ => {}
        }
        if !record.noise.is_empty() {
            parts.push("(noise)".into());
        }
        if self.form.wide
            && let Some(process) = &record.process
        {
            parts.push(format!("by {}[{}]", shown(&process.name), process.pid).into());
        }
        parts.join(" ").trim_start().to_owned()
    }
}

/// How a record ended, in a word, and how to colour it.
pub(super) fn outcome(record: &RecordView<'_>) -> (Style, String) {
    let plain = Style::new();
    if record.denied {
        return (RED, shown(&record.code).into_owned());
    }
    match (record.phase.as_ref(), record.outcome.as_ref()) {
        ("decision", _) => (GREEN, "allowed".into()),
        ("session", _) if record.op == "session.open" => (plain, "opened".into()),
        ("session", _) => (plain, "closed".into()),
        ("repair", _) => (YELLOW, "repaired".into()),
        ("retention", _) => (plain, "removed".into()),
        (_, "exited") => (
            plain,
            format!("exit {}", record.exit_code.unwrap_or_default()),
        ),
        (_, "signalled") => (
            YELLOW,
            format!("signal {}", record.signal.unwrap_or_default()),
        ),
        (_, outcome @ ("timeout" | "failed")) => (YELLOW, outcome.into()),
        (_, outcome) => (plain, shown(outcome).into_owned()),
    }
}

/// The last characters of an id, which tell it from others.
pub(super) fn short_id(id: &str) -> &str {
    let start = id.len().saturating_sub(8);
    id.get(start..).unwrap_or(id)
}

/// A time of the log in the operator's zone; the bare number where it is no time.
pub(super) fn clock(milliseconds: i64, zone: &TimeZone, format: &str) -> String {
    Timestamp::from_millisecond(milliseconds).map_or_else(
        |_| milliseconds.to_string(),
        |time| time.to_zoned(zone.clone()).strftime(format).to_string(),
    )
}
