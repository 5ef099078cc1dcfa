//! A host in miniature, an attacker, and a witness: what lies where, before and after.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use serde_json::Value;
use tempfile::TempDir;

use crate::host::NOBODY;
pub(super) use crate::host::{User, skip};
use crate::programs;

impl User {
    /// All that this process can be, in every mode that this host has.
    pub(super) fn in_every_mode() -> Vec<(Self, Mode)> {
        let in_modes = |user: &Self| {
            let user = *user;
            Mode::all().iter().map(move |mode| (user, *mode))
        };
        Self::all().iter().flat_map(in_modes).collect()
    }

    pub(super) fn is_root(self) -> bool {
        self == Self::Current && nix::unistd::geteuid().is_root()
    }
}

/// How commands are contained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// In a root of their own.
    View,
    /// On the host's own file tree, also where a view could be built.
    Flat,
}

impl Mode {
    /// All that this host has.
    pub(super) fn all() -> &'static [Self] {
        static VIEW: OnceLock<bool> = OnceLock::new();
        if *VIEW.get_or_init(host_has_views) {
            &[Self::View, Self::Flat]
        } else {
            skip("view mode: this host gives no namespaces");
            &[Self::Flat]
        }
    }
}

fn host_has_views() -> bool {
    let program = Path::new(env!("CARGO_BIN_EXE_lobsterpot"));
    let output = Command::new(program)
        .args(["doctor", "--json"])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["host"]["namespaces"] == "usable"
}

/// Which policy a command runs under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    /// The built-in `workspace`, with a further grant that can only be read.
    Workspace,
    /// The same, by `--read-only`.
    ReadOnly,
}

/// Where the prey of an attack lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the granted directory.
    Workspace,
    /// In a granted directory that can only be read.
    Library,
    /// In no grant.
    Outside,
}

/// A temporary directory with a workspace, things outside it, and directories of its own for
/// everything that the program keeps.
pub(super) struct World {
    directory: TempDir,
    pub(super) user: User,
    pub(super) mode: Mode,
    program: PathBuf,
}

/// What a command came to.
#[derive(Debug)]
pub(super) struct Answer {
    /// What the attacker told: 0 where all its steps worked.
    pub(super) errno: Option<i32>,
    /// Everything else that it wrote.
    pub(super) stolen: String,
    pub(super) stderr: String,
}

impl Answer {
    pub(super) fn of(output: &Output) -> Self {
        let text = String::from_utf8_lossy(&output.stdout);
        let (stolen, errno) = match text.rsplit_once("\nerrno=") {
            Some((stolen, errno)) => (stolen, errno.trim().parse().ok()),
            None => (&*text, None),
        };
        Self {
            errno,
            stolen: stolen.to_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Whether this kernel or file system has no such operation.
    pub(super) fn is_missing_here(&self) -> bool {
        const MISSING: [Errno; 4] = [
            Errno::ENOSYS,
            Errno::ENOTTY,
            Errno::EOPNOTSUPP,
            Errno::EAFNOSUPPORT,
        ];
        self.errno
            .is_some_and(|errno| MISSING.contains(&Errno::from_raw(errno)))
    }

    /// The report that `--json` puts on the last line.
    pub(super) fn report(&self) -> Value {
        let line = self.stderr.trim_end().lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(super) fn errno_name(&self) -> String {
        match self.errno {
            None => "none".into(),
            Some(0) => "0".into(),
            Some(errno) => format!("{:?}", Errno::from_raw(errno)),
        }
    }
}

/// What is known of an inode from outside. The change time tells of every change of metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    inode: u64,
    mode: u32,
    owner: (u32, u32),
    modified: (i64, i64),
    changed: (i64, i64),
    links: u64,
    content: Vec<u8>,
}

impl World {
    /// In the better of the modes that this host has.
    pub(super) fn new(user: User) -> Self {
        Self::in_mode(user, Mode::all()[0])
    }

    /// One after the other, in every mode that this host has.
    pub(super) fn in_modes(user: User) -> impl Iterator<Item = Self> {
        Mode::all()
            .iter()
            .map(move |mode| Self::in_mode(user, *mode))
    }

    pub(super) fn in_mode(user: User, mode: Mode) -> Self {
        let directory = TempDir::new().unwrap();
        let top = directory.path();
        for name in [
            "workspace",
            "library",
            "outside",
            "home",
            "state",
            "config",
            "tmp",
        ] {
            fs::create_dir(top.join(name)).unwrap();
        }
        programs::copy(attacker(), top.join("workspace/attacker"));
        fs::write(top.join("workspace/mine"), "mine").unwrap();
        fs::write(top.join("policy.toml"), policy(top)).unwrap();
        let mut world = Self {
            directory,
            user,
            mode,
            program: env!("CARGO_BIN_EXE_lobsterpot").into(),
        };
        if user == User::Nobody {
            let own = world.path("lobsterpot");
            if fs::hard_link(&world.program, &own).is_err() {
                programs::copy(&world.program, &own);
            }
            world.program = own;
            fs::set_permissions(world.path(""), fs::Permissions::from_mode(0o755)).unwrap();
            for name in fs::read_dir(world.path("")).unwrap() {
                let path = name.unwrap().path();
                if path != world.program {
                    world.hand_over(&path);
                }
            }
        }
        world
    }

    /// Makes the attacker the owner of everything below.
    pub(super) fn hand_over(&self, path: &Path) {
        if self.user == User::Current {
            return;
        }
        std::os::unix::fs::lchown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        if path.is_dir() && !path.is_symlink() {
            for entry in fs::read_dir(path).unwrap() {
                self.hand_over(&entry.unwrap().path());
            }
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().canonicalize().unwrap().join(name)
    }

    pub(super) fn workspace(&self) -> PathBuf {
        self.path("workspace")
    }

    pub(super) fn place(&self, place: Place) -> PathBuf {
        self.path(match place {
            Place::Workspace => "workspace",
            Place::Library => "library",
            Place::Outside => "outside",
        })
    }

    /// A directory of this name with a file and an empty directory, for one attack.
    pub(super) fn prey(&self, place: Place, name: &str) -> PathBuf {
        let prey = self.place(place).join(name);
        fs::create_dir_all(prey.join("directory")).unwrap();
        // A program, so that it can be executed as well as read.
        fs::copy("/usr/bin/id", prey.join("file")).unwrap();
        fs::set_permissions(prey.join("file"), fs::Permissions::from_mode(0o750)).unwrap();
        if self.user == User::Nobody {
            for path in [prey.clone(), prey.join("directory"), prey.join("file")] {
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let marked = self.bare("mark", [prey.join("file")]);
        assert!(marked.errno.is_some(), "{marked:?}");
        // So that a change is seen in the times, whose steps can be as long as a tick.
        std::thread::sleep(Duration::from_millis(10));
        prey
    }

    /// Runs an attack without a sandbox, below a parent of the same user.
    pub(super) fn bare<A: AsRef<OsStr>>(
        &self,
        attack: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Answer {
        Answer::of(&self.bare_command(attack, arguments).output().unwrap())
    }

    pub(super) fn bare_command<A: AsRef<OsStr>>(
        &self,
        attack: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Command {
        let mut command = self.command(Path::new("/bin/sh"));
        command.args(["-c", "\"$@\"; exit $?", "sh", "./attacker", attack]);
        command.args(arguments);
        command
    }

    /// Runs an attack in the sandbox.
    pub(super) fn sandboxed<A: AsRef<OsStr>>(
        &self,
        policy: Policy,
        attack: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Answer {
        let mut command = self.run(policy);
        command.args(["./attacker", attack]).args(arguments);
        Answer::of(&command.output().unwrap())
    }

    /// `lobsterpot run` under a policy, without a command yet.
    pub(super) fn run(&self, policy: Policy) -> Command {
        let mut command = self.program();
        command.args(self.run_options(policy));
        command
    }

    /// The arguments of the program, up to the command.
    pub(super) fn run_options(&self, policy: Policy) -> Vec<OsString> {
        let mut options: Vec<OsString> = ["run", "--json", "--policy"].map(Into::into).into();
        options.push(self.path("policy.toml").into());
        if policy == Policy::ReadOnly {
            options.push("--read-only".into());
        }
        options.push("--".into());
        options
    }

    /// The program, in the workspace.
    pub(super) fn program(&self) -> Command {
        self.command(&self.program)
    }

    pub(super) fn program_path(&self) -> &Path {
        &self.program
    }

    /// A process of the same user that has nothing to do with any command, in a group of its own.
    pub(super) fn bystander(&self) -> Child {
        let mut command = self.command(Path::new("sleep"));
        let child = command.arg("600").process_group(0).spawn().unwrap();
        // Until it is the program itself, and not what becomes it.
        let is_asleep = || {
            fs::read_to_string(format!("/proc/{}/comm", child.id()))
                .is_ok_and(|name| name == "sleep\n")
        };
        while !is_asleep() {
            std::thread::sleep(Duration::from_millis(1));
        }
        child
    }

    /// A program, in the workspace, by the world's user.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = self.user.command(program);
        let forced_flat = if self.mode == Mode::Flat { "1" } else { "0" };
        command
            .current_dir(self.workspace())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.path("home"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("TMPDIR", self.path("tmp"))
            .env("SECRET_TOKEN", "the secret of the environment")
            .env("LOBSTERPOT_FORCE_FLAT", forced_flat)
            .stdin(Stdio::null());
        command
    }

    /// Everything in a place, as it is now.
    pub(super) fn witness(&self, place: Place) -> BTreeMap<PathBuf, Facts> {
        let mut seen = BTreeMap::new();
        look(&self.place(place), &mut seen);
        seen
    }

    /// Private directories that were left behind.
    pub(super) fn scratch_left(&self) -> Vec<PathBuf> {
        let below = |path: &Path| -> Vec<PathBuf> {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            entries.map(|entry| entry.path()).collect()
        };
        below(&self.path("tmp"))
            .iter()
            .flat_map(|ours| below(ours))
            .collect()
    }
}

fn policy(top: &Path) -> String {
    let built_in = include_str!("../../policies/workspace.toml");
    let library = top.canonicalize().unwrap().join("library");
    format!(
        "{built_in}\n[[grant]]\nname = \"library\"\npath = \"{}\"\nrights = [\"list\", \"read\", \"execute\"]\nreason = \"to be read\"\n",
        library.display()
    )
}

fn look(path: &Path, seen: &mut BTreeMap<PathBuf, Facts>) {
    let found = fs::symlink_metadata(path).unwrap();
    let content = if found.is_symlink() {
        fs::read_link(path)
            .unwrap()
            .into_os_string()
            .into_encoded_bytes()
    } else if found.is_file() {
        fs::read(path).unwrap()
    } else {
        Vec::new()
    };
    if found.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            look(&entry.unwrap().path(), seen);
        }
    }
    let facts = Facts {
        inode: found.ino(),
        mode: found.mode(),
        owner: (found.uid(), found.gid()),
        modified: (found.mtime(), found.mtime_nsec()),
        changed: (found.ctime(), found.ctime_nsec()),
        links: found.nlink(),
        content,
    };
    seen.insert(path.to_path_buf(), facts);
}

/// The attacker's program, compiled once in each run of the tests.
fn attacker() -> &'static Path {
    static ATTACKER: OnceLock<PathBuf> = OnceLock::new();
    ATTACKER.get_or_init(|| compiled("attacker"))
}

/// The program whose sources lie in a directory of this name beside this file.
pub(super) fn compiled(name: &str) -> PathBuf {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/containment");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let files = fs::read_dir(sources.join(name))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let compiled = Command::new("gcc")
        .args(["-O1", "-pthread", "-o"])
        .arg(&program)
        .args(files.filter(|path| path.extension() == Some(OsStr::new("c"))))
        .status()
        .unwrap();
    assert!(compiled.success());
    program
}

/// Waits for what must come. The limit is for what never comes; it judges no speed.
pub(super) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(
            start.elapsed() < Duration::from_mins(1),
            "still not: {what}"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Everything that went wrong in a table, at once.
#[derive(Default)]
pub(super) struct Failures(Vec<String>);

impl Failures {
    pub(super) fn note(&mut self, what: String) {
        self.0.push(what);
    }

    pub(super) fn none(self, of: &str) {
        assert!(self.0.is_empty(), "{of}:\n  {}", self.0.join("\n  "));
    }
}
