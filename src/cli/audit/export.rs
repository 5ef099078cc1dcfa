//! `audit export`: records in the words of other systems, one after the other.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use super::{AuditCommandError, ExportArguments, unless_failed};
use crate::audit::{Exporter, Filter, Follower, Line, LogReader, RecordView, each};

/// How often the log is looked at for new records.
const PAUSE: Duration = Duration::from_millis(200);

pub(super) fn run(
    arguments: &ExportArguments,
    directory: &Path,
    out: &mut dyn Write,
) -> Result<u8, AuditCommandError> {
    let filter = arguments.selection.filter();
    let reader = LogReader::open(directory)?;
    let mut exporter = Exporter::new(arguments.format);
    let mut result = Ok(());
    each(&reader, &filter, &mut |line, _| {
        result = exporter.record(line.bytes, out);
        Ok(unless_failed(&result))
    })?;
    result?;
    exporter.flush(out)?;
    if arguments.follow {
        let follower = Follower::after(directory, &reader);
        follow(follower, &filter, (&mut exporter, out))?;
    }
    Ok(0)
}

fn follow(
    mut follower: Follower,
    filter: &Filter,
    (exporter, out): (&mut Exporter, &mut dyn Write),
) -> Result<(), AuditCommandError> {
    loop {
        let mut result = Ok(());
        let _ = follower.poll(&mut |line: Line<'_>| {
            if RecordView::of(line.bytes).is_some_and(|record| filter.matches(&record)) {
                result = exporter.record(line.bytes, out);
            }
            Ok(unless_failed(&result))
        })?;
        result?;
        exporter.flush(out)?;
        std::thread::sleep(PAUSE);
    }
}
