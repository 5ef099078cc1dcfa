//! The audit log.

mod appending;
mod changed;
mod crashed;
mod records;
mod support;
