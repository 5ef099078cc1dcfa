//! `audit report`: one session as an HTML page, in a file of its own.
//!
//! The file is for its owner alone, is there whole or not at all, and takes no other file's
//! place unless it was told to.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;

use jiff::{Timestamp, tz::TimeZone};

use super::save::save;
use super::sessions::{newest_session, sessions};
use super::table::short_id;
use super::verify::Progress;
use super::{AuditCommandError, ReportArguments};
use crate::ambient::Operator;
use crate::audit::{
    Case, Exposure, Filter, Head, Known, LogReader, Story, each, incident_page, verify,
};
use crate::broker::Terms;
use crate::model::{HostPath, PrincipalId, shown, shown_path};
use crate::sys::names::Existing;

/// What `--read-only` adds to the name of a policy.
const READ_ONLY: &str = " (read-only)";

pub(super) fn run(
    arguments: &ReportArguments,
    operator: &Operator,
    out: &mut dyn Write,
) -> Result<u8, AuditCommandError> {
    let directory = operator.state.as_path();
    let reader = LogReader::open(directory)?;
    let Some(session) = meant(arguments, &reader, directory, out)? else {
        return Ok(1);
    };
    let mut story = Story::default();
    let filter = Filter {
        session: Some(session.clone()),
        ..Filter::default()
    };
    let unreadable = each(&reader, &filter, &mut |_, record| {
        story.add(record);
        Ok(ControlFlow::Continue(()))
    })?;
    story.finish();
    let case = Case {
        verified: verified(directory)?,
        unreadable,
        exposure: exposure(story.head(), operator),
        made: Timestamp::now().as_millisecond(),
        zone: TimeZone::system(),
        story: &story,
    };
    let page = incident_page(&case);
    match &arguments.output {
        Some(path) if path.as_os_str() == "-" => out.write_all(page.as_bytes())?,
        chosen => {
            let own = || format!("lobsterpot-{}.html", short_id(&shown(&session))).into();
            let path = operator
                .cwd
                .as_path()
                .join(chosen.clone().unwrap_or_else(own));
            let existing = if arguments.force {
                Existing::Replace
            } else {
                Existing::Keep
            };
            save(&path, existing, page.as_bytes())?;
            writeln!(out, "{}", shown_path(&path))?;
        }
    }
    Ok(0)
}

/// The session that is meant; none where there is no such, which has been said.
fn meant(
    arguments: &ReportArguments,
    reader: &LogReader,
    directory: &Path,
    out: &mut dyn Write,
) -> Result<Option<String>, AuditCommandError> {
    let directory = shown_path(directory);
    let Some(id) = &arguments.session else {
        let newest = newest_session(reader)?;
        if newest.is_none() {
            writeln!(out, "no session is on record yet in {directory}")?;
        }
        return Ok(newest);
    };
    let mut found = sessions(reader, id)?;
    let id = shown(id);
    match found.len() {
        0 => writeln!(out, "no session has the id {id} in {directory}")?,
        1 => return Ok(found.pop()),
        _ => {
            writeln!(out, "{id} ends more than one id:")?;
            for id in found {
                writeln!(out, "  {}", shown(&id))?;
            }
        }
    }
    Ok(None)
}

/// Whether the log is as it was written, in one line.
fn verified(directory: &Path) -> Result<Result<String, String>, AuditCommandError> {
    let mut progress = Progress::new();
    let found = verify(directory, &Known::default(), &mut |done, total| {
        progress.show(done, total);
    })?;
    progress.clear();
    if found.is_sound() {
        let vouched = found.checkpoints.sequence;
        let last = found.last.unwrap_or_default();
        return Ok(Ok(format!(
            "{} records, vouched for by {} checkpoints up to record {vouched} of {last}",
            found.records, found.checkpoints.count
        )));
    }
    let broken = found.broken.map(|broken| {
        let file = shown_path(&broken.file);
        format!("{file}, line {}: {}", broken.line, broken.problem)
    });
    let doubt = found.checkpoints.doubt.map(|doubt| doubt.to_string());
    let why = broken.or(doubt);
    Ok(Err(why.unwrap_or_else(|| "records are gone".into())))
}

/// What the session's policy lets its principal read today; an error says why that is not known.
fn exposure(head: &Head, operator: &Operator) -> Result<Exposure, String> {
    let root = HostPath::absolute(&head.root)
        .map_err(|_| String::from("the workspace is not on record any more"))?;
    let name = head.policy.trim_end_matches(READ_ONLY);
    let chosen = if head.policy_source.starts_with('/') {
        &head.policy_source
    } else {
        name
    };
    let mut policy = operator.policy(chosen).map_err(|error| error.to_string())?;
    if head.policy.ends_with(READ_ONLY) {
        policy = policy.tightened_to_read_only();
    }
    let terms = Terms {
        policy: policy
            .bind(&operator.anchors(root.clone()))
            .map_err(|error| error.to_string())?,
        principal: PrincipalId::new(&head.principal),
        cwd: root,
        operator: operator.clone(),
    };
    terms.exposure().map_err(|error| error.to_string())
}
