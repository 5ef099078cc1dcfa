//! The words of a shell line, well enough to find an option's value; not a shell parser.

use std::borrow::Cow;
use std::ops::Range;

/// One word of a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Word<'a> {
    /// Where it stands in the line, with its quotes.
    pub(super) place: Range<usize>,
    /// The word without its quotes.
    pub(super) value: Cow<'a, str>,
    /// Whether quotes or backslashes make place and value differ.
    is_plain: bool,
}

impl Word<'_> {
    /// The place of the word from a byte of its value on; all of it where quotes hide which.
    pub(super) fn from(&self, byte: usize) -> Range<usize> {
        let skipped = if self.is_plain { byte } else { 0 };
        self.place.start + skipped..self.place.end
    }
}

/// The simple commands of a line, each as its words.
pub(super) fn commands(line: &str) -> Vec<Vec<Word<'_>>> {
    let mut commands = vec![Vec::new()];
    let mut at = 0;
    while let Some(next) = line[at..].chars().next() {
        if next.is_whitespace() && next != '\n' {
            at += next.len_utf8();
        } else if ends_command(next) {
            commands.push(Vec::new());
            at += next.len_utf8();
        } else {
            let word = word(line, at);
            at = word.place.end;
            if let Some(command) = commands.last_mut() {
                command.push(word);
            }
        }
    }
    commands.retain(|command| !command.is_empty());
    commands
}

fn ends_command(character: char) -> bool {
    matches!(
        character,
        ';' | '|' | '&' | '(' | ')' | '\n' | '`' | '<' | '>'
    )
}

fn word(line: &str, start: usize) -> Word<'_> {
    let mut value = String::new();
    let mut quote = None;
    let mut is_plain = true;
    let mut characters = line[start..].char_indices();
    let mut end = line.len();
    while let Some((offset, character)) = characters.next() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (Some('\''), _) => value.push(character),
            (_, '\\') => {
                is_plain = false;
                value.extend(characters.next().map(|(_, escaped)| escaped));
            }
            (None, '"' | '\'') => {
                is_plain = false;
                quote = Some(character);
            }
            (None, _) if character.is_whitespace() || ends_command(character) => {
                end = start + offset;
                break;
            }
            _ => value.push(character),
        }
    }
    let place = start..end;
    let value = if is_plain {
        Cow::Borrowed(&line[place.clone()])
    } else {
        Cow::Owned(value)
    };
    Word {
        place,
        value,
        is_plain,
    }
}

/// Whether a shell takes an argument as it is.
pub(super) fn is_plain(argument: &str) -> bool {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || b"_-./=:,@%+".contains(&byte) || byte >= 0x80;
    !argument.is_empty() && argument.bytes().all(is_plain)
}

/// Adds an argument in single quotes.
pub(super) fn quote(argument: &str, line: &mut String) {
    line.push('\'');
    line.push_str(&argument.replace('\'', "'\\''"));
    line.push('\'');
}

#[cfg(test)]
mod tests {
    use super::{commands, is_plain, quote};

    #[test]
    fn words_know_their_place() {
        let line = "a 'b c' | d\\ e \"f\"";
        let commands = commands(line);
        let values: Vec<Vec<&str>> = commands
            .iter()
            .map(|command| command.iter().map(|word| word.value.as_ref()).collect())
            .collect();
        assert_eq!(values, [vec!["a", "b c"], vec!["d e", "f"]]);
        assert_eq!(&line[commands[0][1].place.clone()], "'b c'");
    }

    #[test]
    fn quoting_is_what_a_shell_takes() {
        let mut line = String::new();
        assert!(is_plain("plain-1.txt") && !is_plain("~") && !is_plain("") && !is_plain("a*"));
        for argument in ["two words", "it's", ""] {
            quote(argument, &mut line);
            line.push(' ');
        }
        assert_eq!(line, "'two words' 'it'\\''s' '' ");
    }
}
