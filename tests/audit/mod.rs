//! The audit log.

mod appending;
mod changed;
mod crashed;
mod full_disk;
mod records;
mod redaction;
mod support;
