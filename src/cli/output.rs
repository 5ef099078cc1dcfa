//! What goes to standard output and standard error, and how it looks.
//!
//! Colours reach only a terminal (and never JSON). Whatever was not written by us passes
//! through [`crate::model::shown`] before it comes here.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::failure::Failure;
use crate::policy::{Diagnostic, Severity};

/// A heading of a listing.
pub(super) const HEADING: Style = Style::new().bold();
/// Something is as it should be.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// Something is worth knowing.
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// Something is wrong, or refused.
pub(super) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// What can be done about it.
pub(super) const HINT: Style = AnsiColor::Cyan.on_default();
/// Of less importance than what stands beside it.
pub(super) const FAINT: Style = Style::new().dimmed();

/// The text in a style.
pub(super) fn styled(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Writes a text, which ends its own lines, to standard output.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(Failure::output)
}

/// Writes bytes to standard output as they are.
pub(super) fn print_raw(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .map_err(Failure::output)
}

/// Writes a value as one line of JSON to standard output.
pub(super) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    print_raw(&json_line(value))
}

/// A value as one line of JSON.
pub(super) fn json_line(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value)
        // Every type that comes here has string keys and derives its form.
        .expect("our own values are JSON");
    line.push(b'\n');
    line
}

/// Says something on standard error. A stderr that takes nothing changes no outcome.
pub(super) fn say(text: &str) {
    let mut stderr = anstream::stderr().lock();
    let _ = stderr.write_all(text.as_bytes());
}

/// Puts bytes on standard error as they are.
pub(super) fn say_raw(bytes: &[u8]) {
    let _ = io::stderr().lock().write_all(bytes);
}

/// A finding in a policy, with its line and the marker under it.
pub(super) fn finding(diagnostic: &Diagnostic) -> String {
    let spot = &diagnostic.spot;
    let style = match diagnostic.severity {
        Severity::Error => ERROR,
        Severity::Warning => WARNING,
    };
    let mut text = format!(
        "{}:{}: {}: {} {}\n  {}\n  {}\n",
        spot.place,
        spot.column,
        styled(style, diagnostic.severity),
        diagnostic.message,
        styled(FAINT, format_args!("[{}]", diagnostic.name)),
        spot.excerpt(),
        styled(style, spot.marker()),
    );
    if let Some(help) = &diagnostic.help {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "  {}: {help}", styled(HINT, "help"));
    }
    text
}

/// Whether standard error is a terminal that wants colours.
pub(super) fn stderr_has_colours() -> bool {
    anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never
}

/// Whether a person reads standard error.
pub(super) fn stderr_is_a_terminal() -> bool {
    io::IsTerminal::is_terminal(&io::stderr())
}
