//! How a command takes its arguments, as data, and the splitting of arguments by it.

use super::word::{Known, Word};
use crate::model::Right;

/// How one command, or several alike, take their arguments.
///
/// Lists of names are separated by blanks. An option that is in no list takes no value.
pub(super) struct Row {
    /// The commands.
    pub(super) names: &'static str,
    /// Options whose value is no path.
    pub(super) text: &'static str,
    /// Options whose value, if any, is attached to them and no path: `-i.bak`.
    pub(super) attached: &'static str,
    /// Options with two values that are no paths.
    pub(super) pairs: &'static str,
    /// Options whose value is a file to read.
    pub(super) reads: &'static str,
    /// Options whose value is a file or directory to write.
    pub(super) writes: &'static str,
    /// Options whose value takes the place of the first operand.
    pub(super) instead: &'static str,
    /// Options without a value that leave no place for the first operand.
    pub(super) alone: &'static str,
    /// Options that take the place of the first operand, and whose value is a file to read.
    pub(super) instead_reads: &'static str,
    /// Options without a value that change what the operands are for.
    pub(super) turns: &'static [(&'static str, Right)],
    /// Where options may stand.
    pub(super) order: Order,
    /// What the operands are.
    pub(super) operands: Operands,
}

/// Where options may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Between the operands too.
    Anywhere,
    /// Only in front of the first operand; the rest belongs to something else.
    First,
}

/// What the operands of a command are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Operands {
    /// Each is a path.
    Each(Right),
    /// All but the first (a pattern, a script, a mode) are paths.
    AfterFirst(Right),
    /// Like `AfterFirst`, and `name=value` is no path either.
    AfterScript(Right),
    /// The first ones are paths for these rights, the others are not.
    These(&'static [Right]),
    /// The first is written, the others are read.
    WriteThenRead,
    /// Text; but the shell lists a directory for a glob.
    Globs,
    /// None that could be judged.
    Ignored,
}

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// No value.
    Nothing,
    /// A value that is no path.
    Text,
    /// A value only when it is attached.
    Attached,
    /// Two values.
    Pair,
    /// A path.
    Path(Right),
    /// The place of the first operand.
    Instead,
    /// The place of the first operand, and no value.
    Alone,
    /// The place of the first operand, by the file of that path.
    InsteadPath,
}

/// One option as it was given.
pub(super) struct Given {
    /// With its dashes: `-o`, `--output`.
    pub(super) name: String,
    /// What it takes.
    pub(super) takes: Takes,
    /// Its value, where it has one.
    pub(super) value: Option<Word>,
}

/// The arguments of a command, told apart.
pub(super) struct Arguments {
    /// The options in their order.
    pub(super) options: Vec<Given>,
    /// The operands in their order.
    pub(super) operands: Vec<Word>,
}

impl Row {
    /// A command with no operands that could be judged.
    pub(super) const NONE: Self = Self {
        names: "",
        text: "",
        attached: "",
        pairs: "",
        reads: "",
        writes: "",
        instead: "",
        instead_reads: "",
        alone: "",
        turns: &[],
        order: Order::Anywhere,
        operands: Operands::Ignored,
    };

    /// Whether the row is about this command.
    pub(super) fn is_for(&self, name: &str) -> bool {
        lists(self.names, name)
    }

    fn takes(&self, option: &str) -> Takes {
        let lists = [
            (self.text, Takes::Text),
            (self.attached, Takes::Attached),
            (self.pairs, Takes::Pair),
            (self.reads, Takes::Path(Right::Read)),
            (self.writes, Takes::Path(Right::Write)),
            (self.instead, Takes::Instead),
            (self.alone, Takes::Alone),
            (self.instead_reads, Takes::InsteadPath),
        ];
        let found = lists
            .into_iter()
            .find(|(list, _)| self::lists(list, option));
        found.map_or(Takes::Nothing, |(_, takes)| takes)
    }

    /// Tells options, their values and operands apart.
    pub(super) fn split(&self, words: &[Word]) -> Arguments {
        let mut split = Arguments {
            options: Vec::new(),
            operands: Vec::new(),
        };
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let text = word.beginning();
            if word.whole() == Some("--") {
                split.operands.extend(rest.by_ref().cloned());
            } else if text.starts_with("--") {
                self.long(word, &mut rest, &mut split);
            } else if text.starts_with('-') && word.whole() != Some("-") {
                self.cluster(word, &mut rest, &mut split);
            } else {
                split.operands.push(word.clone());
                if self.order == Order::First {
                    split.operands.extend(rest.by_ref().cloned());
                }
            }
        }
        split
    }

    fn long(&self, word: &Word, rest: &mut std::slice::Iter<'_, Word>, split: &mut Arguments) {
        let text = word.beginning();
        let (name, value) = match text.split_once('=') {
            Some((name, _)) => (name, word.after(&text[..=name.len()])),
            None => (text, None),
        };
        let takes = self.takes(name);
        let value = match takes {
            _ if value.is_some() => value,
            Takes::Nothing | Takes::Attached | Takes::Alone => None,
            Takes::Pair => rest.next().and(rest.next()).cloned(),
            _ => rest.next().cloned(),
        };
        split.add(name, takes, value);
    }

    /// Short options, several in one word perhaps, the last of them perhaps with its value.
    fn cluster(&self, word: &Word, rest: &mut std::slice::Iter<'_, Word>, split: &mut Arguments) {
        let text = word.beginning();
        for (index, letter) in text.char_indices().skip(1) {
            let name = format!("-{letter}");
            let takes = self.takes(&name);
            if matches!(takes, Takes::Nothing | Takes::Alone) {
                split.add(&name, takes, None);
                continue;
            }
            let attached = word.after(&text[..index + letter.len_utf8()]);
            let is_attached = |value: &Word| value.whole() != Some("");
            let value = match takes {
                Takes::Attached => attached.filter(is_attached),
                Takes::Pair => rest.next().and(rest.next()).cloned(),
                _ => attached
                    .filter(is_attached)
                    .or_else(|| rest.next().cloned()),
            };
            split.add(&name, takes, value);
            return;
        }
    }
}

impl Arguments {
    fn add(&mut self, name: &str, takes: Takes, value: Option<Word>) {
        self.options.push(Given {
            name: name.to_owned(),
            takes,
            value,
        });
    }

    /// Whether any of these options was given.
    pub(super) fn has(&self, names: &str) -> bool {
        self.options.iter().any(|given| lists(names, &given.name))
    }

    /// The value of the last of these options that was given.
    pub(super) fn value(&self, names: &str) -> Option<&Word> {
        let given = self
            .options
            .iter()
            .rev()
            .find(|given| lists(names, &given.name))?;
        given.value.as_ref()
    }

    /// Whether an option took the place of the first operand.
    pub(super) fn replaces_first(&self) -> bool {
        let replaces = [Takes::Instead, Takes::InsteadPath, Takes::Alone];
        let mut options = self.options.iter();
        options.any(|given| replaces.contains(&given.takes))
    }

    /// The operands after the first.
    pub(super) fn after_first(&self) -> &[Word] {
        if self.replaces_first() {
            return &self.operands;
        }
        // A word that may become several, or none, is not certain to be the first.
        let first = self
            .operands
            .iter()
            .position(|word| word.known() != Known::Several)
            .map_or(self.operands.len(), |first| first + 1);
        &self.operands[first..]
    }
}

/// Whether a name is in a list of names separated by blanks.
pub(super) fn lists(list: &str, name: &str) -> bool {
    !list.is_empty() && list.split_ascii_whitespace().any(|entry| entry == name)
}

#[cfg(test)]
mod tests {
    use super::{Order, Row};
    use crate::intent::word::Word;

    fn split(row: &Row, line: &str) -> (String, String) {
        let words: Vec<Word> = line.split(' ').map(Word::literal).collect();
        let arguments = row.split(&words);
        let options = arguments.options.iter().map(|given| {
            let value = given.value.as_ref().map_or("", Word::beginning);
            format!("{}[{value}]", given.name)
        });
        let operands = arguments.operands.iter().map(Word::beginning);
        (
            options.collect::<Vec<_>>().join(" "),
            operands.collect::<Vec<_>>().join(" "),
        )
    }

    #[test]
    fn values_are_told_from_operands() {
        let row = Row {
            text: "-n --lines",
            attached: "-i",
            pairs: "--arg",
            ..Row::NONE
        };
        for (line, options, operands) in [
            ("-n 5 a", "-n[5]", "a"),
            ("-n5 a", "-n[5]", "a"),
            ("-vn 5 a", "-v[] -n[5]", "a"),
            ("--lines=5 a", "--lines[5]", "a"),
            ("--lines 5 a", "--lines[5]", "a"),
            ("--other=/x a", "--other[/x]", "a"),
            ("-i.bak a", "-i[.bak]", "a"),
            ("-i a", "-i[]", "a"),
            ("--arg k v a", "--arg[v]", "a"),
            ("a -v - -- -n b", "-v[]", "a - -n b"),
        ] {
            assert_eq!(
                split(&row, line),
                (options.into(), operands.into()),
                "{line}"
            );
        }
    }

    #[test]
    fn options_after_the_first_operand_can_belong_to_it() {
        let row = Row {
            order: Order::First,
            ..Row::NONE
        };
        assert_eq!(split(&row, "-a b -c"), ("-a[]".into(), "b -c".into()));
    }
}
