//! The host that the tests run on: who they can be, and what is said of what it lacks.

use std::path::Path;
use std::process::Command;

/// Who runs something. A test that runs as root does everything as an ordinary user, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum User {
    Current,
    Nobody,
}

/// The number of the ordinary user that root becomes.
pub(crate) const NOBODY: u32 = 65534;

impl User {
    /// All that this process can be.
    pub(crate) fn all() -> &'static [Self] {
        if nix::unistd::geteuid().is_root() {
            &[Self::Current, Self::Nobody]
        } else {
            &[Self::Current]
        }
    }

    /// A program, run by this user.
    pub(crate) fn command(self, program: &Path) -> Command {
        match self {
            Self::Current => Command::new(program),
            Self::Nobody => {
                let mut command = Command::new("setpriv");
                let number = NOBODY.to_string();
                command.args(["--reuid", &number, "--regid", &number, "--clear-groups"]);
                command.arg(program);
                command
            }
        }
    }
}

/// A feature that this host lacks: printed and counted, or a failure where all are required.
pub(crate) fn skip(what: &str) {
    assert!(
        std::env::var_os("LOBSTERPOT_REQUIRE_ALL").is_none(),
        "not tested on this host: {what}"
    );
    eprintln!("SKIPPED: {what}");
}
