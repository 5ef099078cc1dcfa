//! A process that has the tripwire for its root, with a few directories of the host over it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::super::attempt::{Attempt, Question, Report, Tally, Told};
use super::super::process::{Supervision, live, mount_with, order};
use crate::sandbox::lane::LaneNumber;
use crate::sandbox::view::{Node, Skeleton};
use crate::sys::channel::Channel;
use crate::sys::fuse::stage::{self, Child};
use crate::sys::packets::{Packets, Receiving};
use crate::sys::stdio::{Interest, wait};

const NOBODY: u32 = 65534;
/// What makes a thread known as the launcher's.
pub(super) const PASSWORD: &str = "the launcher";

/// The users that this process can be.
pub(super) fn users() -> &'static [Option<u32>] {
    if nix::unistd::geteuid().is_root() {
        &[None, Some(NOBODY)]
    } else {
        &[None]
    }
}

/// A directory with something granted and something outside, and a device.
pub(super) struct World {
    /// Whether the launcher's lookups are told.
    pub(super) supervision: Supervision,
    pub(super) directory: TempDir,
    pub(super) user: Option<u32>,
}

/// A running tripwire, and a process in the view that it is the root of.
pub(super) struct Watch {
    pub(super) reports: Packets,
    pub(super) server: Child,
    pub(super) inside: Child,
    pub(super) told: fs::File,
}

impl World {
    /// `None`, with a word on it, where the host has no user namespaces or no FUSE.
    pub(super) fn new(user: Option<u32>) -> Option<Self> {
        let directory = TempDir::new().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let world = Self {
            directory,
            user,
            supervision: Supervision::IsSilent,
        };
        for name in ["granted", "outside", "root"] {
            fs::create_dir(world.path(name)).unwrap();
        }
        fs::write(world.path("granted/file"), "granted").unwrap();
        fs::write(world.path("outside/file"), "secret").unwrap();
        std::os::unix::fs::symlink(world.path("outside/file"), world.path("granted/link")).unwrap();
        if let Some(user) = user {
            for name in ["granted", "outside", "root"] {
                std::os::unix::fs::chown(world.path(name), Some(user), Some(user)).unwrap();
            }
            let (kind, mode) = (nix::sys::stat::SFlag::S_IFCHR, 0o666);
            let mode = nix::sys::stat::Mode::from_bits_truncate(mode);
            let number = nix::sys::stat::makedev(10, 229);
            let device = world.path("fuse");
            nix::sys::stat::mknod(&device, kind, mode, number).ok()?;
            fs::set_permissions(&device, fs::Permissions::from_mode(0o666)).unwrap();
        }
        let mut trying = fs::OpenOptions::new();
        let can_open = trying.read(true).write(true).open(world.device()).is_ok();
        let can_enter = stage::fork(stage::enter).unwrap().wait() == 0;
        if can_open && can_enter {
            return Some(world);
        }
        assert!(
            std::env::var_os("LOBSTERPOT_REQUIRE_ALL").is_none(),
            "not tested on this host: the tripwire"
        );
        eprintln!("SKIPPED: the tripwire: fuse {can_open}, user namespaces {can_enter}");
        None
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().canonicalize().unwrap().join(name)
    }

    pub(super) fn device(&self) -> PathBuf {
        match self.user {
            None => "/dev/fuse".into(),
            Some(_) => self.path("fuse"),
        }
    }

    pub(super) fn skeleton(&self) -> Skeleton {
        let mut skeleton = Skeleton::default();
        skeleton.add(&self.path("granted"), Node::Directory);
        skeleton.add(Path::new("/usr"), Node::Directory);
        for link in ["/bin", "/lib", "/lib64"] {
            skeleton.add(Path::new(link), Node::Link(format!("usr{link}").into()));
        }
        skeleton.add(Path::new("/placeholder"), Node::File);
        skeleton
    }

    /// Runs `life` in a process that has the tripwire for its root.
    pub(super) fn watch(&self, life: impl FnOnce(&mut fs::File) -> io::Result<()>) -> Watch {
        let (reports, theirs) = Packets::pair().unwrap();
        let (channel, their_channel) = Channel::pair().unwrap();
        let (read, write) = crate::sys::stdio::pipe().unwrap();
        let user = self.user;
        let server = stage::fork(|| {
            if let Some(user) = user {
                stage::become_user(user)?;
            }
            live(&their_channel, theirs)
        });
        let inside = stage::fork(|| {
            if let Some(user) = user {
                stage::become_user(user)?;
            }
            // Nobody may hold an end of another test.
            let mut kept = [channel.as_fd().as_raw_fd(), write.as_raw_fd()];
            crate::sys::process::close_all_but(3, &mut kept)?;
            self.enter(&channel)?;
            drop(channel);
            life(&mut write.into())?;
            // The mount is there for as long as somebody is inside.
            loop {
                nix::unistd::pause();
            }
        });
        Watch {
            reports,
            server: server.unwrap(),
            inside: inside.unwrap(),
            told: read.into(),
        }
    }

    pub(super) fn enter(&self, channel: &Channel) -> io::Result<()> {
        stage::enter()?;
        let mut device = fs::OpenOptions::new();
        let device: OwnedFd = device.read(true).write(true).open(self.device())?.into();
        let order = order(&self.skeleton(), self.supervision, PASSWORD);
        let tree = mount_with(channel, device, &order)?;
        let root = self.path("root");
        stage::attach(&tree, &root)?;
        stage::bind(Path::new("/usr"), &root)?;
        stage::bind(&self.path("granted"), &root)?;
        stage::pivot(&root)?;
        crate::sys::process::drop_capabilities()
    }
}

impl Watch {
    /// How the server ends when nobody is inside any more.
    pub(super) fn end(self) -> i32 {
        self.inside.kill();
        self.inside.wait();
        self.server.wait()
    }

    /// The next line that the process inside tells.
    pub(super) fn heard(&mut self) -> String {
        let mut line = Vec::new();
        let mut byte = [0];
        while self.told.read(&mut byte).unwrap() == 1 && byte != *b"\n" {
            line.extend(byte);
        }
        String::from_utf8(line).unwrap()
    }

    /// All that the process inside tells.
    pub(super) fn told(&mut self) -> String {
        let mut text = String::new();
        self.told.read_to_string(&mut text).unwrap();
        text
    }

    /// Everything up to the answer to a question.
    pub(super) fn seen(&self) -> Seen {
        let question = postcard::to_stdvec(&Question::Tally(LaneNumber::default())).unwrap();
        self.reports.send(&question).unwrap();
        let mut seen = Seen::default();
        loop {
            let interest = (self.reports.as_fd(), Interest::Readable);
            wait(&[interest], Some(Duration::from_secs(20))).unwrap();
            let Receiving::Message(bytes) = self.reports.receive().unwrap() else {
                panic!("{seen:?}");
            };
            match postcard::from_bytes::<Told>(&bytes).unwrap().report {
                Report::Attempt(attempt) => seen.attempts.push(*attempt),
                Report::Repeated { of, count } => assert_eq!(seen.repeated.insert(of, count), None),
                Report::Counted { path, count } => {
                    assert_eq!(seen.counted.insert(path, count), None);
                }
                Report::Tally(tally) => {
                    seen.tally = tally;
                    return seen;
                }
            }
        }
    }
}

/// Everything that the tripwire told.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) attempts: Vec<Attempt>,
    pub(super) repeated: BTreeMap<u32, u64>,
    pub(super) counted: BTreeMap<String, u64>,
    pub(super) tally: Tally,
}

/// What a life inside tells, and what was seen meanwhile, for each user.
pub(super) fn for_each_user(
    life: impl Fn(&World, &mut fs::File) -> io::Result<()>,
    judge: impl Fn(&World, &str, &Seen),
) {
    for user in users() {
        let Some(world) = World::new(*user) else {
            return;
        };
        let mut watch = world.watch(|tell| life(&world, tell));
        let told = watch.told();
        let seen = watch.seen();
        assert_eq!(watch.end(), 0);
        judge(&world, &told, &seen);
    }
}
