//! `audit checkpoint`: the newest checkpoint, for a copy on another machine.

use std::io::Write;
use std::path::Path;

use super::{AuditCommandError, CheckpointArguments};
use crate::audit::{Checkpoint, newest_checkpoint};
use crate::model::shown_path;

pub(super) fn run(
    arguments: &CheckpointArguments,
    directory: &Path,
    out: &mut dyn Write,
) -> Result<u8, AuditCommandError> {
    let line = newest_checkpoint(directory)?;
    let Some((line, checkpoint)) = line.and_then(|line| {
        let checkpoint = Checkpoint::read(&line)?;
        Some((line, checkpoint))
    }) else {
        writeln!(out, "there is no checkpoint in {}", shown_path(directory))?;
        return Ok(1);
    };
    if arguments.public_key {
        writeln!(out, "{}", checkpoint.key)?;
    } else {
        out.write_all(&line)?;
        writeln!(out)?;
    }
    Ok(0)
}
