//! Text laid out for a terminal of 80 columns: definitions with their words wrapped.
//!
//! Widths are counted in characters, before any colour is added.

/// The width that everything is laid out for.
const WIDTH: usize = 80;

/// The text with its words wrapped, each line after the first behind `indent` blanks.
///
/// A word that is longer than a line (a path) is never broken: it could not be copied.
pub(super) fn wrapped(text: &str, indent: usize) -> String {
    let mut laid = String::new();
    let mut column = indent;
    for word in text.split_whitespace() {
        let width = word.chars().count();
        if column > indent && column + 1 + width > WIDTH {
            laid.push('\n');
            laid.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if column > indent {
            laid.push(' ');
            column += 1;
        }
        laid.push_str(word);
        column += width;
    }
    laid
}

/// A term and its definition, which is wrapped in a column of its own.
pub(super) fn definition(term: &str, text: &str, column: usize) -> String {
    format!(
        "  {term:<width$}{}\n",
        wrapped(text, column),
        width = column - 2
    )
}

#[cfg(test)]
mod tests {
    use super::{definition, wrapped};

    #[test]
    fn words_are_wrapped_and_never_broken() {
        let text = wrapped(&"word ".repeat(30), 20);
        assert!(
            text.lines()
                .all(|line| line.trim_end() == line && line.len() <= 80)
        );
        assert!(
            text.lines()
                .skip(1)
                .all(|line| line.starts_with(&" ".repeat(20)))
        );
        let path = "/x".repeat(60);
        assert_eq!(wrapped(&path, 4), path);
    }

    #[test]
    fn a_definition_has_its_own_column() {
        assert_eq!(definition("kernel", "6.18", 12), "  kernel    6.18\n");
    }
}
