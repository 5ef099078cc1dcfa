//! A workspace with a link to the program under the name of a shell.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::cli::world::{Ran, World};

/// The name under which the program is a shell.
pub(super) const NAME: &str = "lobsterpot-sh";

/// A world, and the shell in it.
pub(super) struct Shelled {
    pub(super) world: World,
    settings: Vec<(&'static str, &'static str)>,
}

impl Shelled {
    pub(super) fn new() -> Self {
        let world = World::new();
        std::fs::create_dir(world.path("bin")).unwrap();
        let program = env!("CARGO_BIN_EXE_lobsterpot");
        for name in [NAME, "lobsterpot-ssh"] {
            std::os::unix::fs::symlink(program, world.path("bin").join(name)).unwrap();
        }
        let settings = Vec::new();
        Self { world, settings }
    }

    /// The same under another policy.
    pub(super) fn under(mut self, policy: &'static str) -> Self {
        self.settings.push(("LOBSTERPOT_POLICY", policy));
        self
    }

    /// The same without namespaces.
    pub(super) fn in_flat_mode(mut self) -> Self {
        self.settings.push(("LOBSTERPOT_FORCE_FLAT", "1"));
        self
    }

    /// The path of the shell.
    pub(super) fn shell(&self) -> PathBuf {
        self.world.path("bin").join(NAME)
    }

    /// A search path on which the shell is found.
    pub(super) fn search_path(&self) -> OsString {
        let rest = std::env::var_os("PATH").unwrap();
        let first = std::iter::once(self.world.path("bin"));
        std::env::join_paths(first.chain(std::env::split_paths(&rest))).unwrap()
    }

    /// A program in the workspace, in whose environment the shell is chosen and set up.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        self.world.settle(&mut command);
        command
            .env("SHELL", self.shell())
            .env("LOBSTERPOT_ROOT", self.world.path("work"))
            .envs(self.settings.iter().copied())
            .stdin(Stdio::null());
        command
    }

    /// Runs the shell with these words.
    pub(super) fn run<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Ran {
        Ran::of(self.command(self.shell()).args(words).output().unwrap())
    }
}
