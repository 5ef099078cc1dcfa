//! The refusals as a table, the most telling first, and the noise, folded with its reasons.

use super::markup::{Markup, counted, lasting};
use super::refusals::{Refusals, Row};
use super::story::Story;

/// The most rows.
const MOST: usize = 150;

/// The section of the page.
pub(super) fn section(story: &Story, page: &mut Markup) {
    let refusals = &story.refusals;
    page.put("<section><h2>Refusals</h2>");
    let rows = refusals.ranked();
    if rows.is_empty() {
        page.put("<p class=\"none\">Nothing was refused, noise apart.</p>");
    } else {
        page.put(
            "<div class=\"wide\"><table class=\"refusals\"><thead><tr><th>code</th><th>operation</th><th>what</th>",
        );
        page.put("<th class=\"right\">times</th><th class=\"right\">first</th><th>by</th></tr></thead><tbody>");
        rows.iter().take(MOST).for_each(|one| row(story, one, page));
        page.put("</tbody></table></div>");
        left_out(refusals, &rows, page);
    }
    noise(refusals, page);
    page.put("</section>");
}

fn row(story: &Story, row: &Row, page: &mut Markup) {
    let from = story.head().from.unwrap_or_default();
    page.between("<tr><td><span class=\"code\">", &row.code, "</span></td>");
    page.between("<td>", &row.op, "</td><td><code>");
    page.text(story.local(&row.subject)).put("</code>");
    if !row.written.is_empty() && row.written != row.subject {
        page.between(
            "<div class=\"said\">written as <code>",
            &row.written,
            "</code></div>",
        );
    }
    if let Some(holds) = row.secret {
        page.between("<div class=\"secret\">", holds, "</div>");
    }
    page.put("</td><td class=\"right\">").count(row.count);
    let after = |time: i64| u64::try_from(time.saturating_sub(from)).unwrap_or(0);
    page.put("</td><td class=\"right\">+")
        .text(&lasting(after(row.first)));
    page.between(
        "</td><td><code class=\"argv\">",
        &row.by,
        "</code></td></tr>",
    );
}

fn left_out(refusals: &Refusals, rows: &[&Row], page: &mut Markup) {
    let others = refusals.others.values().sum::<u64>();
    let rest = &rows[rows.len().min(MOST)..];
    let count = rest.iter().map(|row| row.count).sum::<u64>() + others;
    if count == 0 {
        return;
    }
    page.put("<p class=\"note\">Less telling, and not shown: ");
    page.text(&counted(count, "refusal", "refusals"));
    let mut codes = refusals.others.clone();
    for row in rest {
        *codes.entry(row.code.clone()).or_default() += row.count;
    }
    for (at, (code, count)) in codes.iter().enumerate() {
        page.put(if at == 0 { ", " } else { "; " });
        page.count(*count)
            .put(" <span class=\"code\">")
            .text(code)
            .put("</span>");
    }
    page.put(". <code>lobsterpot audit query --denied</code> lists them all.</p>");
}

fn noise(refusals: &Refusals, page: &mut Markup) {
    if refusals.noise_count == 0 {
        return;
    }
    page.put("<details class=\"noise\"><summary>Known noise at start-up: ");
    page.text(&counted(refusals.noise_count, "refusal", "refusals"));
    page.put(", which programs make whatever they are asked to do</summary><table><thead><tr>");
    page.put("<th class=\"right\">times</th><th>why</th><th>such as</th></tr></thead><tbody>");
    let mut kinds: Vec<_> = refusals.noise.iter().collect();
    kinds.sort_by_key(|(reason, noise)| (std::cmp::Reverse(noise.count), (*reason).clone()));
    for (reason, noise) in kinds {
        page.put("<tr><td class=\"right\">").count(noise.count);
        page.between("</td><td>", reason, "</td><td>");
        for example in &noise.examples {
            page.between("<code>", example, "</code> ");
        }
        page.put("</td></tr>");
    }
    page.put("</tbody></table></details>");
}
