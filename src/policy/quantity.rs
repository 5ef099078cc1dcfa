//! Sizes and durations as people write them.

use std::time::Duration;

/// The longest duration that is meant seriously, and that any clock can add to now.
const LONGEST: Duration = Duration::from_hours(24 * 366);

/// The largest size that is meant seriously, and that the kernel's signed numbers hold.
pub(super) const LARGEST: u64 = 1 << 60;

const UNITS: [(&str, u64); 5] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

/// A whole number with a binary unit: `4GiB`, `512 KiB`.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let wrong =
        || format!("`{text}` is not a size; write a whole number with B, KiB, MiB, GiB or TiB");
    let text = text.trim();
    let (number, factor) = UNITS
        .iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)))
        .ok_or_else(wrong)?;
    let number = number.trim_end();
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let count: u64 = number.parse().map_err(|_| wrong())?;
    let bytes = count.checked_mul(factor).ok_or_else(wrong)?;
    if bytes > LARGEST {
        return Err(wrong());
    }
    Ok(bytes)
}

/// The size in the largest unit that divides it.
pub(super) fn size_text(bytes: u64) -> String {
    let whole = |(_, factor): &&(&str, u64)| bytes.is_multiple_of(*factor);
    match UNITS.iter().find(whole) {
        Some((unit, factor)) if bytes > 0 => format!("{}{unit}", bytes / factor),
        _ => format!("{bytes}B"),
    }
}

/// A duration of hours, minutes and seconds: `1m30s`.
///
/// # Errors
/// When the text is none, with words for a person.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a duration; write such as `30s`, `1m30s` or `2h`");
    let signed: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    let time = Duration::try_from(signed).map_err(|_| wrong())?;
    if time > LONGEST {
        return Err(format!("`{text}` is longer than a year"));
    }
    Ok(time)
}

/// A time that is more than nothing: whole or broken seconds, or such as `1m30s`.
///
/// # Errors
/// When the text is none, with words for a person.
pub fn time_limit(text: &str) -> Result<Duration, String> {
    let time = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string()),
        Err(_) => duration(text),
    };
    time.and_then(|time| match time {
        Duration::ZERO => Err("nothing can be done in no time".into()),
        time => Ok(time),
    })
}

/// The duration as [`duration`] reads it.
pub(super) fn duration_text(duration: Duration) -> String {
    // Only durations that were read from a text, or our defaults, come here; both fit.
    jiff::SignedDuration::try_from(duration).map_or_else(
        |_| format!("{}s", duration.as_secs()),
        |signed| format!("{signed:#}").replace(' ', ""),
    )
}

#[cfg(test)]
mod tests {
    use super::{duration, duration_text, size, size_text, time_limit};
    use std::time::Duration;

    #[test]
    fn a_time_limit_is_seconds_or_has_units() {
        assert_eq!(time_limit("90"), Ok(Duration::from_secs(90)));
        assert_eq!(time_limit("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(time_limit("1m30s"), Ok(Duration::from_secs(90)));
        for wrong in ["", "0", "0s", "-1", "-5s", "inf", "nan", "soon", "1e30"] {
            assert!(time_limit(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_are_whole_numbers_with_binary_units() {
        assert_eq!(size("4GiB"), Ok(4 << 30));
        assert_eq!(size("512 KiB"), Ok(512 << 10));
        assert_eq!(size("7B"), Ok(7));
        for wrong in [
            "",
            "B",
            "4",
            "4GB",
            "-1B",
            "+1B",
            "1.5GiB",
            "1 000B",
            "99999999TiB",
            "16777216TiB",
        ] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_have_units_and_no_sign() {
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("10m"), Ok(Duration::from_mins(10)));
        for wrong in ["", "90", "-5s", "10 parsecs", "9000h", "99999999999999h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_printed_is_read_again() {
        for bytes in [0, 1, 1023, 1024, 1536, 1 << 30, (1 << 60) - 1, 1 << 60] {
            assert_eq!(size(&size_text(bytes)), Ok(bytes));
        }
        for seconds in [1, 59, 60, 90, 3600, 86_400 * 366] {
            let time = Duration::from_secs(seconds);
            assert_eq!(duration(&duration_text(time)), Ok(time));
        }
        let odd = Duration::from_nanos(1_234_567_891);
        assert_eq!(duration(&duration_text(odd)), Ok(odd));
    }
}
