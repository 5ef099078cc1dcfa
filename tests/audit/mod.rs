//! The audit log.

mod appending;
mod asking;
mod changed;
mod crashed;
mod documented;
mod following;
mod full_disk;
mod processes;
mod records;
mod redaction;
mod suggesting;
mod support;
mod vouched;
