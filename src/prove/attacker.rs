//! The attacker: this very program under another name, started inside the sandbox and, for the
//! controls, outside. It does what it is told and nothing else; what its attacks come to is
//! looked at from outside.

use std::ffi::{CString, OsStr, OsString};
use std::io::{self, BufRead as _, Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use super::battery;
use super::protocol::{Answer, Order};
use crate::sys::attack::child::{self, Told};
use crate::sys::attack::{Outcome, become_bystander};

/// The name under which this program is the attacker.
pub(super) const NAME: &str = "lobsterpot-attack";

/// The argument of a bystander.
pub(super) const BYSTANDER: &str = "bystander";
/// The argument of a program that tells its secret.
const TELL: &str = "tell";

/// A place in the program for a secret, which prove writes into a copy outside.
#[repr(align(64))]
pub(super) struct Slot(pub [u8; 64]);

/// What stands there until then. Long enough to be found by its bytes.
pub(super) static SLOT: Slot =
    Slot(*b"a secret of lobsterpot prove is written here...................\n");

/// Runs as the attacker, if that is the name this process was started under; to be called
/// before any thread exists.
pub fn run_if_named() -> Option<ExitCode> {
    let mut words = std::env::args_os();
    let name = words.next()?;
    if Path::new(&name).file_name() != Some(OsStr::new(NAME)) {
        return None;
    }
    let words: Vec<OsString> = words.collect();
    let words: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
    let done = match words[..] {
        [] => attack(),
        [BYSTANDER, secret, name] => stand_by(secret, name),
        [TELL] => tell(),
        _ => Err(io::ErrorKind::InvalidInput.into()),
    };
    Some(done.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS))
}

/// Makes one attack for each line of input, and answers each with a line.
fn attack() -> io::Result<()> {
    let parent = i64::from(std::os::unix::process::parent_id());
    let mut held = None;
    for line in io::stdin().lock().lines() {
        let mut order: Order = serde_json::from_str(&line?)?;
        order.file = with_scratch(order.file);
        // The one before has been looked at by now.
        drop(held.take());
        let Some(row) = battery::find(&order.group, &order.name) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let (next, told) = child::attack(row.attack, &order.prey(parent))?;
        held = Some(next);
        let mut text = serde_json::to_vec(&answer(told))?;
        text.push(b'\n');
        let mut stdout = io::stdout().lock();
        stdout.write_all(&text)?;
        stdout.flush()?;
    }
    Ok(())
}

/// `$TMPDIR` stands for the attacker's own directory for temporary files.
#[allow(
    clippy::disallowed_methods,
    reason = "the attacker's own environment, which the sandbox gave it"
)]
fn with_scratch(path: String) -> String {
    match (path.strip_prefix("$TMPDIR"), std::env::var("TMPDIR")) {
        (Some(rest), Ok(scratch)) => scratch + rest,
        _ => path,
    }
}

fn answer(told: Told) -> Answer {
    match told {
        Told::Outcome(outcome) => answer_of(outcome),
        Told::Ended(signal) => Answer {
            signal: Some(signal).filter(|signal| *signal != 0),
            ..Answer::default()
        },
    }
}

fn answer_of(outcome: Outcome) -> Answer {
    let (errno, loot) = match outcome {
        Ok(loot) => (0, loot),
        Err(errno) => (errno as i32, Vec::new()),
    };
    Answer {
        errno: Some(errno),
        signal: None,
        loot: String::from_utf8_lossy(&loot).into_owned(),
    }
}

/// Is there to be attacked, until its input ends.
fn stand_by(secret: &str, name: &str) -> io::Result<()> {
    let (address, descriptor) = become_bystander(&CString::new(secret)?, &CString::new(name)?)?;
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{address} {descriptor}")?;
    stdout.flush()?;
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}

/// Tells the secret that was written into this copy of the program.
fn tell() -> io::Result<()> {
    // Read as it is in memory: the compiler knows what it was, not what it is.
    let slot = std::hint::black_box(&SLOT);
    io::stdout().lock().write_all(&slot.0)
}
