//! The server's loop: a request, what is told of it, its answer.
//!
//! One thread, one request at a time, and it never waits for anybody: not for a caller, not
//! for the broker. Everything that it keeps is bounded.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;

use super::asked::Asked;
use super::attempt::{Attempt, Question, Report, Told};
use super::counts::{Counts, Novelty, Regard};
use super::launchers::Launchers;
use super::outbox::Outbox;
use super::process::{Order, Password, Supervision};
use super::tree::{Leaving, Response, Tree, Tripped};
use crate::model::shown_path;
use crate::sandbox::lane::LaneNumber;
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
            launchers: Launchers::default(),
            counts: BTreeMap::new(),
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
    launchers: Launchers,
    /// What was seen in each lane.
    counts: BTreeMap<LaneNumber, Counts>,
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
                        self.witness.tally_all();
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

/// Who a request is told of.
#[derive(Debug, Clone, Copy)]
struct Caller {
    lane: LaneNumber,
    /// Nobody's (0) where a launcher looks on behalf of a command.
    thread: i32,
}

impl Witness {
    fn answer(&mut self, request: &Request<'_>) -> Answer {
        let Response { answer, leaving } = self.tree.answer(request.node, request.operation);
        // Before the answer: when a command has ended, all that it did is told.
        let Some(thread) = self.apparent(request) else {
            return answer;
        };
        match leaving {
            Leaving::No => {}
            Leaving::Yes(tripped) => {
                let from = self.caller(request, thread);
                if self.note(tripped, from) == Regard::Close {
                    self.tell(tripped, from, &Asked::by(thread));
                }
            }
            Leaving::Perhaps(tripped) => {
                let asked = Asked::by(thread);
                if asked.is_refused_at(&self.tree.path_of(tripped)) {
                    let from = self.caller(request, thread);
                    if self.note(tripped, from) == Regard::Close {
                        self.tell(tripped, from, &asked);
                    }
                }
            }
        }
        answer
    }

    /// The thread that a request is to be told of: none where it is a launcher's own affair,
    /// and nobody's where it looks on behalf of a command whose thread is not known here.
    fn apparent(&mut self, request: &Request<'_>) -> Option<i32> {
        if let Operation::Lookup(name) = request.operation
            && request.node == ROOT
            && let Some(lane) = self.password.lane(name)
        {
            self.launchers.add(request.thread, lane);
            return None;
        }
        match self.supervision {
            _ if self.launchers.led_by(request.thread).is_none() => Some(request.thread),
            Supervision::Tells => None,
            Supervision::IsSilent => Some(0),
        }
    }

    fn caller(&self, request: &Request<'_>, thread: i32) -> Caller {
        let lane = self.launchers.lane_of(request.thread);
        Caller { lane, thread }
    }

    fn note(&mut self, tripped: Tripped<'_>, from: Caller) -> Regard {
        self.counts.entry(from.lane).or_default().note(tripped)
    }

    fn tell(&mut self, tripped: Tripped<'_>, from: Caller, asked: &Asked) {
        let Caller { lane, thread } = from;
        let counts = self.counts.entry(lane).or_default();
        if !self.outbox.has_room() {
            counts.look_away(tripped);
            return;
        }
        let Novelty::New(number) = counts.tell_apart(tripped, asked.signature(thread)) else {
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
        let report = Report::Attempt(Box::new(attempt));
        self.outbox.put(&Told { lane, report });
    }

    fn listen(&mut self) -> io::Result<Listener> {
        match self.outbox.receive()? {
            Receiving::Gone => return Ok(Listener::Gone),
            Receiving::Nothing => {}
            Receiving::Message(bytes) => {
                let question = postcard::from_bytes(&bytes).map_err(io::Error::other)?;
                let Question::Tally(lane) = question;
                self.tally(lane);
            }
        }
        Ok(Listener::There)
    }

    fn tally_all(&mut self) {
        let lanes: Vec<_> = self.counts.keys().copied().collect();
        for lane in lanes {
            self.tally(lane);
        }
    }

    fn tally(&mut self, lane: LaneNumber) {
        let Self {
            tree,
            counts,
            outbox,
            ..
        } = self;
        counts.entry(lane).or_default().take(
            |tripped| shown_path(&tree.path_of(tripped)),
            |report| outbox.put(&Told { lane, report }),
        );
    }
}
