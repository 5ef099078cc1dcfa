//! The commands whose arguments follow the usual conventions, and how they take them.
//!
//! Only commands whose operands certainly are paths belong here. What is missing is
//! not judged; what is wrong refuses harmless work.

mod changing;
mod describing;
mod reading;
mod running;
mod searching;

use super::row::{Order, Row};

/// A shell as a command; what its operands are depends on its options.
pub(super) const SHELL: Row = Row {
    names: "sh bash dash zsh ksh ash",
    text: "-o +o -O +O",
    reads: "--rcfile --init-file",
    order: Order::First,
    ..Row::NONE
};

const TABLES: [&[Row]; 5] = [
    reading::ROWS,
    describing::ROWS,
    searching::ROWS,
    running::ROWS,
    changing::ROWS,
];

/// The row about the command of that name.
pub(super) fn find(name: &str) -> Option<&'static Row> {
    TABLES.into_iter().flatten().find(|row| row.is_for(name))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::TABLES;

    #[test]
    fn no_command_is_listed_twice() {
        let mut seen = HashSet::new();
        for row in TABLES.into_iter().flatten() {
            for name in row.names.split_whitespace() {
                assert!(seen.insert(name), "{name}");
            }
        }
    }
}
