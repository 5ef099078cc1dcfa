//! The audit log.

mod appending;
mod asking;
mod changed;
mod crashed;
mod documented;
mod exporting;
mod following;
mod full_disk;
mod keeping;
mod processes;
mod records;
mod redaction;
mod reporting;
mod suggesting;
mod support;
mod vouched;
