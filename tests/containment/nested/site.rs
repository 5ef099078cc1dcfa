//! A world to be put into an environment, and what must be true of it afterwards.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use super::super::world::{Mode, Policy, User, World, compiled, wait_until};
use crate::programs;

/// Made once in each run of the tests.
fn enclosure() -> &'static Path {
    static ENCLOSURE: OnceLock<PathBuf> = OnceLock::new();
    ENCLOSURE.get_or_init(|| compiled("enclosure"))
}

/// A world with a secret, a script that goes for it, and programs of its own.
pub(super) struct Site {
    pub(super) world: World,
    pub(super) program: PathBuf,
    pub(super) enclosure: PathBuf,
}

impl Site {
    pub(super) fn new(user: User, mode: Mode) -> Self {
        let world = World::in_mode(user, mode);
        let (program, enclosure) = (world.path("program"), world.path("enclosure"));
        programs::copy(env!("CARGO_BIN_EXE_lobsterpot"), &program);
        programs::copy(self::enclosure(), &enclosure);
        fs::create_dir(world.path("jail")).unwrap();
        let secret = world.path("outside/secret");
        fs::write(&secret, "the secret\n").unwrap();
        // In a file, so that nothing is read from the command line before it runs.
        let script = format!(
            "cat {secret}; cat < {secret}; echo new > made; echo end\n",
            secret = secret.display()
        );
        fs::write(world.workspace().join("script"), script).unwrap();
        for name in ["jail", "outside", "workspace"] {
            world.hand_over(&world.path(name));
        }
        Self {
            world,
            program,
            enclosure,
        }
    }

    /// A program in an environment, for which nobody waits longer than a minute.
    pub(super) fn within(&self, steps: &[&str], program: &[OsString]) -> Output {
        let needs_privileges = steps.contains(&"mounts") && !self.world.user.is_root();
        let top = self.world.path("");
        let top = top.to_str().unwrap().trim_end_matches('/');
        let mut command = self.world.command(&self.enclosure);
        command
            .args(needs_privileges.then_some("user"))
            .args(steps.iter().map(|step| step.replace('%', top)))
            .arg("--")
            .args(program);
        in_time(command)
    }

    pub(super) fn run(&self, steps: &[&str], policy: Policy) -> Output {
        let mut words = vec![self.program.clone().into_os_string()];
        words.extend(self.world.run_options(policy));
        words.extend(["sh", "script"].map(OsString::from));
        self.within(steps, &words)
    }

    pub(super) fn doctor(&self, steps: &[&str]) -> Value {
        let words = [
            self.program.as_os_str(),
            "doctor".as_ref(),
            "--json".as_ref(),
        ];
        let output = self.within(steps, &words.map(ToOwned::to_owned));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    /// What the world's policy comes to there.
    pub(super) fn explain(&self, steps: &[&str]) -> Output {
        let mut words = vec![self.program.clone().into_os_string()];
        words.extend(["policy", "explain", "--json"].map(OsString::from));
        words.push(self.world.path("policy.toml").into_os_string());
        self.within(steps, &words)
    }

    /// Without Lobsterpot the secret can be read there.
    pub(super) fn control(&self, steps: &[&str]) {
        let secret = self.world.path("outside/secret").into_os_string();
        let output = self.within(steps, &["cat".into(), secret]);
        assert_eq!(output.stdout, b"the secret\n", "no control: {output:?}");
    }

    pub(super) fn has_made(&self) -> bool {
        let made = self.world.workspace().join("made");
        let is_there = made.exists();
        let _ = fs::remove_file(made);
        is_there
    }

    /// No process, no private directory, no mount.
    pub(super) fn is_clean(&self) {
        let is_ours = |entry: fs::DirEntry| {
            fs::read_link(entry.path().join("exe")).is_ok_and(|exe| exe == self.program)
        };
        wait_until("no process is left", || {
            !fs::read_dir("/proc").unwrap().flatten().any(is_ours)
        });
        let left = self.world.scratch_left();
        assert!(left.is_empty(), "{left:?}");
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(
            !mounts.contains(self.world.path("").to_str().unwrap()),
            "{mounts}"
        );
    }
}

/// Neither hangs nor is ended by a signal.
pub(super) fn in_time(mut command: Command) -> Output {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut streams = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    // Short texts, which fit into the pipes.
    wait_until("it ends", || child.try_wait().unwrap().is_some());
    let status = child.wait().unwrap();
    assert!(status.code().is_some(), "{command:?}: {status}");
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    std::io::Read::read_to_end(&mut streams.0, &mut stdout).unwrap();
    std::io::Read::read_to_end(&mut streams.1, &mut stderr).unwrap();
    Output {
        status,
        stdout,
        stderr,
    }
}

pub(super) fn report(output: &Output) -> Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    let last = errors.trim_end().lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {errors}"))
}
