//! The picture of a session in time: what was asked, how it ended, what was refused.
//!
//! A short session has a line for each request. A longer one has columns, whose heights are
//! counts: however long it was, the picture stays as large.

use super::columns::Column;
use super::markup::{Markup, counted, lasting};
use super::picture::{Area, real};
use super::requests::{Asked, End};
use super::story::Story;

/// The most requests that have a line of their own.
const MOST_LINES: usize = 50;

const WIDTH: f64 = 1060.0;
/// Where time begins and ends in the picture with lines.
const LEFT: f64 = 350.0;
const RIGHT: f64 = 890.0;
const LINE: f64 = 22.0;
/// Room above, for the words on bursts.
const TOP: f64 = 24.0;
/// The strip of refusals.
const STRIP: f64 = 44.0;
/// Room for the numbers of the axis.
const AXIS: f64 = 26.0;

/// What is said where not every request has a line.
const COLUMNS: &str =
    " There are too many requests for a line each: each column stands for all in its time.";

/// The section of the page.
pub(super) fn section(story: &Story, page: &mut Markup) {
    page.put("<section><h2>In time</h2>");
    let head = story.head();
    let (Some(from), Some(to)) = (head.from, head.to) else {
        page.put("<p class=\"none\">Nothing is on record.</p></section>");
        return;
    };
    let requests = &story.requests;
    let has_all = requests.folded.is_empty() && requests.kept.len() <= MOST_LINES;
    let until = requests.kept.iter().map(Asked::until);
    let until = until.max().unwrap_or(to).max(to);
    let span = u64::try_from(until.saturating_sub(from))
        .unwrap_or(0)
        .max(1);
    if has_all {
        let scale = Scale {
            from,
            span,
            left: LEFT,
            right: RIGHT,
        };
        lines(story, &scale, page);
    } else {
        // The last column ends where its time does.
        let span = span.max(story.columns.width());
        let scale = Scale {
            from,
            span,
            left: 60.0,
            right: WIDTH - 20.0,
        };
        columns(story, &scale, page);
    }
    legend(if has_all { "" } else { COLUMNS }, page);
    page.put("</section>");
}

fn legend(columns: &'static str, page: &mut Markup) {
    page.put("<p class=\"legend\"><span class=\"key done\"></span>carried out ");
    page.put("<span class=\"key failed\"></span>did not work ");
    page.put("<span class=\"key refused\"></span>refused ");
    page.put(
        "<span class=\"key burst\"></span>probing: ten or more distinct paths within a minute</p>",
    );
    page.put(
        "<p class=\"note\">What was refused inside a command is on record when the command ends, ",
    );
    page.put("and stands there. The marks beneath grow by powers of two; known noise at start-up is left out.");
    page.put(columns);
    page.put("</p>");
}

/// From times to places.
struct Scale {
    from: i64,
    span: u64,
    left: f64,
    right: f64,
}

impl Scale {
    fn of(&self, time: i64) -> f64 {
        self.after(u64::try_from(time.saturating_sub(self.from)).unwrap_or(0))
    }

    fn after(&self, milliseconds: u64) -> f64 {
        let part = real(milliseconds.min(self.span)) / real(self.span);
        self.left + part * (self.right - self.left)
    }

    /// Times at which the axis has a mark.
    fn marks(&self) -> Vec<u64> {
        const STEPS: [u64; 25] = [
            1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000,
            120_000, 300_000, 600_000, 1_800_000, 3_600_000, 10_800_000, 21_600_000, 43_200_000,
            86_400_000,
        ];
        let fits = |step: &&u64| self.span / **step <= 7;
        let step = match STEPS.iter().find(fits) {
            Some(step) => *step,
            None => (self.span / 7).div_ceil(86_400_000) * 86_400_000,
        };
        (0..=self.span / step).map(|mark| mark * step).collect()
    }

    /// The bursts as shades behind everything, each with its words above.
    fn bursts(&self, story: &Story, height: f64, page: &mut Markup) {
        let mut free = 0.0;
        for burst in &story.bursts {
            let (x, end) = (self.of(burst.from), self.of(burst.to));
            let lasted = u64::try_from(burst.to.saturating_sub(burst.from)).unwrap_or(0);
            let words = format!("probing: {} paths in {}", burst.paths, lasting(lasted));
            let area = Area {
                x: x - 3.0,
                y: TOP - 4.0,
                width: (end - x).max(2.0) + 6.0,
                height,
            };
            page.area("burst", area, &words);
            let room = 7.0 * real(words.len() as u64);
            let start = x.min(WIDTH - room).max(0.0);
            if start >= free {
                let area = Area {
                    x: start,
                    y: 0.0,
                    width: room,
                    height: 18.0,
                };
                page.label("small", area, &words);
                free = start + room + 8.0;
            }
        }
    }

    fn axis(&self, y: f64, height: f64, page: &mut Markup) {
        for mark in self.marks() {
            let x = self.after(mark);
            let words = match mark {
                0 => "begin".into(),
                _ => format!("+{}", lasting(mark)),
            };
            page.line("grid", (x, TOP - 4.0), (x, height));
            if x <= self.right - 4.0 || mark == 0 {
                let area = Area {
                    x: x + 3.0,
                    y,
                    width: 90.0,
                    height: 18.0,
                };
                page.label("small", area, &words);
            }
        }
    }
}

fn lines(story: &Story, scale: &Scale, page: &mut Markup) {
    let asked = &story.requests.kept;
    let rows = real(asked.len() as u64) * LINE;
    let bottom = TOP + rows + 8.0 + STRIP;
    let describe = format!(
        "{} over {}, in order",
        counted(asked.len() as u64, "request", "requests"),
        lasting(scale.span)
    );
    page.open_picture((WIDTH, bottom + AXIS), &describe);
    scale.bursts(story, bottom - TOP + 4.0, page);
    scale.axis(bottom + 4.0, bottom, page);
    for (row, one) in asked.iter().enumerate() {
        let what = story.local(&one.subject);
        line((one, what), TOP + real(row as u64) * LINE, scale, page);
    }
    strip(story, scale, bottom, page);
    page.close_picture();
}

fn line((one, subject): (&Asked, &str), y: f64, scale: &Scale, page: &mut Markup) {
    let what = format!("{} {subject}", one.op);
    let name = match one.op.as_str() {
        "exec.run" => subject,
        _ => &what,
    };
    page.label(
        "mono",
        Area {
            x: 0.0,
            y,
            width: LEFT - 16.0,
            height: LINE,
        },
        name,
    );
    let x = scale.of(one.time);
    let bar = Area {
        x,
        y: y + 5.0,
        width: (scale.of(one.until()) - x).max(5.0),
        height: LINE - 10.0,
    };
    let title = format!("{what}: {}, {}", one.outcome, lasting(one.duration));
    page.area(class_of(one.end), bar, &title);
    let outcome = match one.refusals {
        0 => one.outcome.clone(),
        _ if one.end == End::Refused => one.outcome.clone(),
        refusals => format!("{}, {refusals} refused", one.outcome),
    };
    let words = Area {
        x: RIGHT + 12.0,
        y,
        width: WIDTH - RIGHT - 12.0,
        height: LINE,
    };
    let class = match one.end {
        End::Refused => "mono refused-text",
        _ => "mono",
    };
    page.label(class, words, &outcome);
}

const fn class_of(end: End) -> &'static str {
    match end {
        End::Done => "done",
        End::Failed | End::Open => "failed",
        End::Refused => "refused",
    }
}

/// Refusals as marks that hang from a line: the longer, the more, by powers of two.
fn strip(story: &Story, scale: &Scale, bottom: f64, page: &mut Markup) {
    let top = bottom - STRIP;
    page.line("base", (scale.left, top), (scale.right, top));
    if scale.left > 200.0 {
        let words = Area {
            x: 0.0,
            y: top,
            width: LEFT - 16.0,
            height: LINE,
        };
        page.label("small", words, "refusals");
    }
    let width = story.columns.width();
    for (since, column) in story.columns.since(scale.from) {
        if column.refusals > 0 {
            let x = scale.after(since);
            let area = Area {
                x,
                y: top,
                width: (scale.after(since + width) - x - 1.0).max(3.0),
                height: power(column.refusals, STRIP),
            };
            let times = counted(column.refusals, "refusal", "refusals");
            page.area("mark", area, &format!("{times} at +{}", lasting(since)));
        }
    }
}

/// A height that grows with the count by powers of two, and is full at a million.
fn power(count: u64, full: f64) -> f64 {
    let part = (real(count).log2() + 2.0) / 22.0;
    part.min(1.0) * full
}

/// The columns in which probing began, as shades behind everything.
fn burst_columns(story: &Story, scale: &Scale, height: f64, page: &mut Markup) {
    let width = story.columns.width();
    let probing = |count| counted(count, "burst of probing", "bursts of probing");
    let mut all = 0;
    for (since, column) in story.columns.since(scale.from) {
        if column.bursts > 0 {
            all += column.bursts;
            let x = scale.after(since);
            let area = Area {
                x,
                y: TOP - 4.0,
                width: (scale.after(since + width) - x).max(3.0),
                height,
            };
            page.area("burst", area, &probing(column.bursts));
        }
    }
    if all > 0 {
        let words = Area {
            x: scale.left,
            y: 0.0,
            width: 400.0,
            height: 18.0,
        };
        page.label("small", words, &probing(all));
    }
}

/// The height of the columns of requests.
const TALL: f64 = 150.0;

fn columns(story: &Story, scale: &Scale, page: &mut Markup) {
    let most = story.columns.since(scale.from);
    let most = most
        .map(|(_, column)| column.requests())
        .max()
        .unwrap_or(0)
        .max(1);
    let floor = TOP + TALL;
    let bottom = floor + 10.0 + STRIP;
    let all = counted(story.requests.all, "request", "requests");
    let describe = format!("{all} over {}, in columns", lasting(scale.span));
    page.open_picture((WIDTH, bottom + AXIS), &describe);
    burst_columns(story, scale, bottom - TOP + 4.0, page);
    scale.axis(bottom + 4.0, bottom, page);
    page.label_before(
        "small",
        (scale.left - 8.0, TOP + 4.0),
        &super::markup::thousands(most),
    );
    page.label_before("small", (scale.left - 8.0, floor - 4.0), "0");
    let width = story.columns.width();
    for (since, column) in story.columns.since(scale.from) {
        let x = scale.after(since);
        let wide = (scale.after(since + width) - x - 1.0).max(1.5);
        stack(column, (x, wide), (floor, TALL / real(most)), page);
    }
    page.line("base", (scale.left, floor), (scale.right, floor));
    strip(story, scale, bottom, page);
    page.close_picture();
}

fn stack(column: Column, (x, width): (f64, f64), (floor, unit): (f64, f64), page: &mut Markup) {
    let title = format!(
        "{}: {} carried out, {} did not work, {} refused",
        counted(column.requests(), "request", "requests"),
        column.done,
        column.failed,
        column.refused
    );
    let mut y = floor;
    for (class, count) in [
        ("done", column.done),
        ("failed", column.failed),
        ("refused", column.refused),
    ] {
        if count > 0 {
            // What is there is seen, however small beside the rest.
            let height = (real(count) * unit).max(2.0);
            y -= height;
            page.area(
                class,
                Area {
                    x,
                    y,
                    width,
                    height,
                },
                &title,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Scale;

    #[test]
    fn the_axis_has_a_few_marks_at_every_scale() {
        for span in [1, 7, 40, 999, 60_000, 3_600_000, 90_000_000, 40_000_000_000] {
            let scale = Scale {
                from: 0,
                span,
                left: 0.0,
                right: 100.0,
            };
            let marks = scale.marks().len();
            assert!((1..=9).contains(&marks), "{span}: {marks}");
        }
    }
}
