//! The picture of what was touched and what was refused: directories, the larger the more.
//!
//! From left to right deeper, from top to bottom the most first. A box is as high as what is
//! in it; the end of a branch grows with its count by powers of two.

use super::markup::{Markup, counted, thousands};
use super::picture::{Area, real};
use super::places::{Branch, Counts, Places};
use super::story::Story;

const WIDTH: f64 = 1060.0;
/// The most ends and levels of a picture.
const ENDS: usize = 20;
const LEVELS: usize = 5;
/// The height of an end that is there once.
const LOW: f64 = 24.0;
const GAP: f64 = 2.0;

/// The section of the page.
pub(super) fn section(story: &Story, page: &mut Markup) {
    page.put("<section><h2>Where</h2>");
    page.put("<h3>Inside what is granted</h3>");
    picture(&story.inside, "nothing inside was touched or refused", page);
    page.put(
        "<p class=\"note\">File requests are counted at their path, commands at the directory ",
    );
    page.put(
        "in which they ran: what a command is allowed to read and write is not on record.</p>",
    );
    page.put("<h3>Outside, refused</h3>");
    picture(&story.outside, "nothing outside was asked for", page);
    page.put(
        "<p class=\"note\">Whether any of this exists was not told, and was not looked at. Known noise is left out.</p>",
    );
    peers(story, page);
    page.put("<p class=\"legend\"><span class=\"key box\"></span>touched ");
    page.put("<span class=\"key hatch\"></span>refused ");
    page.put("<span class=\"key mixed\"></span>both, by their shares</p>");
    page.put("</section>");
}

fn peers(story: &Story, page: &mut Markup) {
    if story.peers.is_empty() {
        return;
    }
    let mut peers: Vec<_> = story.peers.iter().collect();
    peers.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), (*name).clone()));
    page.put("<h3>Other machines, refused</h3><ul class=\"plain\">");
    for (name, count) in peers.iter().take(20) {
        page.between("<li><code>", name, "</code> ");
        page.text(&counted(**count, "time", "times")).put("</li>");
    }
    if peers.len() > 20 {
        let more = counted(peers.len() as u64 - 20, "more address", "more addresses");
        page.between("<li>", &more, "</li>");
    }
    page.put("</ul>");
}

fn picture(places: &Places, none: &'static str, page: &mut Markup) {
    if places.is_empty() {
        page.put("<p class=\"none\">").put(none).put("</p>");
        return;
    }
    let branches = places.branches(ENDS, LEVELS);
    let deepest = branches.iter().map(depth).max().unwrap_or(1);
    let columns = real(deepest as u64).max(2.0);
    let column = WIDTH / columns;
    let height: f64 = branches.iter().map(height_of).sum();
    let Counts { touched, refused } = places.total();
    let describe = format!(
        "{} touched, {} refused",
        thousands(touched),
        thousands(refused)
    );
    page.open_picture((WIDTH, height), &describe);
    let mut y = 0.0;
    for branch in &branches {
        draw(branch, (0.0, y), column, page);
        y += height_of(branch);
    }
    page.close_picture();
}

fn depth(branch: &Branch) -> usize {
    1 + branch.inner.iter().map(depth).max().unwrap_or(0)
}

fn height_of(branch: &Branch) -> f64 {
    let own = LOW + 2.0 * real(branch.counts.all().max(1)).log2();
    if branch.inner.is_empty() {
        return own;
    }
    branch.inner.iter().map(height_of).sum::<f64>().max(LOW)
}

fn draw(branch: &Branch, (x, y): (f64, f64), column: f64, page: &mut Markup) {
    let height = height_of(branch);
    let area = Area {
        x,
        y,
        width: column - GAP,
        height: height - GAP,
    };
    let Counts { touched, refused } = branch.counts;
    let label = match branch.names {
        0 => branch.label.clone(),
        names => format!("{} more", thousands(names)),
    };
    let title = format!(
        "{label}: {} touched, {} refused",
        thousands(touched),
        thousands(refused)
    );
    let class = match (touched, refused) {
        (_, 0) => "touched-box",
        (0, _) => "refused-box",
        _ => "mixed-box",
    };
    if touched > 0 && refused > 0 {
        shares(area, branch.counts, page);
    }
    page.area(class, area, &title);
    let count = thousands(branch.counts.all());
    let room = 7.0 * real(count.chars().count() as u64) + 12.0;
    let middle = y + (height - GAP) / 2.0;
    let words = Area {
        x: x + 8.0,
        y: middle - 11.0,
        width: column - GAP - 12.0 - room,
        height: 22.0,
    };
    page.label("mono", words, &label);
    page.label_before("mono", (x + column - GAP - 8.0, middle), &count);
    let mut at = y;
    for inner in &branch.inner {
        draw(inner, (x + column, at), column, page);
        at += height_of(inner);
    }
}

/// How much of a box was touched and how much refused; both are seen, however small.
fn shares(area: Area, counts: Counts, page: &mut Markup) {
    let part = real(counts.touched) / real(counts.all()) * area.width;
    let width = part.clamp(6.0, area.width - 6.0);
    page.area("touched-part", Area { width, ..area }, "");
    let rest = Area {
        x: area.x + width,
        width: area.width - width,
        ..area
    };
    page.area("refused-part", rest, "");
}
