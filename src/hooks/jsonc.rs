//! Where the parts of a JSON text stand, so that it can be changed without being written anew.
//!
//! A text that means two things, or nothing, is refused: no doubled names, no commas too many.

use std::ops::Range;

use serde_json::Value;

/// Whether a format has comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comments {
    /// `//` and `/* */`, between any two tokens.
    Allowed,
    /// None.
    Refused,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Object(Vec<Member>),
    Array(Vec<Node>),
    Text(String),
    Other,
}

/// A member of an object; it begins with its name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) start: usize,
    pub(super) value: Node,
}

impl Node {
    /// The value of the member of that name.
    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        let Kind::Object(members) = &self.kind else {
            return None;
        };
        let found = members.iter().find(|member| member.name == name)?;
        Some(&found.value)
    }

    /// The elements; none where it is no array.
    pub(super) fn elements(&self) -> &[Self] {
        match &self.kind {
            Kind::Array(elements) => elements,
            _ => &[],
        }
    }

    /// The text; none where it is something else.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value itself.
    pub(super) fn value(&self, text: &str) -> Value {
        match &self.kind {
            Kind::Object(members) => members
                .iter()
                .map(|member| (member.name.clone(), member.value.value(text)))
                .collect(),
            Kind::Array(elements) => elements.iter().map(|one| one.value(text)).collect(),
            Kind::Text(words) => Value::String(words.clone()),
            // It was read as JSON before.
            Kind::Other => serde_json::from_str(&text[self.span.clone()]).unwrap_or_default(),
        }
    }

    /// Where each member or element stands.
    pub(super) fn parts(&self) -> Vec<Range<usize>> {
        match &self.kind {
            Kind::Object(members) => members
                .iter()
                .map(|member| member.start..member.value.span.end)
                .collect(),
            Kind::Array(elements) => elements.iter().map(|one| one.span.clone()).collect(),
            Kind::Text(_) | Kind::Other => Vec::new(),
        }
    }
}

/// Reads the whole text; none where it has another form.
pub(super) fn read(text: &str, comments: Comments) -> Option<Node> {
    let mut reader = Reader {
        text,
        at: 0,
        comments,
        depth: 0,
    };
    let node = reader.value()?;
    reader.skip()?;
    (reader.at == text.len()).then_some(node)
}

/// Deeper than any settings.
const DEEPEST: usize = 64;

struct Reader<'a> {
    text: &'a str,
    at: usize,
    comments: Comments,
    depth: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// Passes over blanks and comments.
    fn skip(&mut self) -> Option<()> {
        loop {
            let rest = self.rest();
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
            self.at += blanks;
            let rest = self.rest();
            if self.comments == Comments::Refused || !rest.starts_with('/') {
                return Some(());
            }
            self.at += if rest.starts_with("//") {
                rest.find('\n').unwrap_or(rest.len())
            } else {
                let body = rest.strip_prefix("/*")?;
                body.find("*/")? + 4
            };
        }
    }

    fn take(&mut self, wanted: char) -> bool {
        let is_there = self.rest().starts_with(wanted);
        if is_there {
            self.at += wanted.len_utf8();
        }
        is_there
    }

    fn value(&mut self) -> Option<Node> {
        self.skip()?;
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let start = self.at;
        let kind = match self.rest().chars().next()? {
            '{' => self.object()?,
            '[' => self.array()?,
            '"' => Kind::Text(self.string()?),
            _ => self.other()?,
        };
        self.depth -= 1;
        Some(Node {
            span: start..self.at,
            kind,
        })
    }

    fn object(&mut self) -> Option<Kind> {
        let mut members: Vec<Member> = Vec::new();
        self.take('{');
        self.skip()?;
        if self.take('}') {
            return Some(Kind::Object(members));
        }
        loop {
            self.skip()?;
            let start = self.at;
            let name = self.string()?;
            self.skip()?;
            if !self.take(':') || members.iter().any(|member| member.name == name) {
                return None;
            }
            let value = self.value()?;
            members.push(Member { name, start, value });
            self.skip()?;
            if self.take('}') {
                return Some(Kind::Object(members));
            }
            if !self.take(',') {
                return None;
            }
        }
    }

    fn array(&mut self) -> Option<Kind> {
        let mut elements = Vec::new();
        self.take('[');
        self.skip()?;
        if self.take(']') {
            return Some(Kind::Array(elements));
        }
        loop {
            elements.push(self.value()?);
            self.skip()?;
            if self.take(']') {
                return Some(Kind::Array(elements));
            }
            if !self.take(',') {
                return None;
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        if !self.take('"') {
            return None;
        }
        while *bytes.get(self.at)? != b'"' {
            self.at += if bytes[self.at] == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        serde_json::from_str(self.text.get(start..self.at)?).ok()
    }

    /// A number, `true`, `false` or `null`.
    fn other(&mut self) -> Option<Kind> {
        let rest = self.rest();
        let is_part = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let word = &rest[..rest.len() - rest.trim_start_matches(is_part).len()];
        let length = word.len();
        serde_json::from_str::<Value>(word).ok()?;
        self.at += length;
        Some(Kind::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::{Comments, read};

    #[test]
    fn parts_are_found_where_they_stand() {
        let text = r#"{"a": [1, "x\"]"], /* , */ "b": {"c": null} } // end"#;
        let node = read(text, Comments::Allowed).unwrap();
        let spans: Vec<_> = node.parts().into_iter().map(|part| &text[part]).collect();
        assert_eq!(spans, [r#""a": [1, "x\"]"]"#, r#""b": {"c": null}"#]);
        assert_eq!(node.member("a").unwrap().elements()[1].text(), Some("x\"]"));
        assert_eq!(read(text, Comments::Refused), None);
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for odd in [
            "",
            "{",
            "{}}",
            "[1,]",
            r#"{"a":1,}"#,
            r#"{"a":1,"a":2}"#,
            "{'a':1}",
            "nul",
            "[1 2]",
            "\u{feff}{}",
            r#"{"a"}"#,
            "\"\\",
            "/* {}",
            "{} x",
        ] {
            assert_eq!(read(odd, Comments::Allowed), None, "{odd}");
        }
        assert_eq!(read(&"[".repeat(10_000), Comments::Allowed), None);
    }

    proptest::proptest! {
        #[test]
        fn it_reads_what_json_is(text in "[\\[\\]{}\",:0-9a \\\\n]{0,24}") {
            let strict = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            if read(&text, Comments::Refused).is_some() {
                proptest::prop_assert!(strict, "{text}");
            }
        }
    }
}
