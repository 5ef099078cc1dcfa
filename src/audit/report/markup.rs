//! The text of a page, in which nothing from outside can ever be markup.
//!
//! Markup comes from the program alone: only a text that is part of it can be put in as it is.
//! Everything else is escaped here, twice over: what deceives a reader becomes `\u{…}`, and
//! what a browser would obey becomes a character reference.

use crate::model::{fit, shown};

/// The longest text that is put into a page.
pub(super) const LONGEST: usize = 300;

/// A page, or a part of one.
#[derive(Debug, Default)]
pub(super) struct Markup(String);

impl Markup {
    /// Markup of the program's own.
    pub(super) fn put(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// A text, escaped.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        let safe = shown(text);
        for character in fit(&safe, LONGEST).chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '`' => self.0.push_str("&#96;"),
                other => self.0.push(other),
            }
        }
        self
    }

    /// A whole number, with its thousands set apart.
    pub(super) fn count(&mut self, count: u64) -> &mut Self {
        self.0.push_str(&thousands(count));
        self
    }

    /// A place or a size in a picture.
    pub(super) fn number(&mut self, number: f64) -> &mut Self {
        let text = format!("{number:.1}");
        self.0.push_str(text.trim_end_matches(".0"));
        self
    }

    /// A text between two pieces of markup.
    pub(super) fn between(&mut self, open: &'static str, text: &str, close: &'static str) {
        self.put(open).text(text).put(close);
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

/// A number as people read it.
pub(super) fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

/// A count of things, in words.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    let word = if count == 1 { one } else { many };
    format!("{} {word}", thousands(count))
}

/// A time that something took.
pub(super) fn lasting(milliseconds: u64) -> String {
    let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
    let both = |(many, unit): (u64, &str), (few, smaller): (u64, &str)| match few {
        0 => format!("{many} {unit}"),
        _ => format!("{many} {unit} {few} {smaller}"),
    };
    match seconds {
        0 => format!("{rest} ms"),
        1..60 if rest < 100 => format!("{seconds} s"),
        1..60 => format!("{seconds}.{} s", rest / 100),
        60..3600 => both((seconds / 60, "min"), (seconds % 60, "s")),
        3600..86_400 => both((seconds / 3600, "h"), (seconds / 60 % 60, "min")),
        _ => both((seconds / 86_400, "d"), (seconds / 3600 % 24, "h")),
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Markup, lasting, thousands};

    fn escaped(text: &str) -> String {
        let mut markup = Markup::default();
        markup.text(text);
        markup.into_text()
    }

    #[test]
    fn nothing_from_outside_is_markup() {
        let text = escaped("<script>alert('x')</script>\"&\u{202e}\u{0}`");
        assert_eq!(
            text,
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;\\u{202e}\\u{0}&#96;"
        );
    }

    #[test]
    fn a_text_is_bounded_before_it_is_escaped() {
        let text = escaped(&"<".repeat(100_000));
        assert_eq!(text.matches("&lt;").count(), LONGEST - 1);
    }

    #[test]
    fn numbers_are_readable() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1\u{2009}234\u{2009}567");
        assert_eq!(lasting(999), "999 ms");
        assert_eq!(lasting(1_500), "1.5 s");
        assert_eq!(lasting(2_000), "2 s");
        assert_eq!(lasting(61_000), "1 min 1 s");
        assert_eq!(lasting(7_200_000), "2 h");
        assert_eq!(lasting(90_000_000), "1 d 1 h");
    }
}
