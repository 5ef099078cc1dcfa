//! The process that serves the tripwire, and how it gets its device.
//!
//! The kernel takes a device only from the user namespace that mounts with it, and looks at
//! processes only let those look who are no deeper than they are. So the process is forked
//! before the namespaces are made, and waits; whoever made them opens the device, mounts,
//! and hands it over. Nobody else may keep it: when the last one closes it, the file system
//! is gone.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use nix::dir::Dir;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use serde::{Deserialize, Serialize};

use super::serve::serve;
use crate::sandbox::lane::LaneNumber;
use crate::sandbox::view::{Node, Skeleton};
use crate::sys::channel::{Channel, Frame};
use crate::sys::fuse::{self, Owner};
use crate::sys::launch;
use crate::sys::packets::Packets;
use crate::sys::process::{self, Fork};
use crate::sys::signals::block_all;

/// The keeper's hold on the process.
#[derive(Debug)]
pub(in crate::sandbox) struct Tripwire {
    pid: i32,
    pidfd: OwnedFd,
}

const SIGKILL: i32 = nix::sys::signal::Signal::SIGKILL as i32;

/// The way to hand the device over, once.
#[derive(Debug)]
pub(in crate::sandbox) struct Handover {
    channel: Channel,
    supervision: Supervision,
}

/// What becomes of lookups that the launcher makes while it answers supervised calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sandbox) enum Supervision {
    /// The supervisor tells of each such call itself.
    Tells,
    /// A path that leads nowhere is answered and not told of, so the lookup is.
    IsSilent,
}

/// The start of a name that only launchers know. Each looks for its own once, before any
/// command of its lane runs, and so the tripwire knows which thread it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sandbox) struct Password(String);

impl Password {
    fn new() -> io::Result<Self> {
        let number = u128::from_ne_bytes(crate::sys::entropy::random()?);
        Ok(Self(format!("{number:032x}")))
    }

    /// The lane whose launcher looks for a name: none where it is any other.
    pub(super) fn lane(&self, name: &OsStr) -> Option<LaneNumber> {
        let number = name.to_str()?.strip_prefix(&self.0)?.strip_prefix('.')?;
        number.parse().ok().map(LaneNumber)
    }

    /// Makes the calling thread known as the launcher of a lane. For a process in the view.
    pub(in crate::sandbox) fn say(&self, lane: LaneNumber) {
        let name = format!("/{}.{}", self.0, lane.0);
        // That there is no such name is the answer.
        let _ = nix::sys::stat::lstat(Path::new(&name));
    }
}

impl Tripwire {
    /// Forks the process, which waits for its device. The caller must have a single thread,
    /// and must not have entered the namespaces of the view yet.
    pub(in crate::sandbox) fn start(
        reports: Packets,
        supervision: Supervision,
    ) -> io::Result<(Self, Handover)> {
        let (ours, theirs) = Channel::pair()?;
        match process::fork_single_threaded()? {
            Fork::Parent { pid, pidfd } => {
                let handover = Handover {
                    channel: ours,
                    supervision,
                };
                Ok((Self { pid, pidfd }, handover))
            }
            Fork::Child => process::end_now(i32::from(live(&theirs, reports).is_err())),
        }
    }

    /// The descriptor that it needs to keep.
    pub(in crate::sandbox) fn descriptor(&self) -> RawFd {
        self.pidfd.as_raw_fd()
    }

    /// Ends it. To be called when nobody is left in the view.
    pub(in crate::sandbox) fn end(self) {
        // Not reaped yet, so the number is still its own.
        let _ = process::signal(self.pid, SIGKILL);
        process::reap(self.pid);
    }
}

impl Handover {
    /// Mounts the file system, attached nowhere yet, and hands it over to its server. The
    /// caller must be in the user namespace of the view, with the right to mount.
    pub(in crate::sandbox) fn mount(self, skeleton: &Skeleton) -> io::Result<(OwnedFd, Password)> {
        #[allow(
            clippy::disallowed_methods,
            reason = "the device that the kernel offers to every user namespace"
        )]
        let device = OpenOptions::new().read(true).write(true).open(DEVICE)?;
        let password = Password::new()?;
        let order = Order {
            skeleton: sent(skeleton),
            password: password.clone(),
            supervision: self.supervision,
        };
        let tree = mount_with(&self.channel, device.into(), &order)?;
        introduce(&tree, skeleton);
        Ok((tree, password))
    }
}

const DEVICE: &str = "/dev/fuse";

pub(super) fn mount_with(channel: &Channel, device: OwnedFd, order: &Order) -> io::Result<OwnedFd> {
    let owner = Owner {
        uid: nix::unistd::geteuid().as_raw(),
        gid: nix::unistd::getegid().as_raw(),
    };
    let tree = fuse::mount(device.as_fd(), owner)?;
    let bytes = postcard::to_stdvec(order).map_err(io::Error::other)?;
    channel.send(&bytes, &[device.as_fd()])?;
    drop(device);
    // The kernel learns the root's attributes now, so that it asks for them again only before
    // it refuses something. And whoever gets an answer knows that somebody answers.
    nix::sys::stat::fstat(&tree)?;
    Ok(tree)
}

/// `.` and `..`, which every listing begins with.
const DOTS: usize = 2;

/// Lists every directory once, so that the kernel knows all names and need not ask for each
/// of them when it is mounted over. What it does not learn here, it asks for then.
fn introduce(tree: &OwnedFd, skeleton: &Skeleton) {
    for (directory, names) in skeleton.directories() {
        let below = Path::new(".").join(directory.strip_prefix("/").unwrap_or(directory));
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
        let Ok(mut listing) = Dir::openat(tree, &below, flags, Mode::empty()) else {
            continue;
        };
        // No further than the last name: to ask whether that was all would be one more
        // request to the server.
        listing.iter().take(names + DOTS).for_each(drop);
    }
}

/// The life of the process.
pub(super) fn live(channel: &Channel, reports: Packets) -> io::Result<()> {
    block_all()?;
    process::drop_capabilities()?;
    process::hide_memory();
    launch::detach_stdio()?;
    // The broker must see that its launcher is gone, so nobody else may hold that channel.
    let mut kept = [channel.as_fd().as_raw_fd(), reports.as_fd().as_raw_fd()];
    process::close_all_but(3, &mut kept)?;
    let Some(Frame { bytes, descriptors }) = channel.receive()? else {
        // No view was made.
        return Ok(());
    };
    let device = descriptors.into_iter().next();
    let device = device.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
    let order = postcard::from_bytes(&bytes).map_err(io::Error::other)?;
    serve(device, order, reports)
}

/// What the server serves, on its way to it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    skeleton: Vec<Sent>,
    pub password: Password,
    pub supervision: Supervision,
}

impl Order {
    /// The names that there are.
    pub(super) fn skeleton(&self) -> Skeleton {
        let path = |bytes: &[u8]| PathBuf::from(OsStr::from_bytes(bytes));
        let mut skeleton = Skeleton::default();
        for one in &self.skeleton {
            let node = match &one.node {
                SentNode::Directory => Node::Directory,
                SentNode::File => Node::File,
                SentNode::Link(text) => Node::Link(path(text)),
                SentNode::Absent => Node::Absent,
            };
            skeleton.add(&path(&one.path), node);
        }
        skeleton
    }
}

/// A name of the skeleton on its way to the server, with the bytes that it has.
#[derive(Debug, Serialize, Deserialize)]
struct Sent {
    path: Vec<u8>,
    node: SentNode,
}

#[derive(Debug, Serialize, Deserialize)]
enum SentNode {
    Directory,
    File,
    Link(Vec<u8>),
    Absent,
}

fn sent(skeleton: &Skeleton) -> Vec<Sent> {
    let bytes = |path: &Path| path.as_os_str().as_bytes().to_vec();
    skeleton
        .iter()
        .map(|(path, node)| Sent {
            path: bytes(path),
            node: match node {
                Node::Directory => SentNode::Directory,
                Node::File => SentNode::File,
                Node::Link(text) => SentNode::Link(bytes(text)),
                Node::Absent => SentNode::Absent,
            },
        })
        .collect()
}

/// What a test orders.
#[cfg(test)]
pub(super) fn order(skeleton: &Skeleton, supervision: Supervision, password: &str) -> Order {
    Order {
        skeleton: sent(skeleton),
        password: Password(password.into()),
        supervision,
    }
}

#[cfg(test)]
mod tests {
    use super::{Order, Password, Supervision, order};
    use crate::sandbox::view::{Node, Skeleton};
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::path::Path;

    #[test]
    fn a_skeleton_arrives_as_it_was_sent() {
        let odd = Path::new(OsStr::from_bytes(b"/a/\xff\n"));
        let mut skeleton = Skeleton::default();
        skeleton.add(odd, Node::File);
        skeleton.add(Path::new("/b"), Node::Link(odd.into()));
        skeleton.add(Path::new("/a/c"), Node::Absent);
        skeleton.add(Path::new("/d"), Node::Directory);
        let order = order(&skeleton, Supervision::Tells, "x");
        let bytes = postcard::to_stdvec(&order).unwrap();
        let arrived: Order = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(arrived.skeleton(), skeleton);
        assert!(postcard::from_bytes::<Order>(b"\x05").is_err());
    }

    #[test]
    fn a_password_is_a_name_that_nobody_guesses() {
        let (one, other) = (Password::new().unwrap(), Password::new().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.0.len(), 32);
        let lane = |text: &str| one.lane(OsStr::new(text)).map(|lane| lane.0);
        assert_eq!(lane(&format!("{}.7", one.0)), Some(7));
        for wrong in [
            one.0.clone(),
            format!("{}.7", other.0),
            format!("{}.", one.0),
            ".7".into(),
        ] {
            assert_eq!(lane(&wrong), None, "{wrong}");
        }
    }
}
