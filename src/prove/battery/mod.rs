//! The battery: every row, in tables by what is attacked. Data, and nothing else.

mod contents;
mod entries;
mod exceptions;
mod learning;
mod listing;
mod metadata;
mod names;
mod network;
mod privileges;
mod processes;
mod reading;
mod running;
mod surviving;
mod using;

pub(super) use exceptions::{HIDDEN, PROTECTED};

use super::row::Row;

/// Every row but those on exceptions, which a policy has or has not.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    [
        reading::ROWS,
        listing::ROWS,
        learning::ROWS,
        running::ROWS,
        contents::ROWS,
        names::ROWS,
        metadata::ROWS,
        entries::ROWS,
        network::ROWS,
        processes::ROWS,
        privileges::ROWS,
        surviving::ROWS,
        using::ROWS,
    ]
    .into_iter()
    .flatten()
}

/// The row of this group and name.
pub(super) fn find(group: &str, name: &str) -> Option<&'static Row> {
    rows()
        .chain(HIDDEN)
        .chain(PROTECTED)
        .find(|row| row.group.as_str() == group && row.name == name)
}

#[cfg(test)]
mod tests {
    use super::{HIDDEN, PROTECTED, find, rows};
    use std::collections::BTreeSet;

    #[test]
    fn every_row_has_a_name_of_its_own() {
        let mut names = BTreeSet::new();
        for row in rows().chain(HIDDEN).chain(PROTECTED) {
            let name = (row.group.as_str(), row.name);
            assert!(names.insert(name), "{name:?}");
            let found = find(name.0, name.1).unwrap();
            assert_eq!(found.tries, row.tries, "{name:?}");
        }
    }
}
