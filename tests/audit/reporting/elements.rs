//! What a page is made of, by an eye that knows nothing of how it was made.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

/// The elements that a page may have. None of them runs, sends or loads anything.
const ELEMENTS: [&str; 43] = [
    "b", "body", "code", "dd", "defs", "details", "div", "dl", "dt", "footer", "h1", "h2", "h3",
    "head", "header", "html", "li", "line", "main", "meta", "p", "pattern", "rect", "section",
    "small", "span", "strong", "style", "summary", "svg", "table", "tbody", "td", "text", "th",
    "thead", "title", "tr", "ul", "doctype", "g", "em", "hr",
];

/// The attributes that they may have.
const ATTRIBUTES: [&str; 26] = [
    "aria-hidden",
    "aria-label",
    "charset",
    "class",
    "content",
    "height",
    "html",
    "http-equiv",
    "id",
    "lang",
    "name",
    "open",
    "patternTransform",
    "patternUnits",
    "role",
    "text-anchor",
    "viewBox",
    "width",
    "x",
    "x1",
    "x2",
    "y",
    "y1",
    "y2",
    "dx",
    "dy",
];

static TAG: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"</?!?([A-Za-z][A-Za-z0-9]*)((?:\s+[A-Za-z][-A-Za-z0-9:]*(?:="[^"]*")?)*)\s*/?>"#)
        .unwrap()
});

static ATTRIBUTE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"\s([A-Za-z][-A-Za-z0-9:]*)(?:="[^"]*")?"#).unwrap());

/// Fails for whatever is in the page that must not be.
#[track_caller]
pub(super) fn check(page: &str) {
    let mut strange = BTreeSet::new();
    let rest = TAG.replace_all(page, |tag: &regex::Captures<'_>| {
        let name = tag[1].to_ascii_lowercase();
        if !ELEMENTS.contains(&&*name) {
            strange.insert(format!("<{name}>"));
        }
        for attribute in ATTRIBUTE.captures_iter(&tag[2]) {
            if !ATTRIBUTES.contains(&&attribute[1]) {
                strange.insert(format!("{} of <{name}>", &attribute[1]));
            }
        }
        ""
    });
    assert!(strange.is_empty(), "{strange:?}");
    assert!(!rest.contains('<'), "a tag that is none: {rest}");
    let deceives = |c: &char| c.is_control() && *c != '\n' || "\u{202e}\u{200b}".contains(*c);
    assert_eq!(
        page.chars().find(deceives),
        None,
        "a character that deceives"
    );
}

/// The texts of a page, without its elements.
pub(super) fn texts(page: &str) -> String {
    let texts = TAG.replace_all(page, " ");
    let texts = texts.replace("&lt;", "<").replace("&gt;", ">");
    texts.replace("&quot;", "\"").replace("&#39;", "'")
}
