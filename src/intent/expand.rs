//! Reads one word of a shell line into what it will be.
//!
//! The parser leaves words as they were written. They are read here in one pass
//! rather than by the parser's own word grammar, which backtracks: its time doubles
//! with each level of `"$("$(…)")"`, and a number after a tilde can make it panic.
//! Nothing is run and nothing is looked up: what only the shell can know is unknown.

use super::extent;
use super::scope::{Scope, Value};
use super::word::{Known, Word};

/// How far the end of a bracket or brace is looked for, in bytes: a path is no longer than that.
const LONGEST_PATTERN: usize = 4096;

/// Where a text stands, which decides what the shell does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A word of a command.
    Word,
    /// A word that looks like `name=value`, where a tilde after the `=` counts.
    Assigning,
    /// The value of an assignment: not split, no globs.
    Value,
    /// The body of a here-document: no quotes either.
    Document,
}

/// Reads a word; the texts of the commands that it substitutes are added to `commands`.
///
/// One written word can become several: `{a,b}`, or a variable that holds a list.
pub(super) fn read(
    raw: &str,
    form: Form,
    scope: &Scope<'_>,
    commands: &mut Vec<String>,
) -> Vec<Word> {
    if form == Form::Word {
        if let Some(words) = split_variable(raw, scope) {
            return words;
        }
        if let Some(words) = super::braces::expand(raw) {
            let read_one = |word: &String| Reader::new(word, form, scope, commands).run();
            return words.iter().map(read_one).collect();
        }
    }
    vec![Reader::new(raw, form, scope, commands).run()]
}

/// A word that is nothing but a variable which holds a list.
fn split_variable(raw: &str, scope: &Scope<'_>) -> Option<Vec<Word>> {
    let name = raw.strip_prefix('$')?;
    let name = name
        .strip_prefix('{')
        .map_or(Some(name), |rest| rest.strip_suffix('}'))?;
    if !is_name(name) {
        return None;
    }
    let value = scope.value(name)?;
    let lists = value.text.is_empty() || value.text.contains(char::is_whitespace);
    let plain = !value.text.contains(['*', '?', '[']);
    (lists && plain).then(|| value.text.split_whitespace().map(Word::literal).collect())
}

fn is_name(text: &str) -> bool {
    !text.starts_with(|first: char| first.is_ascii_digit()) && name_length(text) == text.len()
}

fn name_length(text: &str) -> usize {
    text.bytes()
        .position(|byte| byte != b'_' && !byte.is_ascii_alphanumeric())
        .unwrap_or(text.len())
}

/// Whether an expansion stands in quotes, and so stays one word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    Inside,
    Outside,
}

struct Reader<'a> {
    raw: &'a str,
    at: usize,
    form: Form,
    scope: &'a Scope<'a>,
    commands: &'a mut Vec<String>,
    word: Word,
}

impl<'a> Reader<'a> {
    fn new(raw: &'a str, form: Form, scope: &'a Scope<'a>, commands: &'a mut Vec<String>) -> Self {
        Self {
            raw,
            at: 0,
            form,
            scope,
            commands,
            word: Word::literal(""),
        }
    }

    fn run(mut self) -> Word {
        if self.form != Form::Document {
            self.tilde();
        }
        while let Some(next) = self.rest().chars().next() {
            match next {
                '\'' if self.form != Form::Document => self.single_quoted(),
                '"' if self.form != Form::Document => self.double_quoted(),
                '\\' => self.escaped(),
                '$' => self.dollar(Quotes::Outside),
                '`' => self.backquoted(Quotes::Outside),
                '*' | '?' | '[' | '{' | '(' => self.pattern(next),
                '=' => self.equals_sign(),
                _ => self.literal(1),
            }
        }
        self.word
    }

    fn rest(&self) -> &'a str {
        &self.raw[self.at..]
    }

    /// Takes the next `characters` as they are.
    fn literal(&mut self, characters: usize) {
        let rest = self.rest();
        let length = rest
            .char_indices()
            .nth(characters)
            .map_or(rest.len(), |(index, _)| index);
        self.push(&rest[..length], &rest[..length]);
        self.at += length;
    }

    fn push(&mut self, text: &str, written: &str) {
        self.word.push(text, written);
    }

    /// Takes everything up to `end` as something that is not known.
    fn unknown(&mut self, end: usize, quotes: Quotes) {
        let splits = quotes == Quotes::Outside && matches!(self.form, Form::Word | Form::Assigning);
        let known = if splits {
            Known::Several
        } else {
            Known::UntilUnknown
        };
        self.word.push_uncertain(known, &self.raw[self.at..end]);
        self.at = end;
    }

    fn rest_is_unknown(&mut self) {
        self.unknown(self.raw.len(), Quotes::Outside);
    }

    fn tilde(&mut self) {
        let Some(prefix) = self.rest().strip_prefix('~') else {
            return;
        };
        let end = prefix.find(['/', ':']).unwrap_or(prefix.len());
        let user = &prefix[..end];
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
        if !user.chars().all(is_plain) {
            return;
        }
        let end = self.at + 1 + end;
        match self.scope.tilde(user) {
            Some(home) => {
                self.push(&home, &self.raw[self.at..end]);
                self.at = end;
            }
            None => self.unknown(end, Quotes::Inside),
        }
    }

    fn equals_sign(&mut self) {
        self.literal(1);
        if self.form == Form::Assigning {
            self.tilde();
            // Only the first one counts.
            self.form = Form::Word;
        }
    }

    fn single_quoted(&mut self) {
        self.at += 1;
        match self.rest().find('\'') {
            Some(length) => {
                let quoted = &self.rest()[..length];
                self.push(quoted, quoted);
                self.at += length + 1;
            }
            None => self.rest_is_unknown(),
        }
    }

    fn double_quoted(&mut self) {
        self.at += 1;
        while let Some(next) = self.rest().chars().next() {
            match next {
                '"' => {
                    self.at += 1;
                    return;
                }
                '\\' => self.escaped_in_quotes(),
                '$' => self.dollar(Quotes::Inside),
                '`' => self.backquoted(Quotes::Inside),
                _ => self.literal(1),
            }
        }
    }

    fn escaped(&mut self) {
        if self.form == Form::Document {
            return self.escaped_in_quotes();
        }
        self.at += 1;
        self.literal(1);
    }

    fn escaped_in_quotes(&mut self) {
        match self.raw.as_bytes().get(self.at + 1) {
            Some(b'\n') => self.at += 2,
            Some(b'$' | b'`' | b'"' | b'\\') => {
                self.at += 1;
                self.literal(1);
            }
            _ => self.literal(1),
        }
    }

    fn dollar(&mut self, quotes: Quotes) {
        match self.raw.as_bytes().get(self.at + 1) {
            Some(b'(') => self.substitution(quotes),
            Some(b'{') => self.expansion(quotes),
            Some(b'[') => self.rest_is_unknown(),
            Some(b'\'') if quotes == Quotes::Outside && self.form != Form::Document => {
                self.ansi_quoted();
            }
            Some(b'"') if quotes == Quotes::Outside && self.form != Form::Document => {
                self.at += 1;
            }
            Some(byte) if *byte == b'_' || byte.is_ascii_alphabetic() => {
                let length = 1 + name_length(&self.rest()[1..]);
                self.variable(&self.rest()[1..length], self.at + length, quotes);
            }
            Some(b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!') => {
                self.unknown(self.at + 2, quotes);
            }
            _ => self.literal(1),
        }
    }

    fn ansi_quoted(&mut self) {
        let start = self.at + 2;
        let Some(end) = extent::unescaped(self.raw.as_bytes(), start, b'\'') else {
            return self.rest_is_unknown();
        };
        let quoted = &self.raw[start..end];
        if quoted.contains('\\') {
            self.unknown(end + 1, Quotes::Inside);
        } else {
            self.push(quoted, quoted);
            self.at = end + 1;
        }
    }

    /// `$(…)` and `$((…))`; of the latter only what it substitutes matters.
    fn substitution(&mut self, quotes: Quotes) {
        let Some(end) = extent::parenthesis(self.raw, self.at + 2) else {
            return self.rest_is_unknown();
        };
        let inside = &self.raw[self.at + 2..end];
        match inside
            .strip_prefix('(')
            .and_then(|rest| rest.strip_suffix(')'))
        {
            Some(arithmetic) => self.inner(arithmetic),
            None => self.commands.push(inside.to_owned()),
        }
        self.unknown(end + 1, quotes);
    }

    /// `${…}`: known when it is no more than a name.
    fn expansion(&mut self, quotes: Quotes) {
        let Some(end) = extent::brace(self.raw, self.at + 2) else {
            return self.rest_is_unknown();
        };
        let inside = &self.raw[self.at + 2..end];
        if is_name(inside) {
            self.variable(inside, end + 1, quotes);
        } else {
            self.inner(inside);
            self.unknown(end + 1, quotes);
        }
    }

    /// Finds the commands in a text that itself is not known.
    fn inner(&mut self, text: &str) {
        if text.contains("$(") || text.contains('`') {
            Reader::new(text, Form::Document, self.scope, self.commands).run();
        }
    }

    fn variable(&mut self, name: &str, end: usize, quotes: Quotes) {
        let splits = quotes == Quotes::Outside && matches!(self.form, Form::Word | Form::Assigning);
        let special = |value: &Value| {
            splits
                && value
                    .text
                    .contains(|c: char| c.is_whitespace() || "*?[".contains(c))
        };
        match self.scope.value(name) {
            Some(value) if !special(&value) => {
                self.push(&value.text, &value.written);
                self.at = end;
            }
            _ => self.unknown(end, quotes),
        }
    }

    fn backquoted(&mut self, quotes: Quotes) {
        let start = self.at + 1;
        let Some(end) = extent::unescaped(self.raw.as_bytes(), start, b'`') else {
            return self.rest_is_unknown();
        };
        let inside = self.raw[start..end].replace("\\`", "`").replace("\\$", "$");
        self.commands.push(inside);
        self.unknown(end + 1, quotes);
    }

    fn pattern(&mut self, opening: char) {
        let rest = self.rest().as_bytes();
        let near = &rest[..rest.len().min(LONGEST_PATTERN)];
        let is_pattern = match opening {
            '[' => near.contains(&b']'),
            '{' => near.contains(&b'}') && (near.contains(&b',') || near.contains(&b'.')),
            _ => true,
        };
        if !is_pattern || !matches!(self.form, Form::Word | Form::Assigning) {
            return self.literal(1);
        }
        // `{/a,b}` can begin with anything; `/a/*` begins with `/a/`.
        let begins_unknown = matches!(opening, '{' | '(') && self.word.beginning().is_empty();
        let known = if begins_unknown {
            Known::Several
        } else {
            Known::UntilGlob
        };
        let end = self.at + opening.len_utf8();
        self.word.push_uncertain(known, &self.raw[self.at..end]);
        self.at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, Known, read};
    use crate::intent::scope::{Scope, Value};
    use crate::model::HostPath;

    fn words(raw: &str) -> (Vec<(String, Known)>, Vec<String>) {
        let (cwd, home) = (
            HostPath::absolute("/work").unwrap(),
            HostPath::absolute("/home/op").unwrap(),
        );
        let mut scope = Scope::new(&cwd, &home);
        for (name, text) in [("D", "/etc"), ("LIST", "a /b"), ("GLOB", "*")] {
            let value = Value {
                text: text.into(),
                written: text.into(),
            };
            scope.set(name, Some(value));
        }
        let mut commands = Vec::new();
        let words = read(raw, Form::Word, &scope, &mut commands);
        let words = words
            .into_iter()
            .map(|word| (word.beginning().to_owned(), word.known()));
        (words.collect(), commands)
    }

    fn one(raw: &str) -> (String, Known) {
        let (words, _) = words(raw);
        assert_eq!(words.len(), 1, "{raw}");
        words[0].clone()
    }

    #[test]
    fn quotes_are_removed_and_escapes_taken() {
        for (raw, text) in [
            ("a'b c'd", "ab cd"),
            (r#""a\"b\c$""#, r#"a"b\c$"#),
            (r"a\ b\~", "a b~"),
            ("$'a b'", "a b"),
            ("'~'/x", "~/x"),
            (r"\~", "~"),
            ("a~", "a~"),
        ] {
            assert_eq!(one(raw), (text.into(), Known::Whole), "{raw}");
        }
    }

    #[test]
    fn homes_and_variables_are_expanded_where_the_shell_does() {
        for (raw, text) in [
            ("~", "/home/op"),
            ("~/x", "/home/op/x"),
            ("~root/x", "/root/x"),
            ("\"$HOME/x\"", "/home/op/x"),
            ("${HOME}x", "/home/opx"),
            ("'$HOME'", "$HOME"),
            ("\"~\"", "~"),
            ("$D/passwd", "/etc/passwd"),
            ("$PWD/x", "/work/x"),
        ] {
            assert_eq!(one(raw), (text.into(), Known::Whole), "{raw}");
        }
        assert_eq!(words("$LIST").0.len(), 2);
    }

    #[test]
    fn what_is_not_known_is_told_apart() {
        for (raw, text, known) in [
            ("/etc/*", "/etc/", Known::UntilGlob),
            ("/etc/[ab]c", "/etc/", Known::UntilGlob),
            ("\"/etc/$X\"", "/etc/", Known::UntilUnknown),
            ("/etc/$X", "/etc/", Known::Several),
            ("$GLOB", "", Known::Several),
            ("$(a)b", "", Known::Several),
            ("{~,$X}", "", Known::Several),
            ("\"${D%x}\"", "", Known::UntilUnknown),
        ] {
            assert_eq!(one(raw), (text.into(), known), "{raw}");
        }
    }

    #[test]
    fn substituted_commands_are_found() {
        for (raw, found) in [
            ("$(cat x)", "cat x"),
            ("\"a $(cat \"x y\") b\"", "cat \"x y\""),
            ("`cat x`", "cat x"),
            ("${A:-$(cat x)}", "cat x"),
            ("$(( $(cat x) + 1 ))", "cat x"),
        ] {
            assert_eq!(words(raw).1, [found.to_owned()], "{raw}");
        }
    }
}
