//! What happened when, in columns of equal time, however long the session was.
//!
//! When a session outgrows its columns, two become one, and they go on: memory is bounded, and
//! every count stays exact.

/// The most columns.
const MOST: usize = 160;

/// What is counted in one column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Column {
    /// Requests that were carried out.
    pub done: u64,
    /// Requests that were allowed and did not work.
    pub failed: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Refusals of every kind, but for noise.
    pub refusals: u64,
    /// Bursts of probing that began.
    pub bursts: u64,
}

impl Column {
    pub(super) fn requests(&self) -> u64 {
        self.done + self.failed + self.refused
    }

    fn add(&mut self, other: Self) {
        self.done += other.done;
        self.failed += other.failed;
        self.refused += other.refused;
        self.refusals += other.refusals;
        self.bursts += other.bursts;
    }
}

/// All columns.
#[derive(Debug)]
pub(super) struct Columns {
    /// The time of the first, in milliseconds since 1970.
    from: Option<i64>,
    /// Milliseconds.
    width: u64,
    all: Vec<Column>,
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            from: None,
            width: 1,
            all: Vec::new(),
        }
    }
}

impl Columns {
    /// Counts at a time. One before the first counts with the first: a clock was set back.
    pub(super) fn add(&mut self, time: i64, what: Column) {
        let from = *self.from.get_or_insert(time);
        let offset = u64::try_from(time.saturating_sub(from)).unwrap_or(0);
        while offset / self.width >= MOST as u64 {
            self.coarsen();
        }
        let at = usize::try_from(offset / self.width).unwrap_or(0);
        if self.all.len() <= at {
            self.all.resize(at + 1, Column::default());
        }
        self.all[at].add(what);
    }

    fn coarsen(&mut self) {
        self.width *= 2;
        self.all = self
            .all
            .chunks(2)
            .map(|pair| {
                let mut sum = Column::default();
                for column in pair {
                    sum.add(*column);
                }
                sum
            })
            .collect();
    }

    /// Milliseconds that one column stands for.
    pub(super) fn width(&self) -> u64 {
        self.width
    }

    /// The columns with the milliseconds between the session's begin and theirs.
    pub(super) fn since(&self, begin: i64) -> impl Iterator<Item = (u64, Column)> {
        let lead = self.from.map_or(0, |from| from.saturating_sub(begin));
        let lead = u64::try_from(lead).unwrap_or(0);
        let width = self.width;
        let columns = self.all.iter().copied().enumerate();
        columns.map(move |(at, column)| (lead + at as u64 * width, column))
    }
}

#[cfg(test)]
mod tests {
    use super::{Column, Columns, MOST};

    #[test]
    fn a_long_session_has_as_many_columns_and_every_count() {
        let mut columns = Columns::default();
        let one = Column {
            done: 1,
            refusals: 2,
            ..Column::default()
        };
        for second in 0..100_000 {
            columns.add(1_000_000 + second * 977, one);
        }
        columns.add(0, one);
        assert!(columns.all.len() <= MOST);
        let all: Vec<_> = columns.since(1_000_000).collect();
        let sum = |of: fn(&Column) -> u64| all.iter().map(|(_, column)| of(column)).sum::<u64>();
        assert_eq!(sum(Column::requests), 100_001);
        assert_eq!(sum(|column| column.refusals), 200_002);
        assert_eq!(all[1].0 - all[0].0, columns.width());
    }
}
