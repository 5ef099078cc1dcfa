//! The page as a whole: its head, the numbers at a glance, and its sections in order.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::exposed::Exposure;
use super::markup::{Markup, counted, lasting, thousands};
use super::story::{Story, Use};
use super::style::STYLE;
use super::{exposed, map, processes, table, timeline};

/// What a page is made from.
#[derive(Debug)]
pub struct Case<'a> {
    /// The session's records.
    pub story: &'a Story,
    /// Whether the log is as it was written, in one line; an error where it is not.
    pub verified: Result<String, String>,
    /// Lines of the log that are no records.
    pub unreadable: u64,
    /// What may hold a secret and can be read; an error says why that is not known.
    pub exposure: Result<Exposure, String>,
    /// When the page is made, in milliseconds since 1970.
    pub made: i64,
    /// In which zone times are told.
    pub zone: TimeZone,
}

/// How a page begins. Whatever might be in it after all, a browser is told to ask for nothing,
/// run nothing and send nothing, and to use this one style sheet, which its hash names.
const BEGIN: &str = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; base-uri 'none'; \
form-action 'none'; style-src 'sha256-";
const GOES_ON: &str = "'\">\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
<meta name=\"color-scheme\" content=\"light dark\">\
<meta name=\"referrer\" content=\"no-referrer\"><meta name=\"robots\" content=\"noindex\"><title>";

/// Hatching tells what was refused where there are no colours.
const HATCH: &str = "<svg class=\"defs\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>\
<pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
patternTransform=\"rotate(45)\"><rect class=\"hatch-back\" width=\"6\" height=\"6\"/>\
<line class=\"hatch-line\" x1=\"0\" y1=\"0\" x2=\"0\" y2=\"6\"/></pattern></defs></svg>";

/// Makes the page.
pub fn incident_page(case: &Case<'_>) -> String {
    let story = case.story;
    let mut page = Markup::default();
    page.put(BEGIN)
        .text(&base64(&Sha256::digest(STYLE)))
        .put(GOES_ON);
    page.put("Session ").text(end_of(&story.head().session));
    page.put(" – Lobsterpot</title><style>")
        .put(STYLE)
        .put("</style></head><body>");
    page.put(HATCH).put("<main>");
    head(case, &mut page);
    glance(case, &mut page);
    timeline::section(story, &mut page);
    map::section(story, &mut page);
    table::section(story, &mut page);
    exposed::section(
        story,
        case.exposure.as_ref().map_err(String::as_str),
        &mut page,
    );
    processes::section(story, &mut page);
    page.put("<footer>Made by Lobsterpot ")
        .put(env!("CARGO_PKG_VERSION"))
        .put(" on ");
    page.text(&clock(case.made, &case.zone));
    page.put(". This page proves nothing; the log does: <code>lobsterpot audit verify</code>.");
    page.put("</footer></main></body></html>\n");
    page.into_text()
}

fn head(case: &Case<'_>, page: &mut Markup) {
    let head = case.story.head();
    page.put("<header><h1>Session <code>")
        .text(end_of(&head.session))
        .put("</code></h1><dl>");
    let mut row = |name: &'static str, value: &str| {
        page.put("<dt>").put(name);
        page.between("</dt><dd>", value, "</dd>");
    };
    row("who", &format!("{} ({})", head.principal, head.tier));
    row(
        "policy",
        &format!("{}, from {}", head.policy, head.policy_source),
    );
    row(
        "workspace",
        match head.root.as_str() {
            "" => "not on record any more",
            root => root,
        },
    );
    if let (Some(from), Some(to)) = (head.from, head.to) {
        let lasted = lasting(u64::try_from(to.saturating_sub(from)).unwrap_or(0));
        let (from, mut to) = (clock(from, &case.zone), clock(to, &case.zone));
        // The day once, where it is one.
        if from.get(..11) == to.get(..11) {
            to.drain(..11.min(to.len()));
        }
        let end = if head.is_closed {
            ""
        } else {
            "; its end is not on record"
        };
        row("time", &format!("{from} to {to} ({lasted}{end})"));
    }
    row("session", &head.session);
    page.put("<dt>in force</dt><dd>");
    enforced(case.story, page);
    page.put("</dd><dt>the log</dt><dd>");
    match &case.verified {
        Ok(how) => page.put("<span class=\"good\">verifies</span>: ").text(how),
        Err(why) => page
            .put("<span class=\"bad\">does not verify</span>: ")
            .text(why),
    };
    if case.unreadable > 0 {
        let lines = counted(case.unreadable, "line is", "lines are");
        page.put("; ").text(&lines).put(" no record");
    }
    page.put("</dd></dl></header>");
}

/// The layers that bound the commands; where they were not the same for all, each way.
fn enforced(story: &Story, page: &mut Markup) {
    let mut ways: Vec<_> = story.enforced.values().collect();
    ways.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    if ways.is_empty() {
        page.put("<span class=\"said\">nothing was carried out</span>");
    }
    for (value, count) in ways.iter().take(4) {
        page.put("<div>")
            .text(&layers(value))
            .put(" <span class=\"said\">(");
        page.text(&counted(*count, "request", "requests"))
            .put(")</span>");
        for weaker in weaker(value) {
            page.between(" <span class=\"tag named\">without ", weaker, "</span>");
        }
        page.put("</div>");
    }
    if ways.len() > 4 {
        let more = counted(ways.len() as u64 - 4, "other way", "other ways");
        page.between("<div class=\"said\">and ", &more, "</div>");
    }
}

fn layers(enforced: &Value) -> String {
    let text = |name: &str| enforced.get(name).and_then(Value::as_str).unwrap_or("none");
    if text("mode") == "broker" {
        return "by the broker alone, beneath opened directories".into();
    }
    let layers = ["landlock", "seccomp", "view", "witness", "limits"];
    let layers = layers.map(|name| (name, text(name)));
    let layers: Vec<_> = layers
        .iter()
        .filter(|(_, value)| *value != "none")
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    format!("{} mode · {}", text("mode"), layers.join(" · "))
}

fn weaker(enforced: &Value) -> impl Iterator<Item = &str> {
    let list = enforced.get("weaker").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

/// The numbers at a glance.
fn glance(case: &Case<'_>, page: &mut Markup) {
    let story = case.story;
    let (requests, refusals) = (&story.requests, &story.refusals);
    page.put("<section class=\"glance\">");
    let mut tile = |class: &'static str, count: u64, (one, many): (&str, &str), more: &str| {
        page.put("<div class=\"tile ")
            .put(if count == 0 { "zero" } else { class })
            .put("\"><b>")
            .count(count)
            .put("</b><span>")
            .text(if count == 1 { one } else { many })
            .put("</span>");
        page.between("<small>", more, "</small></div>");
    };
    let failed = format!("{} did not work", thousands(requests.failed));
    tile("calm", requests.all, ("request", "requests"), &failed);
    tile(
        "calm",
        requests.commands,
        ("command", "commands"),
        "among them",
    );
    let names = ("request refused", "requests refused");
    tile("hot", requests.refused, names, "before or while they ran");
    let (noise, all) = (refusals.noise_count, refusals.all);
    let at_least = if refusals.others.is_empty() {
        ""
    } else {
        "more than "
    };
    let different = thousands(refusals.different() as u64);
    let different = format!("{at_least}{different} different");
    tile("hot", all - noise, ("refusal", "refusals"), &different);
    let names = ("known noise", "known noise");
    tile("calm", noise, names, "folded below, with reasons");
    let bursts = story.bursts.len() as u64 + story.bursts_more;
    let names = ("burst of probing", "bursts of probing");
    tile("hot", bursts, names, "many paths in a minute");
    let outside = story.outside.total().refused;
    let names = ("time outside", "times outside");
    tile("hot", outside, names, "refused beyond the grants");
    let names = match case.exposure {
        Ok(_) => ("secret within reach", "secrets within reach"),
        Err(_) => ("secret read", "secrets read"),
    };
    let (secrets, more) = secrets(case);
    tile("warm", secrets, names, &more);
    page.put("</section>");
}

/// How many secrets were within reach, and how many of them were used.
fn secrets(case: &Case<'_>) -> (u64, String) {
    let story = case.story;
    let Ok(exposure) = &case.exposure else {
        let read = story.read.len() as u64;
        return (read, "what was in reach is not known".into());
    };
    let files = exposure.files.iter();
    let used = files.filter(|file| story.use_of(&file.name) != Use::None);
    let used = format!("{} read or named", thousands(used.count() as u64));
    let all = exposure.files.len() + exposure.variables.len();
    (all as u64, used)
}

/// The form in which a page names a hash; of whole groups of six bits, and one that is not.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let mut three = [0; 4];
        three[1..=group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes(three);
        for digit in 0..4 {
            let six = bits >> (18 - 6 * digit) & 63;
            let is_there = digit <= group.len();
            text.push(if is_there {
                char::from(DIGITS[six as usize])
            } else {
                '='
            });
        }
    }
    text
}

/// The last characters of an id, which tell it from others.
fn end_of(id: &str) -> &str {
    let start = id.len().saturating_sub(8);
    id.get(start..).unwrap_or(id)
}

fn clock(time: i64, zone: &TimeZone) -> String {
    Timestamp::from_millisecond(time).map_or_else(
        |_| time.to_string(),
        |time| {
            let zoned = time.to_zoned(zone.clone());
            zoned.strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn bytes_are_written_as_base64() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
    }
}
