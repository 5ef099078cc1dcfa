//! `lobsterpot prove`, run as a user would, with a place of its own for its temporary files.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::host::NOBODY;
pub(super) use crate::host::{User, skip};
use crate::programs;

/// How commands are contained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// As the host allows.
    Best,
    /// By `LOBSTERPOT_FORCE_FLAT`.
    Flat,
}

/// Directories for one user.
pub(super) struct World {
    directory: TempDir,
    user: User,
}

impl World {
    pub(super) fn new(user: User) -> Self {
        let world = Self {
            directory: TempDir::new().unwrap(),
            user,
        };
        programs::copy(env!("CARGO_BIN_EXE_lobsterpot"), world.path("lobsterpot"));
        fs::set_permissions(world.path(""), fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["home", "tmp"] {
            fs::create_dir(world.path(name)).unwrap();
            if user == User::Nobody {
                chown(world.path(name), Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        world
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().canonicalize().unwrap().join(name)
    }

    /// Puts a policy here: a built-in one, with some of its text changed.
    pub(super) fn policy(&self, built_in: &str, changes: &[(&str, &str)]) -> String {
        let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
        let mut text = fs::read_to_string(policies.join(format!("{built_in}.toml"))).unwrap();
        for (old, new) in changes {
            assert!(text.contains(old), "{built_in} has no {old}");
            text = text.replace(old, new);
        }
        let path = self.path("policy.toml");
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The program, about to prove something.
    pub(super) fn command(&self, mode: Mode, arguments: &[&str]) -> Command {
        let mut command = self.user.command(&self.path("lobsterpot"));
        command
            .arg("prove")
            .args(arguments)
            .current_dir("/")
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .stdin(Stdio::null());
        if mode == Mode::Flat {
            command.env("LOBSTERPOT_FORCE_FLAT", "1");
        }
        command
    }

    pub(super) fn run(&self, mode: Mode, arguments: &[&str]) -> Output {
        self.command(mode, arguments).output().unwrap()
    }

    /// What it proved, and its exit code.
    pub(super) fn prove(&self, mode: Mode, arguments: &[&str]) -> (Value, i32) {
        let output = self.run(mode, &[arguments, &["--json"]].concat());
        let proof = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {output:?}"));
        (proof, output.status.code().unwrap())
    }

    /// What is left in the directories of the user.
    pub(super) fn left(&self) -> Vec<PathBuf> {
        let below = |name| fs::read_dir(self.path(name)).unwrap();
        let entries = ["home", "tmp"].into_iter().flat_map(below);
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

/// The rows that came to a verdict, as `group/name`.
pub(super) fn rows(proof: &Value, verdict: &str) -> Vec<String> {
    let rows = proof["rows"].as_array().unwrap().iter();
    rows.filter(|row| row["verdict"] == verdict)
        .map(|row| {
            let [group, name] = ["group", "name"].map(|field| row[field].as_str().unwrap());
            format!("{group}/{name}")
        })
        .collect()
}
