//! `audit verify`: is the log as it was written?

use std::io::{self, IsTerminal as _, Write};
use std::path::Path;

use super::table::{GREEN, RED, YELLOW};
use super::{AuditCommandError, VerifyArguments};
use crate::audit::{Checkpoint, Known, Loss, Problem, PublicKey, Verification, verify};
use crate::model::shown_path;

pub(super) fn run(
    arguments: &VerifyArguments,
    directory: &Path,
    out: &mut dyn Write,
) -> Result<u8, AuditCommandError> {
    let known = known(arguments)?;
    let mut progress = Progress::new();
    let found = verify(directory, &known, &mut |done, total| {
        progress.show(done, total);
    })?;
    progress.clear();
    if arguments.json {
        let mut value = serde_json::to_value(&found).map_err(io::Error::other)?;
        value["sound"] = found.is_sound().into();
        writeln!(out, "{value}")?;
    } else {
        report(&found, directory, out)?;
    }
    Ok(u8::from(!found.is_sound()))
}

/// What the operator brought from elsewhere.
fn known(arguments: &VerifyArguments) -> Result<Known, AuditCommandError> {
    let public_key = arguments.public_key.as_deref().map(|path| {
        let text = read(path)?;
        PublicKey::from_hex(text.trim()).ok_or_else(|| AuditCommandError::Content {
            path: path.to_owned(),
            wanted: "public key of 64 hexadecimal digits",
        })
    });
    let checkpoint = arguments.since_checkpoint.as_deref().map(|path| {
        let line = read(path)?.trim_end().as_bytes().to_vec();
        let holds = Checkpoint::read(&line).is_some();
        holds
            .then_some(line)
            .ok_or_else(|| AuditCommandError::Content {
                path: path.to_owned(),
                wanted: "checkpoint as it was signed",
            })
    });
    Ok(Known {
        begins_at: arguments.begins_at,
        public_key: public_key.transpose()?,
        checkpoint: checkpoint.transpose()?,
    })
}

#[allow(
    clippy::disallowed_methods,
    reason = "the operator names the file on the command line, for this one answer"
)]
fn read(path: &Path) -> Result<String, AuditCommandError> {
    std::fs::read_to_string(path).map_err(|source| {
        let path = path.to_owned();
        AuditCommandError::File { path, source }
    })
}

fn report(found: &Verification, directory: &Path, out: &mut dyn Write) -> io::Result<()> {
    let whole = match (found.first, found.last) {
        (Some(first), Some(last)) if first == last => format!("record {first}"),
        (Some(first), Some(last)) => format!("records {first} to {last}"),
        _ => String::new(),
    };
    if let Some(broken) = &found.broken {
        let (file, line, offset) = (shown_path(&broken.file), broken.line, broken.offset);
        writeln!(
            out,
            "{RED}broken{RED:#}: {file}, line {line} (byte {offset}):"
        )?;
        writeln!(out, "  {}", broken.problem)?;
        if !whole.is_empty() {
            writeln!(out, "  {whole}: as written")?;
        }
        explain(&broken.problem, out)?;
    }
    if let Some(doubt) = found
        .checkpoints
        .doubt
        .as_ref()
        .filter(|_| !found.is_sound())
    {
        writeln!(out, "{RED}not vouched for{RED:#}: {doubt}")?;
    }
    for loss in &found.losses {
        writeln!(out, "{RED}incomplete{RED:#}: {}", told(loss))?;
    }
    if found.is_sound() && whole.is_empty() {
        return writeln!(out, "nothing is on record yet in {}", shown_path(directory));
    }
    if found.is_sound() {
        let (files, size) = (found.files, size(found.bytes));
        let files = if files == 1 {
            "1 file".into()
        } else {
            format!("{files} files")
        };
        writeln!(out, "{GREEN}sound{GREEN:#}: {whole} in {files}, {size}")?;
        vouched(found, out)?;
    }
    let torn = found.repairs - found.losses.len() as u64;
    if torn > 0 {
        writeln!(
            out,
            "{YELLOW}note{YELLOW:#}: repaired {torn} times after a crash; `audit query --op log.repair` tells"
        )?;
    }
    if !found.has_head {
        writeln!(
            out,
            "{YELLOW}note{YELLOW:#}: audit.head is missing, so a cut-off end would not be noticed"
        )?;
    }
    Ok(())
}

/// How far checkpoints vouch for what was found.
fn vouched(found: &Verification, out: &mut dyn Write) -> io::Result<()> {
    let checkpoints = &found.checkpoints;
    let last = found.last.unwrap_or_default();
    let count = checkpoints.count;
    let after = last.saturating_sub(checkpoints.sequence);
    if after == 0 {
        return writeln!(out, "vouched for by {count} checkpoints, all of it");
    }
    let sequence = checkpoints.sequence;
    writeln!(
        out,
        "vouched for by {count} checkpoints up to record {sequence}; {after} came after"
    )
}

/// What a person may want to know who sees the problem for the first time.
fn explain(problem: &Problem, out: &mut dyn Write) -> io::Result<()> {
    match problem {
        Problem::Torn => writeln!(
            out,
            "  a crash leaves such an end; the next record's append moves it aside and says so"
        ),
        Problem::BeginningMissing { found, .. } => writeln!(
            out,
            "  if older files were taken away on purpose: audit verify --begins-at {found}"
        ),
        _ => Ok(()),
    }
}

fn told(loss: &Loss) -> String {
    let what = match loss.repair.lost {
        Some(gone) => format!(
            "records {} to {} had been written and are gone",
            gone.from, gone.to
        ),
        None if loss.repair.checkpoints_gone => {
            "checkpoints or their key were gone, and began anew".into()
        }
        None => "the record before it is not the one that was written".into(),
    };
    format!("record {} tells that {what}", loss.told_by)
}

fn size(bytes: u64) -> String {
    let mut units = ["bytes", "KiB", "MiB", "GiB", "TiB"].iter();
    let (mut whole, mut tenths) = (bytes, None);
    let mut unit = units.next().unwrap_or(&"");
    while whole >= 1024 {
        tenths = Some(whole % 1024 * 10 / 1024);
        whole /= 1024;
        unit = units.next().unwrap_or(&"");
    }
    match tenths {
        Some(tenths) => format!("{whole}.{tenths} {unit}"),
        None => format!("{whole} {unit}"),
    }
}

/// How far it has come, on a terminal and nowhere else.
pub(super) struct Progress {
    terminal: Option<io::Stderr>,
    is_shown: bool,
}

impl Progress {
    pub(super) fn new() -> Self {
        let stderr = io::stderr();
        let terminal = stderr.is_terminal().then_some(stderr);
        Self {
            terminal,
            is_shown: false,
        }
    }

    pub(super) fn show(&mut self, done: u64, total: u64) {
        let percent = done.saturating_mul(100) / total.max(1);
        if let Some(terminal) = &mut self.terminal {
            // Progress that cannot be shown is no reason to stop.
            let _ = write!(terminal, "\rverifying {} {percent:>3} %", bar(percent));
            self.is_shown = true;
        }
    }

    pub(super) fn clear(&mut self) {
        if let Some(terminal) = self.terminal.as_mut().filter(|_| self.is_shown) {
            let _ = write!(terminal, "\r\x1b[K");
        }
    }
}

fn bar(percent: u64) -> String {
    const WIDTH: usize = 40;
    let full = usize::try_from(percent).unwrap_or(0).min(100) * WIDTH / 100;
    format!("[{:<WIDTH$}]", "#".repeat(full))
}

#[cfg(test)]
mod tests {
    use super::{bar, size};

    #[test]
    fn the_bar_is_always_as_wide() {
        for percent in [0, 1, 50, 99, 100, 700] {
            assert_eq!(bar(percent).len(), 42, "{percent}");
        }
        assert_eq!(bar(100), format!("[{}]", "#".repeat(40)));
    }

    #[test]
    fn sizes_are_readable() {
        assert_eq!(size(512), "512 bytes");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(3 << 30), "3.0 GiB");
    }
}
