//! The tripwire: the root of a view as a file system of our own, which tells who left it.
//!
//! Granted directories are mounted over it, so what is allowed never meets it. Whatever a
//! command looks up outside of them ends here: it is answered alike whether or not the host
//! has it, and put on record before the answer. The process that serves it knows nothing of
//! the host: it must never resolve a path, follow anything, or open anything but what
//! `/proc` tells of a caller. When it ends, every lookup outside fails with `ENOTCONN`.

#![allow(
    dead_code,
    unused_imports,
    reason = "taken into use with the layer itself"
)]

mod asked;
mod counts;
mod outbox;
mod sighting;
#[cfg(test)]
mod tests;
mod tree;

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;

use self::asked::Asked;
use self::counts::{Counts, Novelty, Regard};
use self::outbox::Outbox;
use self::tree::{Response, Tree, Tripped};
use super::view::Skeleton;
use crate::model::shown_path;
use crate::sys::caller;
use crate::sys::fuse::{Answer, Device, Request};
use crate::sys::launch;
use crate::sys::packets::{Packets, Receiving};
use crate::sys::process;
use crate::sys::signals::block_all;
use crate::sys::stdio::{Interest, wait};

pub use sighting::Sighting;
pub(in crate::sandbox) use sighting::{Question, Report, Tally};

/// Serves the file system until it is unmounted, or nobody listens to its reports.
///
/// For a process of its own with a single thread, forked for this alone, in the pid
/// namespace that the mount was made from or one above it, and with the right to look at the
/// command's processes: the same user, and a user namespace no deeper than theirs.
///
/// # Errors
/// When the kernel and this process do not understand each other; the file system is gone
/// then, too.
pub(in crate::sandbox) fn serve(
    device: OwnedFd,
    skeleton: &Skeleton,
    reports: Packets,
) -> io::Result<()> {
    settle(&device, &reports)?;
    let owner = (
        nix::unistd::geteuid().as_raw(),
        nix::unistd::getegid().as_raw(),
    );
    let mut server = Server {
        device: Device::new(device)?,
        witness: Witness {
            tree: Tree::new(skeleton, owner),
            counts: Counts::default(),
            outbox: Outbox::new(reports),
        },
    };
    server.serve()
}

/// Cuts every tie to the surroundings of the process that this one was forked from.
fn settle(device: &OwnedFd, reports: &Packets) -> io::Result<()> {
    block_all()?;
    process::drop_capabilities()?;
    launch::detach_stdio()?;
    let mut kept = [device.as_raw_fd(), reports.as_fd().as_raw_fd()];
    process::close_all_but(3, &mut kept)
}

struct Server {
    device: Device,
    witness: Witness,
}

/// Everything but the device, so that a request can be borrowed from that meanwhile.
struct Witness {
    tree: Tree,
    counts: Counts,
    outbox: Outbox,
}

/// How long what was not read yet is kept after the file system is gone.
const GRACE: Duration = Duration::from_secs(1);

impl Server {
    fn serve(&mut self) -> io::Result<()> {
        loop {
            let reports = self.witness.outbox.as_fd();
            let mut interests = vec![
                (self.device.as_fd(), Interest::Readable),
                (reports, Interest::Readable),
            ];
            if self.witness.outbox.is_waiting() {
                interests.push((reports, Interest::Writable));
            }
            let ready = wait(&interests, None)?;
            if ready[0] {
                match self.answer_next() {
                    Ok(()) => {}
                    Err(error) if error.raw_os_error() == Some(Errno::ENODEV as i32) => {
                        self.witness.tally();
                        self.witness.outbox.finish(GRACE);
                        return Ok(());
                    }
                    Err(error) => return Err(error),
                }
            }
            if ready[1] && self.witness.listen()? == Listener::Gone {
                return Ok(());
            }
            if ready.get(2) == Some(&true) {
                self.witness.outbox.send();
            }
        }
    }

    fn answer_next(&mut self) -> io::Result<()> {
        let Some(request) = self.device.next_request()? else {
            return Ok(());
        };
        let answer = self.witness.answer(&request);
        let unique = request.unique;
        self.device.answer(unique, &answer)
    }
}

/// Whether anybody listens to the reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listener {
    There,
    Gone,
}

impl Witness {
    fn answer(&mut self, request: &Request<'_>) -> Answer {
        let Response { answer, tripped } = self.tree.answer(request.node, request.operation);
        if let Some(tripped) = tripped {
            // Before the answer: when a command has ended, all that it did is told.
            self.tell(tripped, request.thread);
        }
        answer
    }

    fn tell(&mut self, tripped: Tripped<'_>, thread: i32) {
        if self.counts.note(tripped) == Regard::Counted {
            return;
        }
        let asked = Asked::by(thread);
        let Novelty::New(number) = self.counts.tell_apart(tripped, asked.signature(thread)) else {
            return;
        };
        let reached = self.tree.path_of(tripped);
        let hint = asked.hint(&reached);
        let (program, process) = match thread {
            0 => (None, Vec::new()),
            thread => (caller::executable(thread), caller::arguments(thread)),
        };
        let sighting = Sighting {
            number,
            op: asked.op.to_owned(),
            path: shown_path(&reached),
            below: hint.below.as_deref().map(shown_path),
            written: hint.written.as_deref().map(shown_path),
            thread,
            program: program.as_deref().map(shown_path),
            process,
        };
        self.outbox.put(&Report::Sighting(Box::new(sighting)));
    }

    fn listen(&mut self) -> io::Result<Listener> {
        match self.outbox.receive()? {
            Receiving::Gone => return Ok(Listener::Gone),
            Receiving::Nothing => {}
            Receiving::Message(bytes) => {
                let Question::Tally = postcard::from_bytes(&bytes).map_err(io::Error::other)?;
                self.tally();
            }
        }
        Ok(Listener::There)
    }

    fn tally(&mut self) {
        let Self {
            tree,
            counts,
            outbox,
        } = self;
        counts.take(
            |tripped| shown_path(&tree.path_of(tripped)),
            |report| outbox.put(&report),
        );
    }
}
