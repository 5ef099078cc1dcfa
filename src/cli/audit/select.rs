//! The options that say which records are meant, and the times that they take.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

use crate::audit::{Filter, Pattern, Wanted};
use crate::model::RefusalCode;

/// Which records are meant.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Which records")]
pub(super) struct Selection {
    /// From this time on: `15m` or `2h30m` ago, `today`, `2025-11-22`, `2025-11-22T20:00`
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<i64>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<i64>,
    /// Of this session: its id, or the last characters of it
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Of this principal
    #[arg(long, value_name = "PRINCIPAL")]
    principal: Option<String>,
    /// Refused with this code
    #[arg(long, value_name = "CODE", value_parser = codes())]
    code: Option<String>,
    /// About a path that matches: `/etc/**`, `*.pem`
    #[arg(long, value_name = "GLOB", value_parser = Pattern::path)]
    path: Option<Pattern>,
    /// About an operation that matches: `file.read`, `exec.*`, `chmod`
    #[arg(long, value_name = "GLOB", value_parser = Pattern::whole)]
    op: Option<Pattern>,
    /// Only what was refused
    #[arg(long)]
    denied: bool,
}

impl Selection {
    pub(super) fn filter(&self) -> Filter {
        Filter {
            since: self.since,
            until: self.until,
            session: self.session.clone(),
            principal: self.principal.clone(),
            code: self.code.clone(),
            path: self.path.clone(),
            op: self.op.clone(),
            outcome: if self.denied {
                Wanted::Denied
            } else {
                Wanted::Everything
            },
        }
    }
}

fn codes() -> clap::builder::PossibleValuesParser {
    RefusalCode::ALL.map(RefusalCode::as_str).into()
}

/// Reads a time as people write it, as milliseconds since 1970.
fn time(text: &str) -> Result<i64, String> {
    time_at(text, &Zoned::now()).ok_or_else(|| {
        "not a time; write how long ago (15m, 2h, 3d), today, yesterday, \
         2025-11-22, 2025-11-22T20:00 or 2025-11-22T20:00:00Z"
            .into()
    })
}

fn time_at(text: &str, now: &Zoned) -> Option<i64> {
    let at = |date: DateTime| {
        let zone: TimeZone = now.time_zone().clone();
        date.to_zoned(zone).ok().map(|zoned| zoned.timestamp())
    };
    let midnight = |zoned: &Zoned| zoned.start_of_day().ok().map(|zoned| zoned.timestamp());
    let found = match text {
        "now" => Some(now.timestamp()),
        "today" => midnight(now),
        "yesterday" => now.yesterday().ok().and_then(|day| midnight(&day)),
        _ => None,
    };
    let found = found
        .or_else(|| text.parse::<Timestamp>().ok())
        .or_else(|| text.parse::<DateTime>().ok().and_then(at))
        .or_else(|| {
            let span: Span = text.trim_end_matches(" ago").parse().ok()?;
            now.checked_sub(span.abs())
                .ok()
                .map(|zoned| zoned.timestamp())
        })?;
    Some(found.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::{Zoned, time_at};

    #[test]
    fn times_are_read_as_people_write_them() {
        let now: Zoned = "2025-11-22T20:18:03+01:00[Europe/Berlin]".parse().unwrap();
        let at = |text| time_at(text, &now).map(|found| now.timestamp().as_millisecond() - found);
        let minute = 60_000;
        assert_eq!(at("15m"), Some(15 * minute));
        assert_eq!(at("2h 30m ago"), Some(150 * minute));
        assert_eq!(at("1d"), Some(24 * 60 * minute));
        assert_eq!(at("today"), Some(((20 * 60) + 18) * minute + 3000));
        assert_eq!(at("2025-11-22T20:00"), Some(18 * minute + 3000));
        assert_eq!(at("2025-11-22 20:00"), Some(18 * minute + 3000));
        assert_eq!(at("2025-11-22T19:18:03Z"), Some(0));
        assert_eq!(at("2025-11-21"), at("yesterday"));
        assert_eq!(at("soon"), None);
        assert_eq!(at(""), None);
    }
}
