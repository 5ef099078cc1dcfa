//! `audit summary`: who tried what, how often, and who went probing.

use std::io::{self, Write};
use std::path::Path;

use jiff::tz::TimeZone;

use super::table::{BOLD, RED, clock, fit, short_id};
use super::{AuditCommandError, SummaryArguments};
use crate::audit::{Burst, LogReader, Summary, Tally, summarize};
use crate::model::shown;

pub(super) fn run(
    arguments: &SummaryArguments,
    directory: &Path,
    out: &mut dyn Write,
) -> Result<u8, AuditCommandError> {
    let reader = LogReader::open(directory)?;
    let summary = summarize(&reader, &arguments.selection.filter())?;
    if arguments.json {
        let text = serde_json::to_string(&summary).map_err(io::Error::other)?;
        writeln!(out, "{text}")?;
    } else if reader.is_empty() {
        writeln!(out, "nothing is on record yet in {}", directory.display())?;
    } else {
        report(&summary, arguments.lines, out)?;
    }
    Ok(0)
}

fn report(summary: &Summary, lines: usize, out: &mut dyn Write) -> io::Result<()> {
    let (Some(from), Some(to)) = (summary.from, summary.to) else {
        return writeln!(out, "no record matches");
    };
    let zone = TimeZone::system();
    let day = |time| clock(time, &zone, "%Y-%m-%d %H:%M");
    writeln!(
        out,
        "{} records from {} to {}",
        summary.records,
        day(from),
        day(to)
    )?;
    let (requests, denied, all) = (summary.requests, summary.requests_denied, summary.denials);
    writeln!(
        out,
        "{requests} requests, {denied} of them refused; {all} refusals in all"
    )?;
    if summary.noise > 0 {
        writeln!(
            out,
            "{} of the refusals are known noise at start-up, and counted apart",
            summary.noise
        )?;
    }
    table("Refusals by principal", &summary.by_principal, lines, out)?;
    table("Refusals by path", &summary.by_path, lines, out)?;
    table("Refusals by operation", &summary.by_op, lines, out)?;
    noise(&summary.by_noise, lines, out)?;
    if summary.not_named > 0 {
        writeln!(
            out,
            "\n{} more refusals are not in these tables",
            summary.not_named
        )?;
    }
    bursts(&summary.bursts, lines, &zone, out)?;
    if summary.repairs > 0 {
        writeln!(
            out,
            "\nthe log was repaired {} times; see audit verify",
            summary.repairs
        )?;
    }
    if summary.unreadable > 0 {
        writeln!(
            out,
            "\n{} lines are no records; see audit verify",
            summary.unreadable
        )?;
    }
    Ok(())
}

fn table(title: &str, tallies: &[Tally], lines: usize, out: &mut dyn Write) -> io::Result<()> {
    if tallies.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{BOLD}{title}{BOLD:#}")?;
    for Tally { name, code, count } in tallies.iter().take(lines) {
        let name = if name.is_empty() {
            "(none)".into()
        } else {
            fit(&shown(name), 50)
        };
        writeln!(out, "{count:>8}  {RED}{:19}{RED:#} {name}", shown(code))?;
    }
    match tallies.len().saturating_sub(lines) {
        0 => Ok(()),
        more => writeln!(out, "{:>8}  and {more} more; --lines shows them", ""),
    }
}

/// What programs look for whatever they are asked to do, by its reason.
fn noise(tallies: &[Tally], lines: usize, out: &mut dyn Write) -> io::Result<()> {
    if tallies.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{BOLD}Known noise at start-up{BOLD:#}")?;
    for Tally { name, count, .. } in tallies.iter().take(lines) {
        writeln!(out, "{count:>8}  {}", fit(&shown(name), 70))?;
    }
    match tallies.len().saturating_sub(lines) {
        0 => Ok(()),
        more => writeln!(out, "{:>8}  and {more} more; --lines shows them", ""),
    }
}

fn bursts(bursts: &[Burst], lines: usize, zone: &TimeZone, out: &mut dyn Write) -> io::Result<()> {
    if bursts.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{BOLD}Probing: many paths outside within a minute{BOLD:#}"
    )?;
    // The newest ones: those are what someone has to act on.
    for burst in &bursts[bursts.len().saturating_sub(lines)..] {
        let time = clock(burst.from, zone, "%Y-%m-%d %H:%M:%S");
        let (who, session) = (fit(&shown(&burst.principal), 34), shown(&burst.session));
        let (paths, denials) = (burst.paths, burst.denials);
        let seconds = (burst.to - burst.from) / 1000;
        writeln!(out, "{time}  {who}  session {}", short_id(&session))?;
        writeln!(
            out,
            "    {paths} paths, {denials} refusals in {seconds} s, such as"
        )?;
        for path in &burst.examples {
            writeln!(out, "      {}", fit(&shown(path), 74))?;
        }
    }
    Ok(())
}
