//! The server's loop: a request, what is told of it, its answer.
//!
//! One thread, one request at a time, and it never waits for anybody: not for a caller, not
//! for the broker. Everything that it keeps is bounded.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;

use super::asked::Asked;
use super::attempt::{Attempt, Question, Report};
use super::counts::{Counts, Novelty, Regard};
use super::outbox::Outbox;
use super::process::{Order, Password, Supervision};
use super::tree::{Leaving, Response, Tree, Tripped};
use crate::model::shown_path;
use crate::sys::caller;
use crate::sys::fuse::{Answer, Device, Operation, ROOT, Request};
use crate::sys::packets::{Packets, Receiving};
use crate::sys::stdio::{Interest, wait};

/// Serves the file system until it is unmounted, or nobody listens to its reports.
///
/// For a process of its own with a single thread, forked for this alone, in the pid
/// namespace that the mount was made from or one above it, and with the right to look at the
/// command's processes: the same user, and a user namespace no deeper than theirs.
///
/// # Errors
/// When the kernel and this process do not understand each other; the file system is gone
/// then, too.
pub(super) fn serve(device: OwnedFd, order: Order, reports: Packets) -> io::Result<()> {
    let owner = (
        nix::unistd::geteuid().as_raw(),
        nix::unistd::getegid().as_raw(),
    );
    let mut server = Server {
        device: Device::new(device)?,
        witness: Witness {
            tree: Tree::new(&order.skeleton(), owner),
            password: order.password,
            supervision: order.supervision,
            launcher: None,
            counts: Counts::default(),
            outbox: Outbox::new(reports),
        },
    };
    server.serve()
}

struct Server {
    device: Device,
    witness: Witness,
}

/// Everything but the device, so that a request can be borrowed from that meanwhile.
struct Witness {
    tree: Tree,
    password: Password,
    supervision: Supervision,
    /// The launcher's thread, once it has said so.
    launcher: Option<i32>,
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
        let Response { answer, leaving } = self.tree.answer(request.node, request.operation);
        let thread = self.apparent(request);
        // Before the answer: when a command has ended, all that it did is told.
        let Some(thread) = thread else {
            return answer;
        };
        match leaving {
            Leaving::No => {}
            Leaving::Yes(tripped) => {
                if self.counts.note(tripped) == Regard::Close {
                    self.tell(tripped, thread, &Asked::by(thread));
                }
            }
            Leaving::Perhaps(tripped) => {
                let asked = Asked::by(thread);
                if asked.is_refused_at(&self.tree.path_of(tripped))
                    && self.counts.note(tripped) == Regard::Close
                {
                    self.tell(tripped, thread, &asked);
                }
            }
        }
        answer
    }

    /// The thread that a request is to be told of: none where it is the launcher's own affair,
    /// and nobody's where it looks on behalf of a command whose thread is not known here.
    fn apparent(&mut self, request: &Request<'_>) -> Option<i32> {
        if let Operation::Lookup(name) = request.operation
            && request.node == ROOT
            && self.password.is(name)
        {
            self.launcher = Some(request.thread);
            return None;
        }
        match self.supervision {
            _ if self.launcher != Some(request.thread) => Some(request.thread),
            Supervision::Tells => None,
            Supervision::IsSilent => Some(0),
        }
    }

    fn tell(&mut self, tripped: Tripped<'_>, thread: i32, asked: &Asked) {
        if !self.outbox.has_room() {
            self.counts.look_away(tripped);
            return;
        }
        let Novelty::New(number) = self.counts.tell_apart(tripped, asked.signature(thread)) else {
            return;
        };
        let reached = self.tree.path_of(tripped);
        let hint = asked.hint(&reached);
        let (program, process) = match thread {
            0 => (None, Vec::new()),
            thread => (caller::executable(thread), caller::arguments(thread)),
        };
        let attempt = Attempt {
            number,
            op: asked.op.to_owned(),
            intent: asked.intent(),
            path: shown_path(&reached),
            below: hint.below.as_deref().map(shown_path),
            written: hint.written.as_deref().map(shown_path),
            thread,
            program: program.as_deref().map(shown_path),
            process,
        };
        self.outbox.put(&Report::Attempt(Box::new(attempt)));
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
            ..
        } = self;
        counts.take(
            |tripped| shown_path(&tree.path_of(tripped)),
            |report| outbox.put(&report),
        );
    }
}
