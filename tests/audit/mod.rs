//! The audit log.

mod appending;
mod records;
mod support;
