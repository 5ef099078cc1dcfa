//! The test suite: one binary; the folders are the contents page.
