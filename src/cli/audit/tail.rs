//! `audit tail` and `audit query`: the newest records, those that match, and new ones.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use super::table::Table;
use super::{AuditCommandError, Form, QueryArguments, TailArguments, unless_failed};
use crate::audit::{Answer, Filter, Follower, LogReader, RecordView, each, newest};

/// How often the log is looked at for new records.
const PAUSE: Duration = Duration::from_millis(200);

pub(super) fn tail(
    arguments: &TailArguments,
    directory: &Path,
    out: &mut dyn Write,
) -> Result<u8, AuditCommandError> {
    let filter = arguments.selection.filter();
    let reader = LogReader::open(directory)?;
    let mut writer = Writer::new(arguments.form, out);
    let answer = newest(&reader, &filter, arguments.lines)?;
    if answer.lines.is_empty() && !arguments.follow {
        writer.say_nothing(&reader, directory)?;
    }
    writer.answer(&answer)?;
    if arguments.follow {
        follow(Follower::after(directory, &reader), &filter, &mut writer)?;
    }
    Ok(0)
}

pub(super) fn query(
    arguments: &QueryArguments,
    directory: &Path,
    out: &mut dyn Write,
) -> Result<u8, AuditCommandError> {
    let filter = arguments.selection.filter();
    let reader = LogReader::open(directory)?;
    let mut writer = Writer::new(arguments.form, out);
    if arguments.limit == 0 {
        all(&reader, &filter, &mut writer)?;
    } else {
        let answer = newest(&reader, &filter, arguments.limit)?;
        writer.answer(&answer)?;
        if answer.more {
            let limit = arguments.limit;
            writer.note(&format!(
                "these are the newest {limit}; --limit 0 shows all"
            ))?;
        }
    }
    if writer.written == 0 {
        writer.say_nothing(&reader, directory)?;
    }
    Ok(0)
}

fn all(
    reader: &LogReader,
    filter: &Filter,
    writer: &mut Writer<'_>,
) -> Result<(), AuditCommandError> {
    let mut result = Ok(());
    let unreadable = each(reader, filter, &mut |line, record| {
        result = writer.record(line.bytes, record);
        Ok(unless_failed(&result))
    })?;
    result?;
    Ok(writer.unreadable(unreadable)?)
}

fn follow(
    mut follower: Follower,
    filter: &Filter,
    writer: &mut Writer<'_>,
) -> Result<(), AuditCommandError> {
    loop {
        let mut result = Ok(());
        let _ = follower.poll(&mut |line| {
            if let Some(record) = RecordView::of(line.bytes).filter(|record| filter.matches(record))
            {
                result = writer.record(line.bytes, &record);
            }
            Ok(unless_failed(&result))
        })?;
        result?;
        writer.out.flush()?;
        std::thread::sleep(PAUSE);
    }
}

/// Writes records in one of the forms.
struct Writer<'a> {
    form: Form,
    table: Table,
    out: &'a mut dyn Write,
    written: u64,
}

impl<'a> Writer<'a> {
    fn new(form: Form, out: &'a mut dyn Write) -> Self {
        Self {
            form,
            table: Table::new(form),
            out,
            written: 0,
        }
    }

    fn record(&mut self, line: &[u8], record: &RecordView<'_>) -> io::Result<()> {
        self.written += 1;
        if self.form.json {
            self.out.write_all(line)?;
            return self.out.write_all(b"\n");
        }
        self.table.row(record, self.out)
    }

    fn answer(&mut self, answer: &Answer) -> io::Result<()> {
        for line in &answer.lines {
            if let Some(record) = RecordView::of(line) {
                self.record(line, &record)?;
            }
        }
        self.unreadable(answer.unreadable)
    }

    fn unreadable(&mut self, lines: u64) -> io::Result<()> {
        match lines {
            0 => Ok(()),
            lines => self.note(&format!(
                "{lines} lines are no records; see `lobsterpot audit verify`"
            )),
        }
    }

    /// A remark for people.
    fn note(&mut self, text: &str) -> io::Result<()> {
        if self.form.json {
            return Ok(());
        }
        writeln!(self.out, "{text}")
    }

    fn say_nothing(&mut self, reader: &LogReader, directory: &Path) -> io::Result<()> {
        if reader.is_empty() {
            return self.note(&format!(
                "nothing is on record yet in {}",
                directory.display()
            ));
        }
        self.note("no record matches")
    }
}
