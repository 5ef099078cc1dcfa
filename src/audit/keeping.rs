//! How the log is kept: when a new file is begun, and when the oldest are removed.

use std::time::Duration;

/// The operator's rules. By default a file has a size, and nothing is ever removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeping {
    /// A new file is begun when the old one has this many bytes.
    pub file_size: u64,
    /// A new file is begun when the first record of the old one is this old.
    pub file_age: Option<Duration>,
    /// The oldest full files are removed when all together have more bytes.
    pub keep_size: Option<u64>,
    /// Full files are removed when their last record is this old.
    pub keep_age: Option<Duration>,
}

impl Default for Keeping {
    fn default() -> Self {
        Self {
            file_size: 256 << 20, // about a quarter of a million records
            file_age: None,
            keep_size: None,
            keep_age: None,
        }
    }
}

impl Keeping {
    /// Whether anything is ever removed.
    pub(super) fn removes(&self) -> bool {
        self.keep_size.is_some() || self.keep_age.is_some()
    }
}
