//! A world for the command line: a workspace, a home and directories of its own, gone afterwards.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Variables that a developer's own environment must not lend to a test.
const OURS: [&str; 9] = [
    "LOBSTERPOT_POLICY",
    "LOBSTERPOT_ROOT",
    "LOBSTERPOT_READ_ONLY",
    "LOBSTERPOT_AS",
    "LOBSTERPOT_TIMEOUT",
    "LOBSTERPOT_SHELL",
    "LOBSTERPOT_SOCKET",
    "LOBSTERPOT_TOKEN",
    "LOBSTERPOT_LOG",
];

/// Lets a command run in the workspace of a world, for the user of that world, with nothing of
/// the developer's own environment but `PATH` and what the toolchains on it need.
pub(crate) fn settle(command: &mut Command, world: &Path) {
    command
        .current_dir(world.join("work"))
        .env("HOME", world.join("home"))
        .env("XDG_CONFIG_HOME", world.join("home/.config"))
        .env("XDG_STATE_HOME", world.join("home/.local/state"))
        .env_remove("TMPDIR")
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE");
    for name in OURS {
        command.env_remove(name);
    }
}

/// A place in which the program runs as for a user of its own.
pub(crate) struct World {
    directory: TempDir,
}

impl World {
    /// A workspace with `notes.txt` in it, and an empty home with a secret.
    pub(crate) fn new() -> Self {
        let world = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        for name in ["work", "home", "home/.config", "home/.local"] {
            std::fs::create_dir(world.path(name)).unwrap();
        }
        world.write("work/notes.txt", "buy milk\n");
        world.write("home/diary.txt", "a secret\n");
        world
    }

    /// A path of the world, links resolved.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        let base = std::fs::canonicalize(self.directory.path()).unwrap();
        base.join(name)
    }

    /// Puts a file into the world.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// What a file of the world holds.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The program, in the workspace.
    pub(crate) fn command<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lobsterpot"));
        command.args(arguments);
        self.settle(&mut command);
        command
    }

    /// Lets any command run here, as the program does.
    pub(crate) fn settle(&self, command: &mut Command) {
        settle(command, &self.path(""));
    }

    /// Runs the program to its end, without input.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Ran {
        Ran::of(
            self.command(arguments)
                .stdin(Stdio::null())
                .output()
                .unwrap(),
        )
    }

    /// Runs the program to its end with this input.
    pub(crate) fn feed(&self, arguments: &[&str], input: &[u8]) -> Ran {
        Ran::fed(&mut self.command(arguments), input)
    }

    /// A command, and all those below it, as the help texts list them.
    pub(crate) fn commands_from(&self, path: &[String]) -> Vec<Vec<String>> {
        let help = self.run(path.iter().map(String::as_str).chain(["--help"]));
        let lines = help.stdout.lines().skip_while(|line| *line != "Commands:");
        let names = lines.skip(1).take_while(|line| line.starts_with("  "));
        // What stands further to the right goes on with what a command is for.
        let names = names.filter_map(|line| line[2..].split(' ').next());
        let mut found = vec![path.to_vec()];
        for name in names.filter(|name| !name.is_empty() && *name != "help") {
            found.extend(self.commands_from(&[path, &[name.to_owned()]].concat()));
        }
        found
    }

    /// The records of the audit log.
    pub(crate) fn records(&self) -> Vec<Value> {
        let mut records = Vec::new();
        let directory = self.path("home/.local/state/lobsterpot");
        for entry in std::fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path
                .extension()
                .is_some_and(|extension| extension == "jsonl")
            {
                records.extend(json_lines(&std::fs::read_to_string(path).unwrap()));
            }
        }
        records
    }
}

/// How a run of the program ended.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Its exit code.
    pub code: i32,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().expect("it was not ended by a signal"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a program to its end with this input.
    pub(crate) fn fed(command: &mut Command, input: &[u8]) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let feeder = std::thread::spawn(move || {
            // A program that ends early takes no more input, which its output will show.
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().unwrap();
        feeder.join().unwrap();
        Self::of(output)
    }

    /// The same, when it ended with this code; a failure of the test otherwise.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// Standard output, line by line as JSON.
    #[track_caller]
    pub(crate) fn replies(&self) -> Vec<Value> {
        json_lines(&self.stdout)
    }

    /// The last line of standard error as JSON.
    #[track_caller]
    pub(crate) fn report(&self) -> Value {
        let last = self.stderr.lines().last().expect("a report");
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {last}"))
    }
}

#[track_caller]
fn json_lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}
