//! Which session is meant: the newest, or the one that an id, or the end of one, names.

use std::ops::ControlFlow;

use super::AuditCommandError;
use crate::audit::{Filter, LogReader, RecordView, each, names};

/// More sessions than this are not told apart for a person.
const MOST: usize = 8;

/// The session that was opened last; where none was, the one of the newest record.
pub(super) fn newest_session(reader: &LogReader) -> Result<Option<String>, AuditCommandError> {
    let (mut opened, mut newest) = (None, None);
    reader.backward(&mut |line| {
        let Some(record) = RecordView::of(line.bytes).filter(|record| !record.session.is_empty())
        else {
            return Ok(ControlFlow::Continue(()));
        };
        let id = || Some(record.session.clone().into_owned());
        newest = newest.take().or_else(id);
        if record.op == "session.open" {
            opened = id();
            return Ok(ControlFlow::Break(()));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(opened.or(newest))
}

/// The sessions that the text names: the id, or its last characters.
pub(super) fn sessions(reader: &LogReader, text: &str) -> Result<Vec<String>, AuditCommandError> {
    let mut found: Vec<String> = Vec::new();
    each(reader, &Filter::default(), &mut |_, record| {
        if names(text, &record.session) && !found.iter().any(|known| *known == record.session) {
            found.push(record.session.clone().into_owned());
        }
        Ok(if found.len() > MOST {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    })?;
    Ok(found)
}
