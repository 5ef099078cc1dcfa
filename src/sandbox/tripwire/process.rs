//! The process that serves the tripwire, and how it gets its device.
//!
//! The kernel takes a device only from the user namespace that mounts with it, and looks at
//! processes only let those look who are no deeper than they are. So the process is forked
//! before the namespaces are made, and waits; whoever made them opens the device, mounts,
//! and hands it over. Nobody else may keep it: when the last one closes it, the file system
//! is gone.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::serve::serve;
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
pub(in crate::sandbox) struct Handover(Channel);

impl Tripwire {
    /// Forks the process, which waits for its device. The caller must have a single thread,
    /// and must not have entered the namespaces of the view yet.
    pub(in crate::sandbox) fn start(reports: Packets) -> io::Result<(Self, Handover)> {
        let (ours, theirs) = Channel::pair()?;
        match process::fork_single_threaded()? {
            Fork::Parent { pid, pidfd } => Ok((Self { pid, pidfd }, Handover(ours))),
            Fork::Child => process::end_now(match live(&theirs, reports) {
                Ok(()) => 0,
                Err(_) => 1,
            }),
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
    pub(in crate::sandbox) fn mount(self, skeleton: &Skeleton) -> io::Result<OwnedFd> {
        #[allow(
            clippy::disallowed_methods,
            reason = "the device that the kernel offers to every user namespace"
        )]
        let device = OpenOptions::new().read(true).write(true).open(DEVICE)?;
        mount_with(&self.0, device.into(), skeleton)
    }
}

const DEVICE: &str = "/dev/fuse";

pub(super) fn mount_with(
    channel: &Channel,
    device: OwnedFd,
    skeleton: &Skeleton,
) -> io::Result<OwnedFd> {
    let owner = Owner {
        uid: nix::unistd::geteuid().as_raw(),
        gid: nix::unistd::getegid().as_raw(),
    };
    let tree = fuse::mount(device.as_fd(), owner)?;
    channel.send(&encode(skeleton)?, &[device.as_fd()])?;
    drop(device);
    // The kernel learns the root's attributes now, so that it asks for them again only before
    // it refuses something. And whoever gets an answer knows that somebody answers.
    nix::sys::stat::fstat(&tree)?;
    Ok(tree)
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
    serve(device, &decode(&bytes)?, reports)
}

/// A name of the skeleton on its way to the server, with the bytes that it has.
#[derive(Serialize, Deserialize)]
struct Sent {
    path: Vec<u8>,
    node: SentNode,
}

#[derive(Serialize, Deserialize)]
enum SentNode {
    Directory,
    File,
    Link(Vec<u8>),
    Absent,
}

fn encode(skeleton: &Skeleton) -> io::Result<Vec<u8>> {
    let bytes = |path: &Path| path.as_os_str().as_bytes().to_vec();
    let sent: Vec<_> = skeleton
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
        .collect();
    postcard::to_stdvec(&sent).map_err(io::Error::other)
}

fn decode(bytes: &[u8]) -> io::Result<Skeleton> {
    let path = |bytes: Vec<u8>| PathBuf::from(OsString::from_vec(bytes));
    let sent: Vec<Sent> = postcard::from_bytes(bytes).map_err(io::Error::other)?;
    let mut skeleton = Skeleton::default();
    for one in sent {
        let node = match one.node {
            SentNode::Directory => Node::Directory,
            SentNode::File => Node::File,
            SentNode::Link(text) => Node::Link(path(text)),
            SentNode::Absent => Node::Absent,
        };
        skeleton.add(&path(one.path), node);
    }
    Ok(skeleton)
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};
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
        assert_eq!(decode(&encode(&skeleton).unwrap()).unwrap(), skeleton);
        assert!(decode(b"\x05").is_err());
    }
}
