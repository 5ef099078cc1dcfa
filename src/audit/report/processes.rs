//! Requests, the processes in them that were refused something, and what that was: a tree.

use super::markup::{Markup, counted, lasting};
use super::requests::{Asked, End, Process, Requests};
use super::story::Story;

/// The most requests with refusals in the tree, and the most without.
const MOST_REFUSED: usize = 150;
const MOST_PLAIN: usize = 150;

/// The section of the page.
pub(super) fn section(story: &Story, page: &mut Markup) {
    let requests = &story.requests;
    page.put("<section><h2>Requests and processes</h2>");
    if requests.all == 0 {
        page.put("<p class=\"none\">Nothing was asked.</p></section>");
        return;
    }
    page.put("<ul class=\"tree\">");
    let (mut refused, mut plain, mut left_out) = (0, 0, 0);
    for asked in &requests.kept {
        let (shown, most) = if asked.refusals + asked.noise > 0 {
            (&mut refused, MOST_REFUSED)
        } else {
            (&mut plain, MOST_PLAIN)
        };
        if *shown < most {
            *shown += 1;
            request(story, asked, page);
        } else {
            left_out += 1;
        }
    }
    page.put("</ul>");
    folded(requests, left_out, page);
    page.put("</section>");
}

fn folded(requests: &Requests, left_out: u64, page: &mut Markup) {
    let all = left_out + requests.folded.values().sum::<u64>();
    if all == 0 {
        return;
    }
    page.put("<p class=\"note\">Not shown one by one: ");
    page.text(&counted(all, "request", "requests"));
    let mut folded: Vec<_> = requests.folded.iter().collect();
    folded.sort_by_key(|(op, count)| (std::cmp::Reverse(**count), (*op).clone()));
    for (at, (op, count)) in folded.into_iter().enumerate() {
        page.put(if at == 0 { ", of these " } else { ", " });
        page.count(*count).put(" <code>").text(op).put("</code>");
    }
    page.put("; <code>lobsterpot audit show</code> lists them all.</p>");
}

fn request(story: &Story, asked: &Asked, page: &mut Markup) {
    let has_inner = !asked.processes.is_empty() || asked.others > 0;
    page.put(if has_inner {
        "<li><details open><summary>"
    } else {
        "<li class=\"leaf\">"
    });
    let class = match asked.end {
        End::Done => "<span class=\"key done\"></span>",
        End::Failed | End::Open => "<span class=\"key failed\"></span>",
        End::Refused => "<span class=\"key refused\"></span>",
    };
    page.put(class).put("<span class=\"op\">").text(&asked.op);
    page.put("</span> <code>")
        .text(story.local(&asked.subject))
        .put("</code> <span class=\"said\">");
    page.text(&asked.outcome);
    if asked.duration > 0 {
        page.put(", ").text(&lasting(asked.duration));
    }
    if asked.noise > 0 {
        let noise = counted(asked.noise, "refusal", "refusals");
        page.between(", ", &noise, " known as noise");
    }
    page.put("</span>");
    if has_inner {
        page.put("</summary><ul>");
        asked.processes.iter().for_each(|one| process(one, page));
        if asked.others > 0 {
            let others = counted(asked.others, "refusal", "refusals");
            page.between("<li class=\"said\">", &others, " of further processes</li>");
        }
        page.put("</ul></details>");
    }
    page.put("</li>");
}

fn process(process: &Process, page: &mut Markup) {
    page.put("<li>");
    if process.pid == 0 {
        page.put(
            "<span class=\"said\">before it ran, or by processes that are not told apart</span>",
        );
    } else {
        page.put("<code>")
            .text(&process.name)
            .put("</code> <span class=\"said\">[");
        page.text(&process.pid.to_string()).put("]</span>");
        if !process.command.is_empty() {
            page.between(" <code class=\"argv\">", &process.command, "</code>");
        }
    }
    page.put("<ul>");
    for one in &process.refused {
        page.put("<li><span class=\"key refused\"></span><span class=\"op\">")
            .text(&one.op);
        page.put("</span> <code>")
            .text(&one.subject)
            .put("</code> <span class=\"said\">");
        page.text(&one.code);
        if one.count > 1 {
            page.put(", ").text(&counted(one.count, "time", "times"));
        }
        page.put("</span></li>");
    }
    if process.more > 0 {
        let more = counted(process.more, "more refusal", "more refusals");
        page.between("<li class=\"said\">", &more, "</li>");
    }
    page.put("</ul></li>");
}
