//! Takes secrets out of what is recorded, and bounds its length.
//!
//! This is best effort: it knows the usual places and shapes of secrets, and cannot know a
//! password that looks like a word. It must never touch ordinary text, because a record
//! that hides what happened is worth little.

mod keys;
mod secrets;
mod tokens;
mod tools;
mod words;

use std::borrow::Cow;
use std::ops::Range;

/// What stands in a secret's place.
const MARK: &str = "[redacted]";

/// The most bytes of a text that are kept.
const TEXT: usize = 4096;

/// The most bytes of a name that are kept.
const NAME: usize = 256;

/// A name: bounded, not searched.
pub(super) fn name(text: &str) -> Cow<'_, str> {
    bounded(text.into(), NAME, 0)
}

/// A text of any kind, a path or a message.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    let searched = cut(text, 2 * TEXT);
    let spans = secrets::find(searched);
    bounded(without(searched, spans), TEXT, text.len() - searched.len())
}

/// A line for a shell.
pub(super) fn shell(line: &str) -> Cow<'_, str> {
    let searched = cut(line, 2 * TEXT);
    bounded(shell_text(searched), TEXT, line.len() - searched.len())
}

/// A program with its arguments, written as a shell would take it.
pub(super) fn argv(argv: &[String]) -> Cow<'static, str> {
    let mut room = 2 * TEXT;
    let mut known = Vec::new();
    for argument in argv {
        if room == 0 {
            break;
        }
        let part = cut(argument, room);
        room = room.saturating_sub(part.len() + 1);
        known.push(part);
    }
    let all: usize = argv.iter().map(|argument| argument.len() + 1).sum();
    let left = all.saturating_sub(known.iter().map(|part| part.len() + 1).sum());
    let mut line = String::new();
    for (argument, secret) in known.iter().zip(tools::secrets_in(&known)) {
        let safe = match secret {
            Some(from) => Cow::Owned(format!("{}{MARK}", argument.get(..from).unwrap_or(""))),
            None if argument.contains(char::is_whitespace) => shell_text(argument),
            None => without(argument, secrets::find(argument)),
        };
        if !line.is_empty() {
            line.push(' ');
        }
        if words::is_plain(argument) {
            line.push_str(&safe);
        } else {
            words::quote(&safe, &mut line);
        }
    }
    bounded(line.into(), TEXT, left)
}

/// A shell line, with both what its words and what its letters give away.
fn shell_text(line: &str) -> Cow<'_, str> {
    let mut spans = secrets::find(line);
    for command in words::commands(line) {
        let values: Vec<&str> = command.iter().map(|word| word.value.as_ref()).collect();
        for (word, secret) in command.iter().zip(tools::secrets_in(&values)) {
            spans.extend(secret.map(|from| word.from(from)));
        }
    }
    without(line, spans)
}

/// The text with a mark in the place of each span; spans may overlap.
fn without(text: &str, mut spans: Vec<Range<usize>>) -> Cow<'_, str> {
    spans.retain(|span| !span.is_empty() && text.get(span.clone()).is_some());
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    spans.sort_by_key(|span| (span.start, span.end));
    let mut safe = String::with_capacity(text.len());
    let mut done = 0;
    for span in spans {
        if span.start >= done {
            safe.push_str(&text[done..span.start]);
            safe.push_str(MARK);
        }
        done = done.max(span.end);
    }
    safe.push_str(&text[done..]);
    Cow::Owned(safe)
}

/// At most so many bytes of the text, with a word on how many more there were; `before`
/// counts those that were left out already.
fn bounded(text: Cow<'_, str>, most: usize, before: usize) -> Cow<'_, str> {
    let kept = cut(&text, most);
    let left_out = before + text.len() - kept.len();
    if left_out == 0 {
        return text;
    }
    Cow::Owned(format!("{kept}… [{left_out} more bytes]"))
}

/// The beginning of a text, cut between two characters.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}
